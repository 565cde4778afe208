"""Settings of native files that no forecast has a model for."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.manifest.deployment import Observed
from capcheck.source.native.deployment import NativeDeployment, Stated

# Part of the weights or the cache stays in host memory: neither memory nor speed is what is
# forecast. Each with the values that keep everything on the device.
_OFFLOAD = {
    "n_cpu_moe": ("0",),
    "cpu_moe": ("false",),
    "cpu_offload_gb": ("0", "0.0"),
    "override_tensor": (),
    "no_kv_offload": ("false",),
}
# llama.cpp: the number of layers on the device, which may be all of them.
_LAYERS = "gpu_layers"
# What takes memory or time of its own beside the model.
_BESIDE = {
    "enable_lora": "the memory of LoRA adapters",
    "speculative_config": "a draft model's memory and speed",
    "speculative_model": "a draft model's memory and speed",
    "speculative_algorithm": "a draft model's memory and speed",
    "mmproj": "the memory of the vision part",
}


def unmodelled(found: NativeDeployment) -> Iterator[Observed]:
    """Observations offload-not-modelled and setting-not-modelled."""
    for name, stated in found.settings.items():
        if _offloads(name, stated):
            message = (
                f"{stated.origin} {str(stated.value)[:60]} leaves part of the model in host "
                "memory, which no figure here counts in"
            )
            layers = int(stated.value) if name == _LAYERS else None
            yield Observed("offload-not-modelled", message, stated.place, layers=layers)
        elif name in _BESIDE and stated.value != "false":
            message = f"{stated.origin}: {_BESIDE[name]} is not in these figures"
            yield Observed("setting-not-modelled", message, stated.place)


def _offloads(name: str, stated: Stated) -> bool:
    value = str(stated.value)
    if name == _LAYERS:
        return value.isascii() and value.isdigit() and len(value) < 6
    return name in _OFFLOAD and value not in _OFFLOAD[name]
