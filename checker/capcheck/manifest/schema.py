"""The table of fields as a JSON Schema (2020-12), for editors and other programs.

It accepts what the loader accepts, except where JSON Schema can't look: numbers that must be in
order (a p95 and its mean), what `model_config` points to, and the spelling of numbers.
"""

from __future__ import annotations

from capcheck.manifest import constraints
from capcheck.manifest.field import Field
from capcheck.manifest.fields import CHILDREN, NAME_PATTERN, VERSION
from capcheck.manifest.kinds import Schema


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
            "deployments": {
                "description": "The deployments, by name.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": NAME_PATTERN},
                "additionalProperties": {"$ref": "#/$defs/deployment"},
            },
        },
        "required": ["version", "deployments"],
        "additionalProperties": False,
        "$defs": {"deployment": _map("")},
    }


def _map(pointer: str) -> Schema:
    """The map at `pointer`, with everything below it."""
    children = CHILDREN[pointer].values()
    shape: Schema = {
        "type": "object",
        "properties": {field.name: _field(field) for field in children},
        "additionalProperties": False,
    }
    if required := [field.name for field in children if field.required]:
        shape["required"] = required
    if rules := constraints.fragments(pointer):
        shape["allOf"] = rules
    return shape


def _field(field: Field) -> Schema:
    shapes = [field.kind.schema] if field.kind else []
    if field.pointer in CHILDREN:
        shapes.append(_map(field.pointer))
    shape = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    return {"description": _description(field), **shape}


def _description(field: Field) -> str:
    value = f" Value: {field.kind.expected}." if field.kind else ""
    return f"{field.description}{value} Default: {field.default}."
