"""What an engine's kernels can reach at most, and the least that they do, by configuration."""

from __future__ import annotations

from capcheck.predict.speed.traits import Traits

_EIGHT_BIT_GAIN = {"apple": 1.0, "pascal": 4.0, "rdna3": 1.0, "volta": 1.0}

# Intel cards whose Vulkan drivers gave llama.cpp no cooperative matrices: its shaders run on the
# vector units, at a quarter of the matrix units' 16-bit rate, and at half with int8 dot products.
_VECTOR_UNITS = frozenset({"alchemist", "battlemage"})

# Engines whose products are those of cuBLAS, CUTLASS or Marlin: whole tiles of tokens.
_TILED = frozenset({"vllm", "sglang", "tensorrt-llm"})
_TILE_TOKENS = {"w4a16": 16.0, "w8a16": 16.0}

# Layers' worth of launches by engine and quantisation method, where it is not one. Each product of
# an FP8 layer is two Triton kernels, whose launcher is Python: about four launches' time each, so
# that 7 * 2 * 4 join the 40 or so kernels of a 16-bit layer.
# SOURCE: transformers 4.51, integrations/finegrained_fp8.py; the launcher's time is an estimate.
_METHOD_LAUNCHES = {("transformers", "fp8"): 2.4}


def ceiling(t: Traits) -> float:
    """The most a kernel can reach, as a multiple of the 16-bit tensor peak with FP32 accumulation.

    GeForce cards halve FP32 accumulation. llama.cpp accumulates in FP16 or int32, so its ceiling is
    twice as high there; serving engines accumulate in FP32, but for INT8 (int32) and FP4 products.
    Eight-bit kernels and llama.cpp's quantised ones (int8 products) run at twice the 16-bit rate
    where the hardware has such products: on Pascal, four bytes at once against no tensor cores, at
    four times. FP4 tensor cores reach four times. llama.cpp speaks to tensor cores one warp at a
    time, which yields 0.63 of Hopper's peak.
    SOURCE: NVIDIA Pascal, Turing, Ada and Blackwell architecture whitepapers; AMD RDNA3 ISA, WMMA;
    mma against wgmma on Hopper: Luo et al., arXiv 2402.13499.
    """
    llama = t.engine == "llama.cpp"
    halved = t.segment == "geforce" and t.architecture != "turing-tu11x"  # that has no tensor cores
    found = 2.1 if halved and (llama or t.kernel in {"w8a8", "fp4"}) else 1.05
    if t.kernel == "fp4":
        return 4 * found
    if llama and t.architecture in _VECTOR_UNITS:
        return found * (0.25 if t.kernel == "gguf-16" else 0.5)
    if t.kernel in {"fp8", "w8a8"} or (llama and t.kernel != "gguf-16"):
        found *= _EIGHT_BIT_GAIN.get(t.architecture, 2.0)
    return 0.63 * found if llama and t.architecture == "hopper" else found


def tile_tokens(t: Traits) -> float:
    """Tokens that a step's products are padded to; 0 where one token has its own kernel.

    Matrix kernels multiply whole tiles: 64 rows at a time (the `m64` of Hopper's warp-group
    products, and cuBLAS's least), Marlin 16. On a GPU with little arithmetic for its bandwidth,
    such as the H20, one stream already waits for them. llama.cpp and transformers multiply a
    vector.
    SOURCE: NVIDIA PTX ISA, wgmma.mma_async; Frantar et al., MARLIN, arXiv 2408.11743, section 3.
    """
    return _TILE_TOKENS.get(t.kernel, 64.0) if t.engine in _TILED else 0.0


def method_launches(t: Traits) -> float:
    """Layers' worth of kernels that one quantised layer launches where the host launches each."""
    return _METHOD_LAUNCHES.get((t.engine, t.method), 1.0)
