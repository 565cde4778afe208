"""The table of fields as a JSON Schema (2020-12), for editors and other programs.

It accepts what the loader accepts, except where JSON Schema can't look: numbers that must be in
order (a p95 and its mean), what `model_config` points to, the spelling of numbers, and what a
deployment lacks or contradicts once `defaults` and `environments` are laid under and over it.
"""

from __future__ import annotations

from capcheck.manifest import constraints
from capcheck.manifest.field import Field
from capcheck.manifest.fields import CHILDREN, FIELDS, NAME_PATTERN, VERSION
from capcheck.manifest.kinds import POLICY_PATH, Schema
from capcheck.manifest.names import SHARED_KEYS

_LAYER = {"$ref": "#/$defs/layer"}


def schema() -> Schema:
    """The schema of a whole manifest."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:capcheck:manifest:{VERSION}",
        "title": "capcheck manifest",
        "description": "LLM deployments and the limits that they must keep.",
        "type": "object",
        "properties": {
            "version": {"description": "Version of this format.", "const": VERSION},
            "policy": {
                "description": "A policy file beside it that these deployments keep besides.",
                **POLICY_PATH.schema,
            },
            "defaults": {"description": "What all deployments have unless they differ.", **_LAYER},
            "deployments": {
                "description": "The deployments, by name.",
                "minProperties": 1,
                **_by_name(_LAYER),
            },
            "environments": {
                "description": "What differs in an environment, chosen with --env.",
                **_by_name({"$ref": "#/$defs/environment"}),
            },
            **_shared(),
        },
        "required": ["version", "deployments"],
        "additionalProperties": False,
        # With defaults a deployment need not be complete by itself.
        "anyOf": [
            {"required": ["defaults"]},
            {"properties": {"deployments": _by_name({"$ref": "#/$defs/deployment"})}},
        ],
        "$defs": {
            "deployment": {"allOf": [_LAYER, *_complete("")]},
            "environment": {
                "type": "object",
                "properties": {
                    "defaults": _LAYER,
                    "deployments": _by_name(_LAYER),
                    **_shared(),
                },
                "additionalProperties": False,
            },
            "layer": _map(""),
        },
    }


def _shared() -> Schema:
    return {name: _field(FIELDS[f"/{name}"]) for name in SHARED_KEYS}


def _by_name(shape: Schema) -> Schema:
    return {
        "type": "object",
        "propertyNames": {"pattern": NAME_PATTERN},
        "additionalProperties": shape,
    }


def _map(pointer: str) -> Schema:
    """The map at `pointer`, with everything below it; any of it may be missing."""
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in CHILDREN[pointer].values()},
        "additionalProperties": False,
    }


def _complete(pointer: str) -> list[Schema]:
    """What the map at `pointer` and those below it must have besides."""
    children = CHILDREN[pointer].values()
    found = constraints.fragments(pointer)
    if required := [field.name for field in children if field.required]:
        found.append({"required": required})
    below = {
        field.name: {"if": {"type": "object"}, "then": {"allOf": rules}}
        for field in children
        if field.pointer in CHILDREN and (rules := _complete(field.pointer))
    }
    return [*found, {"properties": below}] if below else found


def _field(field: Field) -> Schema:
    shapes = [field.kind.schema] if field.kind else []
    if field.pointer in CHILDREN:
        shapes.append(_map(field.pointer))
    shape = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    return {"description": _description(field), **shape}


def _description(field: Field) -> str:
    value = f" Value: {field.kind.expected}." if field.kind else ""
    return f"{field.description}{value} Default: {field.default}."
