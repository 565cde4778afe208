"""What the registry knows about each kind of thing, as frozen records.

None means the source does not say; a predictor that needs the figure then answers "unknown".
GiB is 2^30 bytes; GB/s and TFLOP/s are decimal, as vendors print them.
"""

from __future__ import annotations

from capcheck.records import Keyed, dataclass


@dataclass(frozen=True, slots=True)
class ModelSpec(Keyed):
    """One architecture. Counts are exact where published; `params` is what sits in GPU memory."""

    name: str
    params: int
    active_params: int  # read per token in a mixture of experts; = params when dense
    n_layers: int | None
    hidden_size: int | None
    n_heads: int | None
    n_kv_heads: int | None
    head_dim: int | None
    vocab_size: int | None
    intermediate_size: int | None
    moe_intermediate_size: int | None
    tied_embeddings: bool
    max_context: int | None  # what engines enforce (config max_position)
    attention: str  # "MHA", "GQA", "MQA", "MLA", "hybrid ..." as published
    sliding_window: int | None
    n_full_attention_layers: int | None
    n_sliding_layers: int
    mla_kv_lora_rank: int | None
    mla_rope_dim: int | None
    n_experts: int | None
    experts_per_token: int | None
    native_quant: str  # canonical quant name of the published checkpoint
    kv_bytes_per_token_16bit: int | None  # all layers, 16-bit cache, whole model
    family: str  # "llama3.2", "qwen2.5": models of one family differ in size only
    licence: str | None
    hf_repo: str | None
    source: str

    @property
    def params_b(self) -> float:
        """Billions of parameters."""
        return self.params / 1e9

    @property
    def is_moe(self) -> bool:
        """A mixture of experts."""
        return bool(self.n_experts and self.n_experts > 1)

    @property
    def embedding_params(self) -> int | None:
        """Parameters of one vocabulary matrix (input embedding or output head)."""
        if self.vocab_size is None or self.hidden_size is None:
            return None
        return self.vocab_size * self.hidden_size


@dataclass(frozen=True, slots=True)
class GpuSpec(Keyed):
    """One GPU (or accelerator) product."""

    name: str
    vendor: str  # "nvidia", "amd", "intel", "apple"
    memory_gb: float | None  # as marketed
    usable_gib: float | None  # as an engine sees it; total device memory
    usable_basis: str
    memory_type: str  # "GDDR6X", "HBM3", "unified", ...
    memory_class: str  # "gddr", "hbm", "lpddr", "unified"
    bandwidth_gb_s: float | None
    fp16_tflops: float | None  # dense tensor, FP32 accumulate
    fp8_tflops: float | None
    int8_tops: float | None
    fp4_tflops: float | None
    interconnect: str
    interconnect_gb_s: float | None
    tdp_w: float | None
    compute_capability: float | None  # NVIDIA only
    architecture: str  # "ampere", "ada", "hopper", "blackwell", "cdna3", "apple-m4", ...
    source: str


@dataclass(frozen=True, slots=True)
class QuantSpec(Keyed):
    """One weight format.

    `bits_per_weight` is the effective figure over all quantised tensors from published file sizes;
    `embedding_bits` is what the vocabulary matrices keep (None = same as the rest).
    """

    name: str
    family: (
        str  # "gguf", "none", "fp8", "int8", "awq", "gptq", "bnb", "mxfp4", "nvfp4", "exl2", ...
    )
    bits_per_weight: float
    embedding_bits: float | None
    whole_model: bool  # bits_per_weight already covers embeddings and norms (GGUF files)
    experts_only: bool  # only MoE experts are quantised; the rest is 16 bit
    source: str


@dataclass(frozen=True, slots=True)
class BackendSpec(Keyed):
    """One serving engine and its defaults.

    `memory_model` is "budget" (a share of the device becomes weights + KV pool: vllm, sglang, tgi,
    tensorrt-llm), "allocate" (exactly what the context needs: ollama, llama.cpp), "grow"
    (transformers) or empty: an engine known by name only. `engine_family` groups engines that
    share kernels (llama.cpp, ollama, llamafile).
    """

    name: str
    engine_family: str
    memory_model: str
    batching: str  # "continuous", "slots", "static"; empty when known by name only
    supports_tensor_parallel: bool
    version_read: str
    source: str
    end_of_life: str | None = None  # ISO date since which nobody maintains it

    @property
    def is_calibrated(self) -> bool:
        """Its memory and speed can be predicted."""
        return bool(self.memory_model)


@dataclass(frozen=True, slots=True)
class Price:
    """One dated hourly price. `n_gpus` is the size of the instance: whole instances are billed."""

    provider: str
    instance_type: str | None
    gpu: str  # canonical GPU name
    n_gpus: int
    usd_per_hour: float  # of the whole instance
    region: str | None
    captured: str | None  # ISO date, None when undated
    kind: str  # "on-demand", "spot", "marketplace", "amortised", "stated", "fixture"
    source: str

    @property
    def usd_per_gpu_hour(self) -> float:
        """The price of one GPU of the instance."""
        return self.usd_per_hour / self.n_gpus
