"""Latency of Ollama under a stated load (TR128 to TR130), from single requests alone."""

from __future__ import annotations

from collections.abc import Iterator

from capfit.data.rows import LatencyLoad
from capfit.data.tables import Data
from capfit.latency.replay import (
    Answer,
    Service,
    closed_loop_wall_ms,
    mm_c,
    published_arrivals,
    replayed,
    tr133,
)
from capfit.latency.replay_rows import closed_rows, of_session, open_rows, singles
from capfit.scaling.turns import SINGLES
from capfit.validate.rows import Row

_LOOPS = (("TR129", "low-clock"), ("TR129", "high-clock"), ("TR130", "high-clock"))


def rows(data: Data) -> list[Row]:
    """Open loops by replaying their arrivals, closed loops by max(Z + S, N S - think)."""
    return [*_open(data), *_closed(data)]


def _open(data: Data) -> Iterator[Row]:
    single = singles(data, "TR128")
    for row in open_rows(data):
        one = single.get(row.model)
        if one is None:
            continue
        rate = row.request_rate_rps or 0.0
        answer = replayed(one, published_arrivals(rate))
        others = {"TR133": tr133(one, rate), "M/M/c": mm_c(one, rate, _servers(row))}
        for name, part, measured in (
            ("latency of an open loop, mean", "mean", row.wall_ms_mean),
            ("latency of an open loop, p95", "p95", row.wall_ms_p95),
        ):
            predicted = getattr(answer, part)
            if measured and predicted:
                parts = _parts(others, part)
                yield _row(name, row, predicted, measured, parts, held_out="nothing")


def _parts(answers: dict[str, Answer], part: str) -> dict[str, float]:
    """What the simpler forms say; a form that calls the queue unstable says nothing."""
    found = {name: getattr(answer, part) for name, answer in answers.items()}
    return {name: value for name, value in found.items() if value is not None}


def _closed(data: Data) -> Iterator[Row]:
    for report, session in _LOOPS:
        services = of_session(data, report, session)
        for thinking in (False, True):
            for row in closed_rows(data, report, session, thinking=thinking):
                if row.model in services and row.wall_ms_mean:
                    own = singles(data, report) if session == SINGLES[report] else services
                    yield _row(
                        "latency of a closed loop, mean",
                        row,
                        _wall_ms(services[row.model], row),
                        row.wall_ms_mean,
                        {"N times a lone request": own[row.model].wall_ms * (row.concurrency or 1)},
                        held_out="model",
                    )


def _wall_ms(service: Service, row: LatencyLoad) -> float:
    return closed_loop_wall_ms(service, agents=row.concurrency or 1, think_ms=row.think_ms or 0.0)


def _servers(row: LatencyLoad) -> int:
    return int(row.num_parallel) if row.num_parallel and row.num_parallel.isdigit() else 1


def _row(
    name: str,
    row: LatencyLoad,
    predicted: float,
    measured: float,
    baselines: dict[str, float],
    *,
    held_out: str,
) -> Row:
    load = (
        f"{row.request_rate_rps} requests/s"
        if row.request_rate_rps
        else f"{row.concurrency} agents"
    )
    return Row(
        predictor=name,
        held_out=held_out,
        backend="ollama",
        group=row.model,
        what=f"{row.model}, {load} ({row.source})",
        unit="ms",
        predicted=predicted,
        measured=measured,
        low=None,
        high=None,
        baselines=baselines,
    )
