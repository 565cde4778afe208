"""Values of Helm charts: where they stand, and how they become facts.

A chart is recognised by its keys, alone in a values file, in a Flux HelmRelease or in an Argo CD
Application; a chart that another one depends on has its values below a key of its own. What a chart
adds by itself is no fact: the values are what somebody committed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingOf

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.command.facts import Sheet, state, with_quant_of_name
from capcheck.source.native.deployment import (
    Fact,
    Facts,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.pod import number
from capcheck.source.native.text import EMPTY, Text, joined
from capcheck.source.native.tree import Document, Files, at, entries, items, place_of
from capcheck.source.nodes import Mapping, Node, Scalar

_EXPRESSION = re.compile(r"\{\{-?\s*\.Values\.([\w.]+)\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one chart, and the key that they stand below in those of another chart."""

    document: Document
    files: Files
    node: Node
    key: str = ""

    def address(self, role: str) -> str:
        """The locator of one deployment of the chart."""
        return self.document.address(role) if self.document.kind else role

    def text(self, *keys: str) -> Text | None:
        """A value, its `{{ .Values.name }}`s replaced."""
        text = self.files.text(at(self.node, *keys))
        return self.expanded(text) if text is not None and "{{" in text.value else text

    def expanded(self, text: Text) -> Text:
        """A text whose `{{ .Values.name }}`s are replaced, once."""
        parts: list[Text] = []
        start = 0
        for match in _EXPRESSION.finditer(text.value):
            found = self.files.text(at(self.node, *match[1].split(".")))
            written = text[match.start() : match.end()]
            parts += [text[start : match.start()], found if found is not None else written]
            start = match.end()
        return joined((*parts, text[start:])) if parts else text

    def deployment(
        self,
        role: str,
        *layers: Facts,
        settings: MappingOf[str, Stated] | None = None,
        place: Place | None = None,
        partial: bool = False,
    ) -> NativeDeployment:
        """A deployment of the chart from layers of facts, the strongest first."""
        facts = merged(*layers)
        with_quant_of_name(facts)
        return deployment(
            address=self.address(role),
            kind=self.document.kind or "Helm values",
            place=place or place_of(self.node),
            facts=facts,
            expect="partial" if partial else None,
            settings=settings,
        )


def values_of(document: Document, files: Files | None = None) -> Node | None:
    """The values that a document hands to a chart; a document without a kind is values itself.

    Sources: Flux HelmRelease, Argo CD Application (`valuesObject`, or `values` as a text) and K3s
    HelmChart (`valuesContent`) API.
    """
    tree, known = document.tree, files or Files((), {})
    if document.kind == "HelmRelease" and document.group == "helm.toolkit.fluxcd.io":
        return at(tree, "spec", "values")
    if document.kind == "HelmChart" and document.group == "helm.cattle.io":
        return known.embedded(at(tree, "spec", "valuesContent"))
    if document.kind == "Application" and document.group == "argoproj.io":
        sources = (at(tree, "spec", "source"), *items(at(tree, "spec", "sources")))
        held = (
            at(source, "helm", "valuesObject") or known.embedded(at(source, "helm", "values"))
            for source in sources
        )
        return next((values for values in held if values is not None), None)
    return tree if isinstance(tree, Mapping) and not document.kind else None


def charts(
    document: Document, files: Files | None, is_chart: Callable[[Node], bool]
) -> Iterator[Values]:
    """The values themselves if they are such a chart's, else those below their keys that are."""
    files = files or Files((), {})
    values = values_of(document, files)
    if values is None:
        return
    if is_chart(values):
        yield Values(document, files, values)
        return
    for key, child in entries(values):
        if isinstance(child, Mapping) and not is_off(child) and is_chart(child):
            yield Values(document, files, child, key)


def has_chart(document: Document, is_chart: Callable[[Node], bool]) -> bool:
    """Whether there are such values anywhere in the document."""
    return any(True for _ in charts(document, None, is_chart))


def is_off(node: Node | None) -> bool:
    """Whether a chart or an entry is switched off by `enabled: false`."""
    enabled = at(node, "enabled")
    return isinstance(enabled, Scalar) and enabled.value is False


def is_on(node: Node | None) -> bool:
    """Whether `enabled: true` stands there."""
    enabled = at(node, "enabled")
    return isinstance(enabled, Scalar) and enabled.value is True


def fields(values: Values, node: Node | None, table: MappingOf[str, tuple[str, str]]) -> Sheet:
    """The facts of a map whose keys have a meaning and a type by a table."""
    sheet = Sheet()
    for key, (name, type_) in table.items():
        text = values.files.text(at(node, key))
        if text is not None and text.value:
            text = values.expanded(text) if "{{" in text.value else text
            state(sheet, name, text, type_=type_, origin=f"field {key}")
    return sheet


def replicas(node: Node | None, *, key: str = "replicaCount") -> Fact:
    """`autoscaling.minReplicas` where scaling is on, else the number of replicas."""
    scaling = at(node, "autoscaling")
    if is_on(scaling):
        lowest = number(scaling, "minReplicas")
        return lowest if isinstance(lowest, Stated) else Unknown()
    return number(node, key)


def scalars(values: Values, node: Node | None) -> dict[str, Text]:
    """The variables that a chart has as keys of its own: those in capitals."""
    return {
        key: values.files.text(value) or EMPTY
        for key, value in entries(node)
        if key.isupper() and isinstance(value, Scalar)
    }
