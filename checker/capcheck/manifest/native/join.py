"""Statements of one deployment laid over each other: what a manifest says over native files."""

from __future__ import annotations

from capcheck.manifest.deployment import Blank, Displaced
from capcheck.manifest.deployment import Native as Added
from capcheck.manifest.read import Stated

# Fields that say the same thing in other ways.
_SAME = (
    ("/replicas", "/replicas/min", "/replicas/max"),
    ("/model", "/architecture", "/model_config"),
    (
        "/traffic/requests_per_second",
        "/traffic/requests_per_second/mean",
        "/traffic/requests_per_second/peak",
        "/traffic/agents",
    ),
    *(
        tuple(f"/traffic/{name}{part}" for part in ("", "/mean", "/p95", "/max"))
        for name in ("prompt_tokens", "output_tokens")
    ),
)
# What names a model and what describes it may stand together.
_DESCRIBES_MODEL = ("/architecture", "/model_config")


def over(upper: Stated, lower: Stated, *, may_differ: bool = False) -> Stated:
    """`upper` with what only `lower` states.

    Where both state a fact, that of `upper` holds and the other is kept as displaced, unless the
    two may differ.
    """
    result = Stated(
        upper.name,
        upper.place,
        dict(upper.values),
        dict(upper.places),
        dict(upper.written),
    )
    displaced = {**lower.native.displaced, **upper.native.displaced}
    origins = dict(upper.native.origins)
    for pointer, value in lower.values.items():
        rivals = [one for one in _rivals(pointer) if one in upper.values]
        if not rivals:
            result.values[pointer] = value
            result.written[pointer] = lower.written[pointer]
            origins[pointer] = lower.native.origins.get(pointer, "")
        elif not may_differ and not isinstance(value, tuple | dict):
            displaced[pointer] = Displaced(value, lower.places[pointer])
    for pointer, place in lower.places.items():
        if pointer in result.values or pointer not in lower.values:
            result.places.setdefault(pointer, place)
    blanks: dict[str, Blank] = dict(upper.native.blanks)
    for pointer, blank in lower.native.blanks.items():
        if pointer in blanks:
            continue
        if not any(one in upper.values for one in _known_by(pointer)):
            blanks[pointer] = blank
        elif blank.words and not may_differ:
            displaced[pointer] = Displaced(blank.words, blank.place)
    result.native = Added(
        blanks=blanks,
        displaced=displaced,
        origins=origins,
        observed=(*lower.native.observed, *upper.native.observed),
    )
    return result


def _rivals(pointer: str) -> tuple[str, ...]:
    if pointer in ("/model", *_DESCRIBES_MODEL):
        return (pointer,)
    return next((group for group in _SAME if pointer in group), (pointer,))


def _known_by(pointer: str) -> tuple[str, ...]:
    return next((group for group in _SAME if pointer in group), (pointer,))
