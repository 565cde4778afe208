"""Helm values with the image of a known engine, of charts that have no reader of their own.

Many repositories hold a chart of their own with what `helm create` starts from:
`image.repository`, `replicaCount`, `resources`, `nodeSelector`. Beside these stand the container's
command or arguments, or fields that are called as an engine's flags are. What the templates make of
the fields is not in the file, so a deployment is `partial` unless a whole command says it. A chart
whose image is its default tells of vLLM by fields that have the names of vLLM's flags. GPUs may be
counted by a field of their own. `gpuModels` is vLLM's own chart's. Sources: Helm documentation,
"helm create"; vllm-project/vllm examples chart-helm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from capcheck.source.native.charts import Values, charts, fields, has_chart, is_off, replicas
from capcheck.source.native.command import programs
from capcheck.source.native.command.facts import model as model_fact
from capcheck.source.native.container import Container, calls
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown, merged
from capcheck.source.native.gpus import gpu_of_label
from capcheck.source.native.pod import (
    NONE_ASKED_FOR,
    environment_of,
    image_of,
    number,
    of_reading,
)
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Document, Files, at, items, place_of, plain
from capcheck.source.nodes import Mapping, Node, Scalar

NAME = "Helm values (an engine's image)"

_ENGINES = frozenset(("vllm", "sglang", "tgi", "llama.cpp", "trtllm", "lorax"))
# Maps in which charts keep what they hand to the engine.
_SECTIONS = (
    "model",
    "server",
    "engine",
    "config",
    "configuration",
    "vllm",
    "sglang",
    "tgi",
    "llamacpp",
)
_ARGUMENTS = ("args", "extraArgs", "extraCmdArgs", "arguments")
_MODELS = ("name", "id", "modelId", "modelID", "repo")
_ALONE = ("model", "modelName", "modelId", "modelID", "modelReference")
# Where charts keep the number of GPUs of a pod, apart from its resources.
_COUNTS = (("gpu", "count"), ("accelerator", "count"), ("model", "gpus"), ("gpus",), ("gpuCount",))
_ROLES = frozenset(("serve", "guess"))
_OF_VLLM = ("gpuMemoryUtilization", "maxModelLen")
_FIELDS = {
    "tensorParallelSize": ("tp", "integer"),
    "pipelineParallelSize": ("pp", "integer"),
    "maxModelLen": ("max_model_len", "length"),
    "contextLength": ("max_model_len", "length"),
    "maxTotalTokens": ("max_model_len", "length"),
    "gpuMemoryUtilization": ("gpu_memory_utilization", "number"),
    "maxNumSeqs": ("max_num_seqs", "integer"),
    "kvCacheDtype": ("kv_cache_dtype", "text"),
    "quantization": ("quant", "text"),
    "dtype": ("dtype", "text"),
}


def recognises(document: Document) -> bool:
    """By an engine's image beside a command, arguments or a model."""
    return has_chart(document, _is_chart)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """One deployment for each such map of values."""
    found = (_deployment(values) for values in charts(document, files, _is_chart))
    return [deployment for deployment in found if deployment is not None]


def _is_chart(node: Node) -> bool:
    image = at(_pod(node), "image")
    built = programs.image(plain(at(image, "repository"))) if isinstance(image, Mapping) else None
    if _by_fields(node) is not None:
        return True
    if built is None or built.role not in _ROLES or built.engine not in _ENGINES:
        return False
    told = (at(part, key) for part in _parts(node) for key in ("command", *_ARGUMENTS))
    return any(one is not None for one in told) or _named(node) is not None


def _pod(node: Node) -> Node:
    """What describes the pod: the values themselves, or their `deployment`."""
    inner = at(node, "deployment")
    apart = at(node, "image") is None and isinstance(at(inner, "image"), Mapping)
    return inner if apart and inner is not None else node


def _by_fields(node: Node) -> Node | None:
    """A field that vLLM alone has a flag for, beside a model, where no other image is named."""
    image = at(_pod(node), "image")
    repository = plain(at(image, "repository")) or plain(at(image, "name"))
    if image is not None and not isinstance(image, Mapping):
        return None
    if (repository and "vllm" not in f"{repository}:{plain(at(image, 'tag'))}") or not _named(node):
        return None
    told = (at(part, key) for part in _parts(node) for key in _OF_VLLM)
    return next((found for found in told if found is not None), None)


def _parts(node: Node) -> Iterator[Node]:
    """The values themselves, their image and their sections."""
    yield node
    for key in ("image", "deployment", *_SECTIONS):
        part = at(node, key)
        if isinstance(part, Mapping):
            yield part


def _named(node: Node) -> Scalar | None:
    """The field that names a repository or a path; one name among several that differ is none."""
    places = (node, at(node, "configuration"))
    written = [at(place, key) for place in places for key in _ALONE]
    written += [at(node, section, key) for section in ("model", "config") for key in _MODELS]
    found = [one for one in written if isinstance(one, Scalar) and "/" in one.text]
    return found[0] if len({one.text for one in found}) == 1 else None


def _deployment(values: Values) -> NativeDeployment | None:
    node = values.node
    environment = {
        **environment_of(node, values.files, values.document),
        **environment_of(node, values.files, values.document, key="extraEnv"),
    }
    container = Container(
        place=place_of(node),
        image=image_of(at(_pod(node), "image"), values.files),
        command=_texts(values, "command"),
        arguments=tuple(text for key in _ARGUMENTS for text in _texts(values, key)),
        environment=environment,
    )
    field = _by_fields(node)
    implied = Stated("vllm", field.place, "field names") if field is not None else None
    reading = read_container(container, implied=implied)
    if reading is None or reading.engine not in _ENGINES:
        return None
    pod = _pod(node)
    serving = of_reading(container, reading, pod, at(pod, "resources"), files=values.files)
    if isinstance(serving.gpu, Stated) and serving.gpu.origin == NONE_ASKED_FOR:
        # The chart's templates may ask for some.
        serving = replace(serving, gpu=Unknown(), gpu_count=Unknown())
    own: dict[str, Fact] = {}
    for part in _parts(node):
        own = merged(own, fields(values, part, _FIELDS).facts)
    if (named := _named(node)) is not None and (text := values.files.text(named)) is not None:
        own = merged(own, {"model": model_fact(values.expanded(text), "field of the model")})
    over: dict[str, Fact] = {
        "replicas": replicas(node),
        "gpu": _products(node) if isinstance(serving.gpu, Unknown) else serving.gpu,
        "gpu_count": _counted(node)
        if isinstance(serving.gpu_count, Unknown)
        else serving.gpu_count,
    }
    whole = isinstance(reading.facts.get("model"), Stated) and bool(calls(container))
    return values.deployment(
        values.key or reading.engine,
        reading.facts,
        own,
        over,
        settings=reading.settings,
        partial=not whole,
    )


def _counted(node: Node) -> Fact:
    """The number of GPUs by a field of its own; the first that says one."""
    for path in _COUNTS:
        found = number(at(node, *path[:-1]), path[-1]) if not is_off(at(node, path[0])) else None
        if isinstance(found, Stated) and found.value:
            return found
    return Unknown()


def _texts(values: Values, key: str) -> tuple[Text, ...]:
    found = (values.files.texts(at(part, key)) for part in _parts(values.node))
    return next((texts for texts in found if texts), ())


def _products(node: Node) -> Fact:
    """vLLM's chart asks for nodes whose GPU has one of these product names."""
    listed = items(at(node, "gpuModels"))
    known = {gpu_of_label("nvidia.com/gpu.product", plain(name)): name for name in listed}
    if not known or None in known:
        return Unknown()
    return Stated("|".join(filter(None, known)), place_of(listed[0]), "field gpuModels")
