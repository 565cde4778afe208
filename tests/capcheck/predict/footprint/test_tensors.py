from dataclasses import replace

import pytest
from capcheck.predict.footprint.tensors import tensors
from capcheck.registry.tables import load


@pytest.mark.parametrize("off", [1.0, 0.9995])
def test_a_rounded_count_keeps_its_gated_feed_forward(off: float):
    """A count that is published to three digits must not lose a matrix."""
    found = load().model("llama3.1-8b")
    exact = found.spec
    split = tensors(replace(exact, params=round(exact.params * off)))
    matrix = exact.n_layers * exact.hidden_size * exact.intermediate_size
    assert split.ffn_gate_up == pytest.approx(2 * matrix, rel=2e-3)
    assert split.ffn_down == pytest.approx(matrix, rel=2e-3)
    assert split.unquantised < 0.002 * exact.params
    parts = (
        *(split.embedding, split.head, split.attention_qk, split.attention_v),
        *(split.attention_output, split.ffn_gate_up, split.ffn_down, split.experts),
        *(split.linear, split.unquantised),
    )
    assert sum(parts) == pytest.approx(round(exact.params * off))
