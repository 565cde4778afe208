"""Numbers of a deployment in the report, by JSON pointer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from capcheck import schemas
from capcheck.estimate import Estimate

# What is known of a deployment before the search for alternatives.
ROOTS = ("forecast", "gates", "resolved")


def is_figure(pointer: str) -> bool:
    """Whether the report may have a number, or a predicted figure, at this place."""
    parts = _parts(pointer)
    if not parts or parts[0] not in ROOTS:
        return False
    report = _report()
    node: Any = report["$defs"]["deployment"]
    for part in parts:
        node = _resolved(node, report)
        below = node.get("properties", {}).get(part)
        extra = node.get("additionalProperties")
        node = below or (extra if isinstance(extra, dict) else None)
        if node is None:
            return False
    return _is_numeric(_resolved(node, report), report)


def figure(pointer: str, deployment: Mapping[str, Any]) -> Estimate | None:
    """The figure with its interval; a plain number is exact. None where the report has none."""
    node: Any = deployment
    for part in _parts(pointer):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    if isinstance(node, Mapping) and "provenance" in node:
        return Estimate(node["value"], node["low"], node["high"], node["provenance"], node["basis"])
    if isinstance(node, Mapping) and isinstance(node.get("value"), int | float):
        node = node["value"]
    if isinstance(node, bool) or not isinstance(node, int | float):
        return None
    return Estimate(float(node), float(node), float(node), "derived", "as stated")


def _parts(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]


@lru_cache(maxsize=1)
def _report() -> Any:  # noqa: ANN401
    return json.loads(schemas.text("report"))


def _resolved(node: Any, report: Any) -> Any:  # noqa: ANN401
    while "$ref" in node:
        node = report["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _is_numeric(node: Any, report: Any) -> bool:  # noqa: ANN401
    if value := node.get("properties", {}).get("value"):
        node = _resolved(value, report)
    types = node.get("type", ())
    return "number" in types or "integer" in types
