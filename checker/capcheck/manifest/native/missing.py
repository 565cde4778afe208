"""What a deployment leaves open, each as a line of a manifest that would say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from capcheck.manifest.deployment import Blank
from capcheck.records import dataclass

NOT_SAID = "the file does not say"
NOT_STATED = "not stated"

_NEEDED = {
    "model": "model: NAME",
    "backend": "backend: NAME",
    "gpu": "gpu: NAME",
}
_ALSO = {"model": ("/architecture", "/model_config")}
# What no native file says, and every check of load and cost needs.
_EXPECTED = {
    "traffic": "traffic: {requests_per_second: 1, prompt_tokens: 512, output_tokens: 256}",
    "slo": "slo: {ttft_p95: 1s, latency_p95: 10s}",
    "budget": "budget: {monthly_usd: 1000}",
}
_SERVING = "serving."


@dataclass(frozen=True, slots=True)
class Missing:
    """A field by its dotted name, the line that states it, and why it is not known."""

    fact: str
    line: str
    reason: str


def missing(places: Mapping[str, object], blanks: Mapping[str, Blank]) -> tuple[Missing, ...]:
    """The fields that a forecast, and then its limits, ask for; both by pointer.

    `places` are those of what is stated, `blanks` what is left to something else.
    """
    found = [
        Missing(name, line, blank.reason if (blank := blanks.get(f"/{name}")) else NOT_SAID)
        for name, line in _NEEDED.items()
        if all(pointer not in places for pointer in (f"/{name}", *_ALSO.get(name, ())))
    ]
    for pointer, blank in blanks.items():
        name = pointer[1:].replace("/", ".")
        if name in _NEEDED or name == "backend_version":
            continue
        setting = name.removeprefix(_SERVING)
        line = f"{name}: N" if setting == name else f"serving: {{{setting}: N}}"
        found.append(Missing(name, line, blank.reason))
    found += [
        Missing(name, line, NOT_STATED)
        for name, line in _EXPECTED.items()
        if not any(pointer == f"/{name}" or pointer.startswith(f"/{name}/") for pointer in places)
    ]
    return tuple(found)


def comments(found: Iterable[Missing]) -> list[str]:
    """The lines as comments to uncomment, settings of the engine together in one map."""
    lines, settings = [], []
    for one in found:
        if one.fact.startswith(_SERVING):
            settings.append(one)
        elif one.fact in _EXPECTED:
            continue
        else:
            lines.append(_comment(one.line, one.reason))
    if settings:
        inside = ", ".join(f"{one.fact.removeprefix(_SERVING)}: N" for one in settings)
        reasons = "; ".join(dict.fromkeys(one.reason for one in settings))
        lines.append(_comment(f"serving: {{{inside}}}", reasons))
    return lines + [f"# {one.line}" for one in found if one.fact in _EXPECTED]


def _comment(line: str, reason: str) -> str:
    shown = "".join(char if char.isprintable() else " " for char in reason)[:120]
    return f"# {line}  # {shown}"
