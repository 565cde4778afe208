"""What counts as an edit, and what taking one back gives."""

import pytest
from capcheck.compare.edits import (
    differing,
    edited,
    is_consistent,
    similarity,
    taking,
    units,
)
from capcheck.manifest.load import Entry
from hypothesis import given
from hypothesis import strategies as st

from tests.capcheck.compare.conftest import entry

OPEN = "model: m, traffic: {requests_per_second: 2, prompt_tokens: 10, output_tokens: 5}"
CLOSED = "model: m, traffic: {agents: 4, think_time: 1s, prompt_tokens: 10, output_tokens: 5}"


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ("model: m", "model: m", []),
        ("model: m", "model: n", [("/model", "m", "n")]),
        ("model: m, quant: bf16", "model: m, quant: BF16", [("/quant", "bf16", "BF16")]),
        ("model: m", "model: m, gpu: g", [("/gpu", None, "g")]),
        ("model: m, gpu: g", "model: m", [("/gpu", "g", None)]),
        ("model: m, slo: {latency_p95: 9s}", "model: m, slo: {latency_p95: 9000ms}", []),
        (
            "model: m, slo: {latency_p95: 9s}",
            "model: m, slo: {latency_p95: 16s}",
            [("/slo/latency_p95", "9s", "16s")],
        ),
        (
            "model: m, backend_version: 0.10",
            "model: m, backend_version: 0.11",
            [("/backend_version", "0.10", "0.11")],
        ),
        (
            "model: m, serving: {enforce_eager: true}",
            "model: m, serving: {enforce_eager: false}",
            [("/serving/enforce_eager", True, False)],
        ),
        (
            "model: m, alternatives: {quants: [a]}",
            "model: m, alternatives: {quants: [a, b]}",
            [("/alternatives/quants", '["a"]', '["a", "b"]')],
        ),
        (
            "architecture: {hidden_size: 1}",
            "architecture: {hidden_size: 2}",
            [("/architecture", '{"hidden_size": 1}', '{"hidden_size": 2}')],
        ),
        (
            "model: m, replicas: 2",
            "model: m, replicas: {min: 1, max: 3}",
            [("/replicas", 2, None), ("/replicas/min", None, 1), ("/replicas/max", None, 3)],
        ),
    ],
)
def test_edits(base: str, head: str, expected: list[tuple[str, object, object]]) -> None:
    found = edited(entry(base), entry(head, name="a/b"))
    root = "/deployments/a~1b"
    assert [(one.pointer, one.base, one.head) for one in found] == [
        (root + pointer, *values) for pointer, *values in expected
    ]


def test_the_place_is_the_value_or_the_name_of_what_lost_it() -> None:
    head = entry("model: m, gpu: h")
    gpu, quant = edited(entry("model: m, gpu: g, quant: q"), head)[::-1]
    assert gpu.place == head.stated.places["/gpu"]
    assert quant.place == head.stated.place


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        (["/quant", "/gpu"], [("/quant",), ("/gpu",)]),
        (["/replicas", "/replicas/min"], [("/replicas", "/replicas/min")]),
        (
            ["/traffic/requests_per_second", "/traffic/agents", "/traffic/think_time"],
            [("/traffic/requests_per_second", "/traffic/agents", "/traffic/think_time")],
        ),
        (
            ["/traffic/requests_per_second/peak", "/traffic/prompt_tokens/p95"],
            [("/traffic/requests_per_second/peak",), ("/traffic/prompt_tokens/p95",)],
        ),
        (
            ["/serving/max_model_len", "/serving/max_num_seqs"],
            [("/serving/max_model_len",), ("/serving/max_num_seqs",)],
        ),
        (
            ["/quality/benchmark", "/quality/min_score"],
            [("/quality/benchmark", "/quality/min_score")],
        ),
        (["/model", "/model_config"], [("/model", "/model_config")]),
    ],
)
def test_units(pointers: list[str], expected: list[tuple[str, ...]]) -> None:
    assert units(pointers) == expected


def test_taking_one_value_leaves_the_others_and_their_places() -> None:
    head, base = entry("model: m, quant: q, gpu: h"), entry("model: m, gpu: g, backend: b")
    taken = taking(head, base, ["/gpu", "/quant", "/backend"])
    assert taken.deployment() == entry("model: m, gpu: g, backend: b").deployment()
    places = taken.stated.places
    assert places["/gpu"] == head.stated.places["/gpu"]
    assert places["/backend"] == head.stated.place
    assert "/quant" not in places
    assert head.stated.values["/gpu"] == "h"


@pytest.mark.parametrize(("one", "other"), [(OPEN, CLOSED), (CLOSED, OPEN), (OPEN, "model: m")])
def test_taking_everything_back_gives_base(one: str, other: str) -> None:
    base, head = entry(one), entry(other)
    taken = taking(head, base, differing(base, head))
    assert taken.deployment() == base.deployment()
    assert is_consistent(taken)


def test_what_nobody_could_write_is_not_consistent() -> None:
    taken = taking(entry(CLOSED), entry(OPEN), ["/traffic/requests_per_second"])
    assert not is_consistent(taken)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("model: m, gpu: g", "model: m, gpu: g", 1.0),
        ("model: m, gpu: g", "model: m, gpu: h", 0.5),
        ("model: m", "model: n", 0.0),
        ("model: m, slo: {latency_p95: 1s}", "model: m, budget: {monthly_usd: 5}", 1.0),
    ],
)
def test_similarity_is_of_settings(one: str, other: str, expected: float) -> None:
    assert similarity(entry(one), entry(other)) == expected
    assert similarity(entry(other), entry(one)) == expected


SETTINGS = {
    "quant": st.sampled_from(["Q4_K_M", "FP8"]),
    "gpu": st.sampled_from(["L4", "H100"]),
    "replicas": st.one_of(st.integers(1, 4), st.just("{min: 1, max: 2}")),
    "traffic": st.sampled_from(["{agents: 2}", "{requests_per_second: 1}", "{profile: chat}"]),
    "slo": st.sampled_from(["{latency_p95: 1s}", "{latency_p50: 2s, max_utilisation: 0.5}"]),
    "quality": st.sampled_from(["{benchmark: b, min_score: 0.5}", "{benchmark: c, max_drop: 0.1}"]),
    "serving": st.sampled_from(["{max_model_len: 512}", "{max_num_seqs: 8}"]),
}
MANIFESTS = st.fixed_dictionaries({}, optional=SETTINGS).map(
    lambda fields: entry(", ".join(["model: m", *(f"{k}: {v}" for k, v in fields.items())]))
)


@given(MANIFESTS, MANIFESTS)
def test_edits_are_what_lies_between_two_manifests(base: Entry, head: Entry) -> None:
    # The other way round does not hold: `replicas: 1` only writes the default down.
    assert edited(base, head) or base.deployment() == head.deployment()
    back = taking(head, base, differing(base, head))
    assert back.deployment() == base.deployment()
    assert differing(base, back) == []
    assert is_consistent(back)
