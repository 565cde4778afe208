"""Do the clients and the requests in flight find room on the engine?"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement, is_unstable
from capcheck.rules.rule import Rule

# One request in a thousand.
NOTICED_LOSS = 0.001

RULES = (
    Rule(
        id="agents-above-slots",
        title="More clients than slots",
        severity="warning",
        why="Some clients always wait while others are served.",
        how="traffic.agents against max_num_seqs × data parallel size × replicas.",
        fix="More slots or replicas, if the KV cache holds them.",
        failing="traffic: {agents: 8, profile: chat}",
        passing="traffic: {agents: 1, profile: chat}",
    ),
    Rule(
        id="kv-pool-limits-batch",
        title="Requests wait for the KV cache before they wait for a slot",
        severity="warning",
        why="Preempted requests are computed twice, and latency jumps.",
        how="At the stated load the pool is full before max_num_seqs requests run.",
        fix="A shorter context, an 8-bit KV cache, more replicas or more memory.",
        failing="gpu: L4 24GB\ntraffic: {agents: 64, prompt_tokens: 4096, output_tokens: 1024}",
        passing="gpu: L4 24GB\ntraffic: {agents: 2, prompt_tokens: 4096, output_tokens: 1024}",
    ),
    Rule(
        id="queue-loss",
        title="A full queue refuses requests",
        severity="warning",
        why="A refused request has no latency, and misses every SLO.",
        how="The predicted share of requests that find the queue full, above one in a thousand.",
        fix="More replicas or slots; a longer queue only trades refusals for waiting.",
        failing=(
            "traffic: {requests_per_second: 0.5, profile: chat}\n"
            "serving: {max_num_seqs: 1, max_queue: 1}"
        ),
        passing=(
            "traffic: {requests_per_second: 0.005, profile: chat}\n"
            "serving: {max_num_seqs: 1, max_queue: 1}"
        ),
    ),
)


def check(case: Case) -> Judgement:
    """No gate: findings agents-above-slots, kv-pool-limits-batch and queue-loss."""
    return Judgement((), (*_agents(case), *_pool(case), *_loss(case)))


def _agents(case: Case) -> Iterator[Finding]:
    """More clients than slots: some always wait while others are served."""
    deployment, engine = case.deployment, case.resolved.engine
    if engine is None or deployment.traffic is None or deployment.traffic.agents is None:
        return
    slots = engine.max_num_seqs * engine.data_parallel_size * case.resolved.replicas_min
    agents = deployment.traffic.agents
    if agents <= slots:
        return
    yield Finding(
        rule="agents-above-slots",
        severity="warning",
        verdict="pass",
        message=(
            f"{agents} agents share {slots} slot{'' if slots == 1 else 's'} "
            f"(max_num_seqs {engine.max_num_seqs} on each copy): the others wait"
        ),
        place=deployment.at("/traffic/agents"),
        related=deployment.at("/serving/max_num_seqs")
        if "/serving/max_num_seqs" in deployment.places
        else None,
        fix="more slots or replicas, if the KV cache holds them",
    )


def _pool(case: Case) -> Iterator[Finding]:
    """The KV cache, not max_num_seqs, is what requests wait for."""
    deployment = case.deployment
    if not case.forecast.load.preemption:
        return
    yield Finding(
        rule="kv-pool-limits-batch",
        severity="warning",
        verdict="pass",
        message=(
            "at this load requests wait for room in the KV cache, or are preempted to make some, "
            "before max_num_seqs is reached"
        ),
        place=deployment.at("/traffic/requests_per_second", "/traffic/agents", "/traffic"),
        fix="a shorter context, an 8-bit KV cache, more replicas or more memory",
    )


def _loss(case: Case) -> Iterator[Finding]:
    """A queue that is full refuses requests: they have no latency, and miss every SLO."""
    deployment, engine = case.deployment, case.resolved.engine
    lost = case.forecast.load.loss_rate.value
    if engine is None or engine.max_queue is None or lost is None or lost < NOTICED_LOSS:
        return
    if is_unstable(case.forecast.load.latency_ms.mean):
        return  # queue-unstable says so
    yield Finding(
        rule="queue-loss",
        severity="warning",
        verdict="pass",
        message=(
            f"{100 * lost:.2g} % of requests are refused: {engine.max_queue} may wait for the "
            f"{engine.max_num_seqs} slot{'' if engine.max_num_seqs == 1 else 's'} of each copy"
        ),
        place=deployment.at("/traffic/requests_per_second", "/traffic/agents", "/traffic"),
        related=deployment.at("/serving/max_queue")
        if "/serving/max_queue" in deployment.places
        else None,
        fix="more replicas or slots; a longer queue only trades refusals for waiting",
    )
