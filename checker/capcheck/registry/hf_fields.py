"""Typed access to a Hugging Face config.json: one meaning, whatever the field is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# Larger figures are typing mistakes; the bound also keeps the arithmetic finite.
_LARGEST = 10**8
MOST_LAYERS = 10_000

# The same fact under the names that different model types use.
HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")
LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
HEADS = ("num_attention_heads", "n_head", "n_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num")
FEED_FORWARD = ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size")
CONTEXT = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
EXPERTS_PER_TOKEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk")
EXPERT_SIZE = ("moe_intermediate_size", "expert_intermediate_size")
TEXT_PARTS = ("text_config", "language_config", "llm_config")


class ConfigError(ValueError):
    """A field of a model config that is missing or cannot be. `field` is its dotted name."""

    def __init__(self, field: str, found: object, expected: str) -> None:
        self.field = field
        self.found = "nothing" if found is None else repr(found)[:80]
        self.expected = expected
        super().__init__(f"{field}: found {self.found}, expected {expected}")


class Fields:
    """A config, with its language model's part laid over it."""

    def __init__(self, config: Mapping[str, object]) -> None:
        self.config = config
        nested = (config.get(part) for part in TEXT_PARTS)
        self.part = next((part for part in nested if isinstance(part, Mapping)), {})

    def get(self, *names: str) -> object:
        """The first of these fields that is there and not null."""
        for config in (self.part, self.config):
            for name in names:
                if config.get(name) is not None:
                    return config[name]
        return None

    def whole(self, *names: str, least: int = 1, most: int = _LARGEST) -> int | None:
        """A whole number, or None where no such field is. Raises ConfigError for anything else."""
        value = self.get(*names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(names[0], value, f"a whole number from {least} to {most}")
        return value

    def required(self, *names: str, most: int = _LARGEST) -> int:
        """A positive whole number. Raises ConfigError without one."""
        value = self.whole(*names, most=most)
        if value is None:
            also = f" (also {', '.join(names[1:])})" if names[1:] else ""
            raise ConfigError(names[0], None, f"a positive whole number{also}")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """A boolean. Raises ConfigError for anything else."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ConfigError(name, value, "true or false")
        return value

    def text(self, name: str) -> str | None:
        """A string. Raises ConfigError for anything else."""
        value = self.get(name)
        if value is not None and not isinstance(value, str):
            raise ConfigError(name, value, "a string")
        return value

    def items(self, name: str) -> Sequence[object] | None:
        """A list. Raises ConfigError for anything else."""
        value = self.get(name)
        if value is not None and not isinstance(value, (list, tuple)):
            raise ConfigError(name, value, "a list")
        return value

    def mapping(self, name: str) -> Mapping[str, object] | None:
        """An object. Raises ConfigError for anything else."""
        value = self.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise ConfigError(name, value, "an object")
        return value
