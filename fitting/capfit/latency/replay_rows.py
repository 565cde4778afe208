"""The published load measurements of Ollama, row by row, beside what each form says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from capcheck.predict.latency.queueing import md1_wait_quantile

from capfit.data.rows import LatencyLoad
from capfit.data.tables import Data
from capfit.latency.replay import (
    Answer,
    Service,
    closed_loop_wall_ms,
    errors,
    mm_c,
    published_arrivals,
    replayed,
    service,
    tr133,
)
from capfit.scaling.turns import SINGLES, loops, single_rows, without


@dataclass(frozen=True, slots=True)
class Line:
    """Errors of one form on one group of rows, in percent."""

    rows: str
    form: str
    count: int
    mean: float
    bias: float
    worst: float


def singles(data: Data, report: str) -> dict[str, Service]:
    """GPU-busy and wall time of one request on Ollama, by model, in a report's clock state.

    What it takes beyond its report is what the other models' closed loops show.
    """
    rows = list(single_rows(data))
    laws = without(loops(data))
    prefills = {row.model: row.prefill_ms_mean for row in rows if row.source == "TR128"}
    found = {}
    for row in rows:
        prefill = row.prefill_ms_mean or prefills.get(row.model)
        if row.source == report and row.mean_ms is not None and prefill is not None:
            found[row.model] = service(
                wall_ms=row.mean_ms,
                prefill_ms=prefill,
                unreported_ms=laws[row.model].overhead_ms,
                decode_ms=row.decode_ms_mean,
                tokens_per_s=row.eff_tok_s,
                gpu_tokens_per_s=row.gpu_tok_s,
            )
    return found


def of_session(data: Data, report: str, session: str) -> dict[str, Service]:
    """A report's services in a clock state that its own single requests were not measured in.

    TR129 made a new HTTP client for each request, which its walls at the low clock hold beside
    TR128's: that delay, and the GPU's time from the report that ran at the clock in question.
    """
    own = singles(data, report)
    if session == SINGLES[report]:
        return own
    other = singles(data, "TR130" if session == "high-clock" else "TR128")
    reference = singles(data, "TR128")
    return {
        model: Service(
            other[model].wall_ms + own[model].wall_ms - reference[model].wall_ms,
            other[model].gpu_ms,
        )
        for model in own
        if model in other and model in reference
    }


def open_rows(data: Data) -> Iterator[LatencyLoad]:
    """TR128's sweep of rates and OLLAMA_NUM_PARALLEL at the low clock."""
    for row in data.rows(LatencyLoad):
        found = (row.source, row.arrival, row.mode, row.session)
        if found == ("TR128", "poisson", "batch", "low-clock"):
            yield row


def closed_rows(data: Data, report: str, session: str, *, thinking: bool) -> Iterator[LatencyLoad]:
    """A report's closed loops on Ollama in one clock state."""
    for row in data.rows(LatencyLoad):
        found = (row.source, row.backend, row.arrival, row.session)
        if found != (report, "ollama", "closed", session) or row.excluded:
            continue
        if row.concurrency and row.wall_ms_mean and bool(row.think_ms) == thinking:
            yield row


def lines(data: Data) -> Iterator[Line]:
    """Every group of rows and form: means, and p95 where it is printed."""
    single = singles(data, "TR128")
    forms: tuple[tuple[str, Callable[[Service, LatencyLoad], Answer]], ...] = (
        ("replay of the arrivals", lambda one, row: replayed(one, published_arrivals(_rate(row)))),
        ("M/D/1, GPU-busy service, exact p95", lambda one, row: _md1(one, _rate(row))),
        ("TR133: M/D/1, wall service, S + 3 W", lambda one, row: tr133(one, _rate(row))),
        ("M/M/c", lambda one, row: mm_c(one, _rate(row), _servers(row))),
    )
    rows = [row for row in open_rows(data) if row.model in single and row.wall_ms_mean]
    for form, answer in forms:
        answers = [(answer(single[row.model], row), row) for row in rows]
        means = [(one.mean, row.wall_ms_mean or 0.0) for one, row in answers]
        tails = [(one.p95, row.wall_ms_p95) for one, row in answers if row.wall_ms_p95]
        yield Line("TR128 open loop, mean", form, *errors(means))
        yield Line("TR128 open loop, p95", form, *errors(tails))
    for report, session, thinking in (
        ("TR129", "low-clock", True),
        ("TR129", "high-clock", True),
        ("TR129", "low-clock", False),
        ("TR129", "high-clock", False),
        ("TR130", "high-clock", False),
    ):
        for form, services in (
            ("max(Z + S, N S - think), services of this clock", of_session(data, report, session)),
            ("the same, the report's own single requests", singles(data, report)),
        ):
            pairs = [
                (
                    closed_loop_wall_ms(
                        services[row.model],
                        agents=row.concurrency or 1,
                        think_ms=row.think_ms or 0.0,
                    ),
                    row.wall_ms_mean or 0.0,
                )
                for row in closed_rows(data, report, session, thinking=thinking)
                if row.model in services
            ]
            if pairs and (session != SINGLES[report] or "this clock" in form):
                loop = "think times" if thinking else "no think time"
                yield Line(f"{report} closed loops, {session}, {loop}", form, *errors(pairs))


def _md1(single: Service, rate: float) -> Answer:
    load = rate * single.gpu_ms / 1000.0
    if load >= 1.0:
        return Answer(None, None)
    wait = load * single.gpu_ms / (2.0 * (1.0 - load))
    tail = md1_wait_quantile(rate=rate / 1000.0, service=single.gpu_ms, share=0.95)
    return Answer(single.wall_ms + wait, single.wall_ms + tail)


def _rate(row: LatencyLoad) -> float:
    return row.request_rate_rps or 0.0


def _servers(row: LatencyLoad) -> int:
    return int(row.num_parallel) if row.num_parallel and row.num_parallel.isdigit() else 1
