"""The prefill of one prompt as a function of its length."""

from __future__ import annotations

from capcheck.predict.footprint.weights import expert_miss, streamed_bytes
from capcheck.predict.speed import roofline
from capcheck.predict.speed.batching import attention_widths
from capcheck.predict.speed.fitted import Fitted
from capcheck.predict.speed.traits import link_gb_s
from capcheck.records import Keyed, dataclass
from capcheck.registry.specs import GpuSpec, ModelSpec, QuantSpec


@dataclass(frozen=True, slots=True)
class PrefillLaw(Keyed):
    """roofline.prefill with everything but the prompt worked out, in ms.

    `overhead` is per request, `chunk` per chunk of `chunk_tokens`; `product` per token; `dense` and
    `experts` stream the weights once a chunk; the pair terms are attention of one token to one
    earlier token, in layers that see all of them and in windowed ones.
    """

    overhead: float
    chunk: float
    chunk_tokens: float
    product: float
    dense: float
    experts: float
    expert_miss: float
    per_token: float
    pair_full: float
    pair_sliding: float
    window: float

    def __call__(self, *, tokens: float, context_tokens: float = 0.0) -> float:
        """`tokens` (at least 1) of one request, after `context_tokens` that are cached already."""
        chunks = tokens / self.chunk_tokens
        if chunks < 1.0:
            chunks = 1.0
        streaming = self.dense
        if self.experts:
            streaming += self.experts * (1.0 - self.expert_miss ** min(tokens, self.chunk_tokens))
        body = tokens * self.product + chunks * streaming  # roofline.PREFILL_OVERLAP is 1
        end = context_tokens + tokens
        pairs = (end * end - context_tokens * context_tokens) / 2
        whole = self.overhead + chunks * self.chunk + body + tokens * self.per_token
        whole += pairs * self.pair_full
        if self.pair_sliding:
            windowed = self._windowed(end) - self._windowed(context_tokens)
            whole += windowed * self.pair_sliding
        return whole

    def shared_ms(self, tokens: float) -> float:
        """Of it, what prompts of such a length that pass in one iteration pay once."""
        streaming = self.dense
        if self.experts:
            streaming += self.experts * (1.0 - self.expert_miss ** min(tokens, self.chunk_tokens))
        return self.chunk + streaming

    def _windowed(self, tokens: float) -> float:
        """Pairs that the first `tokens` tokens form inside the window."""
        if tokens <= self.window:
            return tokens * tokens / 2
        return self.window * (tokens - self.window / 2)


def prefill_law(
    model: ModelSpec,
    quant: QuantSpec,
    gpu: GpuSpec,
    fitted: Fitted,
    *,
    tensor_parallel_size: int,
    chunk_tokens: float,
    overhead_ms: float,
) -> PrefillLaw:
    """The prefill of one engine copy. Needs the GPU's FLOP rate and bandwidth, and the shape."""
    layers, hidden = model.n_layers or 0, model.hidden_size or 0
    flops = 1e9 * (gpu.fp16_tflops or 0.0) * tensor_parallel_size
    width = roofline.Width(layers, hidden, tensor_parallel_size, 1e6 * link_gb_s(gpu))
    dense, experts = streamed_bytes(model, quant)
    rate = 1e6 * (gpu.bandwidth_gb_s or 0.0) * roofline.STREAMING * tensor_parallel_size
    full = model.n_full_attention_layers
    pair = 4 * attention_widths(model)[0] * fitted.attention / flops
    return PrefillLaw(
        overhead=overhead_ms,
        chunk=layers * fitted.chunk_floor,
        chunk_tokens=chunk_tokens,
        product=2 * prefill_params(model) / (flops * fitted.utilisation),
        dense=dense / rate,
        experts=experts / rate,
        expert_miss=expert_miss(model),
        per_token=roofline.exchange(width, fitted.exchange),
        pair_full=(layers - model.n_sliding_layers if full is None else full) * pair,
        pair_sliding=model.n_sliding_layers * pair,
        window=float(model.sliding_window or 0),
    )


def prefill_params(model: ModelSpec) -> float:
    """Parameters that every prompt token is multiplied with: no vocabulary matrix.

    The input embedding is a look-up, and only the last token needs logits.
    """
    vocabulary = (model.embedding_params or 0) * (1 if model.tied_embeddings else 2)
    return float(max(model.active_params - vocabulary, 0))
