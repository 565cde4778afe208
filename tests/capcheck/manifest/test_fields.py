from __future__ import annotations

from dataclasses import fields

import pytest
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    QualityLimit,
    SafetyLimit,
    Serving,
    Skip,
)
from capcheck.manifest.fields import CHILDREN, FIELDS, RESERVED
from capcheck.manifest.names import squeezed, suggest


@pytest.mark.parametrize(
    ("parent", "owner", "elsewhere"),
    [
        # Attributes with another origin, and fields that become part of another attribute.
        (
            "",
            Deployment,
            {"name", "path", "place", "places", "environment", "root", "native"}
            | {"model_config", "from", "command", "vars", "env_files"},
        ),
        ("/serving", Serving, set()),
        ("/quality", QualityLimit, set()),
        ("/safety", SafetyLimit, set()),
        ("/budget", Budget, set()),
        ("/alternatives", AlternativesScope, set()),
        ("/skip", Skip, set()),
    ],
)
def test_fields_and_attributes_agree(parent: str, owner: type, elsewhere: set[str]):
    attributes = {attribute.name for attribute in fields(owner)}
    assert set(CHILDREN[parent]) ^ attributes == elsewhere


def test_pointers_are_unique_and_have_parents():
    table = [field for children in CHILDREN.values() for field in children.values()]
    assert len(table) == len(FIELDS)
    assert all(not field.parent or field.parent in FIELDS for field in table)


def test_every_field_takes_something():
    assert all(field.kind or field.pointer in CHILDREN for field in FIELDS.values())
    assert all(field.description.endswith(".") for field in FIELDS.values())


def test_a_foreign_name_means_one_field():
    meant: dict[str, str] = {}
    for field in FIELDS.values():
        for name in field.foreign.split():
            assert meant.setdefault(squeezed(name), field.pointer) == field.pointer, name


def test_a_foreign_name_is_no_name_of_the_map_it_would_stand_in():
    for field in FIELDS.values():
        own = {squeezed(name) for name in CHILDREN[field.parent]}
        assert not own.intersection(map(squeezed, field.foreign.split()))


@pytest.mark.parametrize(
    ("field", "name"),
    [(field, name) for field in FIELDS.values() for name in field.foreign.split()],
    ids=lambda value: value if isinstance(value, str) else value.pointer,
)
def test_every_foreign_name_leads_to_its_field(field: object, name: str):
    pointer = field.pointer  # type: ignore[attr-defined]
    assert suggest(name, FIELDS[pointer].parent) == FIELDS[pointer].name
    if name not in CHILDREN[""]:
        dotted = pointer[1:].replace("/", ".")
        assert suggest(name, "") == dotted
        assert suggest(name.upper().replace("_", "-"), "") == dotted


def test_reserved_names_are_no_fields():
    for level, names in RESERVED.items():
        assert not set(names).intersection(CHILDREN.get(level, ()))


def test_the_best_known_foreign_names():
    promised = {
        "isl": "traffic.prompt_tokens",
        "osl": "traffic.output_tokens",
        "e2el": "slo.latency_p95",
        "tp": "serving.tensor_parallel_size",
        "num_gpus": "gpus_per_replica",
        "engine": "backend",
        "p95_latency": "slo.latency_p95",
        "gpu_type": "gpu",
        "quantization": "quant",
        "max_batch_size": "serving.max_num_seqs",
    }
    assert {name: suggest(name, "") for name in promised} == promised
