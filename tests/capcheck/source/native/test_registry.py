"""Finding the reader of a document, and files that none reads."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from capcheck.source.native import registry
from capcheck.source.native.deployment import NativeDeployment, Stated, deployment
from capcheck.source.native.registry import READERS, Reader, inspect
from capcheck.source.native.tree import Document, Files, at, plain

BROKEN = "a: [\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: a, image: vllm/vllm-openai, args: [m]}]}}}\n"  # noqa: E501
TEMPLATE = "{{- if .Values.on }}\nkind: Deployment\nspec:\n  containers:\n  - image: {{ .Values.image }}\n{{- end }}\n"  # noqa: E501


class Own:
    """A reader as a third party would write it."""

    NAME = "own format"

    def recognises(self, document: Document) -> bool:
        return at(document.tree, "my-model") is not None

    def read(self, document: Document, files: Files) -> list[NativeDeployment]:
        node = at(document.tree, "my-model")
        assert node is not None
        facts = {"model": Stated(plain(node), node.place, "field my-model")}
        return [deployment(address="own", kind="own", place=node.place, facts=facts)]


def test_the_readers_are_readers_with_names_of_their_own() -> None:
    assert all(isinstance(reader, Reader) for reader in READERS)
    assert len({reader.NAME for reader in READERS}) == len(READERS)


def test_every_module_of_the_folder_is_in_the_registry() -> None:
    folder = Path(registry.__file__).parent / "readers"
    names = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {reader.__name__.rpartition(".")[2] for reader in READERS} == names  # type: ignore[attr-defined]


def test_a_third_party_adds_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("own", f"{__name__}:Own", registry.ENTRY_POINTS)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Own())
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: [entry])
    (found,) = inspect({"own.yaml": "my-model: org/m\n"}).deployments
    assert (found.address, found.expect) == ("own", "partial")


def test_what_no_reader_recognises_is_said() -> None:
    inspection = inspect(
        {"a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n---\nx: 1\n"}
    )
    assert inspection.deployments == ()
    assert [(unread.place.line, unread.reason) for unread in inspection.unread] == [
        (1, "not recognised: Service/s"),
        (4, "not recognised: a YAML document"),
    ]


def test_a_broken_document_does_not_lose_the_others() -> None:
    inspection = inspect({"a.yaml": BROKEN})
    assert [found.address for found in inspection.deployments] == ["Deployment/a"]
    assert [problem.code for problem in inspection.problems] == ["yaml-syntax"]
    assert inspection.deployments[0].place.line == 5


def test_a_template_is_refused_with_the_way_out() -> None:
    inspection = inspect({"a.yaml": TEMPLATE})
    assert inspection.problems == ()
    assert [found.expect for found in inspection.deployments] == ["template"]
    assert "render it first" in inspection.unread[0].reason


def test_text_that_no_reader_knows() -> None:
    (unread,) = inspect({"notes.txt": "vllm serve m\n"}).unread
    assert unread.reason == "not recognised: text"
