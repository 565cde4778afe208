"""What a native file says of one deployment, as if a manifest stated it.

A value keeps its place in the native file and what states it. What the file leaves to a variable, a
folder of weights or the device is a Blank: neither a value nor the default holds there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.manifest.deployment import Blank, Native, Observed
from capcheck.manifest.fields import FIELDS
from capcheck.manifest.kinds import RejectedError
from capcheck.manifest.native.expected import expected, left_to_planner, without_percentile
from capcheck.manifest.native.model import model_of
from capcheck.manifest.native.unmodelled import unmodelled
from capcheck.manifest.read import Stated
from capcheck.place import Place
from capcheck.source.native import deployment as native
from capcheck.source.native.deployment import Fact, NativeDeployment, Unknown
from capcheck.source.nodes import Scalar

# The field of each fact, and of each setting of any engine.
FACTS = {
    "backend": "/backend",
    "model": "/model",
    "quant": "/quant",
    "gpu": "/gpu",
    "gpu_count": "/gpus_per_replica",
    "replicas": "/replicas",
    "tp": "/serving/tensor_parallel_size",
    "pp": "/serving/pipeline_parallel_size",
    "max_model_len": "/serving/max_model_len",
    "gpu_memory_utilization": "/serving/gpu_memory_utilization",
    "max_num_seqs": "/serving/max_num_seqs",
    "kv_cache_dtype": "/serving/kv_cache_dtype",
}
SETTINGS = {
    "engine_version": "/backend_version",
    "floating_tag": "/backend_version",
    "data_parallel_size": "/serving/data_parallel_size",
    "max_num_batched_tokens": "/serving/max_num_batched_tokens",
    "chunked_prefill_size": "/serving/max_num_batched_tokens",
    "max_batch_prefill_tokens": "/serving/max_num_batched_tokens",
    "mem_fraction_static": "/serving/mem_fraction_static",
    "kv_cache_free_gpu_memory_fraction": "/serving/kv_cache_free_gpu_memory_fraction",
    "cuda_memory_fraction": "/serving/cuda_memory_fraction",
    "enable_prefix_caching": "/serving/enable_prefix_caching",
    "enable_chunked_prefill": "/serving/enable_chunked_prefill",
    "enforce_eager": "/serving/enforce_eager",
    "max_queue": "/serving/max_queue",
}
# Names that say whose accelerator it is, or that there is none, but not which.
NOT_A_PRODUCT = {
    **{name: f"any accelerator of {name}" for name in ("AMD", "Intel")},
    "Gaudi": "any Intel Gaudi",
    "CPU": "the processor: no accelerator is asked for",
}
# Words for an engine that another one stands behind: presets of KAITO run on vLLM unless told
# otherwise, from 0.4.0 on. SOURCE: kaito docs/inference/README.md@af4b365.
_ENGINES = {"kaito-preset": "vllm"}
# Servers that choose an engine themselves. SOURCE: NVIDIA NIM for LLMs, "Model Profiles"; KServe,
# "Hugging Face LLM Serving Runtime" (`--backend=auto`).
_CHOOSING = {
    "nim": "NIM picks TensorRT-LLM, vLLM or SGLang when it starts, by its profile",
    "huggingfaceserver": "KServe's server runs vLLM where it can, else Transformers",
}
# Accelerators that are no whole card of a table, by how their names begin.
_NO_CARD = {
    "MIG-": "a MIG slice ({}): nothing is predicted of a part of a card",
    "TPU": "a {} of Google: nothing is predicted of TPUs",
    "Neuron": "an accelerator of AWS ({}): nothing is predicted of these",
    "Trainium": "an accelerator of AWS ({}): nothing is predicted of these",
    "Inferentia": "an accelerator of AWS ({}): nothing is predicted of these",
    "Ascend": "an accelerator of Huawei ({}): nothing is predicted of these",
}
# The formats of weights that only the checkpoint itself tells.
_CONTAINERS = frozenset(("compressed-tensors", "auto", "auto_round", "auto-round", "modelopt"))
BY_NAME = "name of the model"


def stated(found: NativeDeployment, name: str, *, choice: tuple[str, int] | None = None) -> Stated:
    """Everything that a manifest could state and the file does, and what no forecast counts in.

    `choice` is the one of the file's accelerators, with its number, that this is about.
    """
    sheet = _Sheet(name, found.place)
    facts = {**found.facts, **left_to_planner(found), **_chosen(found, choice)}
    facts["backend"] = _behind(facts["backend"], found.settings.get("runtime"))
    for fact, pointer in FACTS.items():
        stated_fact = facts[fact]
        sheet.enter(pointer, _of_engine(fact, stated_fact, facts), _words(fact, stated_fact))
    for setting, pointer in SETTINGS.items():
        if pointer not in sheet.values and setting in found.settings:
            sheet.enter(pointer, found.settings[setting])
    if isinstance(facts["gpu"], native.Stated) and facts["gpu"].provider:
        gpu = facts["gpu"]
        sheet.put("/provider", gpu.provider, gpu.place, gpu.origin)
        if gpu.machine:
            sheet.enter("/instance_type", native.Stated(gpu.machine, gpu.place, gpu.origin))
    _context_of_a_slot(sheet)
    _range(sheet, facts["replicas"], found.settings.get("max_replicas"))
    _wide_weights(sheet, found.settings.get("dtype"))
    for pointer, wanted in expected(found.settings):
        sheet.enter(pointer, wanted)
    return sheet.stated((*unmodelled(found), *without_percentile(found.settings)))


def _words(name: str, fact: Fact) -> str:
    """What a file says of a GPU without saying which; another one in a manifest differs from it."""
    if name != "gpu" or isinstance(fact, Unknown) or _no_card(str(fact.value)):
        return ""
    return str(fact.value)


class _Sheet:
    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.place = place
        self.values: dict[str, Any] = {}
        self.places: dict[str, Place] = {"": place}
        self.origins: dict[str, str] = {}
        self.blanks: dict[str, Blank] = {}

    def enter(self, pointer: str, fact: Fact, words: str = "") -> None:
        """One fact, if the field can take its value. `words` are the file's for an unknown one."""
        if isinstance(fact, Unknown):
            if fact.place is not None:
                self.blanks[pointer] = Blank(fact.reason, fact.place, words)
            return
        value = _plain(fact.value, pointer)
        kind = FIELDS[pointer].kind
        try:
            read = kind.read(Scalar(value, str(value), fact.place)) if kind else None
        except RejectedError as error:
            self.blanks[pointer] = Blank(f"{str(value)[:60]}, not {error.expected}", fact.place)
            return
        self.put(pointer, read, fact.place, fact.origin)

    def put(self, pointer: str, value: Any, place: Place, origin: str) -> None:  # noqa: ANN401
        """A value that the field can take."""
        self.values[pointer] = value
        self.places[pointer] = place
        self.origins[pointer] = origin
        parent = FIELDS[pointer].parent
        if parent:
            self.places.setdefault(parent, place)

    def stated(self, observed: tuple[Observed, ...]) -> Stated:
        return Stated(
            self.name,
            self.place,
            self.values,
            self.places,
            dict(self.values),
            Native(blanks=self.blanks, origins=self.origins, observed=observed),
        )


def _plain(value: str | int | float, pointer: str) -> str | int | float | bool:
    """As a manifest would have it: `true` is a flag, `1` of a number field is a number."""
    if isinstance(value, str) and value in ("true", "false") and pointer.startswith("/serving/"):
        return value == "true"
    return value


def _of_engine(name: str, fact: Fact, facts: Mapping[str, Fact]) -> Fact:
    """A fact in the words of a manifest."""
    if isinstance(fact, Unknown):
        return fact
    value = fact.value
    match name:
        case "model":
            return model_of(fact, facts.get("backend"))
        case "backend" if value in _CHOOSING:
            return Unknown(_CHOOSING[str(value)], fact.place)
        case "gpu" if reason := _no_card(str(value)):
            return Unknown(reason, fact.place)
        case "gpu" if value in NOT_A_PRODUCT:
            return Unknown(NOT_A_PRODUCT[str(value)], fact.place)
        case "gpu" if fact.product:
            return native.Stated(fact.product, fact.place, fact.origin)
        case "gpu" if "|" in str(value):
            return Unknown(f"one of {str(value).replace('|', ', ')}", fact.place)
        case "gpu_count" if value == "all":
            return Unknown("all GPUs of the machine", fact.place)
        case "gpu_count" if value == 0:
            return Unknown()
        case "quant" if fact.origin == BY_NAME or str(value) in _CONTAINERS:
            # The registry reads the name itself, and the checkpoint tells the rest.
            return Unknown()
        case "quant":
            return native.Stated(str(value).removeprefix("gguf:"), fact.place, fact.origin)
        case "kv_cache_dtype" if value == "auto":
            return Unknown()
    return fact


def _no_card(name: str) -> str:
    """Why nothing can be predicted of an accelerator that is no whole card; empty for a card."""
    start = next((start for start in _NO_CARD if name.startswith(start)), "")
    alone = start and "|" not in name
    return _NO_CARD[start].format(name.removeprefix("MIG-")[:40]) if alone else ""


def _behind(fact: Fact, runtime: native.Stated | None) -> Fact:
    """The engine behind a word for it, by the object's annotation where it has one."""
    if isinstance(fact, Unknown) or fact.value not in _ENGINES:
        return fact
    if runtime is not None:
        return runtime
    return native.Stated(_ENGINES[str(fact.value)], fact.place, fact.origin)


def _chosen(found: NativeDeployment, choice: tuple[str, int] | None) -> dict[str, Fact]:
    """Accelerator, number, and what follows from the number, for one alternative."""
    if choice is None:
        return {}
    gpu, count = choice
    stated = found.facts["gpu"]
    place, origin = (
        (stated.place, stated.origin)
        if isinstance(stated, native.Stated)
        else (found.place, "accelerators")
    )
    chosen: dict[str, Fact] = {
        "gpu": native.Stated(gpu, place, origin),
        "gpu_count": native.Stated(count, place, origin),
    }
    tensor = found.facts["tp"]
    if isinstance(tensor, native.Stated) and "NUM_GPUS" in str(tensor.value):
        chosen["tp"] = native.Stated(count, tensor.place, f"{tensor.value} of {gpu}")
    return chosen


def _context_of_a_slot(sheet: _Sheet) -> None:
    """llama.cpp's context is that of all slots together, where their number is stated.

    SOURCE: llama.cpp tools/server/README.md, `--ctx-size` and `--parallel`.
    """
    context, slots = "/serving/max_model_len", sheet.values.get("/serving/max_num_seqs")
    if sheet.values.get("/backend") != "llama.cpp" or context not in sheet.values:
        return
    if slots and slots > 1:
        whole = sheet.values[context]
        sheet.values[context] = max(1, whole // slots)
        sheet.origins[context] = f"{sheet.origins[context]} {whole} over {slots} slots"


def _range(sheet: _Sheet, fewest: Fact, most: native.Stated | None) -> None:
    """Replicas that scale, or that are scaled to zero: one is what must work."""
    if not isinstance(fewest, native.Stated) or not isinstance(fewest.value, int):
        return
    limit = most.value if most is not None and isinstance(most.value, int) else fewest.value
    if fewest.value and limit <= fewest.value:
        return
    sheet.values.pop("/replicas", None)
    sheet.blanks.pop("/replicas", None)
    sheet.places["/replicas"] = fewest.place
    sheet.put("/replicas/min", fewest.value, fewest.place, fewest.origin)
    highest = most or fewest
    sheet.put("/replicas/max", max(1, min(limit, 10_000)), highest.place, highest.origin)


def _wide_weights(sheet: _Sheet, dtype: native.Stated | None) -> None:
    """`--dtype float32` loads an unquantised checkpoint at twice its size."""
    if dtype is not None and dtype.value in ("float32", "float") and "/quant" not in sheet.values:
        sheet.put("/quant", "FP32", dtype.place, dtype.origin)
