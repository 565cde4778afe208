"""A Kubernetes pod spec to what its engine container serves and on which accelerators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native import gpus
from capcheck.source.native.claims import claimed
from capcheck.source.native.command.facts import with_quant_of_name
from capcheck.source.native.command.programs import calls
from capcheck.source.native.command.variables import Environment, kubernetes
from capcheck.source.native.container import (
    RUNS_ON_CPU,
    Container,
    Reading,
    pulled_model,
    read,
)
from capcheck.source.native.deployment import (
    CONTAINER,
    OTHER_CONTAINERS,
    Fact,
    Stated,
    Unknown,
    merged,
)
from capcheck.source.native.mounted import configured
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
from capcheck.source.nodes import Mapping, Node


@dataclass(frozen=True, slots=True)
class Served:
    """What one pod serves: the reading of its engine container, and its accelerators."""

    container: Container
    reading: Reading
    gpu: Fact
    gpu_count: Fact


def served(
    pod: Node | None,
    files: Files,
    document: Document,
    *,
    implied: Stated | None = None,
    plain_gpu: bool = False,
) -> Served | None:
    """The first container of a pod spec that serves a model; None when none does.

    Its name is the setting `container`, those of others that serve one are `other_containers`.
    """
    found = tuple(_serving(pod, files, document, implied, plain_gpu=plain_gpu))
    if not found:
        return None
    (_, first), *others = found
    names = [one.reading.settings[CONTAINER] for _, one in others if _names_its_model(one)]
    if not names:
        return first
    text = ",".join(str(name.value) for name in names)
    listed = {OTHER_CONTAINERS: Stated(text, names[0].place, "field name")}
    reading = replace(first.reading, settings={**first.reading.settings, **listed})
    return replace(first, reading=reading)


def every_served(
    pod: Node | None, files: Files, document: Document
) -> tuple[tuple[str, Served], ...]:
    """What each container serves, by its name; a second one counts if it names its model."""
    found = tuple(_serving(pod, files, document, None))
    return (*found[:1], *(item for item in found[1:] if _names_its_model(item[1])))


def _names_its_model(one: Served) -> bool:
    named = CONTAINER in one.reading.settings
    return named and isinstance(one.reading.facts.get("model"), Stated)


def _serving(
    pod: Node | None,
    files: Files,
    document: Document,
    implied: Stated | None,
    *,
    plain_gpu: bool = False,
) -> Iterator[tuple[str, Served]]:
    for node in containers_of(pod)[:_MOST_CONTAINERS]:
        container = container_of(node, files, document)
        reading = read(container, implied=implied)
        if reading is None:
            continue
        if reading.engine == "ollama" and "model" not in reading.facts:
            reading = replace(reading, facts={**reading.facts, **_pulled(pod, files, document)})
        reading = configured(reading, node, pod, files)
        if (name := at(node, "name")) is not None and plain(name):
            setting = {CONTAINER: Stated(plain(name), name.place, "field name")}
            reading = replace(reading, settings={**reading.settings, **setting})
        resources = at(node, "resources")
        serving = of_reading(container, reading, pod, resources, plain_gpu=plain_gpu, files=files)
        yield plain(at(node, "name")), serving


# Containers of one pod that are looked at.
_MOST_CONTAINERS = 20


def _pulled(pod: Node | None, files: Files, document: Document) -> dict[str, Fact]:
    """The model that a hook or another container of the pod pulls into an Ollama server."""
    hooks = (at(node, "lifecycle", "postStart", "exec") for node in containers_of(pod))
    helpers = (*hooks, *items(at(pod, "initContainers")), *containers_of(pod))
    found = [
        call
        for node in helpers
        if node is not None
        for container in (container_of(node, files, document),)
        for call in calls((*container.command, *container.arguments), container.environment)
    ]
    model = pulled_model([call for call in found if call.engine == "ollama"])
    return {} if model is None else {"model": model}


def of_reading(
    container: Container,
    reading: Reading,
    pod: Node | None,
    resources: Node | None,
    *,
    plain_gpu: bool = False,
    files: Files | None = None,
) -> Served:
    """A container's reading together with the accelerators that it asks for or claims."""
    asked = gpus.requested(resources, plain_gpu=plain_gpu)
    if asked is None and files is not None:
        asked = claimed(pod, resources, files)
    gpu: Fact = gpus.by_labels(pod)
    count: Fact = asked.count if asked else Unknown()
    if asked is not None and isinstance(gpu, Unknown) and asked.type:
        gpu = Stated(asked.type, asked.place, f"resource {asked.resource}")
    if asked is None and isinstance(gpu, Unknown):
        cpu = _on_cpu(container, reading, pod)
        if cpu is not None:
            gpu, count = cpu
        elif reading.device and container.image is not None and container.image.place is not None:
            gpu = Stated(reading.device, container.image.place, "image")
    return Served(container, reading, gpu, count)


def containers_of(pod: Node | None) -> tuple[Node, ...]:
    """The containers of a pod spec; `runner` is what OME calls its only one."""
    found = items(at(pod, "containers"))
    runner = at(pod, "runner")
    return (*found, runner) if runner is not None else found


def container_of(node: Node | None, files: Files, document: Document) -> Container:
    """A container of a pod spec, its `$(NAME)`s replaced."""
    environment = environment_of(node, files, document)
    command = resolved(files.texts(at(node, "command")), environment)
    arguments = resolved(files.texts(at(node, "args")), environment)
    return Container(
        place=place_of(node),
        image=image_of(at(node, "image"), files),
        command=command,
        arguments=arguments,
        environment=environment,
        name=f"{document.name} {plain(at(node, 'name'))}",
        asks_for_gpus=gpus.requested(at(node, "resources")) is not None,
    )


# The origin of a CPU that nothing but the absence of a request tells.
NONE_ASKED_FOR = "no accelerator is asked for"
# Engines whose `--device cpu` says what they run on.
_DEVICE_BY_FLAG = frozenset(("vllm", "sglang"))
# Characters that variables may add to one container.
_MOST = 4096


def _taken(value: Text) -> int:
    """How long a value is that another variable gave, 0 for one that was written."""
    return len(value.value) if value.runs and value.runs[-1].variable else 0


def resolved(texts: Sequence[Text], environment: Environment) -> tuple[Text, ...]:
    """Texts whose `$(NAME)`s are replaced, as long as what that adds stays within reason."""
    found: list[Text] = []
    spent = 0
    for text in texts:
        if "$(" in text.value:
            whole = kubernetes(text, environment) if spent < _MOST else text.missing("$(")
            spent += len(whole.value) + (_MOST // 4 if whole.unresolved else 0)
            found.append(whole)
        else:
            found.append(text)
    return tuple(found)


def image_of(node: Node | None, files: Files) -> Text | None:
    """An image reference: one string, or a map of repository and tag as charts have it."""
    if isinstance(node, Mapping):
        repository = files.text(at(node, "repository")) or files.text(at(node, "name"))
        tag = files.text(at(node, "tag"))
        if repository is None:
            return None
        if tag is None or not tag.value:
            return repository
        return joined((repository, repository[-1:].standing_at(":"), tag))
    return files.text(node)


def environment_of(
    node: Node | None, files: Files, document: Document, *, key: str = "env"
) -> Environment:
    """A container's variables; those that another object holds are followed inside the files.

    A variable whose value stands elsewhere (a secret, a field, a missing object) is unresolved.
    """
    environment: dict[str, Text] = {}
    for source in items(at(node, "envFrom")):
        name = plain(at(source, "configMapRef", "name"))
        found = files.find("ConfigMap", name) if name else None
        for key, value in entries(at(found.tree, "data") if found else None):
            if (text := files.text(value)) is not None:
                environment[plain(at(source, "prefix")) + key] = text
    variables = at(node, key)
    if isinstance(variables, Mapping):
        for name, value in entries(variables):
            own = at(value, "value") if isinstance(value, Mapping) else value
            _enter(environment, name, own, at(value, "valueFrom"), value, files)
    for variable in items(variables):
        written = at(variable, "value")
        reference = at(variable, "valueFrom")
        _enter(environment, plain(at(variable, "name")), written, reference, variable, files)
    return environment


def _enter(
    environment: dict[str, Text],
    name: str,
    value: Node | None,
    source: Node | None,
    where: Node,
    files: Files,
) -> None:
    if not name:
        return
    text = files.text(value)
    if text is None and source is not None:
        reference = at(source, "configMapKeyRef")
        found = files.find("ConfigMap", plain(at(reference, "name"))) if reference else None
        text = files.text(at(found.tree, "data", plain(at(reference, "key")))) if found else None
        if text is None:
            text = text_at(f"$({name})", where.place).missing(name)
    if text is None:
        return
    if "$(" in text.value and not text.unresolved:
        # What variables take from one another adds up; a hostile file doubles it line by line.
        few = len(environment) <= 200
        spent = sum(_taken(value) for value in environment.values()) if few else _MOST
        text = kubernetes(text, environment) if spent < _MOST else text.missing(name)
    environment[name] = text


def _on_cpu(container: Container, reading: Reading, pod: Node | None) -> tuple[Fact, Fact] | None:
    """CPU, where the image is built for it, or the engine needs no GPU and nothing hints at one."""
    place = container.image.place if container.image else None
    if reading.device == "CPU" and place is not None:
        return Stated("CPU", place, "image"), Stated(0, place, "image")
    device = reading.settings.get("device")
    if device is not None and device.value == "cpu" and reading.engine in _DEVICE_BY_FLAG:
        return replace(device, value="CPU"), replace(device, value=0)
    image = container.image.value.lower() if container.image else ""
    hints = ("cuda", "rocm", "vulkan", "intel", "sycl", "musa", "gpu", "nvidia", "$", "hip")
    if (
        reading.engine not in RUNS_ON_CPU
        or reading.device
        or any(hint in image for hint in hints)
        or "gpu_layers" in reading.settings
        or any("NVIDIA" in name or "CUDA" in name for name in container.environment)
        or at(pod, "runtimeClassName") is not None
        or at(pod, "resourceClaims") is not None
        or any(
            "gpu" in plain(at(toleration, "key")) for toleration in items(at(pod, "tolerations"))
        )
        or any("gpu" in label.lower() for label, _ in entries(at(pod, "nodeSelector")))
    ):
        return None
    return (
        Stated("CPU", container.place, NONE_ASKED_FOR),
        Stated(0, container.place, NONE_ASKED_FOR),
    )


def number(node: Node | None, key: str, *, origin: str | None = None) -> Fact:
    """A whole number below a map; unknown with its place where it is a variable or template."""
    value = at(node, key)
    text = plain(value)
    if value is None or not text:
        return Unknown()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return Stated(int(text), value.place, origin or f"field {key}")
    return Unknown(f"{key} is {text[:40]!r}", value.place)


def times(count: Fact, nodes: int) -> Fact:
    """A number of accelerators per pod, over all pods of a replica."""
    if isinstance(count, Stated) and isinstance(count.value, int):
        return replace(count, value=count.value * nodes)
    return count


def total(counts: Sequence[Fact]) -> Fact:
    """The sum of the accelerators of several pods; unknown where one of them is."""
    if not counts or not all(isinstance(count, Stated) for count in counts):
        return next((count for count in counts if isinstance(count, Unknown)), Unknown())
    first = counts[0]
    assert isinstance(first, Stated)  # noqa: S101
    return replace(first, value=sum(int(c.value) for c in counts if isinstance(c, Stated)))


def facts_of(served: Served, *layers: dict[str, Fact]) -> dict[str, Fact]:
    """The facts of a served pod; the layers, the strongest first, outrank the command's."""
    own: dict[str, Fact] = {"gpu": served.gpu, "gpu_count": served.gpu_count}
    facts = merged(*layers, own, dict(served.reading.facts))
    with_quant_of_name(facts)
    return facts


def name_place(document: Document) -> Place:
    """Where an object's name stands, else the object."""
    return key_place(at(document.tree, "metadata"), "name") or place_of(document.tree)
