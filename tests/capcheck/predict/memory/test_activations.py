"""Working memory of a pass, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capcheck.predict.memory.activations import kept_scores_bytes
from capcheck.registry.tables import load

GIB = 2.0**30
LLAMA2, LLAMA3, MISTRAL = (
    load().model(name).spec for name in ("llama2-7b", "llama3.1-8b", "mistral-small-24b")
)


@pytest.mark.parametrize(
    ("model", "steps"),
    [
        # 16 batches of 512 tokens, 1/64 GiB of scores more in each; a matrix of 0.084 GiB.
        (LLAMA2, range(6, 17)),
        # Its matrix is as large as the scores of the seventh batch, which find room in it.
        (LLAMA3, range(8, 17)),
        (MISTRAL, ()),
    ],
)
def test_only_scores_larger_than_every_buffer_so_far_are_kept(model, steps):
    kept = kept_scores_bytes(model, rows=512, tokens=8192) / GIB
    assert kept == pytest.approx(1.05 * sum(steps) / 64)


def test_a_short_last_batch_meets_the_whole_cache():
    tiny = replace(LLAMA2, n_heads=1, hidden_size=1, intermediate_size=1)
    assert kept_scores_bytes(tiny, rows=4, tokens=10) == pytest.approx(2.1 * 4 * (4 + 8 + 10))
