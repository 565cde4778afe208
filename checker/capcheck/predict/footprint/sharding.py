"""How much of a model one GPU of an engine copy carries."""

from __future__ import annotations

import math

from capcheck.records import dataclass
from capcheck.registry.specs import ModelSpec


@dataclass(frozen=True, slots=True)
class Shard:
    """One GPU's place: `tensor` ways inside a layer, `pipeline` ways over layers."""

    tensor: int
    pipeline: int

    def layer_share(self, model: ModelSpec) -> float:
        """The share of the layers on the fullest pipeline stage."""
        layers = model.n_layers or self.pipeline
        return math.ceil(layers / self.pipeline) / layers

    def weights_share(self, model: ModelSpec) -> float:
        """The share of the weights on the fullest GPU: its layers and one vocabulary matrix."""
        if self.pipeline == 1:
            return 1.0 / self.tensor
        matrices = 1 if model.tied_embeddings else 2
        vocabulary = min(1.0, (model.embedding_params or 0) / model.params)
        layers = max(0.0, 1.0 - matrices * vocabulary)
        return (layers * self.layer_share(model) + vocabulary) / self.tensor

    def cache_share(self, model: ModelSpec) -> float:
        """The share of a sequence's KV cache on one GPU.

        KV heads are split over the tensor ranks and repeated when there are more ranks than heads;
        a compressed (MLA) latent is kept whole on every rank.
        """
        share = self.layer_share(model)
        if model.mla_kv_lora_rank is not None or not model.n_kv_heads:
            return share
        return share * math.ceil(model.n_kv_heads / self.tensor) / model.n_kv_heads
