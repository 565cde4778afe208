"""Facts that fields of an object state, where no command line does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from capcheck.source.native import gpus
from capcheck.source.native.command import quant
from capcheck.source.native.command.facts import is_placeholder, typed
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.deployment import Fact, Stated, Unknown
from capcheck.source.native.labels import INSTANCE_TYPE, Labelled
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Files, at, entries, plain
from capcheck.source.nodes import Node, Scalar

# Fields that are read as flags: no engine has as many.
_MOST_FLAGS = 500
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def field(files: Files, node: Node | None, *path: str, type_: str = "text") -> Fact:
    """What stands at a path below a node, as a value of a type of the flag table."""
    text = files.text(at(node, *path))
    if text is None or not text:
        return Unknown()
    return typed(text.stripped(), type_, f"field {'.'.join(path)}")


def model(files: Files, node: Node | None, *path: str) -> Fact:
    """The model that a field names."""
    text = files.text(at(node, *path))
    return model_fact(text, f"field {'.'.join(path)}") if text else Unknown()


def quantization(files: Files, node: Node | None, *path: str) -> Fact:
    """The weight format that a field names."""
    fact = field(files, node, *path)
    if not isinstance(fact, Stated):
        return fact
    name = quant.of_flag(str(fact.value))
    return Stated(name, fact.place, fact.origin) if name else Unknown()


def flags(files: Files, *nodes: Node | None) -> Iterator[tuple[str, Text]]:
    """Fields whose names are those of an engine's flags, `maxModelLen` as `max-model-len`."""
    for node in nodes:
        for key, value in islice(entries(node), _MOST_FLAGS):
            text = files.text(value)
            if text is not None:
                yield _CAPITAL.sub("-", key).lower(), text


def of_sku(node: Node | None, *, origin: str) -> tuple[Fact, Fact]:
    """The GPU of a cloud's machine type and the number of them; unknown where no row has it."""
    name = plain(node)
    if node is None or not name:
        return Unknown(), Unknown()
    if isinstance(node, Labelled):
        return Stated(node.gpu, node.place, origin), Unknown()
    if is_placeholder(name):
        reason = f"{name[:60]!r} is a placeholder"
        return Unknown(reason, node.place), Unknown(reason, node.place)
    found = gpus.of_sku(name)
    if found is None:
        reason = f"no row of the machine types has {name[:60]!r}"
        return Unknown(reason), Unknown(reason)
    gpu, count = found
    product, provider = gpus.product(INSTANCE_TYPE, name), gpus.provider(INSTANCE_TYPE, name)
    accelerator = Stated(gpu, node.place, origin, product, provider, machine=name)
    return accelerator, Stated(count, node.place, origin)


def missing(reference: Node, kind: str) -> Unknown:
    """Why something is unknown that another object says which is not among the files."""
    shown = reference.text if isinstance(reference, Scalar) else ""
    return Unknown(f"{kind}/{shown[:80]} is not among the files", reference.place)
