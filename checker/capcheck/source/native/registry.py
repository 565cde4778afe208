"""Which reader reads a document, and what is said of files that none does.

A reader is a module with `NAME`, `recognises(document) -> bool` and
`read(document, files) -> list[NativeDeployment]`. The first of READERS that recognises a document
reads it. Third parties add theirs by an entry point of the group `capcheck.sources` that names such
a module or object; theirs are asked after the built-in ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol, runtime_checkable

from capcheck.errors import Problem
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.beside import with_others
from capcheck.source.native.bounds import MOST, crowded, too_many
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.deployment import NativeDeployment
from capcheck.source.native.labels import GpuLabels
from capcheck.source.native.readers import (
    ai_on_eks,
    app_template,
    bento_project,
    compose,
    dstack,
    dynamo,
    dynamo_request,
    engine_config,
    engine_values,
    env_profile,
    kaito,
    kserve,
    kserve_chart,
    kubeai,
    kubeai_catalogue,
    kustomize,
    llama_swap,
    llm_d,
    llm_inference_service,
    llmaz,
    llmkube,
    localai,
    nebari,
    nim_chart,
    nim_operator,
    oci_blueprint,
    ollama_chart,
    ome,
    opea,
    production_stack,
    python_program,
    ray_serve,
    role_groups,
    shell_script,
    skypilot,
    systemd,
    templates,
    vllm_runtime,
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
    dynamo_request,
    kubeai,
    kaito,
    nim_operator,
    vllm_runtime,
    llmkube,
    llmaz,
    nebari,
    ome,
    ray_serve,
    role_groups,
    skypilot,
    dstack,
    oci_blueprint,
    python_program,
    bento_project,
    app_template,
    compose,
    production_stack,
    llm_d,
    opea,
    nim_chart,
    kserve_chart,
    ai_on_eks,
    ollama_chart,
    kubeai_catalogue,
    engine_values,
    llama_swap,
    localai,
    engine_config,
    systemd,
    shell_script,
    env_profile,
    templates,
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
    labels: GpuLabels | None = None,
) -> Inspection:
    """The deployments of some files' texts, read together so that references can be followed.

    `variables` are values for what the files leave open as `${NAME}`, `labels` the GPUs that an
    organisation's node labels mean.
    """
    return inspected(files_of(texts, variables, labels=labels), readers=readers)


def inspected(files: Files, *, readers: Iterable[Reader] | None = None) -> Inspection:
    """The same of files that are read already."""
    known = tuple(readers) if readers is not None else (*READERS, *third_party())
    deployments: list[NativeDeployment] = []
    unread: list[Unread] = []
    problems: list[Problem] = []
    full: set[str] = set()
    for document in files.documents:
        if document.path in full:
            continue
        reader = next((reader for reader in known if reader.recognises(document)), None)
        if reader is not None and (crowd := crowded(document.tree)) is not None:
            problems.append(too_many(crowd))
            full.add(document.path)
        elif reader is not None:
            found = list(
                with_others(reader.read(document, files), document, partial(_read, reader, files))
            )
            room = MOST - sum(one.place.path == document.path for one in deployments)
            if len(found) > room:
                problems.append(too_many(found[room].place))
                full.add(document.path)
            found = found[:room]
            deployments += found
            if reader is templates:
                unread.append(Unread(document.place, templates.RENDER_FIRST))
            elif not found:
                unread.append(Unread(document.place, f"{describe(document)} serves no model"))
        elif document.problems and document.tree is None:
            problems += document.problems
        else:
            unread.append(Unread(document.place, f"not recognised: {describe(document)}"))
    return Inspection(tuple(deployments), tuple(unread), tuple(problems))


def _read(reader: Reader, files: Files, document: Document) -> list[NativeDeployment]:
    return reader.read(document, files)


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
