"""The field that an unknown key most likely means."""

from __future__ import annotations

import re
from functools import lru_cache

from capcheck.manifest.field import Field
from capcheck.manifest.fields import CHILDREN, FIELDS
from capcheck.source.nearest import nearest

# What may stand beside `defaults` too, because it is about files and not about one deployment.
SHARED_KEYS = ("vars", "env_files")
FILE_KEYS = ("version", "policy", "defaults", "deployments", "environments", *SHARED_KEYS)

SUFFIXES = (".yaml", ".yml")


def is_manifest(name: str) -> bool:
    """Whether a file of this name in a directory is a manifest."""
    stem = next((name.removesuffix(end) for end in SUFFIXES if name.endswith(end)), "")
    return stem == "capcheck" or stem.endswith(".capcheck")


def squeezed(name: str) -> str:
    """What spellings have in common: `max-model-len`, `maxModelLen` and `max_model_len` agree."""
    return re.sub("[^a-z0-9]", "", name.lower())


# Each field's own name, and each of other tools' names, to the field. Fields of a map that also
# is a value (`mean`, `p95`) mean nothing elsewhere.
_OWN = {squeezed(field.name): field for field in FIELDS.values() if field.pointer.count("/") <= 2}
_KNOWN = _OWN | {
    squeezed(name): field for field in FIELDS.values() for name in field.foreign.split()
}


@lru_cache(maxsize=4096)
def suggest(name: str, level: str) -> str | None:
    """What to write instead of `name`; None when nothing comes close.

    `level` is the pointer of the map that it stands in, or "file". The answer is a name of that
    map, or a dotted one from the deployment (from the file, at the level of the file).
    """
    if level == "file":
        return _in_file(name)
    siblings = CHILDREN.get(level, {})
    asked = squeezed(name)
    sibling = next((known for known in siblings if squeezed(known) == asked), None)
    if sibling:
        return sibling
    if asked in _KNOWN:
        return _seen_from(level, _KNOWN[asked])
    if near := nearest(name.lower(), siblings):
        return near
    near = nearest(asked, _OWN)
    return _seen_from(level, _OWN[near]) if near else None


def _in_file(name: str) -> str | None:
    if near := nearest(name.lower(), FILE_KEYS):
        return near
    field = suggest(name, "")
    return f"deployments.NAME.{field}" if field else None


def _seen_from(level: str, field: Field) -> str:
    return field.name if field.parent == level else field.dotted
