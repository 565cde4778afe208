"""`path#address`: which deployment of a native file is meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.beside import QUERY
from capcheck.source.native.deployment import CONTAINER, NativeDeployment
from capcheck.source.native.tree import Document, Files

SERVING = ("ok", "partial")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of `from`, its path as it is shown; an empty address means the only deployment."""

    path: str
    address: str
    place: Place


def matching(
    reference: Reference, found: Sequence[NativeDeployment], files: Files
) -> list[NativeDeployment]:
    """The deployments of the file that the reference may mean."""
    inside = [one for one in found if one.place.path == reference.path and one.expect in SERVING]
    if not reference.address:
        return inside
    address, _, container = reference.address.partition(QUERY)
    asked = _folded(address)
    return [
        one
        for one in inside
        if asked in map(_folded, _spellings(one, files)) and container in ("", container_of(one))
    ]


def container_of(one: NativeDeployment) -> str:
    """The name of the container that a deployment was read from, empty where it has none."""
    name = one.settings.get(CONTAINER)
    return str(name.value) if name else ""


def document_of(one: NativeDeployment, files: Files) -> Document | None:
    """The document that a deployment was read from."""
    above = [
        document
        for document in files.documents
        if document.path == one.place.path and document.place.line <= one.place.line
    ]
    return above[-1] if above else None


def _spellings(one: NativeDeployment, files: Files) -> Iterator[str]:
    """`Kind/name#role`, also `Kind/name/role`, and both with the namespace behind the kind."""
    address = one.address.partition(QUERY)[0]
    document = document_of(one, files)
    for spelled in dict.fromkeys((address, address.removesuffix(f"#{container_of(one)}"))):
        yield spelled
        kind, slash, rest = spelled.partition("/")
        if document is not None and document.namespace and slash:
            yield f"{kind}/{document.namespace}/{rest}"


def _folded(address: str) -> str:
    """What the spellings of one address have in common: `modelSpec[a]` and `modelSpec.a`."""
    return _BRACKETS.sub(r".\1", address).replace("#", "/")
