"""Templates and Terraform: nothing in them is a fact before they are rendered or planned.

Only an engine that every image or word of the file agrees on is named.
"""

from __future__ import annotations

import re

from capcheck.place import Place
from capcheck.source.native import template
from capcheck.source.native.deployment import (
    FACTS,
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
)
from capcheck.source.native.tree import Document, Files

NAME = "template"

RENDER_FIRST = (
    "a template: render it first (`helm template`, `kustomize build`) and check what comes out"
)
PLAN_FIRST = "Terraform: check the manifests that it renders"

_TERRAFORM = (".tf", ".tofu", ".tftpl")
_TEMPLATES = (".tftpl", ".tpl", ".tmpl", ".j2", ".jinja", ".gotmpl")
_EXPRESSION = re.compile(r"\{\{|\{%")
_KIND = re.compile(r"^kind:[ \t]*([A-Z]\w*)[ \t]*$", re.MULTILINE)
_RESOURCE = re.compile(r'^[ \t]*resource[ \t]+"([\w-]+)"\s+"([\w-]+)"', re.MULTILINE)
_DEPLOYS = re.compile(
    r"kubernetes_(?:manifest|deployment|stateful_set)|helm_release|kubectl_manifest"
)
_COMMENT = re.compile(r"^[ \t]*(?:#|//|/?\*).*$", re.MULTILINE)
_WORDS = re.compile(r"(?<![a-z])(vllm|sglang|ollama)(?![a-z])")


def recognises(document: Document) -> bool:
    """By its name, or by expressions that keep it from being YAML."""
    if document.path.endswith(_TERRAFORM):
        return True
    if document.tree is not None or not document.problems:
        return False
    return document.path.endswith(_TEMPLATES) or _EXPRESSION.search(document.text) is not None


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """What it would deploy, without facts; nothing where no container or engine is in it."""
    if document.path.endswith(_TERRAFORM[:2]):
        return _terraform(document)
    match = _KIND.search(document.text)
    engine = template.backend(document)
    runs = re.search(r"^run:", document.text, re.MULTILINE) is not None
    if "containers:" not in document.text and engine is None:
        return []
    kind = match[1] if match else "service" if runs else NAME
    return [_unrendered(document, kind, kind, document.place, engine, RENDER_FIRST)]


def _terraform(document: Document) -> list[NativeDeployment]:
    text = _COMMENT.sub("", document.text)
    deploying = [found for found in _RESOURCE.finditer(text) if _DEPLOYS.match(found[1])]
    words = {match[1] for match in _WORDS.finditer(text.lower())}
    if not deploying or not words:
        return []
    address = f"{deploying[0][1]}.{deploying[0][2]}"
    line = document.text[: document.text.find(deploying[0][0].strip())].count("\n") + 1
    place = Place(document.path, line, 1, 2)
    engine = Stated(words.pop(), place, "word of the file") if len(words) == 1 else None
    return [_unrendered(document, address, "Terraform", place, engine, PLAN_FIRST)]


def _unrendered(
    document: Document, address: str, kind: str, place: Place, engine: Stated | None, reason: str
) -> NativeDeployment:
    facts: dict[str, Fact] = {name: Unknown(reason) for name in FACTS}
    if engine is not None:
        facts["backend"] = engine
    return deployment(address=address, kind=kind, place=place, facts=facts, expect="template")
