"""What two fields of a deployment ask of each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.manifest.kinds import Schema
from capcheck.place import Place
from capcheck.source.problems import Problems

# At most one of two keys of a map: (map, key, key).
EXCLUSIVE = (
    ("/traffic", "requests_per_second", "agents"),
    ("/quality", "min_score", "max_drop"),
    ("", "architecture", "model_config"),
    ("", "from", "command"),
)
# A key that says nothing without another one: (map, key, the other).
NEEDS = (
    ("/traffic", "think_time", "agents"),
    # A drop is in a benchmark's points as much as a score is: no metric is ever assumed.
    ("/quality", "min_score", "benchmark"),
    ("/quality", "max_drop", "benchmark"),
)
# At least one of several keys: (map, keys).
ANY_OF = (("", ("model", "architecture", "model_config", "from", "command")),)
# Two numbers, the first no larger than the second. JSON Schema can't say it.
ORDERED = (
    ("/replicas/min", "/replicas/max"),
    ("/traffic/requests_per_second/mean", "/traffic/requests_per_second/peak"),
    *(
        (f"/traffic/{name}/{lower}", f"/traffic/{name}/{upper}")
        for name in ("prompt_tokens", "output_tokens")
        for lower, upper in (("mean", "p95"), ("mean", "max"), ("p95", "max"))
    ),
)


def check(
    values: Mapping[str, Any],
    places: Mapping[str, Place],
    place: Place,
    problems: Problems,
    *,
    is_whole: bool = True,
) -> None:
    """Note every broken constraint of one deployment; one that is not whole may lack anything.

    `values` are those that could be read, `places` those of everything stated, by pointer; `place`
    is that of the deployment's name.
    """
    for parent, first, second in EXCLUSIVE:
        if f"{parent}/{first}" in places and f"{parent}/{second}" in places:
            problems.add(
                "conflict",
                places[f"{parent}/{second}"],
                found=f"both {first} and {second}",
                expected="one of them",
            )
    for parent, name, needed in NEEDS:
        stated = places.get(f"{parent}/{name}")
        if stated and f"{parent}/{needed}" not in places:
            problems.add(
                "missing-key",
                stated,
                found=f"{name} without {needed}",
                expected=f"{needed} beside it",
            )
    for parent, names in ANY_OF:
        if is_whole and not any(f"{parent}/{name}" in places for name in names):
            problems.add("missing-key", place, found="none of them", expected=" or ".join(names))
    for lower, upper in ORDERED:
        if lower in values and upper in values and values[lower] > values[upper]:
            problems.add(
                "inconsistent",
                places[upper],
                found=str(values[upper]),
                expected=f"at least the {lower.rpartition('/')[2]}, {values[lower]}",
            )


def fragments(parent: str) -> list[Schema]:
    """The JSON Schema of the constraints on one map."""
    found: list[Schema] = [
        {"not": {"required": [first, second]}}
        for owner, first, second in EXCLUSIVE
        if owner == parent
    ]
    found += [
        {"dependentRequired": {name: [needed]}} for owner, name, needed in NEEDS if owner == parent
    ]
    found += [
        {"anyOf": [{"required": [name]} for name in names]}
        for owner, names in ANY_OF
        if owner == parent
    ]
    return found
