"""One deployment through the whole core: worst gate, one cause one finding, order of findings."""

from __future__ import annotations

from datetime import date

import pytest
from capcheck.finding import SEVERITIES, VERDICTS, worst
from capcheck.judge import Context, judge, start
from capcheck.manifest.deployment import Replicas
from capcheck.manifest.load import load
from capcheck.predict import coefficients
from capcheck.predict.compose import Unloaded
from capcheck.predict.latency.ends import End
from capcheck.registry import tables
from hypothesis import given, settings
from hypothesis import strategies as st

CONTEXT = Context(tables.load(), coefficients.load(), date(2026, 11, 23))


def deployment_of(*lines: str):
    text = "\n".join(["version: 1", "deployments:", "  it:", *(f"    {line}" for line in lines)])
    (deployment,) = load(text.encode(), "capcheck.yaml")
    return deployment


def judged(*lines: str):
    return judge(deployment_of(*lines), CONTEXT)


VLLM = (
    "model: llama3.1-8b",
    "quant: FP8",
    "backend: vllm",
    "gpu: L4",
    "serving: {max_model_len: 4096}",
)
CHAT = "traffic: {requests_per_second: 0.2, profile: chat}"


@pytest.mark.parametrize(
    ("lines", "verdict", "errors", "gates"),
    [
        (VLLM, "pass", [], {"support": "pass", "vram": "pass"}),
        (
            ("model: nobody/knows", "backend: vllm", "gpu: L4", CHAT, "slo: {latency_p95: 9s}"),
            "cannot-predict",
            ["unknown-model"],
            {"support": "cannot-predict", "vram": "cannot-predict", "latency": "cannot-predict"},
        ),
        # What does not fit has one cause; its latency is still forecast, as if it did.
        (
            (
                "model: llama3.3-70b",
                "quant: BF16",
                "backend: vllm",
                "gpu: L4",
                "serving: {max_model_len: 4096}",
                "traffic: {agents: 1, profile: chat}",
                "slo: {latency_p95: 9000s}",
            ),
            "fail",
            ["vram-does-not-fit"],
            {"support": "pass", "vram": "fail", "latency": "pass"},
        ),
        # A missing price closes the budget only.
        (
            (
                "model: llama3.1-8b",
                "quant: FP8",
                "backend: vllm",
                "gpu: L40S",
                "budget: {monthly_usd: 99}",
            ),
            "cannot-predict",
            ["unknown-price"],
            {"support": "pass", "vram": "pass", "budget": "cannot-predict"},
        ),
        # Memory of unknown size closes the memory gate only.
        (
            ("model: llama3.1-8b", "quant: Q4_K_M", "backend: llama.cpp", "gpu: Apple M3 Max 40c"),
            "cannot-predict",
            ["unknown-vram"],
            {"support": "pass", "vram": "cannot-predict"},
        ),
        # A wrong split is certain without any forecast.
        (
            (
                *VLLM[:-1],
                "gpus_per_replica: 3",
                "serving: {tensor_parallel_size: 3, max_model_len: 4096}",
            ),
            "fail",
            ["tensor-parallel-does-not-divide-heads"],
            {"support": "fail", "vram": "pass"},
        ),
    ],
)
def test_gates_and_the_one_cause(lines, verdict, errors, gates):
    checked = judged(*lines)
    assert checked.verdict == verdict
    assert [x.rule for x in checked.findings if x.severity == "error"] == errors
    assert {name: gate.verdict for name, gate in checked.gates.items()} == gates


def test_a_failing_gate_never_empties_the_forecast():
    checked = judged(
        "model: llama3.3-70b",
        "quant: BF16",
        "backend: vllm",
        "gpu: L4",
        "serving: {max_model_len: 4096}",
        CHAT,
    )
    load_forecast = checked.forecast.load
    assert load_forecast.latency_ms.p95.value > 0
    assert load_forecast.latency_ms.p95.provenance == "assumed"
    assert "as if the KV cache were enough" in load_forecast.latency_ms.p95.basis


@given(
    rate=st.floats(0.01, 50.0),
    limit=st.integers(1, 100_000),
    budget=st.integers(1, 100_000),
    gpu=st.sampled_from(["L4", "H100", "RTX 4090", "T4", "MI300X"]),
    backend=st.sampled_from(["vllm", "ollama", "sglang", "tgi"]),
)
@settings(max_examples=40)
def test_the_verdict_is_the_worst_gate_and_findings_are_in_order(rate, limit, budget, gpu, backend):
    checked = judged(
        "model: llama3.2-3b",
        f"backend: {backend}",
        f"gpu: {gpu}",
        f"traffic: {{requests_per_second: {rate:.3f}, profile: chat}}",
        f"slo: {{latency_p95: {limit}ms}}",
        f"budget: {{monthly_usd: {budget}}}",
    )
    assert checked.verdict == worst(*(gate.verdict for gate in checked.gates.values()))
    order = [
        (SEVERITIES.index(x.severity), -VERDICTS.index(x.verdict), x.place.line, x.rule)
        for x in checked.findings
    ]
    assert order == sorted(order)
    blocked = {x.verdict for x in checked.findings if x.severity == "error"}
    assert (checked.verdict in ("fail", "cannot-predict")) == bool(blocked)


@given(low=st.integers(1, 12), extra=st.integers(0, 8), rate=st.floats(0.1, 8.0))
@settings(max_examples=25)
def test_more_replicas_never_worsen_latency_and_cost_more(low, extra, rate):
    stated = ("model: llama3.1-8b", "quant: AWQ", "backend: vllm", "gpu: L4")
    traffic = f"traffic: {{requests_per_second: {rate:.3f}, profile: chat}}"
    few, many = (
        judged(*stated, traffic, f"replicas: {replicas}", "serving: {max_model_len: 8192}")
        for replicas in (low, low + extra)
    )
    p95_few, p95_many = (x.forecast.load.latency_ms.p95.value for x in (few, many))
    assert p95_few is None or p95_many <= p95_few * (1 + 1e-9)
    assert many.forecast.cost.usd_month.value >= few.forecast.cost.usd_month.value


@pytest.mark.parametrize("end", ["slow", "value"])
@pytest.mark.parametrize(
    "limits",
    [
        "{latency_p95: 4s}",
        "{latency_p95: 16s}",
        "{latency_p99: 16s, ttft_p95: 700ms}",
        "{tpot_p95: 40ms}",
        "{max_utilisation: 0.3}",
        "{ttft_p50: 200ms, max_utilisation: 0.9}",
        "{min_throughput_tok_s: 900}",
    ],
)
@pytest.mark.parametrize("traffic", ["requests_per_second: 3", "agents: 24"])
def test_a_limit_that_is_seen_to_break_early_is_judged_so_in_full(
    end: End, limits: str, traffic: str, monkeypatch: pytest.MonkeyPatch
):
    lines = (*VLLM, f"traffic: {{{traffic}, profile: chat}}", f"slo: {limits}")
    started = start(deployment_of(*lines), CONTEXT)
    ignored = (frozenset[str](), frozenset({"latency"}), frozenset({"utilisation", "ttft"}))
    cases = [(started.replicated(Replicas(n, n)), names) for n in (1, 2, 4) for names in ignored]
    quick = [one.passes_at(end, names) for one, names in cases]
    monkeypatch.setattr(Unloaded, "surely_breaks", lambda *_: False)
    assert quick == [one.passes_at(end, names) for one, names in cases]
