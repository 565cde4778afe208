"""SkyPilot tasks: `resources`, `envs`, and the script `run` (with `setup`, that of SkyServe too).

`resources.accelerators` is one, or several to choose from; how many GPUs a node has is then known
to the script alone, as `$SKYPILOT_NUM_GPUS_PER_NODE`. Source: SkyPilot documentation, "SkyPilot
YAML" and "SkyServe".
"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.place import Place
from capcheck.source.native import gpus
from capcheck.source.native.command.programs import calls_in_script
from capcheck.source.native.command_line import started
from capcheck.source.native.container import RUNS_ON_CPU, Container, Reading, pulled_model
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import (
    Fact,
    NativeDeployment,
    Stated,
    Unknown,
    deployment,
    merged,
)
from capcheck.source.native.fields import of_sku
from capcheck.source.native.pod import number, times
from capcheck.source.native.text import Text
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
from capcheck.source.nodes import Mapping, Node, Scalar, Sequence

NAME = "SkyPilot"

_BESIDE_RUN = ("resources", "service", "setup", "num_nodes", "envs", "secrets", "file_mounts")
_PER_NODE = "SKYPILOT_NUM_GPUS_PER_NODE"
_NODES = "SKYPILOT_NUM_NODES"


def recognises(document: Document) -> bool:
    """By the keys: a script `run` beside what only a task has."""
    tree = document.tree
    if document.kind or not isinstance(at(tree, "run"), Scalar) or at(tree, "type") is not None:
        return False
    return any(at(tree, key) is not None for key in _BESIDE_RUN)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one deployment; none where the script starts no engine."""
    tree = document.tree
    resources = at(tree, "resources")
    choices = tuple(dict.fromkeys(_choices(resources)))
    nodes = number(tree, "num_nodes")
    size = int(nodes.value) if isinstance(nodes, Stated) else 1
    environment = _environment(tree, files, choices, nodes)
    reading = _reading(document, files, resources, environment)
    if reading is None:
        return []
    settings = dict(reading.settings)
    if size > 1 and isinstance(nodes, Stated):
        settings["nodes"] = nodes
    gpu, count = _accelerators(resources, choices, size)
    on_cpu = reading.engine in RUNS_ON_CPU or reading.device == "CPU"
    if resources is not None and on_cpu and not _asks(resources):
        origin = "no accelerator is asked for"
        gpu, count = Stated("CPU", resources.place, origin), Stated(0, resources.place, origin)
    service = at(tree, "service")
    policy = at(service, "replica_policy")
    own: dict[str, Fact] = {
        "gpu": gpu,
        "gpu_count": count,
        "replicas": number(policy if policy is not None else service, _replicas_key(policy)),
    }
    for name, key in (("max_replicas", "max_replicas"), ("target_qps", "target_qps_per_replica")):
        stated = at(policy, key)
        if isinstance(stated, Scalar):
            settings[name] = Stated(stated.text, stated.place, f"field {key}")
    place = key_place(tree, "service") or key_place(tree, "run") or place_of(tree)
    several = choices if len(choices) > 1 else ()
    return [
        deployment(
            address="service" if service is not None else "task",
            kind=NAME,
            place=place,
            facts=merged(own, reading.facts),
            settings=settings,
            alternatives=tuple((gpu, count * size) for gpu, count, _ in several),
        )
    ]


def _replicas_key(policy: Node | None) -> str:
    return "min_replicas" if policy is not None else "replicas"


def _reading(
    document: Document, files: Files, resources: Node | None, environment: dict[str, Text]
) -> Reading | None:
    """What `run` starts; `setup` may pull a model beforehand."""
    script = files.text(at(document.tree, "run"))
    image = files.text(at(resources, "image_id"))
    if script is None:
        return None
    if image is not None and image.value.startswith("docker:"):
        image = image[len("docker:") :]
    shell = tuple(text_at(word, place_of(at(document.tree, "run"))) for word in ("sh", "-c"))
    found = calls_in_script(script, environment)
    if not any(call.role == "serve" for call in found):
        return _contained(script, environment)
    container = Container(
        place=place_of(document.tree),
        image=image,
        command=(*shell, script),
        environment=environment,
    )
    reading = read_container(container)
    setup = files.text(at(document.tree, "setup"))
    if reading is None or setup is None or "model" in reading.facts:
        return reading
    engine = reading.engine
    before = [call for call in calls_in_script(setup, environment) if call.engine == engine]
    model = pulled_model(before)
    if model is None:
        return reading
    return Reading({**reading.facts, "model": model}, reading.settings, reading.device)


def _contained(script: Text, environment: dict[str, Text]) -> Reading | None:
    """What a container serves that the script runs; its GPUs are those of the node."""
    one = next(iter(started(script, environment)), None)
    if one is None:
        return None
    facts = {name: fact for name, fact in one.facts.items() if name not in ("gpu", "gpu_count")}
    return Reading(facts, one.settings)


def _environment(
    tree: Node | None, files: Files, choices: tuple[tuple[str, int, Place], ...], nodes: Fact
) -> dict[str, Text]:
    """`envs` and `secrets`, and the counts that SkyPilot sets where they are the same for all."""
    environment: dict[str, Text] = {}
    for section in ("envs", "secrets"):
        for name, value in entries(at(tree, section)):
            text = files.text(value)
            if text is not None:
                environment[name] = text
    counts = {count for _, count, _ in choices}
    if choices:
        known = str(choices[0][1]) if len(counts) == 1 else f"${_PER_NODE}"
        environment[_PER_NODE] = text_at(known, choices[0][2]).taken_from(_PER_NODE)
    place = nodes.place if isinstance(nodes, Stated) else place_of(tree)
    if isinstance(nodes, Stated):
        environment[_NODES] = text_at(str(nodes.value), nodes.place).taken_from(_NODES)
    elif at(tree, "num_nodes") is None and place is not None:
        environment[_NODES] = text_at("1", place).taken_from(_NODES)
    return environment


def _choices(resources: Node | None) -> Iterator[tuple[str, int, Place]]:
    """Every accelerator that may be taken, with how many of it on a node.

    A name that no table has ends in nothing at all: the others alone would mislead.
    """
    found: list[tuple[str, int, Place]] = []
    alternatives = [*items(at(resources, "any_of")), *items(at(resources, "ordered"))]
    for holder in (resources, *alternatives):
        for written in _written(at(holder, "accelerators")):
            read = _accelerator(*written)
            if read is None:
                return
            found.append(read)
    seen: dict[tuple[str, int], Place] = {}
    for gpu, count, place in found:
        seen.setdefault((gpu, count), place)
    yield from ((gpu, count, place) for (gpu, count), place in seen.items())


def _written(node: Node | None) -> Iterator[tuple[str, str, Place]]:
    """Names with their counts, however they are written: `A:1`, `{A: 1}`, `{A:1}`, `[A:1, B]`."""
    if isinstance(node, Scalar) and node.text:
        name, _, count = node.text.partition(":")
        yield name, count or "1", node.place
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _written(item)
    elif isinstance(node, Mapping):
        for key, entry in node.entries.items():
            name, _, count = key.partition(":")
            yield name, count or plain(entry.value) or "1", entry.key.place


def _accelerator(name: str, count: str, place: Place) -> tuple[str, int, Place] | None:
    known = gpus.named(name)
    if known is None or not count.strip().isascii() or not count.strip().isdigit():
        return None
    return known[0], known[1] * int(count.strip()[:5]), place


def _accelerators(
    resources: Node | None, choices: tuple[tuple[str, int, Place], ...], nodes: int
) -> tuple[Fact, Fact]:
    """The one accelerator, or the alternatives with the count of a node; in all nodes the count."""
    if not choices:
        gpu, count = of_sku(at(resources, "instance_type"), origin="field instance_type")
        return gpu, times(count, nodes)
    place = choices[0][2]
    origin = "field accelerators"
    counts = {count for _, count, _ in choices}
    total: Fact = Stated(choices[0][1] * nodes, place, origin) if len(counts) == 1 else Unknown()
    if len(choices) == 1:
        return Stated(choices[0][0], place, origin), total
    return Stated("|".join(f"{gpu}:{count}" for gpu, count, _ in choices), place, origin), total


def _asks(resources: Node) -> bool:
    alternatives = (*items(at(resources, "any_of")), *items(at(resources, "ordered")))
    return any(
        at(holder, key) is not None
        for holder in (resources, *alternatives)
        for key in ("accelerators", "instance_type")
    )
