"""What decides how fast an engine copy is, in the words that coefficients are filed under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from capcheck.records import Keyed, dataclass
from capcheck.registry.specs import GpuSpec, ModelSpec, QuantSpec
from capcheck.registry.versions import parse
from capcheck.resolution.resolved import Resolved

_GEFORCE = re.compile(r"(RTX|GTX) \d{4}(?!.* Ada)")
_PLATFORMS = {"nvidia": "cuda", "amd": "rocm", "apple": "metal", "intel": "xpu"}

# Where the registry has none: PCIe 4.0 x16, and NVLink 3.
_USUAL_LINK_GB_S = {"pcie": 64.0, "fast": 600.0}


@dataclass(frozen=True, slots=True)
class Traits(Keyed):
    """One configuration. `engine` is the family whose measurements speak for the backend.

    `era` groups releases, `kernel` weight formats that run on the same kernels. `memory` is gddr,
    hbm, apple or soc; `segment` tells GeForce cards (half-rate FP32 accumulation) from the others;
    `link` is fast (NVLink and the like) or pcie. `flags` name what is special about the model,
    `eager` says that the host launches every kernel, `method` how the weights were quantised (an
    engine without CUDA graphs pays for each method's own modules).
    """

    engine: str
    platform: str
    era: str
    kernel: str
    memory: str
    architecture: str
    segment: str
    gpu: str
    link: str
    tensor_parallel_size: int
    flags: tuple[str, ...]
    eager: bool = False
    method: str = ""

    @property
    def host(self) -> str:
        """Engine and platform together: `llama.cpp/metal`."""
        return f"{self.engine}/{self.platform}"


def traits_of(resolved: Resolved, engines: Mapping[str, Any]) -> Traits | None:
    """The traits of a deployment; None when model, quant, backend, GPU or engine is unknown.

    `engines` is the artifact's table: per engine family, which measurements speak for it (`as`),
    and from which release on each era counts (`eras`, oldest first).
    """
    model, quant, backend = resolved.model, resolved.quant, resolved.backend
    gpu, settings = resolved.gpu, resolved.engine
    if model is None or quant is None or backend is None or gpu is None or settings is None:
        return None
    entry = engines.get(backend.engine_family, {})
    engine = str(entry.get("as", backend.engine_family))
    platform = _PLATFORMS.get(gpu.vendor, "cuda")
    if engine == "llama.cpp" and platform == "xpu":
        platform = "vulkan"
    return Traits(
        engine=engine,
        platform=platform,
        era=_era(entry, backend.name, resolved.deployment.backend_version),
        kernel=kernel(quant, gpu),
        memory=memory(gpu),
        architecture=architecture(gpu),
        segment=segment(gpu),
        gpu=gpu.name,
        link=link(gpu),
        tensor_parallel_size=settings.tensor_parallel_size,
        flags=flags(model),
        eager=settings.enforce_eager or bool(entry.get("eager")),
        method=method(quant),
    )


def _era(entry: Mapping[str, Any], backend: str, version: str | None) -> str:
    """The newest era, unless a stated release is older than that era's first."""
    eras = entry.get("eras", {})
    names = list(eras)
    found = parse(version)
    if not names:
        return ""
    if found is None:
        return str(names[-1])
    current = names[0]
    for name in names:
        first = parse(eras[name].get(backend))
        if first is not None and found >= first:
            current = name
    return str(current)


@lru_cache(maxsize=1024)
def kernel(quant: QuantSpec, gpu: GpuSpec) -> str:
    """The kernels that a weight format runs on; a format the GPU lacks runs as weight-only."""
    if quant.family == "gguf":
        return _gguf_kernel(quant)
    if quant.family == "none":
        return "16bit"
    if quant.family == "fp8":
        return "fp8" if _has_fp8(gpu) else "w8a16"
    if quant.family in {"mxfp4", "nvfp4", "mixed"}:
        return "fp4" if gpu.fp4_tflops else "w4a16"
    if quant.name == "W8A8":
        return "w8a8"
    if quant.family in {"mlx", "mlc", "exl2", "exl3", "bnb"}:
        return quant.family
    return "w8a16" if quant.bits_per_weight > 7 else "w4a16"


def method(quant: QuantSpec) -> str:
    """How weights were quantised: `awq`, `gptq8`, `none`."""
    eight = quant.family == "gptq" and quant.bits_per_weight > 7
    return "gptq8" if eight else quant.family


def _has_fp8(gpu: GpuSpec) -> bool:
    """Tensor cores with FP8: listed, or NVIDIA since compute capability 8.9 (Ada, Hopper)."""
    return bool(gpu.fp8_tflops) or (gpu.compute_capability or 0.0) >= 8.9


def _gguf_kernel(quant: QuantSpec) -> str:
    name = quant.name
    if quant.bits_per_weight >= 15:
        return "gguf-16"
    if name.startswith(("IQ", "TQ")):
        return "gguf-iq"
    if "FP4" in name:
        return "gguf-fp4"
    if "_K" in name:
        return "gguf-k-low" if "Q2_K" in name or "Q3_K" in name else "gguf-k"
    return "gguf-8" if name.startswith("Q8") else "gguf-legacy"


def memory(gpu: GpuSpec) -> str:
    """The kind of memory that sets the achievable share of its bandwidth."""
    if gpu.vendor == "apple":
        return "apple"
    return gpu.memory_class if gpu.memory_class in {"gddr", "hbm"} else "soc"


def architecture(gpu: GpuSpec) -> str:
    """`ampere`, `rdna3`; one name for revisions and for all Apple generations: cores are alike."""
    return "apple" if gpu.vendor == "apple" else gpu.architecture.split(".")[0]


@lru_cache(maxsize=1024)
def segment(gpu: GpuSpec) -> str:
    """`geforce`, or the kind of memory of every other device."""
    return "geforce" if _GEFORCE.match(gpu.name) else memory(gpu)


def link(gpu: GpuSpec) -> str:
    """`fast` for a fabric between GPUs, `pcie` for cards; by the kind of memory where not known.

    A bridge between cards is sold apart: its name alone does not say that one is there.
    """
    if gpu.interconnect:
        return "pcie" if gpu.interconnect.startswith("PCIe") else "fast"
    return "fast" if gpu.memory_class == "hbm" else "pcie"


def link_gb_s(gpu: GpuSpec) -> float:
    """The rate at which a GPU talks to its neighbours, both directions together, in GB/s."""
    return gpu.interconnect_gb_s or _USUAL_LINK_GB_S[link(gpu)]


def flagged_kernels(traits: Traits) -> list[str]:
    """What is special about the model, each with the weights' kernels: experts have their own."""
    return [f"{flag} {traits.kernel}" for flag in traits.flags]


@lru_cache(maxsize=1024)
def flags(model: ModelSpec) -> tuple[str, ...]:
    """Architectures whose steps cost more than their bytes say."""
    found = []
    if model.is_moe:
        found.append("moe")
    if model.attention.lower().startswith("hybrid"):
        found.append("hybrid")
    if model.mla_kv_lora_rank is not None:
        found.append("mla")
    if "DSA" in model.attention:
        found.append("sparse")
    return tuple(found)
