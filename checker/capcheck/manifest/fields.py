"""Every field of a manifest, in one table.

The loader's checks, the suggestions for mistyped names, `schemas/manifest.schema.json` and the
tables of `docs/manifest.md` are all made from it: a new field is one entry in it, and an attribute
of capcheck.manifest.deployment. `python -m capcheck.manifest` refreshes the schema and the tables.
"""

from __future__ import annotations

from capcheck.manifest.configuration_fields import HARDWARE, MODEL, PRICE, SERVING, SOURCES
from capcheck.manifest.expectation_fields import LIMITS, SKIP, SLO, TRAFFIC
from capcheck.manifest.field import Field
from capcheck.manifest.kinds import choice, list_of, text, whole

VERSION = 1
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._+@:/-]{0,99}$"

# Features to come: their names get an error that says so instead of "unknown key". The level is
# that of the file, of an environment, of a deployment, or of a deployment's section.
RESERVED = {
    "": ("measurements", "environments", "policy"),
    "/quality": ("evidence",),
}

# The settings that a search may be told to leave alone.
_KEPT = tuple(
    field.name
    for field in (*MODEL, *HARDWARE, *PRICE, *SERVING)
    if field.kind is not None and field.parent in ("", "/serving")
)

_ALTERNATIVES = (
    Field(
        "/alternatives",
        None,
        "What the search for cheaper configurations may change.",
        foreign="search suggest suggestions",
    ),
    *(
        Field(
            f"/alternatives/{name}",
            list_of(text(what), noun),
            f"The {noun} to consider.",
            default,
            foreign=f"allowed_{name}",
        )
        for name, noun, what, default in (
            ("models", "models", "a model name", "today's"),
            ("quants", "weight formats", "a weight format", "all"),
            ("backends", "serving engines", "a serving engine", "all"),
            ("gpus", "GPUs", "a GPU name", "those with a price"),
        )
    ),
    Field("/alternatives/max_replicas", whole(10_000), "Most replicas to consider."),
    Field(
        "/alternatives/keep",
        list_of(choice(*_KEPT, expected="a field of the deployment or of serving"), "fields"),
        "Fields to leave as they are, by name: `gpu`, `max_model_len`.",
        foreign="fixed pinned",
    ),
)

FIELDS = {
    field.pointer: field
    for field in (
        *SOURCES,
        *MODEL,
        *HARDWARE,
        *PRICE,
        *SERVING,
        *TRAFFIC,
        *SLO,
        *LIMITS,
        *_ALTERNATIVES,
        *SKIP,
    )
}


def _children() -> dict[str, dict[str, Field]]:
    children: dict[str, dict[str, Field]] = {}
    for field in FIELDS.values():
        children.setdefault(field.parent, {})[field.name] = field
    return children


# The fields that a map may hold, by the map's pointer; the deployment's own is empty.
CHILDREN = _children()
