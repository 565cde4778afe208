"""Which form each predictor uses, and the held-out errors that chose it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from capcheck.errors import InputError, Problem
from capcheck.place import Place
from capcheck.source.nearest import nearest

from capfit import memory, quality, scaling
from capfit.artifact.numbers import shortened
from capfit.memory import llama_cpp, transformers, vllm
from capfit.speed import forms as speed_forms

SCHEMA = "capfit.selection/v1"
COMMITTED = Path(__file__).parent.parent / "selection.json"

# The forms of each predictor, the one that ships when nothing was selected first.
CANDIDATES: Mapping[str, Sequence[Any]] = {
    "memory transformers eager": transformers.FORMS,
    "memory transformers fused": transformers.FUSED_FORMS,
    "memory llama.cpp": llama_cpp.FORMS,
    "memory vllm": vllm.FORMS,
    "quality": quality.FORMS,
    "speed": speed_forms.FORMS,
    "batch step growth": scaling.GROWTHS,
    "turns on one slot": scaling.OVERHEADS,
}

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A form and its held-out error: the mean absolute one, as a share (quality: of the score).

    A baseline is nobody's choice: it says what the others are worth.
    """

    form: str
    error: float
    n: int
    groups: int
    baseline: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates of one predictor on one state of the data, and the chosen form's name."""

    predictor: str
    chosen: str
    held_out: str
    data_sha256: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Every choice on record."""

    choices: tuple[Choice, ...] = ()

    def names(self) -> dict[str, str]:
        """The name of the form in force, by predictor."""
        chosen = {choice.predictor: choice.chosen for choice in self.choices}
        return {name: chosen.get(name, forms[0].name) for name, forms in CANDIDATES.items()}

    def memory(self) -> memory.Forms:
        """The forms of the memory laws."""
        return memory.Forms(
            eager=self._form("memory transformers eager", transformers.FORMS),
            fused=self._form("memory transformers fused", transformers.FUSED_FORMS),
            buffers=self._form("memory llama.cpp", llama_cpp.FORMS),
            startup=self._form("memory vllm", vllm.FORMS),
        )

    def quality(self) -> quality.Form:
        """The form of the quality law."""
        return self._form("quality", quality.FORMS)

    def speed(self) -> speed_forms.Form:
        """The form of the speed laws."""
        return self._form("speed", speed_forms.FORMS)

    def growth(self) -> scaling.Growth:
        """The form of a batch step's growth."""
        return self._form("batch step growth", scaling.GROWTHS)

    def overhead(self) -> scaling.Overhead:
        """The form of the GPU time per request that Ollama does not report."""
        return self._form("turns on one slot", scaling.OVERHEADS)

    def with_choice(self, choice: Choice) -> Selection:
        """The record with one choice made anew, in the order of CANDIDATES."""
        kept = {old.predictor: old for old in self.choices} | {choice.predictor: choice}
        return replace(self, choices=tuple(kept[name] for name in CANDIDATES if name in kept))

    def text(self) -> str:
        """The record as its file holds it; numbers have 6 significant digits."""
        document = shortened(
            {"schema": SCHEMA, "choices": [asdict(choice) for choice in self.choices]}
        )
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def _form(self, predictor: str, forms: Sequence[F]) -> F:
        name = self.names()[predictor]
        return next(form for form in forms if getattr(form, "name", None) == name)


def load(path: Path = COMMITTED) -> Selection:
    """The committed record; an empty one where there is none.

    Raises InputError when the file is not one of these records or names an unknown form.
    """
    if not path.exists():
        return Selection()
    place = Place(str(path), 1, 1, 1)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        choices = tuple(_choice(entry) for entry in document["choices"])
    except (ValueError, KeyError, TypeError) as error:
        problem = Problem("bad-record", place, f"{type(error).__name__}: {error}", SCHEMA)
        raise InputError([problem]) from error
    problems = list(_unknown(choices, place))
    if problems:
        raise InputError(problems)
    return Selection(choices)


def _choice(entry: dict[str, Any]) -> Choice:
    candidates = tuple(Candidate(**candidate) for candidate in entry["candidates"])
    return Choice(**{**entry, "candidates": candidates})


def _unknown(choices: Iterable[Choice], place: Place) -> Iterable[Problem]:
    for choice in choices:
        names = [form.name for form in CANDIDATES.get(choice.predictor, ())]
        if choice.chosen not in names:
            found = f"form {choice.chosen!r} of {choice.predictor!r}"
            yield Problem(
                "unknown-form", place, found, "a declared form", nearest(choice.chosen, names)
            )
