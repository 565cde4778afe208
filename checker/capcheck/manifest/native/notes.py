"""What capcheck is told inside a native file: `x-capcheck` and the annotation `capcheck.dev/check`.

Both hold the fields of a deployment; Compose as a map of the service, Kubernetes as YAML text.
"""

from __future__ import annotations

from capcheck.manifest.native.address import document_of
from capcheck.manifest.read import Stated, read
from capcheck.source.native.deployment import NativeDeployment
from capcheck.source.native.tree import Files, at
from capcheck.source.nodes import Entry, Node, Scalar
from capcheck.source.problems import Problems

ANNOTATION = "capcheck.dev/check"
EXTENSION = "x-capcheck"
# A note adds to the file that it stands in; it can't send elsewhere.
_NOT_HERE = ("from", "command", "env_files", "model_config")


def note_of(found: NativeDeployment, name: str, files: Files, problems: Problems) -> Stated | None:
    """What the native file tells capcheck of this deployment, None when nothing."""
    node = _node(found, files)
    if node is None:
        return None
    stated = read(name, Entry(Scalar(name, name, found.place), node), problems, is_whole=False)
    for field in _NOT_HERE:
        if f"/{field}" in stated.places:
            problems.add(
                "not-supported-yet",
                stated.places[f"/{field}"],
                found=field,
                expected="a manifest, where a deployment may refer to other files",
            )
    return stated


def _node(found: NativeDeployment, files: Files) -> Node | None:
    document = document_of(found, files)
    if document is None:
        return None
    section, _, name = found.address.partition(".")
    if not document.kind and section == "services":
        return at(document.tree, "services", name, EXTENSION)
    note = at(document.tree, "metadata", "annotations", ANNOTATION)
    return files.embedded(note) if note is not None else None
