"""The fewest replicas, and the lightest settings, with which a family passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from capcheck.judge import Checked, Context, Started, start
from capcheck.manifest.deployment import Deployment, LatencyLimit, Replicas
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.search.passing import distance, reservation, surely_passes

# TR133 SS10.1 searches 1 to 16 instances.
MAX_REPLICAS = 16

# Slots worth trying on an engine that runs few requests at once unless told.
SLOTS = (2, 4, 8, 16)


@dataclass(frozen=True, slots=True)
class Miss:
    """A family that cannot surely pass, and by how much at least it misses (share of a limit)."""

    started: Started
    at_least: float
    most_replicas: int


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Looks for the cheapest passing member of a family, for one manifest."""

    today: Checked
    context: Context

    def of(
        self, deployment: Deployment, most_replicas: int, worth: Callable[[Started], bool]
    ) -> Checked | Miss | None:
        """The cheapest member that surely passes with at most `most_replicas`, else a miss.

        None when the family cannot run at all, or is not `worth` it at its cheapest.
        """
        allowed = most = min(most_replicas, self._most())
        if most < self._fewest():
            return None
        first = self._start(deployment, self._fewest())
        if first.gates["support"].verdict != "pass":
            return None
        if first.gates["vram"].verdict != "pass":
            shorter = _shorter_context(first)
            first = first if shorter is None else self._start(shorter, self._fewest())
        if not worth(first):
            return None
        short = self._short_by(first)
        if short > 0 or reservation(first, self.today) is not None:
            return Miss(first, short, most)
        best: Checked | None = None
        for saturated, candidate in self._by_capacity(first):
            if saturated >= most:
                break
            found = self._fewest_replicas(candidate, saturated, most, ignored=frozenset())
            if found is not None:
                best, most = found, found.resolved.replicas_min - 1
        return Miss(first, 0.0, allowed) if best is None else best

    def nearest(self, miss: Miss) -> Checked:
        """The miss at its best: with the replicas and slots that put right what they can."""
        broken = {name for name, gate in miss.started.gates.items() if gate.verdict != "pass"}
        for saturated, candidate in self._by_capacity(miss.started):
            found = self._fewest_replicas(
                candidate, saturated, miss.most_replicas, ignored=frozenset(broken)
            )
            if found is not None:
                return found
        return miss.started.finish()

    def _by_capacity(self, started: Started) -> list[tuple[int, Started]]:
        """The ways to set the slots that fit, with the replicas that are surely too few for each;
        those that need the fewest replicas first, and of these the fewest slots."""
        found = [(self._saturated_by(started), started)]
        for deployment in _more_slots(started):
            one = self._start(deployment, self._fewest())
            if one.gates["vram"].verdict == started.gates["vram"].verdict:
                found.append((self._saturated_by(one), one))
        return sorted(found, key=lambda pair: pair[0])

    def _short_by(self, started: Started) -> float:
        """How much is missing whatever the replicas: memory, quality, or a lone request's time."""
        shortest = unloaded_ms(started.resolved, started.unloaded.speed, end="slow")
        times = dict(zip(("ttft", "tpot", "latency"), shortest or (0.0, 0.0, 0.0), strict=True))
        limits: tuple[LatencyLimit, ...] = started.resolved.deployment.slo.latency
        short = [distance(gate) for gate in started.gates.values() if gate.verdict != "pass"]
        short.extend(times[limit.metric] / limit.limit_ms - 1 for limit in limits)
        return max(0.0, max(short, default=0.0))

    def _fewest_replicas(
        self, started: Started, failing: int, most: int, *, ignored: frozenset[str]
    ) -> Checked | None:
        """Bisection: more replicas never make a gate of load worse.

        `failing` replicas are known to be too few. Only gates outside `ignored` need to pass. Most
        families pass with the first number tried, or with none.
        """
        if failing >= most:
            return None
        passing = self._passing(started, failing + 1, ignored)
        if passing is None and most > failing + 1:
            failing += 1
            passing = self._passing(started, most, ignored)
        while passing is not None and passing.resolved.replicas_min - failing > 1:
            middle = (passing.resolved.replicas_min + failing) // 2
            found = self._passing(started, middle, ignored)
            if found is None:
                failing = middle
            else:
                passing = found
        return passing

    def _passing(self, started: Started, replicas: int, ignored: frozenset[str]) -> Checked | None:
        """This many replicas judged, if they pass."""
        if replicas != started.resolved.replicas_min:
            started = self._start(started.resolved.deployment, replicas)
        if not started.passes_when_slow(ignored):
            return None
        checked = started.finish()
        if not ignored:
            return checked if surely_passes(checked, self.today) else None
        broken = {name for name, gate in checked.gates.items() if gate.verdict != "pass"}
        return checked if broken <= ignored else None

    def _saturated_by(self, started: Started) -> int:
        """The largest number of replicas that the stated rate saturates at the slow end."""
        fewest, traffic = self._fewest(), started.resolved.deployment.traffic
        if traffic is None or traffic.requests_per_second is None or self._replicas_are_fixed():
            return fewest - 1
        unloaded = started.unloaded
        each = saturation_rps(
            started.resolved, unloaded.speed, unloaded.forecast.memory, end="slow"
        )
        if not each:
            return fewest - 1
        peak = max(traffic.requests_per_second, traffic.peak_requests_per_second or 0.0)
        return max(fewest, math.ceil(peak / each)) - 1

    def _start(self, deployment: Deployment, replicas: int) -> Started:
        """A stated range keeps its upper end unless that is below."""
        stated = self.today.resolved.deployment.replicas
        most = replicas if stated.min == stated.max else max(replicas, stated.max)
        return start(replace(deployment, replicas=Replicas(replicas, most)), self.context)

    def _fewest(self) -> int:
        """Without traffic nobody knows what one replica less would do."""
        return self.today.resolved.replicas_min if self._replicas_are_fixed() else 1

    def _most(self) -> int:
        if self._replicas_are_fixed():
            return self.today.resolved.replicas_min
        return self.today.resolved.deployment.alternatives.max_replicas or MAX_REPLICAS

    def _replicas_are_fixed(self) -> bool:
        deployment = self.today.resolved.deployment
        return deployment.traffic is None or keeps(deployment, "replicas")


def keeps(deployment: Deployment, field: str) -> bool:
    """Whether `alternatives.keep` names the field."""
    return field in deployment.alternatives.keep


def _more_slots(started: Started) -> Iterator[Deployment]:
    """With more slots, where the engine runs few unless told."""
    deployment = started.resolved.deployment
    backend, engine = started.resolved.backend, started.resolved.engine
    if backend is None or engine is None or backend.batching != "slots":
        return
    if keeps(deployment, "max_num_seqs"):
        return
    for slots in SLOTS:
        if slots > engine.max_num_seqs:
            yield replace(deployment, serving=replace(deployment.serving, max_num_seqs=slots))


def _shorter_context(started: Started) -> Deployment | None:
    """With a context of the next power of two that the longest stated request needs."""
    deployment, engine = started.resolved.deployment, started.resolved.engine
    traffic = deployment.traffic
    if engine is None or traffic is None or keeps(deployment, "max_model_len"):
        return None
    if traffic.prompt_tokens is None or traffic.output_tokens is None:
        return None
    longest = sum(
        tokens.max or tokens.p95 or tokens.mean
        for tokens in (traffic.prompt_tokens, traffic.output_tokens)
    )
    needed = 1 << (int(longest) - 1).bit_length()
    if needed >= engine.max_model_len:
        return None
    return replace(deployment, serving=replace(deployment.serving, max_model_len=needed))
