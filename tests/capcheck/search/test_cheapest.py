"""The pruned search against all configurations judged one by one."""

from __future__ import annotations

import math
from dataclasses import replace

from capcheck.judge import Checked, Context, judge, start
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    LatencyLimit,
    QualityLimit,
    Replicas,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.place import Place
from capcheck.search.cheapest import Cheapest
from capcheck.search.edits import disruption, edits, root_of_edits
from capcheck.search.members import others
from capcheck.search.passing import holds, passes
from capcheck.search.ranking import ranked_quality
from capcheck.search.space import space
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MOST = 5
MODELS = ("llama3.2-3b", "llama3.1-8b")
QUANTS = ("F16", "Q8_0", "Q4_K_M", "BF16", "FP8", "AWQ")
BACKENDS = ("ollama", "llama.cpp", "vllm")
GPUS = ("RTX 4060 8GB", "L4 24GB", "RTX 4090 24GB", "A100 80GB SXM")


def ranked(today: Checked, context: Context, end: str, ceiling: float) -> list[tuple]:
    """Brute force: every replica count of every setting of every family, the best of each.

    Only what fails whatever the load is not judged for every count. Of a setting the fewest
    replicas stand; where those are today's there is nothing to offer.
    """
    found = []
    for family in space(today.resolved, context):
        stated = family.of(today.resolved.deployment)
        first = start(stated, context)
        settings = others(first.resolved, first.forecast.memory, context.registry)
        members = []
        for setting, deployment in enumerate((stated, *settings)):
            alone = start(replace(deployment, replicas=Replicas(1, 1)), context).gates
            if any(not holds(gate, end) for gate in alone.values() if gate.name != "budget"):
                continue
            for replicas in range(1, MOST + 1):
                chosen = replace(deployment, replicas=Replicas(replicas, replicas))
                checked = judge(chosen, context)
                if not passes(checked, today, end):
                    continue
                usd = checked.forecast.cost.usd_month.value
                changed = edits(today.resolved.deployment, checked.resolved.deployment)
                cost = math.inf if usd is None else usd
                if cost > ceiling or (usd is None and ceiling < math.inf):
                    continue
                members.append(
                    (
                        round(cost, 6),
                        -ranked_quality(checked.forecast.quality, today.forecast.quality),
                        disruption(changed, root_of_edits(today.resolved.deployment)),
                        family.order,
                        setting,
                        replicas,
                        bool(changed),
                    )
                )
        fewest = {}
        for one in members:  # of one setting the fewest replicas
            fewest[one[4]] = min(fewest.get(one[4], one), one, key=lambda it: it[5])
        offered = [one for one in fewest.values() if one[6]]
        if offered:
            found.append(min(offered))
    return [(one[0], one[3], one[5]) for one in sorted(found)]


def pruned(today: Checked, context: Context, end: str, ceiling: float) -> list[tuple]:
    families = space(today.resolved, context)
    search = Cheapest(today, context, families, end=end, ceiling_usd_month=ceiling)
    names = {
        (
            one.weights,
            stated.gpu,
            one.hardware.usd_month_each,
            stated.gpus_per_replica,
            stated.serving.tensor_parallel_size,
            stated.serving.pipeline_parallel_size,
        ): one.order
        for one in families
        for stated in [one.of(today.resolved.deployment)]
    }
    found = []
    for checked in search:
        usd, resolved = checked.forecast.cost.usd_month.value, checked.resolved
        own = next(
            index
            for key, index in names.items()
            if key[0] == (resolved.model.name, resolved.quant.name, resolved.backend.name)
            and key[1] == resolved.deployment.gpu
            and key[3] == resolved.deployment.gpus_per_replica
            and key[4] == resolved.deployment.serving.tensor_parallel_size
            and key[5] == resolved.deployment.serving.pipeline_parallel_size
        )
        found.append((round(math.inf if usd is None else usd, 6), own, resolved.replicas_min))
    return found


@st.composite
def questions(draw) -> Deployment:
    """A deployment with a small space, tight or loose limits, and a price of its own or none."""
    subset = lambda names, most: draw(  # noqa: E731
        st.lists(st.sampled_from(names), min_size=0, max_size=most, unique=True)
    )
    metric = draw(st.sampled_from(("latency", "ttft", "tpot")))
    usual_ms = {"latency": 15_000.0, "ttft": 800.0, "tpot": 60.0}[metric]
    limit = LatencyLimit(
        metric,
        draw(st.sampled_from((50, 95, 99))),
        usual_ms * draw(st.floats(0.1, 4.0)),
        f"/slo/{metric}_p95",
    )
    replicas = draw(st.integers(1, MOST))
    return Deployment(
        name="it",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 2, 3, 5),
        places={"/replicas": Place("capcheck.yaml", 3, 3, 5)},
        model=draw(st.sampled_from(MODELS)),
        quant=draw(st.sampled_from(("Q4_K_M", "Q8_0"))),
        backend=draw(st.sampled_from(("ollama", "llama.cpp"))),
        gpu=draw(st.sampled_from(GPUS)),
        replicas=Replicas(replicas, replicas),
        usd_per_gpu_hour=draw(st.none() | st.floats(0.05, 4.0)),
        traffic=Traffic(
            requests_per_second=draw(st.floats(0.02, 6.0)),
            prompt_tokens=Tokens(draw(st.sampled_from((64, 512, 2048)))),
            output_tokens=Tokens(draw(st.sampled_from((32, 256)))),
            routing=draw(st.sampled_from(("round-robin", "random"))),
        ),
        slo=Slo((limit,), max_utilisation=draw(st.none() | st.floats(0.3, 0.9))),
        quality=draw(st.none() | st.builds(QualityLimit, max_drop=st.floats(0.005, 0.2))),
        budget=Budget(
            monthly_usd=draw(st.none() | st.floats(20.0, 3000.0)),
            usd_per_million_tokens=draw(st.none() | st.floats(0.1, 50.0)),
        ),
        alternatives=AlternativesScope(
            models=tuple(subset(MODELS, 1)),
            quants=tuple(subset(QUANTS, 2)),
            backends=tuple(subset(BACKENDS, 1)),
            gpus=tuple(subset(GPUS, 2)),
            max_replicas=MOST,
            keep=tuple(subset(("max_num_seqs", "max_model_len", "gpus_per_replica"), 3)),
        ),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(questions(), st.sampled_from(("slow", "value")), st.floats(10.0, 2000.0) | st.just(math.inf))
def test_pruned_and_brute_force_agree(context, today, end, ceiling):
    checked = judge(today, context)
    assert pruned(checked, context, end, ceiling) == ranked(checked, context, end, ceiling)


def test_a_shorter_context_rules_no_longer_one_out(context):
    """It has less room in the cache of all slots, so that it may saturate earlier."""
    today = Deployment(
        name="it",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 2, 3, 5),
        model="llama3.1-8b",
        quant="Q8_0",
        backend="llama.cpp",
        gpu="RTX 4060 8GB",
        replicas=Replicas(3, 3),
        traffic=Traffic(
            requests_per_second=5.430113054365278,
            prompt_tokens=Tokens(64),
            output_tokens=Tokens(256),
            routing="round-robin",
        ),
        slo=Slo((LatencyLimit("latency", 99, 55_415.0, "/slo/latency_p99"),)),
        quality=QualityLimit(max_drop=0.2),
        alternatives=AlternativesScope(
            models=("llama3.2-3b",),
            quants=("F16",),
            backends=(),
            gpus=("A100 80GB SXM",),
            max_replicas=MOST,
            keep=("max_num_seqs", "gpus_per_replica"),
        ),
    )
    checked = judge(today, context)
    found = pruned(checked, context, "slow", math.inf)
    assert found == ranked(checked, context, "slow", math.inf)
    assert found
