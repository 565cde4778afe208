"""The weight format of a checkpoint, from its config's `quantization_config` and dtype."""

from __future__ import annotations

from collections.abc import Mapping

from capcheck.registry.hf_fields import ConfigError, Fields

_PLAIN = {"bfloat16": "BF16", "float16": "FP16", "half": "FP16", "float32": "FP32"}

# What a quantisation method means without further fields.
_METHODS = {
    "awq": "AWQ",
    "fp8": "FP8",
    "fbgemm_fp8": "FP8-fbgemm",
    "mxfp4": "MXFP4",
    "gptq": "GPTQ",
    "auto-round": "AutoRound",
    "auto_round": "AutoRound",
    "compressed-tensors": "W4A16",
    "modelopt": "FP8",
    "modelopt_fp4": "NVFP4",
}


def native_quant(fields: Fields) -> str:
    """The canonical name of the checkpoint's weight format; 16 bits where nothing is said.

    Raises ConfigError for a method that is not known.
    """
    config = fields.mapping("quantization_config")
    if config is None:
        dtype = (fields.text("dtype") or fields.text("torch_dtype") or "bfloat16").removeprefix(
            "torch."
        )
        if dtype.startswith("float8"):
            return "FP8"
        if dtype not in _PLAIN:
            raise ConfigError("torch_dtype", dtype, f"one of {', '.join(_PLAIN)}")
        return _PLAIN[dtype]
    quantised = Fields(config)
    method = quantised.text("quant_method") or ""
    if method == "bitsandbytes":
        return "NF4" if quantised.flag("load_in_4bit", default=False) else "BNB-INT8"
    if method == "gptq" and quantised.whole("bits") == 8:
        return "GPTQ-INT8"
    if method == "fp8" and quantised.get("weight_block_size"):
        return "FP8-block"
    if method == "modelopt" and "FP4" in (quantised.text("quant_algo") or ""):
        return "NVFP4"
    if method == "compressed-tensors":
        return _compressed_tensors(quantised)
    if method not in _METHODS:
        known = ", ".join(sorted({*_METHODS, "bitsandbytes"}))
        raise ConfigError("quantization_config.quant_method", method or None, f"one of {known}")
    return _METHODS[method]


def _compressed_tensors(quantised: Fields) -> str:
    groups = quantised.mapping("config_groups") or {}
    group = next((item for item in groups.values() if isinstance(item, Mapping)), {})
    weights, inputs = group.get("weights"), group.get("input_activations")
    if not isinstance(weights, Mapping):
        return _METHODS["compressed-tensors"]
    bits, kind = weights.get("num_bits"), weights.get("type")
    if kind == "float":
        return "NVFP4" if bits == 4 else "FP8"
    if bits == 8:
        return "W8A8" if inputs else "W8A16"
    return "W4A16"
