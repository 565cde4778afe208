"""dstack: services and tasks.

`resources.gpu` names a GPU, a memory size, a count, or all of them: `A100:80GB:2`, `24GB`,
`L4,A10G:1`. `commands` run behind one another in one shell. Source: dstack documentation,
".dstack.yml" reference.
"""

from __future__ import annotations

import re

from capcheck.records import dataclass
from capcheck.source.native import gpus
from capcheck.source.native.command.programs import image as image_row
from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.pod import number, times
from capcheck.source.native.text import Text, joined
from capcheck.source.native.text import at as text_at
from capcheck.source.native.tree import (
    Document,
    Files,
    at,
    entries,
    items,
    key_place,
    place_of,
    plain,
)
from capcheck.source.nodes import Node, Scalar, Sequence

NAME = "dstack"

_COUNT = re.compile(r"\d{1,4}")
_RANGE = re.compile(r"\d*\.\.\d*")
_MEMORY = re.compile(r"(\d+(?:\.\d+)?)GB", re.IGNORECASE)
_MEMORY_RANGE = re.compile(r"(?:\d+(?:\.\d+)?[GM]B)?\.\.(?:\d+(?:\.\d+)?[GM]B)?", re.IGNORECASE)
_VENDORS = {"nvidia": "", "amd": "AMD", "intel": "Intel", "google": "TPU", "tpu": "TPU"}


def recognises(document: Document) -> bool:
    """By `type`, beside commands or an image."""
    tree = document.tree
    if document.kind or plain(at(tree, "type")) not in ("service", "task"):
        return False
    return at(tree, "commands") is not None or (
        at(tree, "image") is not None and at(tree, "resources") is not None
    )


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment; none where the commands start no engine."""
    tree = document.tree
    asked = _asked(at(tree, "resources", "gpu"))
    nodes = number(tree, "nodes")
    size = int(nodes.value) if isinstance(nodes, Stated) else 1
    environment = _environment(tree, files)
    for name, fact in (
        ("DSTACK_GPUS_NUM", times(asked.count, size)),
        ("DSTACK_GPUS_PER_NODE", asked.count),
        ("DSTACK_NODES_NUM", nodes),
    ):
        if isinstance(fact, Stated):
            environment[name] = text_at(str(fact.value), fact.place).taken_from(name)
        else:
            written = text_at(f"${name}", place_of(at(tree, "resources") or tree))
            environment.setdefault(name, written.taken_from(name))
    image = files.text(at(tree, "image"))
    script = _script(files.texts(at(tree, "commands")))
    shell = tuple(text_at(word, place_of(tree)) for word in ("sh", "-c"))
    reading = read_container(
        Container(
            place=place_of(tree),
            image=image,
            command=(*shell, script) if script else (),
            environment=environment,
        )
    )
    if reading is None:
        return []
    gpu = asked.gpu
    row = image_row(image.value) if image else None
    if isinstance(gpu, Unknown) and row is not None and row.device and image and image.place:
        gpu = Stated(row.device, image.place, "image")
    own: dict[str, Fact] = {
        "gpu": gpu,
        "gpu_count": times(asked.count, size),
        "replicas": _replicas(at(tree, "replicas")),
    }
    name = plain(at(tree, "name"))
    kind = plain(at(tree, "type"))
    return [
        deployment(
            address=f"{kind} {name}" if name else kind,
            kind=f"{NAME} {kind}",
            place=key_place(tree, "type") or place_of(tree),
            facts=merged(own, reading.facts),
            settings=reading.settings,
            alternatives=asked.alternatives,
        )
    ]


def _script(commands: tuple[Text, ...]) -> Text:
    parts: list[Text] = []
    for command in commands:
        place = command.place
        parts += [command, text_at("\n", place)] if place is not None else []
    return joined(parts)


def _environment(tree: Node | None, files: Files) -> dict[str, Text]:
    """A list of `NAME=value`, or a map; a name alone is handed on by the user."""
    environment: dict[str, Text] = {}
    for name, value in entries(at(tree, "env")):
        text = files.text(value)
        if text is not None:
            environment[name] = text
    for text in files.texts(at(tree, "env")):
        parts = text.partition("=")
        if parts is not None:
            environment[parts[0].value] = parts[1]
    return environment


def _replicas(node: Node | None) -> Fact:
    """A number, or a range whose lower end counts."""
    lowest = plain(node).partition("..")[0]
    if node is None or not _COUNT.fullmatch(lowest):
        return Unknown()
    return Stated(int(lowest), node.place, "field replicas")


@dataclass(frozen=True, slots=True)
class _Asked:
    gpu: Fact
    count: Fact
    alternatives: tuple[tuple[str, int], ...] = ()


def _asked(node: Node | None) -> _Asked:
    """Which accelerators, and how many of them on a node."""
    names: list[str] = []
    memory = vendor = ""
    count: int | None = 1
    counted = False
    if node is None:
        return _Asked(Unknown(), Unknown())
    if isinstance(node, Scalar):
        parts = node.text.split(":")
    else:
        held = at(node, "name")
        listed = items(held) if isinstance(held, Sequence) else (held,)
        joined_names = ",".join(plain(name) for name in listed)
        keys = ("memory", "count", "vendor")
        parts = [joined_names, *(plain(at(node, key)) for key in keys)]
    for part in (part.strip() for part in parts):
        if _COUNT.fullmatch(part):
            count, counted = int(part), True
        elif _MEMORY.fullmatch(part):
            memory = part.upper()
        elif _RANGE.fullmatch(part):
            low, _, high = part.partition("..")
            count = int(low) if low and low == high else None
        elif part.lower() in _VENDORS:
            vendor = _VENDORS[part.lower()]
        elif part and not _MEMORY_RANGE.fullmatch(part):
            names = [name.strip() for name in part.split(",") if name.strip()]
    origin = "field resources.gpu"
    number_of: Fact = Stated(count, node.place, origin) if count is not None else Unknown()
    known = [gpus.named(f"{name}-{memory}") or gpus.named(name) for name in names]
    found = [read for read in known if read is not None]
    if len(found) < len(known) and not counted:
        number_of = Unknown()  # the name may be one of a slice of several
    if not names or len(found) < len(known):
        gpu: Fact = Stated(vendor, node.place, origin) if vendor and not names else Unknown()
        return _Asked(gpu, number_of)
    if len(found) == 1:
        slices = found[0][1]
        if slices > 1 and isinstance(number_of, Stated):
            number_of = Stated(int(number_of.value) * slices, node.place, origin)
        return _Asked(Stated(found[0][0], node.place, origin), number_of)
    each = count or 1
    types = "|".join(f"{name}:{each}" for name, _ in found)
    alternatives = tuple((name, each) for name, _ in found)
    return _Asked(Stated(types, node.place, origin), number_of, alternatives)
