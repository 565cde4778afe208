"""The validation summary and the eight claims."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capcheck.predict.latency.queueing import md1_wait_quantile

from capfit.data.rows import Scaling
from capfit.data.score_rows import Quality, Tr133Vram
from capfit.data.tables import Data
from capfit.tr133.review.finding import Finding, Record, entry
from capfit.tr133.validate import Metrics, metrics


def own_table(data: Data) -> Metrics:
    """SS4.4's figures, computed from SS4.3's seventeen rows."""
    rows = data.rows(Tr133Vram)
    found = metrics([(row.claimed_predicted_gb, row.claimed_actual_gb) for row in rows])
    if found is None:
        raise LookupError("tr133_vram.csv has no rows")
    return found


def targets(data: Data, record: Record) -> Iterator[Finding]:
    """The four targets, and scaling, which had none."""
    own, peak = (
        own_table(data),
        entry(record, "VRAM peak, eager attention", "model", "transformers"),
    )
    yield Finding(
        "SS4.4, SS11.3",
        "VRAM R² ≥ 0.95",
        "0.968, RMSE 1.71 GB, bias +0.25 GB",
        f"R² {own.r2:.3f}, RMSE {own.rmse:.2f} GB, bias {own.bias:+.2f} GB from its own table",
        "corrected",
        'its table contradicts its summary, its formula does not give its table, and the "actual" '
        f"column has no source. Ours on held-out models: R² {peak['r2']:.4f}, MAPE "
        f"{peak['mean']:.1f} % on {peak['n']} published peaks of transformers",
    )
    decode = entry(record, "decode, one stream", "model", "all")
    yield Finding(
        "SS5.5, SS11.3",
        "throughput R² ≥ 0.85",
        "0.859, MAPE 40.3 %, n = 403",
        f"R² {decode['r2']:.3f}, MAPE {decode['mean']:.1f} % on {decode['n']:,} rows, model held "
        "out",
        "cannot be tested",
        "the 403 records are not published; a random split leaves repeats of every training cell "
        "in "
        "the test set. On models and cards it never saw its form has MAPE "
        f"{decode['baselines']['TR133']['mean']:,.0f} %, refitted "
        f"{decode['baselines']['TR133, refitted']['mean']:.0f} %",
    )
    yield Finding(
        "SS7.7, SS11.3",
        "quality RMSE ≤ 0.10",
        "0.062, n = 5",
        _quality(record),
        "cannot be tested",
        "the five held-out cells were not printed; a look-up of 35 cells with 42 records can only "
        "be tested on duplicates of FP16 rows, so no quantised cell was ever predicted",
    )
    mean = entry(record, "latency of an open loop, mean", "nothing", "ollama")
    tail = entry(record, "latency of an open loop, p95", "nothing", "ollama")
    yield Finding(
        "SS9.4, SS11.3",
        "latency MAPE ≤ 25 %",
        "1.05 %, n = 9",
        f"{mean['baselines']['TR133']['mean']:.0f} % (mean) and "
        f"{tail['baselines']['TR133']['mean']:.0f} % (p95) on TR128's open loops",
        "corrected",
        "1.05 % compares a median of single requests with itself. Its M/D/1 has an answer for "
        f"{mean['baselines']['TR133']['n']} of {mean['n']} rows under load; one server with "
        "GPU-busy "
        f"service: {mean['mean']:.1f} % and {tail['mean']:.1f} %, nothing fitted",
    )
    lines = [entry(record, "scaling, eta of N agents", "model", name) for name in ENGINES]
    yield Finding(
        "SS6.4, SS11.3",
        "scaling, no target",
        "R² 0.647, MAPE 27.8 %",
        "; ".join(f"{one['backend']} R² {one['r2']:.3f}" for one in lines) + ", model held out",
        "corrected",
        "the 1,763 records are not published. On the 48 published cells its stated formula has R² "
        + "; ".join(f"{one['backend']} {_own(one):.3f}" for one in lines)
        + " with fractions fitted to the same cells",
    )


ENGINES = ("ollama", "vllm", "tgi")


def _own(line: Mapping[str, Any]) -> float:
    value: float = line["baselines"]["TR133"]["r2"]
    return value


def _quality(record: Record) -> str:
    """Our own error on held-out models, each metric of the record."""
    lines = [
        one
        for one in record["tables"]
        if one["predictor"].startswith("quality") and one["backend"] == "all"
    ] or [one for one in record["tables"] if one["predictor"].startswith("quality")]
    return "; ".join(
        f"{one['predictor'].removeprefix('quality, ')}: {one['mean']:.1f} points mean error "
        f"({one['n']} cells)"
        for one in lines
    )


def claims(data: Data, record: Record) -> Iterator[Finding]:
    """The eight claims of the summary."""
    decode = entry(record, "decode, one stream", "model", "all")
    gpu = entry(record, "decode, one stream", "GPU", "all")
    peak = entry(record, "VRAM peak, eager attention", "model", "transformers")
    own = own_table(data)
    scaling = [entry(record, "scaling, eta of N agents", "model", name) for name in ENGINES]
    tail = entry(record, "latency of an open loop, p95", "nothing", "ollama")
    statements: Sequence[tuple[str, str, str, str]] = (
        (
            "look-up tables and first-principles models suffice",
            "confirmed",
            "first principles do, look-ups do not",
            "a look-up says nothing of a model that it lacks: its fall-backs are off by "
            f"{decode['baselines']['TR133']['median']:.0f} % in the median on {decode['n']:,} "
            "rows of "
            f"held-out models, a fitted roofline by {decode['median']:.1f} %",
        ),
        (
            "VRAM follows from architecture alone",
            "confirmed, R² 0.968",
            f"R² {own.r2:.3f} from its table; {peak['r2']:.4f} with parts per engine",
            "architecture and the engine's way of taking memory: the same weights need different "
            "memory on transformers, llama.cpp and vLLM",
        ),
        (
            "throughput follows from (model, backend, quant)",
            "confirmed, R² 0.859",
            f"R² {decode['r2']:.3f} with the model held out, {gpu['r2']:.3f} with the GPU",
            "those three are not enough: between TR129 and TR130 the same model and engine are "
            f"{_clocks(data)} "
            "times as fast (the card's clock), and true formats were mislabelled FP16",
        ),
        (
            "Amdahl's law captures scaling",
            "partially confirmed, R² 0.647",
            "; ".join(f"{one['backend']} R² {one['r2']:.3f}" for one in scaling),
            "two conventions of s are mixed. A batch step that grows by a sum (vLLM, TGI) and one "
            "server (Ollama) predict models that they never saw",
        ),
        (
            "quality degrades monotonically with quantisation",
            "refuted (confound)",
            "holds within item noise once base and instruct are kept apart",
            "rescored MMLU and ARC against the same variant's Q8_0: the largest gain of a smaller "
            f"format is {_largest_gain(data):.1f} points, and 485 items are uncertain by 4.4",
        ),
        (
            "M/D/1 predicts p95 latency",
            "confirmed, MAPE 1.05 %",
            f"{tail['baselines']['TR133']['mean']:.0f} % on {tail['baselines']['TR133']['n']} "
            "rows under load",
            "XX",
        ),
        (
            "one fit generalises across GPUs",
            "unverified",
            f"MAPE {gpu['mean']:.1f} %, median {gpu['median']:.1f} % on {gpu['groups']} held-out "
            "GPUs",
            "the ratio of bandwidths alone: median "
            f"{gpu['baselines']['bandwidth ratio']['median']:.0f} %; its card has 432 GB/s, not "
            "556",
        ),
        (
            "the planner recommends cost-optimal configurations",
            "confirmed (face validity)",
            "not where it recommends what does not load or breaks its own gate",
            "SS13c recommends $25.20 under a budget of $25; SS13b expects vLLM to load GGUF",
        ),
    )
    for number, (statement, verdict, found, why) in enumerate(statements, start=1):
        yield Finding(f"claim {number}", statement, verdict, found, "corrected", why)


def _clocks(data: Data) -> str:
    """How much faster TR130 ran one agent than TR129, least and most."""
    rates = {
        (row.source, row.model): row.baseline_tok_s
        for row in data.rows(Scaling)
        if row.backend == "ollama" and row.baseline_tok_s
    }
    ratios = [
        rate / rates["TR129", model] for (source, model), rate in rates.items() if source == "TR130"
    ]
    return f"{min(ratios):.1f} to {max(ratios):.1f}"


def _largest_gain(data: Data) -> float:
    """In points, over the same model's Q8_0."""
    scores = {
        (row.model, row.quant): row.value
        for row in data.rows(Quality)
        if row.group == "rescored_benchmark" and row.metric == "mmlu+arc_rescored_acc"
    }
    return 100.0 * max(
        score - scores[model, "Q8_0"]
        for (model, quant), score in scores.items()
        if quant in ("Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_S", "Q2_K")
    )


def _tail(load: float) -> float:
    """95th percentile of the wait of M/D/1 over its mean, service 1."""
    return md1_wait_quantile(rate=load, service=1.0, share=0.95) / (load / (2.0 * (1.0 - load)))
