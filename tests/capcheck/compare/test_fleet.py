"""Laws of a comparison, by the real judge on manifests of every kind."""

from datetime import date

import pytest
from capcheck.check import check
from capcheck.compare.edits import differing, taking
from capcheck.compare.fleet import compare
from capcheck.judge import Context
from capcheck.manifest.load import Entry
from capcheck.predict import coefficients
from capcheck.registry.tables import load
from capcheck.report.model import DeploymentReport
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capcheck.compare.conftest import entry


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(load(), coefficients.load(None), date(2026, 9, 1))


SETTINGS = {
    "quant": st.sampled_from(["Q4_K_M", "Q8_0", "FP16", "no-such"]),
    "backend": st.sampled_from(["ollama", "vllm"]),
    "gpu": st.sampled_from(["L4", "H100 80GB SXM", "RTX 4060 8GB"]),
    "replicas": st.integers(1, 3),
    "traffic": st.sampled_from(
        [
            "{agents: 2, profile: chat}",
            "{requests_per_second: 0.1, profile: chat}",
            "{profile: rag}",
        ]
    ),
    "slo": st.sampled_from(["{latency_p95: 1s}", "{latency_p50: 60s, max_utilisation: 0.5}"]),
    "quality": st.sampled_from(["{benchmark: mmlu, min_score: 0.6}"]),
    "budget": st.sampled_from(["{monthly_usd: 300}", "{usd_per_million_tokens: 1}"]),
}
MANIFESTS = st.tuples(
    st.sampled_from(["llama3.2-1b", "llama3.1-8b", "llama3.3-70b"]),
    st.fixed_dictionaries({}, optional=SETTINGS),
).map(
    lambda drawn: entry(
        ", ".join([f"model: {drawn[0]}", *(f"{k}: {v}" for k, v in drawn[1].items())])
    )
)


def compared(head: Entry, base: Entry, context: Context) -> DeploymentReport:
    def checked(one: Entry, *, search: bool) -> DeploymentReport:
        return check(one.deployment(), context, alternatives=False)

    (report,), removed = compare([head], [base], context, checked)
    assert removed == ()
    return report


BILL = "model: llama3.2-1b, backend: ollama, gpu: L4, usd_per_gpu_hour: 1, replicas: %d%s"
LIMIT = ", budget: {max_increase_usd: 800}"
SKIP = ", skip: {rules: [cost-increase-over-limit], reason: agreed, expires: 2027-01-01}"


@pytest.mark.parametrize(
    ("before", "now", "verdict", "said"),
    [
        (BILL % (1, LIMIT), BILL % (2, LIMIT), "pass", []),
        (
            BILL % (1, LIMIT),
            BILL % (3, LIMIT),
            "fail",
            [("error", "the change adds $1,460/month, more than $800/month")],
        ),
        (BILL % (3, LIMIT), BILL % (1, LIMIT), "pass", []),
        (
            BILL % (1, LIMIT + SKIP),
            BILL % (3, LIMIT + SKIP),
            "pass",
            [
                (
                    "note",
                    "the change adds $1,460/month, more than $800/month "
                    "(waived until 2027-01-01: agreed)",
                )
            ],
        ),
    ],
)
def test_a_change_may_add_so_much_to_the_bill(
    before: str, now: str, verdict: str, said: list[tuple[str, str]], context: Context
) -> None:
    report = compared(entry(now), entry(before), context)
    rule = "cost-increase-over-limit"
    assert [(x.severity, x.message) for x in report.findings if x.rule == rule] == said
    assert report.change is not None
    assert (report.verdict, report.change.verdict) == (verdict, verdict)


@given(one=MANIFESTS)
@settings(max_examples=25)
def test_against_itself_nothing_is_new_and_nothing_blocks(one: Entry, context: Context) -> None:
    report = compared(one, one, context)
    change = report.change
    assert change is not None
    assert (change.kind, change.verdict, change.edits, change.fixed) == (
        "unchanged",
        "pass",
        (),
        (),
    )
    assert {mark.standing for mark in change.marks.values()} <= {"unchanged"}
    assert report.findings == check(one.deployment(), context, alternatives=False).findings


@given(base=MANIFESTS, head=MANIFESTS)
@settings(max_examples=25)
def test_with_every_edit_taken_back_it_is_base(base: Entry, head: Entry, context: Context) -> None:
    back = compared(taking(head, base, differing(base, head)), base, context)
    alone = check(base.deployment(), context, alternatives=False)
    assert back.change is not None
    assert back.change.verdict == "pass"
    assert (back.verdict, back.forecast) == (alone.verdict, alone.forecast)
    assert [found.message for found in back.findings] == [one.message for one in alone.findings]


@given(base=MANIFESTS, head=MANIFESTS)
@settings(max_examples=25)
def test_what_blocks_is_never_better_than_on_base(
    base: Entry, head: Entry, context: Context
) -> None:
    report = compared(head, base, context)
    change = report.change
    assert change is not None
    assert set(change.marks) == set(report.findings)
    for found, mark in change.marks.items():
        if mark.cause is not None:
            assert mark.standing != "unchanged"
            assert mark.cause.edit in change.edits
            pointers = {limit.pointer for limit in change.loosened}
            assert mark.cause.edit.pointer not in pointers
        if mark.standing != "unchanged" and found.verdict != "pass" and change.edits == ():
            pytest.fail("something new without an edit")
    if change.verdict != "pass":
        assert change.edits


def test_the_search_is_for_what_changed(context: Context) -> None:
    same, old, new = (
        entry("model: llama3.2-1b", name=name, path=path)
        for name, path in (("a", "x"), ("b", "x"), ("c", "y"))
    )
    edited = entry("model: llama3.2-3b", name="b", path="x")
    asked: dict[str, bool] = {}

    def checked(one: Entry, *, search: bool) -> DeploymentReport:
        asked[one.stated.name] = search
        return check(one.deployment(), context, alternatives=False)

    compare([same, edited, new], [same, old], context, checked)
    assert asked == {"a": False, "b": True, "c": True}
