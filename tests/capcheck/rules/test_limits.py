"""The gates that hold a forecast against a stated limit: rule, verdict, message and place."""

from __future__ import annotations

from datetime import date

import pytest
from capcheck.estimate import Estimate, unknown
from capcheck.manifest.deployment import (
    Budget,
    LatencyLimit,
    QualityLimit,
    Replicas,
    SafetyLimit,
    Slo,
    Traffic,
)
from capcheck.rules import availability, budget, latency, quality, safety, throughput, vram

from tests.capcheck.rules.conftest import LINES, about, flat

P95 = LatencyLimit("latency", 95, 2_000.0, "/slo/latency_p95")
P50 = LatencyLimit("latency", 50, 4_000.0, "/slo/latency_p50")
TTFT = LatencyLimit("ttft", 95, 50.0, "/slo/ttft_p95")
UNSTABLE = Estimate(None, None, None, "interpolated", "unstable: above 4 requests/s")
GROWING = type(flat(0.0))(*(UNSTABLE,) * 5)
OPEN = Traffic(requests_per_second=5.0)


def told(judgement):
    """(rule, severity, verdict, line) of every finding."""
    return [(x.rule, x.severity, x.verdict, x.place.line) for x in judgement.findings]


def gates(judgement):
    return {gate.name: gate.verdict for gate in judgement.gates}


@pytest.mark.parametrize(
    ("rule", "stated", "figures", "gate", "finding", "message"),
    [
        (
            latency,
            {"slo": Slo((P95,))},
            {},
            {"latency": "fail"},
            ("latency-over-limit", "error", "fail", LINES["/slo/latency_p95"]),
            "p95 latency 3.00 s exceeds 2.00 s",
        ),
        (
            latency,
            {"slo": Slo((P50, P95))},
            {},
            {"latency": "fail"},
            ("latency-over-limit", "error", "fail", LINES["/slo/latency_p95"]),
            "p95 latency 3.00 s exceeds 2.00 s",
        ),
        (
            latency,
            {"slo": Slo((TTFT,))},
            {},
            {"ttft": "fail"},
            ("ttft-over-limit", "error", "fail", LINES["/slo/ttft_p95"]),
            "p95 TTFT 100 ms exceeds 50.0 ms",
        ),
        (
            latency,
            {"slo": Slo((), max_utilisation=0.28)},
            {},
            {"utilisation": "borderline"},
            ("utilisation-over-limit", "warning", "borderline", LINES["/slo/max_utilisation"]),
            "utilisation 0.250 (0.200–0.300) may exceed 0.280",
        ),
        (
            throughput,
            {"slo": Slo((), min_throughput_tok_s=1_500.0)},
            {},
            {"throughput": "fail"},
            ("throughput-below-limit", "error", "fail", LINES["/slo/min_throughput_tok_s"]),
            "capacity 1,000 tok/s (800–1,200) is below 1,500 tok/s",
        ),
        (
            throughput,
            {"slo": Slo((), min_throughput_tok_s=150.0), "traffic": Traffic(agents=4)},
            {},
            {"throughput": "fail"},
            ("throughput-below-limit", "error", "fail", LINES["/slo/min_throughput_tok_s"]),
            "throughput 100 tok/s is below 150 tok/s",
        ),
        (
            quality,
            {"quality": QualityLimit("mmlu", 0.72)},
            {},
            {"quality": "borderline"},
            ("quality-below-floor", "warning", "borderline", LINES["/quality/min_score"]),
            "mmlu 0.700 (0.650–0.750) may be below 0.720",
        ),
        (
            quality,
            {"quality": QualityLimit("mmlu", max_drop=0.03)},
            {"quality__drop": about(0.05, 0.04, 0.06)},
            {"quality": "fail"},
            ("quality-below-floor", "error", "fail", LINES["/quality/max_drop"]),
            "drop of mmlu by quantisation 0.050 (0.040–0.060) exceeds 0.030",
        ),
        (
            quality,
            {"quality": QualityLimit("mmlu", 0.5)},
            {"quality__score": unknown("nobody measured it")},
            {"quality": "cannot-predict"},
            ("quality-unknown", "error", "cannot-predict", LINES["/quality/min_score"]),
            "mmlu cannot be predicted: nobody measured it",
        ),
        (
            safety,
            {"safety": SafetyLimit(0.97)},
            {},
            {"safety": "fail"},
            ("refusal-below-limit", "error", "fail", LINES["/safety/min_refusal"]),
            "refusal of harmful prompts 0.900 (0.850–0.950) is below 0.970",
        ),
        (
            safety,
            {"safety": SafetyLimit(0.8, 0.1)},
            {},
            {"safety": "cannot-predict"},
            ("safety-unknown", "error", "cannot-predict", LINES["/safety/max_over_refusal"]),
            "refusal of harmless prompts cannot be predicted: not measured",
        ),
        (
            budget,
            {"budget": Budget(monthly_usd=400.0)},
            {},
            {"budget": "fail"},
            ("cost-over-budget", "error", "fail", LINES["/budget/monthly_usd"]),
            "cost $500/month (480–520) exceeds $400/month",
        ),
        (
            budget,
            {"budget": Budget(usd_per_million_tokens=510.0)},
            {},
            {"budget": "borderline"},
            ("cost-over-budget", "warning", "borderline", LINES["/budget/usd_per_million_tokens"]),
            "cost of output $500/M tokens (480–520) may exceed $510/M tokens",
        ),
        (
            vram,
            {},
            {"memory__needed": about(30.0, 28.0, 32.0), "memory__parts": {"weights": 30.0}},
            {"vram": "fail"},
            ("vram-does-not-fit", "error", "fail", LINES["/quant"]),
            "needs 30.0 GiB (28.0–32.0) per GPU, more than the 20.0 GiB usable (weights 30.0 GiB)",
        ),
        (
            vram,
            {},
            {
                "memory__needed": about(21.0, 19.0, 23.0),
                "memory__parts": {"weights": 8.0, "kv_cache": 13.0},
            },
            {"vram": "borderline"},
            (
                "kv-pool-below-one-sequence",
                "warning",
                "borderline",
                LINES["/serving/max_model_len"],
            ),
            "needs 21.0 GiB (19.0–23.0) per GPU, perhaps more than the 20.0 GiB usable "
            "(kv cache 13.0 GiB, weights 8.00 GiB)",
        ),
        (
            vram,
            {},
            {"memory__needed": unknown("the architecture is not known")},
            {"vram": "cannot-predict"},
            ("vram-unknown", "error", "cannot-predict", LINES["/model"]),
            "VRAM cannot be predicted: the architecture is not known",
        ),
        (
            vram,
            {},
            {"memory__needed": about(18.5, 18.0, 19.0)},
            {"vram": "pass"},
            ("vram-low-headroom", "warning", "pass", LINES["/serving/max_model_len"]),
            "needs 92 % of the 20.0 GiB usable per GPU; above 90 % larger inputs risk running out "
            "of memory",
        ),
        (
            vram,
            {"traffic": Traffic(agents=24)},
            {},
            {"vram": "pass"},
            (
                "kv-pool-below-concurrency",
                "warning",
                "pass",
                LINES["/serving/max_model_len"],
            ),
            "the KV cache holds 10 full-length sequences, and 24 agents keep 24 in flight per "
            "replica",
        ),
    ],
)
def test_a_limit_that_is_or_may_be_broken(case, rule, stated, figures, gate, finding, message):
    judgement = rule.check(case(stated, **figures))
    assert gates(judgement) == gate
    assert told(judgement) == [finding]
    assert judgement.findings[0].message == message


@pytest.mark.parametrize(
    ("rule", "stated"),
    [
        (latency, {"slo": Slo((LatencyLimit("latency", 95, 3_000.0, "/slo/latency_p95"),))}),
        (throughput, {"slo": Slo((), min_throughput_tok_s=800.0)}),
        (quality, {"quality": QualityLimit("mmlu", 0.65)}),
        (safety, {"safety": SafetyLimit(0.85)}),
        (budget, {"budget": Budget(monthly_usd=520.0)}),
        (vram, {}),
    ],
)
def test_a_limit_that_holds_says_nothing(case, rule, stated):
    judgement = rule.check(case(stated))
    assert set(gates(judgement).values()) == {"pass"}
    assert told(judgement) == []


@pytest.mark.parametrize("rule", [latency, throughput, quality, safety, budget, availability])
def test_without_a_stated_limit_nothing_is_gated(case, rule):
    judgement = rule.check(case())
    assert (gates(judgement), told(judgement)) == ({}, [])


def test_one_cause_gives_one_finding(case):
    """An unstable queue breaks every latency limit; it is told once, on the rate."""
    stated = {"slo": Slo((P50, P95, TTFT)), "traffic": OPEN}
    judgement = latency.check(
        case(stated, load__latency_ms=GROWING, load__ttft_ms=GROWING, load__tpot_ms=GROWING)
    )
    assert gates(judgement) == {"latency": "fail", "ttft": "fail"}
    line = LINES["/traffic/requests_per_second"]
    assert told(judgement) == [("queue-unstable", "error", "fail", line)]
    assert judgement.findings[0].message == (
        "the queue grows without end at 5.00 requests/s; 4.00 requests/s saturate it"
    )


def test_an_unstable_queue_without_a_limit_is_a_warning(case):
    judgement = latency.check(case({"traffic": OPEN}, load__latency_ms=GROWING))
    line = LINES["/traffic/requests_per_second"]
    assert told(judgement) == [("queue-unstable", "warning", "pass", line)]


def test_what_an_earlier_finding_explains_is_not_told_again(case):
    stated = {"quality": QualityLimit("mmlu", 0.5)}
    silent = quality.check(
        case(stated, explained=frozenset({"quality"}), quality__score=unknown("no model"))
    )
    assert (gates(silent), told(silent)) == ({"quality": "cannot-predict"}, [])


@pytest.mark.parametrize(
    ("rule", "stated", "figures", "finding"),
    [
        (
            latency,
            {"traffic": Traffic(requests_per_second=3.0)},
            {"load__utilisation": about(0.75, 0.7, 0.8)},
            "high-utilisation",
        ),
        (quality, {}, {"quality__tier": "concerning"}, "quality-concerning"),
        (
            quality,
            {"quality": QualityLimit("mmlu", 0.5)},
            {"quality__n_items": 20},
            "quality-few-items",
        ),
        (availability, {"replicas": Replicas(9, 9)}, {}, "many-replicas"),
    ],
)
def test_tr133s_warnings(case, rule, stated, figures, finding):
    judgement = rule.check(case(stated, **figures))
    assert [(x.rule, x.severity, x.verdict) for x in judgement.findings] == [
        (finding, "warning", "pass")
    ]


@pytest.mark.parametrize(
    ("today", "rules"),
    [(date(2026, 11, 23), []), (date(2026, 12, 4), []), (date(2026, 12, 5), ["price-stale"])],
)
def test_a_price_is_stale_after_ninety_days(case, today, rules):
    """The L4's price is of 2026-09-05."""
    judgement = budget.check(case({"budget": Budget(monthly_usd=1_000.0)}, today=today))
    assert [x.rule for x in judgement.findings] == rules
