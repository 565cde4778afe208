"""TTFT, TPOT and end-to-end latency against their SLOs, and the queue behind them."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.manifest.deployment import LatencyLimit
from capcheck.numbers import amount
from capcheck.rules.case import Case, Judgement, Limit, hold, is_unstable
from capcheck.rules.rule import Rule

LABELS = {"ttft": "TTFT", "tpot": "TPOT", "latency": "latency"}

# TR133 SS9.3: above this the queue is close to instability and the tail grows fast.
HIGH_UTILISATION = 0.70

_OVER_LIMIT = (
    "The percentile predicted for the stated traffic, as an interval, held against the limit: an "
    "error when all of it is beyond, a warning when the limit lies inside."
)
_FASTER = "More replicas, a smaller quant, a faster GPU or more GPUs per replica."

RULES = (
    Rule(
        id="ttft-over-limit",
        title="Time to first token above its limit",
        severity="error",
        gate="ttft",
        why="Users stare at an empty answer for longer than was promised.",
        how=_OVER_LIMIT,
        fix=_FASTER,
        failing="slo: {ttft_p95: 20ms}",
        passing="slo: {ttft_p95: 5s}",
    ),
    Rule(
        id="tpot-over-limit",
        title="Time per output token above its limit",
        severity="error",
        gate="tpot",
        why="Answers stream more slowly than was promised.",
        how=_OVER_LIMIT,
        fix=_FASTER,
        failing="slo: {tpot_p95: 5ms}",
        passing="slo: {tpot_p95: 200ms}",
    ),
    Rule(
        id="latency-over-limit",
        title="Time of a whole request above its limit",
        severity="error",
        gate="latency",
        why="Requests take longer than was promised.",
        how=_OVER_LIMIT,
        fix=_FASTER,
        failing="slo: {latency_p95: 1s}",
        passing="slo: {latency_p95: 60s}",
    ),
    Rule(
        id="not-calibrated",
        title="A limited figure cannot be predicted",
        severity="error",
        why="A limit that nobody checked is not kept.",
        how="A limit is stated and the forecast has no value for it; the finding says why.",
        fix="State what is missing, or take an engine and format that capcheck has figures for.",
        failing="slo: {latency_p95: 10s}",
        passing="traffic: {requests_per_second: 0.2, profile: chat}\nslo: {latency_p95: 60s}",
    ),
    Rule(
        id="queue-unstable",
        title="More requests arrive than can be served",
        severity="error",
        gate="latency",
        why="The queue grows until clients give up; no percentile is finite.",
        how=(
            "The stated rate is above the one that saturates all replicas. A warning when no limit "
            "depends on it."
        ),
        fix="More replicas, a faster GPU, or an engine that batches.",
        failing="traffic: {requests_per_second: 50, profile: chat}",
        passing="traffic: {requests_per_second: 0.2, profile: chat}",
    ),
    Rule(
        id="utilisation-over-limit",
        title="Utilisation above its limit",
        severity="error",
        gate="utilisation",
        why="The reserve that was asked for is not there.",
        how="The predicted share of busy time, as an interval, against slo.max_utilisation.",
        fix="More replicas or a faster GPU.",
        failing="slo: {max_utilisation: 0.01}",
        passing="slo: {max_utilisation: 0.9}",
    ),
    Rule(
        id="high-utilisation",
        title="The queue is close to its limit",
        severity="warning",
        why="Above this the tail of the latency grows fast with every request more.",
        how="Expected utilisation above 70 % at an open-loop rate (TR133 SS9.3), no cap stated.",
        fix="More replicas or a faster GPU; or state slo.max_utilisation.",
        failing="traffic: {requests_per_second: 0.4, profile: chat}\nbackend: ollama",
        passing="traffic: {requests_per_second: 0.05, profile: chat}\nbackend: ollama",
    ),
)


def check(case: Case) -> Judgement:
    """Gates `ttft`, `tpot`, `latency`, `utilisation`; the queue's own findings."""
    stated = case.deployment.slo.latency
    judged = [
        hold(case, metric, [_limit(case, limit) for limit in stated if limit.metric == metric])
        for metric in LABELS
    ]
    judged.append(_utilisation(case))
    gates = tuple(gate for judgement in judged for gate in judgement.gates)
    findings = tuple(found for judgement in judged for found in judgement.findings)
    return Judgement(gates, (*findings, *_queue(case)))


def limits(case: Case) -> Iterator[Limit]:
    """Each stated limit of these gates with the figure that it is about."""
    slo = case.deployment.slo
    yield from (_limit(case, limit) for limit in slo.latency)
    if slo.max_utilisation is not None:
        yield _cap(case, slo.max_utilisation)


def _limit(case: Case, limit: LatencyLimit) -> Limit:
    load = case.forecast.load
    by_metric = {"ttft": load.ttft_ms, "tpot": load.tpot_ms, "latency": load.latency_ms}
    return Limit(
        label=f"p{limit.percentile} {LABELS[limit.metric]}",
        estimate=by_metric[limit.metric].percentile(limit.percentile),
        limit=limit.limit_ms,
        sense="max",
        unit="ms",
        pointer=limit.pointer,
        rule=f"{limit.metric}-over-limit",
        fix="more replicas, a smaller quant, a faster GPU or more GPUs per replica",
    )


def _utilisation(case: Case) -> Judgement:
    """The stated cap as a gate; without one, TR133's 70 % as a warning."""
    limit = case.deployment.slo.max_utilisation
    if limit is None:
        return Judgement((), tuple(_high_utilisation(case)))
    return hold(case, "utilisation", [_cap(case, limit)])


def _cap(case: Case, limit: float) -> Limit:
    return Limit(
        label="utilisation",
        estimate=case.forecast.load.utilisation,
        limit=limit,
        sense="max",
        unit="",
        pointer="/slo/max_utilisation",
        rule="utilisation-over-limit",
        fix="more replicas or a faster GPU",
    )


def _high_utilisation(case: Case) -> Iterator[Finding]:
    value, traffic = case.forecast.load.utilisation.value, case.deployment.traffic
    if value is None or traffic is None or traffic.agents is not None:
        return
    if value <= HIGH_UTILISATION or is_unstable(case.forecast.load.latency_ms.mean):
        return
    yield Finding(
        rule="high-utilisation",
        severity="warning",
        verdict="pass",
        message=(
            f"{100 * value:.0f} % busy at the stated rate; above {100 * HIGH_UTILISATION:.0f} % "
            "the tail of the latency grows fast"
        ),
        place=case.deployment.at("/traffic/requests_per_second", "/replicas"),
    )


def _queue(case: Case) -> Iterator[Finding]:
    """More arrives than can be served: one finding, whatever the number of SLOs it breaks."""
    deployment, load = case.deployment, case.forecast.load
    if not is_unstable(load.latency_ms.mean) or deployment.traffic is None:
        return
    slo = deployment.slo
    gated = bool(slo.latency) or slo.max_utilisation is not None
    limited = [limit.pointer for limit in slo.latency] or ["/slo/max_utilisation"]
    rate = deployment.traffic.requests_per_second or 0.0
    saturation = load.saturation_rps.value
    most = "" if saturation is None else f"; {amount(saturation, 'requests/s')} saturate it"
    yield Finding(
        rule="queue-unstable",
        severity="error" if gated else "warning",
        verdict="fail" if gated else "pass",
        message=f"the queue grows without end at {amount(rate, 'requests/s')}{most}",
        place=deployment.at("/traffic/requests_per_second", "/traffic", "/replicas"),
        related=deployment.at(*limited) if gated else None,
        fix="more replicas, a faster GPU, or an engine that batches",
        gate=slo.latency[0].metric if slo.latency else "utilisation" if gated else None,
        beyond=load.utilisation.value,
    )
