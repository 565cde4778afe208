"""The search as a whole, on the shipped tables: what it offers holds when it is checked again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from capcheck.judge import judge
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    LatencyLimit,
    QualityLimit,
    Replicas,
    Serving,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.place import Place
from capcheck.search.find import find
from capcheck.search.wanted import Wanted

P95 = LatencyLimit("latency", 95, 60_000.0, "/slo/latency_p95")
CHAT = Traffic(requests_per_second=0.5, prompt_tokens=Tokens(512), output_tokens=Tokens(256))
DEAR = Deployment(
    name="chat",
    path="capcheck.yaml",
    place=Place("capcheck.yaml", 2, 3, 7),
    places={"/replicas": Place("capcheck.yaml", 9, 3, 7)},
    model="llama3.1-8b",
    quant="FP8",
    backend="vllm",
    gpu="H100 80GB SXM",
    replicas=Replicas(3, 3),
    serving=Serving(max_model_len=8192),
    traffic=CHAT,
    slo=Slo((P95,)),
    budget=Budget(monthly_usd=10_000.0),
    alternatives=AlternativesScope(backends=("vllm", "llama.cpp")),
)
TOO_BIG = replace(
    DEAR, model="llama3.3-70b", quant="BF16", replicas=Replicas(1, 1), gpu="A100 80GB SXM"
)


def apply(deployment: Deployment, offered) -> Deployment:
    """Write the edits as a user would, field by field."""
    for edit in offered.edits:
        _, _, name, *path = edit.pointer.split("/")
        assert name == deployment.name
        if path == ["replicas"]:
            deployment = replace(deployment, replicas=Replicas(edit.value, edit.value))
        elif path[0] == "serving":
            serving = replace(deployment.serving, **{path[1]: edit.value})
            deployment = replace(deployment, serving=serving)
        else:
            deployment = replace(deployment, **{path[0]: edit.value})
    return deployment


@pytest.mark.parametrize("today", [DEAR, TOO_BIG], ids=["passes, dearly", "does not fit"])
def test_every_alternative_holds_when_its_edits_are_applied(context, today):
    checked = judge(today, context)
    found = find(checked, context)
    assert found.alternatives
    for offered in (*found.alternatives, *found.near_misses):
        again = judge(apply(today, offered), context)
        assert again.verdict == offered.verdict
        assert again.forecast == offered.forecast
    assert {offered.verdict for offered in found.alternatives} == {"pass"}


def test_alternatives_to_what_passes_are_cheaper_and_ranked_by_cost(context):
    checked = judge(DEAR, context)
    assert checked.verdict == "pass"
    found = find(checked, context)
    costs = [offered.usd_month for offered in found.alternatives]
    assert costs == sorted(costs)
    assert max(costs) < checked.forecast.cost.usd_month.value
    assert all(offered.saving_usd_month > 0 for offered in found.alternatives)
    assert (found.near_misses, found.nothing_passes) == ((), None)


def test_it_stays_on_the_rented_side(context):
    """A desktop card bought once is no substitute for a rented GPU, unless the manifest says so."""
    found = find(judge(DEAR, context), context)
    assert {offered.resolved.price.kind for offered in found.alternatives} == {"marketplace"}
    named = replace(DEAR, alternatives=AlternativesScope(gpus=("RTX 4090",), backends=()))
    owned = find(judge(named, context), context)
    assert {offered.resolved.price.kind for offered in owned.alternatives} >= {"amortised"}


def test_other_gpus_are_offered_at_spot_prices_too(context):
    today = replace(DEAR, provider="crusoe", capacity_type="spot", replicas=Replicas(1, 1))
    found = find(judge(today, context), context).alternatives
    assert {one.forecast.cost.usd_month.basis.split(", ")[2] for one in found} == {"spot"}
    assert any(one.resolved.gpu.name == "A40 48GB" for one in found)


def test_what_the_manifest_keeps_is_kept(context):
    kept = ("gpu", "backend", "quant", "tensor_parallel_size")
    scope = AlternativesScope(keep=kept)
    found = find(judge(replace(DEAR, alternatives=scope), context), context)
    changed = {edit.pointer for offered in found.alternatives for edit in offered.edits}
    assert changed == {"/deployments/chat/replicas"}


def test_without_traffic_replicas_are_not_touched(context):
    today = replace(DEAR, traffic=None, slo=Slo())
    found = find(judge(today, context), context)
    changed = {edit.pointer for offered in found.alternatives for edit in offered.edits}
    assert changed
    assert "/deployments/chat/replicas" not in changed


def test_no_floor_means_no_worse_quality(context):
    """Nothing says how much quality may go: a 2-bit format is not offered for being small."""
    found = find(judge(DEAR, context), context, Wanted(shown=None))
    assert found.alternatives
    for offered in found.alternatives:
        drop = offered.forecast.quality.drop.value
        bits = offered.resolved.quant.bits_per_weight
        assert bits >= 8 or (drop is not None and drop <= 0.03)


def test_nothing_passes_names_the_binding_gate(context):
    today = replace(
        TOO_BIG,
        quality=QualityLimit("composite_tr133", 0.9),
        model="llama3.1-8b",
        quant="Q4_K_M",
        backend="ollama",
    )
    found = find(judge(today, context), context)
    assert found.alternatives == ()
    assert found.near_misses
    assert "composite_tr133" in found.nothing_passes
    assert "from surely passing" in found.nothing_passes


def test_an_unresolved_deployment_is_not_searched(context):
    found = find(judge(replace(DEAR, gpu="no such GPU"), context), context)
    assert (found.alternatives, found.near_misses, found.nothing_passes) == ((), (), None)


def test_all_of_them_are_more_than_the_shown(context):
    checked = judge(DEAR, context)
    some, everything = find(checked, context), find(checked, context, Wanted(shown=None))
    assert len(some.alternatives) == 5
    assert everything.alternatives[:5] == some.alternatives
    assert len(everything.alternatives) > 5


def test_replicas_that_share_an_instance_are_billed_once(context):
    """AWS rents A100s by eight: seven more replicas of one GPU each cost nothing more."""
    today = replace(
        DEAR,
        gpu="A100 80GB SXM",
        provider="aws",
        replicas=Replicas(1, 1),
        traffic=replace(CHAT, requests_per_second=10.0),
        budget=Budget(monthly_usd=21_000.0),
        alternatives=AlternativesScope(
            gpus=(), backends=(), quants=(), max_replicas=8, keep=("gpus_per_replica",)
        ),
    )
    checked = judge(today, context)
    assert checked.gates["budget"].verdict == "pass"
    assert checked.verdict != "pass"
    best = find(checked, context).alternatives[0]
    assert 1 < best.resolved.replicas_min <= 8
    assert best.saving_usd_month == 0


def test_where_only_the_limit_on_replicas_binds_the_broken_gate_is_named(context):
    kept = ("model", "quant", "backend", "gpu", "gpus_per_replica", "max_num_seqs")
    today = replace(
        DEAR,
        gpu="L4 24GB",
        replicas=Replicas(6, 6),
        traffic=replace(CHAT, requests_per_second=3.0),
        slo=Slo((replace(P95, limit_ms=40_000.0),)),
        budget=Budget(monthly_usd=1_800.0),
        alternatives=AlternativesScope(keep=kept, max_replicas=2),
    )
    found = find(judge(today, context), context)
    assert found.alternatives == ()
    (near,) = found.near_misses
    assert near.resolved.replicas_min == 2
    assert near.binding.startswith("p95 latency")
    assert found.nothing_passes == f"nothing surely passes; nearest: {near.binding}"


def test_ranks_without_gpus_are_lowered_as_well_as_given_gpus(context):
    today = replace(
        DEAR, gpu="L4 24GB", gpus_per_replica=1, serving=Serving(tensor_parallel_size=2)
    )
    checked = judge(today, context)
    assert checked.gates["support"].verdict == "fail"
    found = find(checked, context)
    ways = [{edit.pointer: edit.value for edit in way.edits} for way in found.alternatives]
    assert any(way.get("/deployments/chat/serving/tensor_parallel_size") == 1 for way in ways)
    kept = replace(today, alternatives=AlternativesScope(keep=("tensor_parallel_size",)))
    for way in find(judge(kept, context), context).alternatives:
        assert not any(edit.pointer.endswith("tensor_parallel_size") for edit in way.edits)


@pytest.mark.parametrize(
    ("backends", "offered"), [(None, {None}), (("llama.cpp",), {None, "llama.cpp"})]
)
def test_without_traffic_the_engine_stays_unless_others_are_named(context, backends, offered):
    scope = AlternativesScope(backends=backends)
    today = replace(TOO_BIG, traffic=None, slo=Slo(), alternatives=scope)
    found = find(judge(today, context), context, Wanted(shown=50))
    engines = {
        next((edit.value for edit in way.edits if edit.pointer.endswith("/backend")), None)
        for way in found.alternatives
    }
    assert engines == offered


def test_a_context_that_requests_do_not_fit_is_made_longer(context):
    """Ollama runs with 4,096 tokens unless told: too few for these requests, not for the model."""
    rag = replace(CHAT, prompt_tokens=Tokens(4096), output_tokens=Tokens(512))
    today = replace(
        DEAR,
        model="llama3.2-3b",
        quant="Q4_K_M",
        backend="ollama",
        gpu="RTX 4060 8GB",
        replicas=Replicas(1, 1),
        serving=Serving(),
        traffic=replace(rag, requests_per_second=0.05),
        alternatives=AlternativesScope(keep=("gpu", "gpus_per_replica", "quant", "backend")),
    )
    checked = judge(today, context)
    assert checked.gates["support"].verdict == "fail"
    offered = find(checked, context).alternatives[0]
    assert ("/deployments/chat/serving/max_model_len", 8192) in {
        (edit.pointer, edit.value) for edit in offered.edits
    }
    stays = replace(today.alternatives, keep=(*today.alternatives.keep, "max_model_len"))
    kept = judge(replace(today, alternatives=stays), context)
    assert find(kept, context).alternatives == ()
