"""Native files for tests: what is found in a text, as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from textwrap import dedent

import pytest
from capcheck.place import Place
from capcheck.source.native.deployment import NativeDeployment, Stated
from capcheck.source.native.registry import inspect
from capcheck.source.native.text import Text, at, of_source

Found = Callable[..., dict[str, NativeDeployment]]


@pytest.fixture
def found() -> Found:
    """The deployments of a YAML text, by address."""

    def read(text: str, path: str = "deploy.yaml") -> dict[str, NativeDeployment]:
        inspection = inspect({path: dedent(text)})
        return {deployment.address: deployment for deployment in inspection.deployments}

    return read


def stated(deployment: NativeDeployment) -> dict[str, object]:
    """The facts that are known, as plain values."""
    return {name: fact.value for name, fact in deployment.facts.items() if isinstance(fact, Stated)}


def waiting(deployment: NativeDeployment) -> dict[str, str]:
    """Why facts are not known, for those that wait for something."""
    return {
        name: fact.reason
        for name, fact in deployment.facts.items()
        if not isinstance(fact, Stated) and fact.place is not None
    }


def text_of(value: str, path: str = "run.sh") -> Text:
    """A text that stands in a file of its own."""
    return of_source(value, Place(path, 1, 1, 2), value.split("\n"))


def environment(values: Mapping[str, str]) -> dict[str, Text]:
    """Variables whose values stand in the file `env`."""
    return {name: at(value, Place("env", 1, 1, 2)) for name, value in values.items()}
