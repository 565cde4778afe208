"""Where a model's parameters sit: how many are in each kind of tensor."""

from __future__ import annotations

from capcheck.records import dataclass
from capcheck.registry.specs import ModelSpec

# Parameter counts are published to three digits: 1 part in 1000.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Tensors:
    """Parameters by kind of tensor, over all layers; they sum to the model's `params`.

    `head` is 0 when the output head shares the input embedding. `linear` is every other matrix that
    quantisers treat like a feed-forward one (linear attention, shared experts, MLA projections, or
    all layers when the architecture's shapes are not known); `unquantised` is norms, biases and
    vision towers, which formats leave at 16 bits or more.
    """

    embedding: float
    head: float
    attention_qk: float
    attention_v: float
    attention_output: float
    ffn_gate_up: float
    ffn_down: float
    experts_gate_up: float
    experts_down: float
    linear: float
    unquantised: float

    @property
    def experts(self) -> float:
        """Routed experts: a token reads `experts_per_token` of `n_experts` of these."""
        return self.experts_gate_up + self.experts_down

    @property
    def vocabulary(self) -> float:
        """The input embedding and, when it is a matrix of its own, the output head."""
        return self.embedding + self.head


def tensors(model: ModelSpec) -> Tensors:
    """Split a model's parameters by kind of tensor, from the shapes in its published config.

    The parameter count wins over the shapes: what they do not explain is `linear`, or, in a plain
    dense transformer, where it can only be norms, biases and a vision tower, `unquantised`.
    """
    layers, hidden = model.n_layers, model.hidden_size
    vocabulary = model.embedding_params
    if not (layers and hidden and vocabulary) or 2 * vocabulary > model.params:
        return _of_unknown_shapes(model)
    head = 0 if model.tied_embeddings else vocabulary
    rest = float(model.params - vocabulary - head)
    query, key, value, output = _attention(model, layers, hidden)
    experts = _routed_experts(model)
    rest -= query + key + value + output + experts
    if rest < 0:
        return _of_unknown_shapes(model)
    gate_up, down, linear, unquantised = _feed_forward(model, layers, hidden, rest)
    return Tensors(
        embedding=vocabulary,
        head=head,
        attention_qk=query + key,
        attention_v=value,
        attention_output=output,
        ffn_gate_up=gate_up,
        ffn_down=down,
        experts_gate_up=experts * 2 / 3,
        experts_down=experts / 3,
        linear=linear,
        unquantised=unquantised,
    )


def _of_unknown_shapes(model: ModelSpec) -> Tensors:
    experts = _routed_experts(model)
    return Tensors(
        embedding=0,
        head=0,
        attention_qk=0,
        attention_v=0,
        attention_output=0,
        ffn_gate_up=0,
        ffn_down=0,
        experts_gate_up=experts * 2 / 3,
        experts_down=experts / 3,
        linear=model.params - experts,
        unquantised=0,
    )


def _attention(model: ModelSpec, layers: int, hidden: int) -> tuple[float, float, float, float]:
    """Parameters of the query, key, value and output projections; zeros when not plain."""
    if not (model.n_heads and model.n_kv_heads and model.head_dim) or model.mla_kv_lora_rank:
        return 0, 0, 0, 0
    if _is_hybrid(model):
        layers = min(layers, (model.n_full_attention_layers or 0) + model.n_sliding_layers)
    query = layers * hidden * model.n_heads * model.head_dim
    key = layers * hidden * model.n_kv_heads * model.head_dim
    return query, key, key, query


def _routed_experts(model: ModelSpec) -> float:
    """Parameters of all routed experts: a token skips (E - k)/E of them, and nothing else.

    The shapes are an upper bound, because first layers are dense in several families.
    """
    if not (model.is_moe and model.n_experts and model.experts_per_token):
        return 0.0
    bounds = []
    skipped = model.n_experts - model.experts_per_token
    if skipped and model.active_params < model.params:
        bounds.append((model.params - model.active_params) * model.n_experts / skipped)
    if model.n_layers and model.hidden_size and model.moe_intermediate_size:
        per_expert = 3 * model.hidden_size * model.moe_intermediate_size
        bounds.append(float(model.n_layers * model.n_experts * per_expert))
    return min(bounds, default=0.0)


def _feed_forward(
    model: ModelSpec, layers: int, hidden: int, rest: float
) -> tuple[float, float, float, float]:
    """Gate and up, down, other linear, and unquantised parameters that make up `rest`.

    Published counts are rounded: a gated feed-forward that misses by less than that is one still.
    """
    if model.is_moe or not model.intermediate_size:
        return 0.0, 0.0, rest, 0.0
    matrix = float(layers * hidden * model.intermediate_size)
    rounding = _ROUNDING * model.params
    matrices = 3 if rest >= 3 * matrix - rounding else 2
    if rest < matrices * matrix - rounding:
        return 0.0, 0.0, rest, 0.0
    matrix = min(matrix, rest / matrices)
    remainder = rest - matrices * matrix
    if _is_hybrid(model) or model.mla_kv_lora_rank:
        return (matrices - 1) * matrix, matrix, remainder, 0.0
    return (matrices - 1) * matrix, matrix, 0.0, remainder


def _is_hybrid(model: ModelSpec) -> bool:
    """Some layers have no softmax attention (Mamba, gated delta networks)."""
    return model.attention.lower().startswith("hybrid")
