"""Memory and quality on models that their fits did not see, from those rooms' own hold-outs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from capfit import memory, quality
from capfit.data.tables import Data
from capfit.held_out import HeldOut
from capfit.validate.rows import Row, Unit

# Memory measurements by backend and metric: what they speak for, and their unit.
_FIGURES: Mapping[tuple[str, str], tuple[str, Unit]] = {
    ("transformers", "allocated_peak_gib"): ("VRAM peak, eager attention", "GiB"),
    ("transformers", "allocated_after_prefill_gib"): ("VRAM after prefill", "GiB"),
    ("transformers", "device_peak_gib"): ("VRAM peak, fused attention", "GiB"),
    ("transformers", "device_after_run_gib"): ("VRAM after a run", "GiB"),
    ("llama.cpp", "device_peak_gib"): ("VRAM peak", "GiB"),
    ("llama.cpp", "buffers_gib"): ("VRAM at start-up", "GiB"),
    ("vllm", "kv_cache_tokens"): ("KV pool, tokens", "tokens"),
    ("vllm", "kv_cache_gib"): ("KV pool, GiB", "GiB"),
    ("vllm", "fixed_gib"): ("VRAM before the KV pool", "GiB"),
}
QUALITY = "quality score"


def memory_rows(data: Data) -> list[Row]:
    """Device memory and KV pools."""
    return [_row(one, *_FIGURES[one.backend, one.metric]) for one in memory.hold_out(data)]


def quality_rows(data: Data) -> list[Row]:
    """Scores of quantised models, from their own reference; the format stands for a backend."""
    return [_row(one, QUALITY, "score") for one in quality.hold_out(data)]


def outcomes(data: Data) -> Mapping[str, Any]:
    """What is said of configurations that ran or did not, by backend; and every wrong "fits"."""
    found = memory.outcomes(data)
    counts = Counter((one.backend, one.outcome, one.verdict) for one in found)
    return {
        "counts": [[*key, count] for key, count in sorted(counts.items())],
        "false_fits": sorted(one.what for one in found if one.false_fit),
        "false_fails": sorted(one.what for one in found if one.false_fail),
    }


def _row(one: HeldOut, predictor: str, unit: Unit) -> Row:
    return Row(
        predictor=predictor,
        held_out="model",
        backend=one.backend,
        group=one.group,
        what=one.what,
        unit=unit,
        predicted=one.predicted,
        measured=one.measured,
        low=one.low,
        high=one.high,
        baselines=one.baselines,
    )
