"""Behaviour at the stated traffic over all replicas, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from capcheck.estimate import Estimate, Provenance, unknown, weakest
from capcheck.manifest.deployment import Traffic
from capcheck.predict.forecast import Distribution, Load, Memory
from capcheck.predict.latency.ends import End, pool_of, server_at
from capcheck.predict.latency.lengths import lengths_of
from capcheck.predict.latency.server import Behaviour, Percentiles
from capcheck.predict.latency.traffic import Demand, Total, limits_of
from capcheck.predict.speed.engine_copy import Speed
from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved


def load(
    resolved: Resolved, speed: Speed | Estimate, memory: Memory, *, only: End | None = None
) -> Load:
    """Latencies, throughput and saturation of a deployment at its traffic.

    `speed` is an unknown Estimate when there is none; its basis becomes that of every figure.
    Traffic is routed over replicas (the minimum) and data-parallel copies, each a server of its
    own. A latency whose `high` is None is finite at the point estimate but without bound
    at the slow end of the interval, where the queue is unstable; one without a value and with a
    basis that starts with "unstable" has no bound at the point estimate either. Latencies are
    those at the peak rate where one is stated, throughput is that at the mean rate. With `only`,
    every figure is that at one end of the interval, for a third of the work.
    """
    traffic = resolved.deployment.traffic
    if isinstance(speed, Estimate):
        return not_predicted(speed.basis)
    if resolved.engine is None:
        return not_predicted("needs model, backend and GPU")
    if traffic is None or traffic.prompt_tokens is None or traffic.output_tokens is None:
        return not_predicted("needs traffic: prompt_tokens and output_tokens, or a profile")
    prompt, output = lengths_of(traffic.prompt_tokens), lengths_of(traffic.output_tokens)
    engine, pool = resolved.engine, pool_of(memory, prompt.mean + output.mean)
    copies = resolved.replicas_min * engine.data_parallel_size

    demand = Demand(traffic, copies, prompt, output, limits_of(resolved.deployment.slo.latency))

    def at(end: End) -> Total:
        return demand.on(server_at(end, resolved, engine, speed, pool))

    value, fast, slow = [at(only)] * 3 if only else (at("value"), at("fast"), at("slow"))
    ends = _Ends(
        value,
        fast,
        slow,
        weakest(
            speed.step_provenance,
            speed.prefill_provenance,
            "assumed" if pool is None else pool.provenance,
        ),
        _basis(traffic, copies) + ("" if pool is not None else ", as if the KV cache were enough"),
    )
    return _load(ends, traffic)


def not_predicted(basis: str) -> Load:
    """Every figure unknown, for one reason."""
    missing = unknown(basis)
    none = Distribution(missing, missing, missing, missing, missing)
    return Load(missing, missing, missing, missing, none, none, none, none)


@dataclass(frozen=True, slots=True)
class _Ends:
    """The deployment at the point estimate, at the fast and at the slow end of the interval."""

    value: Total
    fast: Total
    slow: Total
    provenance: Provenance
    basis: str

    def of(self, read: Callable[[Total], float]) -> Estimate:
        value, fast, slow = read(self.value), read(self.fast), read(self.slow)
        return Estimate(
            value, min(value, fast, slow), max(value, fast, slow), self.provenance, self.basis
        )

    def _unstable(self) -> str:
        most = f"{self.value.saturation_rps:.3g}"
        return f"unstable: the queue grows without end above {most} requests/s"

    def distribution(self, name: str) -> Distribution:
        """Of one of a copy's latencies; without bound where it is unstable at the slow end."""
        value, fast, slow = (_percentiles(one, name) for one in (self.value, self.fast, self.slow))
        if value is None or fast is None:
            missing = Estimate(None, None, None, self.provenance, self._unstable())
            return Distribution(missing, missing, missing, missing, missing)
        basis = self.basis
        if slow is None:
            basis += "; no upper bound: unstable at the slow end of the speed interval"

        def part(label: str) -> Estimate:
            middle, low = getattr(value, label), getattr(fast, label)
            if slow is None:
                return Estimate(middle, min(middle, low), None, self.provenance, basis)
            high = getattr(slow, label)
            least, most = min(middle, low, high), max(middle, low, high)
            return Estimate(middle, least, most, self.provenance, basis)

        return Distribution(part("mean"), part("p50"), part("p90"), part("p95"), part("p99"))


def _percentiles(total: Total, name: str) -> Percentiles | None:
    found: Percentiles | None = getattr(total.copy, name)
    return found


def _basis(traffic: Traffic, copies: int) -> str:
    spread = f", {traffic.routing} over {copies} copies" if copies > 1 else ""
    if traffic.agents is not None:
        return f"batch server, closed loop of {traffic.agents} agents{spread}"
    peak = traffic.peak_requests_per_second
    rate = " at the peak rate" if peak is not None and traffic.requests_per_second != peak else ""
    if traffic.burstiness != 1.0:
        return f"batch server, arrivals of burstiness {traffic.burstiness:g}{rate}{spread}"
    return f"batch server, Poisson arrivals{rate}{spread}"


def _load(ends: _Ends, traffic: Traffic) -> Load:
    capacity = ends.of(lambda total: total.capacity_tok_s)
    saturation = ends.of(lambda total: total.saturation_rps)
    if traffic.agents is None and traffic.requests_per_second is None:
        none = not_predicted("needs traffic: requests_per_second or agents")
        return Load(
            none.throughput_tok_s,
            capacity,
            saturation,
            none.utilisation,
            none.ttft_ms,
            none.tpot_ms,
            none.latency_ms,
            none.queue_wait_ms,
        )
    return Load(
        throughput_tok_s=ends.of(lambda total: total.throughput_tok_s),
        capacity_tok_s=capacity,
        saturation_rps=saturation,
        utilisation=ends.of(lambda total: total.copy.utilisation),
        busy=ends.of(lambda total: total.copy.busy),
        ttft_ms=ends.distribution("ttft_ms"),
        tpot_ms=ends.distribution("tpot_ms"),
        latency_ms=ends.distribution("latency_ms"),
        queue_wait_ms=ends.distribution("queue_wait_ms"),
        goodput_rps=ends.of(lambda total: total.goodput_rps),
        loss_rate=ends.of(lambda total: total.copy.loss_rate),
        agent_tok_s=_of_agents(ends, lambda total: total.agent_tok_s),
        scaling_efficiency=_of_agents(ends, lambda total: total.scaling_efficiency),
        latency_parts_ms=_parts(ends.value.copy),
        preemption=ends.value.copy.preemption,
    )


def _of_agents(ends: _Ends, read: Callable[[Total], float | None]) -> Estimate:
    if read(ends.value) is None:
        return unknown("not a closed loop")
    return ends.of(lambda total: read(total) or 0.0)


def _parts(copy: Behaviour) -> dict[str, float]:
    parts = copy.parts_ms
    return {} if parts is None else {one.name: getattr(parts, one.name) for one in fields(parts)}
