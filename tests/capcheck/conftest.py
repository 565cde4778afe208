"""Deployments for tests, stated by pointer: every value gets a line of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import pytest
from capcheck.manifest.deployment import Budget, Deployment, Replicas, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.registry.tables import Registry, load

FIRST_LINE = 3
SECTIONS = {"serving": Serving, "traffic": Traffic, "budget": Budget, "replicas": Replicas}

Stated = Callable[[Mapping[str, Any]], Deployment]


def deployment_of(values: Mapping[str, Any]) -> Deployment:
    """`{"/model": "phi-2", "/serving/max_model_len": 512}` as a deployment of capcheck.yaml.

    The first value stands on line 3, the next on line 4, and so on; the name is on line 2.
    """
    places = {
        pointer: Place("capcheck.yaml", line, 5, 9)
        for line, pointer in enumerate(values, start=FIRST_LINE)
    }
    plain: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for pointer, value in values.items():
        _, section, *rest = pointer.split("/")
        if rest:
            tokens = section == "traffic" and rest[0].endswith("_tokens")
            sections.setdefault(section, {})[rest[0]] = (
                Tokens(value) if tokens and isinstance(value, int) else value
            )
        elif section in SECTIONS and isinstance(value, int):
            plain[section] = Replicas(value, value)
        else:
            plain[section] = value
    built = {name: SECTIONS[name](**given) for name, given in sections.items()}
    assert {*plain, *built} <= {field.name for field in fields(Deployment)}
    return Deployment(
        name="chat",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 2, 3, 7),
        places=places,
        **plain,
        **built,
    )


@pytest.fixture
def stated() -> Stated:
    """Builds a deployment from its values by pointer."""
    return deployment_of


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry that capcheck ships."""
    return load()
