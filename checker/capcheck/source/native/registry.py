"""Which reader reads a document, and what is said of files that none does.

A reader is a module with `NAME`, `recognises(document) -> bool` and
`read(document, files) -> list[NativeDeployment]`. The first of READERS that recognises a document
reads it. Third parties add theirs by an entry point of the group `capcheck.sources` that names such
a module or object; theirs are asked after the built-in ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from capcheck.errors import Problem
from capcheck.place import Place
from capcheck.source.native import template
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.deployment import FACTS, Fact, NativeDeployment, Unknown, deployment
from capcheck.source.native.readers import (
    app_template,
    compose,
    dynamo,
    engine_config,
    env_profile,
    kserve,
    kserve_chart,
    kubeai_catalogue,
    kustomize,
    llama_swap,
    llm_d,
    llm_inference_service,
    localai,
    nim_chart,
    ollama_chart,
    opea,
    production_stack,
    shell_script,
    systemd,
    workloads,
)
from capcheck.source.native.tree import Document, Files, files_of

ENTRY_POINTS = "capcheck.sources"


@runtime_checkable
class Reader(Protocol):
    """One form in which deployments are written down."""

    NAME: str

    def recognises(self, document: Document) -> bool:
        """Whether a document has this form, by its API group and kind or by its keys."""
        ...

    def read(self, document: Document, files: Files) -> list[NativeDeployment]:
        """The deployments in it; none where it holds nothing that serves a model."""
        ...


# In this order: `workloads` takes any Kubernetes object with a pod template that is left.
READERS: tuple[Reader, ...] = (
    kustomize,
    kserve,
    llm_inference_service,
    dynamo,
    app_template,
    compose,
    production_stack,
    llm_d,
    opea,
    nim_chart,
    kserve_chart,
    ollama_chart,
    kubeai_catalogue,
    llama_swap,
    localai,
    engine_config,
    systemd,
    shell_script,
    env_profile,
    workloads,
)


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or document that gave no deployment, and why."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything found in some files."""

    deployments: tuple[NativeDeployment, ...]
    unread: tuple[Unread, ...]
    problems: tuple[Problem, ...]


def inspect(
    texts: Mapping[str, str],
    *,
    readers: Iterable[Reader] | None = None,
    variables: Environment | None = None,
) -> Inspection:
    """The deployments of some files' texts, read together so that references can be followed.

    `variables` are values for what the files leave open as `${NAME}`.
    """
    known = tuple(readers) if readers is not None else (*READERS, *third_party())
    files = files_of(texts, variables)
    deployments: list[NativeDeployment] = []
    unread: list[Unread] = []
    problems: list[Problem] = []
    for document in files.documents:
        reader = next((reader for reader in known if reader.recognises(document)), None)
        if reader is not None:
            found = reader.read(document, files)
            deployments += found
            if not found:
                unread.append(Unread(document.place, f"{describe(document)} serves no model"))
        elif document.tree is None and document.problems and is_template(document):
            unread.append(Unread(document.place, RENDER_FIRST))
            deployments += _template(document)
        elif document.problems and document.tree is None:
            problems += document.problems
        else:
            unread.append(Unread(document.place, f"not recognised: {describe(document)}"))
    return Inspection(tuple(deployments), tuple(unread), tuple(problems))


RENDER_FIRST = (
    "a template: render it first (`helm template`, `kustomize build`) and check what comes out"
)
_EXPRESSION = re.compile(r"\{\{|\{%")
_KIND = re.compile(r"^kind:\s*([A-Z]\w*)\s*$", re.MULTILINE)


def is_template(document: Document) -> bool:
    """Whether a text that is not YAML holds the expressions of a template engine."""
    return _EXPRESSION.search(document.text) is not None


def _template(document: Document) -> list[NativeDeployment]:
    """A template of something that serves: only its engine is a fact before it is rendered."""
    backend = template.backend(document)
    if "containers:" not in document.text and backend is None:
        return []
    match = _KIND.search(document.text)
    kind = match[1] if match else "template"
    facts: dict[str, Fact] = {name: Unknown(RENDER_FIRST) for name in FACTS}
    if backend is not None:
        facts["backend"] = backend
    return [
        deployment(address=kind, kind=kind, place=document.place, facts=facts, expect="template")
    ]


def describe(document: Document) -> str:
    """A document in a few words: `ConfigMap/settings`, `a YAML document`."""
    if document.tree is None:
        return "text"
    if document.kind:
        return f"{document.kind}/{document.name}" if document.name else document.kind
    return "a YAML document"


def third_party() -> tuple[Reader, ...]:
    """The readers that installed packages add."""
    from importlib.metadata import entry_points

    found = (entry.load() for entry in entry_points(group=ENTRY_POINTS))
    return tuple(reader for reader in found if isinstance(reader, Reader))
