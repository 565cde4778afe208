"""kustomize: a kustomization deploys nothing by itself, a JSON 6902 patch is a part of something.

What `kustomize build` prints is what should be checked; these files only say that there is more.
"""

from __future__ import annotations

from capcheck.source.native.command.programs import image as image_of
from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import Fact, NativeDeployment, Remark, Stated, deployment
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Sequence

NAME = "kustomize"

BUILD_FIRST = "a part of a kustomization: check what `kustomize build` prints"


def recognises(document: Document) -> bool:
    """A Kustomization, or a list of JSON 6902 operations."""
    if document.kind == "Kustomization":
        return document.group == "kustomize.config.k8s.io"
    tree = document.tree
    return isinstance(tree, Sequence) and all(
        plain(at(item, "op")) and plain(at(item, "path")).startswith("/") for item in tree.items
    )


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """What the file names an engine for; nothing where it does not."""
    place = place_of(document.tree)
    remark = (Remark(place, BUILD_FIRST),)
    facts: dict[str, Fact] = {}
    if document.kind:
        for entry in items(at(document.tree, "images")):
            name = at(entry, "newName")
            found = image_of(plain(name)) if name is not None else None
            if name is not None and found is not None and found.engine:
                facts["backend"] = Stated(found.engine, name.place, "field images.newName")
        if not facts:
            return []
        return [
            deployment(
                address="Kustomization",
                kind=document.kind,
                place=place,
                facts=facts,
                expect="none",
                remarks=remark,
            )
        ]
    words = tuple(
        text
        for item in items(document.tree)
        if "/args" in plain(at(item, "path")) and plain(at(item, "op")) in ("add", "replace")
        for text in files.texts(at(item, "value"))
    )
    if not words:
        return []
    reading = read_container(Container(place=place, arguments=words))
    if reading is None:
        return []
    return [
        deployment(
            address="JSON6902 patch",
            kind="JSON6902 patch",
            place=place,
            facts=reading.facts,
            expect="partial",
            settings=reading.settings,
            remarks=remark,
        )
    ]
