"""GGUF's quantisation mixes: which block type each kind of tensor gets, hence its bits per weight.

SOURCE: the facts and their origin are in data/gguf_mixes.json.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from capcheck.records import dataclass

_TABLE = Path(__file__).parents[2] / "data" / "gguf_mixes.json"


def _alternate(layers: int) -> int:
    eighth = layers // 8
    return sum(
        layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
        for layer in range(layers)
    )


# How many of a model's layers a rule covers.
_COVERED: Mapping[str, Callable[[int], int]] = {
    "all": lambda layers: layers,
    "alternate": _alternate,
    "first_eighth": lambda layers: layers // 8,
    "first_sixteenth": lambda layers: layers // 16,
    "first_two": lambda layers: min(2, layers),
    "first_four": lambda layers: min(4, layers),
    "middle": lambda layers: 7 * layers // 8 - layers // 8,
}

# A tensor that a mix does not name takes the rules of the next one here, then the base type.
_FOLLOWS = {
    "experts_gate_up": "ffn_gate_up",
    "experts_down": "ffn_down",
}


@dataclass(frozen=True, slots=True)
class Mix:
    """One named mix. `rules` maps a kind of tensor to (which layers, block type), in order."""

    base: str
    rules: Mapping[str, tuple[tuple[str, str], ...]]
    bits_of_type: Mapping[str, float]
    fallback: Mapping[str, str]
    attention_v_when_70b: Mapping[str, str]

    def bits(
        self, tensor: str, *, layers: int, columns: int, heads_per_kv_head: int, experts: int
    ) -> float:
        """Mean bits per weight of one kind of tensor over a model's layers.

        `columns` is the tensor's row length: K-quants need a multiple of 256 and fall back to a
        larger block type without it.
        """
        rules = self._rules(tensor, heads_per_kv_head, experts)
        total, left = 0.0, layers
        for where, block_type in rules:
            covered = min(left, _COVERED[where](layers))
            total += covered * self._bits_of(tensor, block_type, layers, columns)
            left -= covered
        total += left * self._bits_of(tensor, self.base, layers, columns)
        return total / layers

    def _rules(
        self, tensor: str, heads_per_kv_head: int, experts: int
    ) -> tuple[tuple[str, str], ...]:
        eight = self.rules.get(f"{tensor}_of_8_experts", ()) if experts == 8 else ()
        grouped = self.rules.get(f"{tensor}_gqa4", ()) if heads_per_kv_head >= 4 else ()
        followed = self.rules.get(_FOLLOWS.get(tensor, tensor), ())
        return eight or grouped or self.rules.get(tensor, ()) or followed

    def _bits_of(self, tensor: str, block_type: str, layers: int, columns: int) -> float:
        if tensor == "attention_v" and layers == 80:
            block_type = self.attention_v_when_70b.get(block_type, block_type)
        if columns % 256:
            block_type = self.fallback.get(block_type, block_type)
        return self.bits_of_type[block_type]


@lru_cache(maxsize=1)
def mixes() -> Mapping[str, Mix]:
    """Every mix by its name ("Q4_K_M"). Plain types (F16) are not mixes and are not listed."""
    table = _table()
    return {
        name: Mix(
            base=entry["base"],
            rules={
                tensor: tuple((where, block_type) for where, block_type in rules)
                for tensor, rules in entry.items()
                if tensor != "base"
            },
            bits_of_type=table["bits"],
            fallback=table["fallback_unless_multiple_of_256"],
            attention_v_when_70b=table["attention_v_when_70b"],
        )
        for name, entry in table["mixes"].items()
    }


def has_fused_attention(model_name: str) -> bool:
    """The family's GGUF files hold query, key and value as one tensor."""
    return model_name.startswith(tuple(_table()["fused_attention"]["model_prefixes"]))


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
