"""The rate of each of N agents (TR129, TR130), each model from the other models' growth.

A figure is TR133's eta(N): the rate of one of N agents over that of a lone one.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.optimize import least_squares

from capfit.data.rows import Scaling
from capfit.data.tables import Data
from capfit.latency.replay import closed_loop_wall_ms
from capfit.latency.replay_rows import of_session
from capfit.tr133.artifact import printed
from capfit.tr133.planner import DEFAULT_SERIAL, efficiency
from capfit.validate.rows import Row

PREDICTOR = "scaling, eta of N agents"
_START, _BOUNDS = (1.5, 0.8), ([0.0, 0.1], [50.0, 2.0])


def rows(data: Data) -> list[Row]:
    """Every measured efficiency of two and more agents without think time."""
    found = [row for row in data.rows(Scaling) if _usable(row)]
    return [*_batched(found), *_queued(data, found)]


def _usable(row: Scaling) -> bool:
    return bool(row.efficiency_computed) and row.concurrency > 1 and not row.excluded


def _batched(found: Sequence[Scaling]) -> Iterator[Row]:
    """vLLM and TGI: step(n) = step(1) + c (n - 1)^g, c and g from the other models.

    SOURCE of the form: TR130's per-agent times grow by a sum, not by a factor.
    """
    for backend in ("vllm", "tgi"):
        mine = [row for row in found if row.backend == backend]
        for model in dict.fromkeys(row.model for row in mine):
            growth = _growth([row for row in mine if row.model != model])
            for row in mine:
                if row.model == model:
                    alone = _alone_ms(row)
                    grown = growth[0] * (row.concurrency - 1) ** growth[1]
                    yield _row(row, alone / (alone + grown), found)


def _growth(rows: Sequence[Scaling]) -> tuple[float, float]:
    """c in ms and g, by least squares of log efficiency."""
    alone = np.array([_alone_ms(row) for row in rows])
    others = np.array([row.concurrency - 1.0 for row in rows])
    target = np.log([row.efficiency_computed or 1.0 for row in rows])

    def errors(form: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        c, g = form
        return np.asarray(np.log(alone / (alone + c * others**g)) - target)

    found = least_squares(errors, _START, bounds=_BOUNDS)
    return float(found.x[0]), float(found.x[1])


def _alone_ms(row: Scaling) -> float:
    """Time per token of one agent, in the same run."""
    return 1e3 * (row.efficiency_computed or 1.0) / (row.per_agent_tok_s or 1.0)


def _queued(data: Data, found: Sequence[Scaling]) -> Iterator[Row]:
    """Ollama: wall(N) = max(Z + S, N S) from single requests and the others' overhead."""
    services = {
        (report, session): of_session(data, report, session)
        for report, session in (("TR129", "low-clock"), ("TR130", "high-clock"))
    }
    for row in found:
        service = services.get((row.source, row.session or ""), {}).get(row.model)
        if row.backend == "ollama" and service is not None:
            alone = closed_loop_wall_ms(service, agents=1)
            crowded = closed_loop_wall_ms(service, agents=row.concurrency)
            yield _row(row, alone / crowded, found)


def _row(row: Scaling, predicted: float, found: Sequence[Scaling]) -> Row:
    return Row(
        predictor=PREDICTOR,
        held_out="model",
        backend=row.backend,
        group=row.model,
        what=f"{row.model}, {row.backend}, {row.concurrency} agents ({row.source})",
        unit="share",
        predicted=predicted,
        measured=row.efficiency_computed or 0.0,
        low=None,
        high=None,
        baselines=_baselines(row, found),
    )


def _baselines(row: Scaling, found: Sequence[Scaling]) -> Mapping[str, float]:
    """TR133's Amdahl with its own fraction of this very pair, and with its default of an unseen
    model; the mean of the other models."""
    others = [
        other.efficiency_computed or 0.0
        for other in found
        if (other.backend, other.concurrency) == (row.backend, row.concurrency)
        and other.model != row.model
    ]
    return {
        "TR133": printed().eta(row.model, row.backend, agents=row.concurrency),
        "TR133, model unseen": efficiency(DEFAULT_SERIAL[row.backend], row.concurrency),
        "class mean": statistics.fmean(others),
    }
