"""Which limits were loosened, and which judge."""

import pytest
from capcheck.compare.edits import taking
from capcheck.compare.limits import LIMITS, finding, loosened, restored
from capcheck.manifest.expectation_fields import LIMITS as LIMIT_FIELDS
from capcheck.manifest.expectation_fields import SLO

from tests.capcheck.compare.conftest import entry


def limits(text: str) -> str:
    return f"model: m, {text}" if text else "model: m"


LOOSENED = [
    ("slo: {latency_p95: 9s}", "slo: {latency_p95: 16s}", ["/slo/latency_p95"], "9s"),
    ("slo: {latency_p95: 9s}", "slo: {latency_p50: 9s}", ["/slo/latency_p95"], "9s"),
    ("slo: {latency_p95: 9s}", "slo: {latency_p99: 10s}", ["/slo/latency_p95"], "9s"),
    ("slo: {latency_p95: 9s}", "", ["/slo/latency_p95"], "9s"),
    ("slo: {ttft_p95: 1s, tpot_p50: 50ms}", "slo: {ttft_p95: 1s}", ["/slo/tpot_p50"], "50ms"),
    ("slo: {max_utilisation: 0.7}", "slo: {max_utilisation: 0.9}", ["/slo/max_utilisation"], 0.7),
    (
        "slo: {min_throughput_tok_s: 100}",
        "slo: {min_throughput_tok_s: 50}",
        ["/slo/min_throughput_tok_s"],
        100,
    ),
    (
        "quality: {benchmark: mmlu, min_score: 0.6}",
        "quality: {benchmark: mmlu, min_score: 0.5}",
        ["/quality/min_score"],
        0.6,
    ),
    (
        "quality: {benchmark: mmlu, min_score: 0.6}",
        "quality: {benchmark: arc, min_score: 0.6}",
        ["/quality/min_score"],
        0.6,
    ),
    ("quality: {benchmark: mmlu, min_score: 0.6}", "", ["/quality/min_score"], 0.6),
    (
        "quality: {benchmark: mmlu, min_score: 0.6}",
        "quality: {benchmark: mmlu, max_drop: 0.9}",
        ["/quality/min_score"],
        0.6,
    ),
    (
        "quality: {benchmark: mmlu, max_drop: 0.01}",
        "quality: {benchmark: mmlu, max_drop: 0.1}",
        ["/quality/max_drop"],
        0.01,
    ),
    ("safety: {min_refusal: 0.9}", "safety: {min_refusal: 0.8}", ["/safety/min_refusal"], 0.9),
    (
        "safety: {max_over_refusal: 0.1}",
        "safety: {max_over_refusal: 0.2}",
        ["/safety/max_over_refusal"],
        0.1,
    ),
    ("budget: {monthly_usd: 50}", "budget: {monthly_usd: 51}", ["/budget/monthly_usd"], 50),
    (
        "budget: {max_increase_usd: 5, usd_per_million_tokens: 1}",
        "budget: {max_increase_usd: 6}",
        ["/budget/max_increase_usd", "/budget/usd_per_million_tokens"],
        5,
    ),
]
KEPT = [
    ("", "slo: {latency_p95: 9s}"),
    ("slo: {latency_p95: 9s}", "slo: {latency_p95: 9000ms}"),
    ("slo: {latency_p95: 9s}", "slo: {latency_p95: 8s}"),
    ("slo: {latency_p95: 9s}", "slo: {latency_p99: 9s}"),
    ("slo: {latency_p50: 9s}", "slo: {latency_p50: 20s, latency_p95: 8s}"),
    ("slo: {max_utilisation: 0.9}", "slo: {max_utilisation: 0.7}"),
    ("slo: {min_throughput_tok_s: 50}", "slo: {min_throughput_tok_s: 100}"),
    (
        "quality: {benchmark: mmlu, min_score: 0.5}",
        "quality: {benchmark: mmlu, min_score: 0.6}",
    ),
    ("quality: {benchmark: mmlu}", "quality: {benchmark: arc}"),
    ("safety: {min_refusal: 0.8}", "safety: {min_refusal: 0.9, max_over_refusal: 0.5}"),
    ("budget: {monthly_usd: 50}", "budget: {monthly_usd: 49.99}"),
    ("traffic: {requests_per_second: 9}", "traffic: {requests_per_second: 1}"),
    ("alternatives: {keep: [gpu]}", ""),
]


@pytest.mark.parametrize(("base", "head", "pointers", "first"), LOOSENED)
def test_loosened_limits_judge_as_on_base(
    base: str, head: str, pointers: list[str], first: object
) -> None:
    before, now = entry(limits(base)), entry(limits(head))
    changes = loosened(before, now)
    assert [change.pointer.removeprefix("/deployments/chat") for change in changes] == pointers
    assert changes[0].base == first
    assert changes[0].deployment == "chat"
    judged = taking(now, before, restored(changes, before, now))
    for pointer in pointers:
        assert judged.stated.values[pointer] == before.stated.values[pointer]
    assert loosened(before, judged) == ()


@pytest.mark.parametrize(("base", "head"), KEPT)
def test_kept_limits(base: str, head: str) -> None:
    assert loosened(entry(limits(base)), entry(limits(head))) == ()


@pytest.mark.parametrize(
    ("base", "head", "message", "place"),
    [
        (
            "slo: {latency_p95: 9s}",
            "slo: {latency_p95: 16s}",
            "slo.latency_p95 was loosened from 9s to 16s: base's 9s still judges",
            "/slo/latency_p95",
        ),
        (
            "slo: {latency_p95: 9s}",
            "slo: {latency_p50: 9s}",
            "slo.latency_p95 9s gave way to slo.latency_p50 9s: base's 9s still judges",
            "/slo/latency_p50",
        ),
        (
            "slo: {latency_p95: 9s}",
            "",
            "slo.latency_p95 9s was removed: base's 9s still judges",
            "",
        ),
        (
            "quality: {benchmark: mmlu, min_score: 0.6}",
            "quality: {benchmark: arc, min_score: 0.7}",
            "quality.min_score moved from 0.6 on mmlu to 0.7 on arc: base's 0.6 still judges",
            "/quality/min_score",
        ),
    ],
)
def test_messages_and_places(base: str, head: str, message: str, place: str) -> None:
    now = entry(limits(head))
    (change,) = loosened(entry(limits(base)), now)
    assert change.message == message
    assert change.place == now.stated.places[place]
    found = finding(change)
    assert (found.rule, found.verdict, found.place) == ("limit-loosened", "pass", change.place)


def test_the_benchmark_goes_with_its_limit() -> None:
    before = entry("model: m, quality: {benchmark: mmlu, min_score: 0.6}")
    now = entry("model: m, quality: {benchmark: arc, max_drop: 0.5}")
    judged = taking(now, before, restored(loosened(before, now), before, now))
    assert judged.deployment().quality == before.deployment().quality


def test_a_limit_of_another_section_stays_as_it_is_now() -> None:
    before = entry("model: m, slo: {latency_p95: 9s}, budget: {monthly_usd: 50}")
    now = entry("model: m, slo: {latency_p95: 16s}, budget: {monthly_usd: 40}")
    judged = taking(now, before, restored(loosened(before, now), before, now)).deployment()
    assert judged.slo == before.deployment().slo
    assert judged.budget == now.deployment().budget


SKIP = "skip: {rules: [%s], reason: r, expires: %s}"


@pytest.mark.parametrize(
    ("base", "head", "message"),
    [
        (
            "",
            SKIP % ("a, b", "2027-03-31"),
            "skip now covers a, b until 2027-03-31: it counts as on base",
        ),
        (
            SKIP % ("a", "2027-03-31"),
            SKIP % ("a, b", "2027-01-31"),
            "skip now covers b until 2027-01-31: it counts as on base",
        ),
        (
            SKIP % ("a", "2027-03-31"),
            SKIP % ("a", "2027-04-01"),
            "skip now covers a until 2027-04-01: it counts as on base",
        ),
        (SKIP % ("a, b", "2027-03-31"), SKIP % ("b", "2027-03-30"), None),
        (SKIP % ("a", "2027-03-31"), "", None),
    ],
)
def test_a_skip_that_covers_more_counts_as_on_base(
    base: str, head: str, message: str | None
) -> None:
    before, now = entry(limits(base)), entry(limits(head))
    changes = loosened(before, now)
    assert [change.message for change in changes] == ([message] if message else [])
    judged = taking(now, before, restored(changes, before, now)).deployment()
    assert judged.skip == (before if message else now).deployment().skip
    if message:
        assert (finding(changes[0]).gate, finding(changes[0]).subject) == (None, "rules")


def test_every_limit_of_a_manifest_is_known_here() -> None:
    """A limit that is added to the manifest must not be one that anybody can loosen unseen."""
    stated = {field.pointer for field in (*SLO, *LIMIT_FIELDS) if field.kind is not None}
    latencies = {pointer for pointer in stated if pointer.rpartition("_p")[2].isdecimal()}
    assert stated - latencies == {*LIMITS, "/quality/benchmark"}
