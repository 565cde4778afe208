"""The largest rate that keeps every limit, against trying all of the rates that it may try."""

import math
import random
from collections.abc import Iterator

import pytest
from capcheck.manifest.deployment import LatencyLimit, Slo
from capcheck.predict.latency import headroom
from capcheck.predict.latency.batch_server import percentile_under_rate, under_rate
from capcheck.predict.latency.headroom import PLACES, largest_rate_per_ms
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Server
from capcheck.predict.latency.work import Work, work_of


def works() -> Iterator[tuple[Work, Slo]]:
    chance = random.Random(11)
    for _ in range(30):
        step, growth = chance.uniform(5.0, 40.0), chance.uniform(0.02, 0.5)

        def step_ms(
            *, sequences: float, context_tokens: float, step: float = step, growth: float = growth
        ) -> float:
            return step + growth * sequences

        def prefill_ms(*, tokens: float, context_tokens: float = 0.0) -> float:
            return 5.0 + 0.05 * tokens

        server = Server(step_ms, prefill_ms, chance.choice([2, 16, 64]))
        work = work_of(server, prompt=Lengths(512), output=Lengths(300, chance.choice([0.0, 0.7])))
        idle = under_rate(work, 0.0).latency_ms
        assert idle is not None
        limit = LatencyLimit(
            "latency", 95, idle.p95 * math.exp(chance.uniform(-0.2, 2.5)), "/slo/latency_p95"
        )
        yield work, Slo((limit,), chance.choice([None, None, 0.6]))


def excess(work: Work, slo: Slo, share: float) -> float:
    """The law in short: of the p95 and of utilisation."""
    latency = under_rate(work, share * work.saturation_per_ms).latency_ms
    assert latency is not None
    found = math.log(latency.p95 / slo.latency[0].limit_ms)
    if slo.max_utilisation is None:
        return found
    return max(found, math.log(max(share, 1e-12) / slo.max_utilisation))


def largest(work: Work, slo: Slo) -> float:
    """By trying every place."""
    excesses = [excess(work, slo, place / PLACES) for place in range(PLACES)]
    broken = next((place for place, found in enumerate(excesses) if found > 0.0), PLACES)
    if broken in (0, PLACES):
        return max(0, broken - 1) / PLACES * work.saturation_per_ms
    below, above = excesses[broken - 1 : broken + 1]
    return (broken - 1 + below / (below - above)) / PLACES * work.saturation_per_ms


@pytest.mark.parametrize("hinted", [False, True])
def test_is_that_of_trying_every_rate_from_a_few(hinted: bool, monkeypatch: pytest.MonkeyPatch):
    tried: list[float] = []

    def counted(work: Work, rate_per_ms: float, metric: str, percentile: int):
        tried.append(rate_per_ms)
        return percentile_under_rate(work, rate_per_ms, metric, percentile)

    monkeypatch.setattr(headroom, "percentile_under_rate", counted)
    cases = list(works())
    for work, slo in cases:
        known = {0.4: excess(work, slo, 0.4)} if hinted else {}
        assert largest_rate_per_ms(work, slo, known) == pytest.approx(largest(work, slo), rel=1e-9)
    assert len(tried) <= (3.0 if hinted else 4.0) * len(cases)
