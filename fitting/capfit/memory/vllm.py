"""vLLM: what its start-up logs say of weights, activations, overhead and CUDA graphs."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from capcheck.predict.memory.activations import (
    expert_workspace_bytes,
    logits_bytes,
    streaming_bytes,
)
from numpy.typing import NDArray
from scipy.optimize import minimize

from capfit.memory.cases import Case

Array = NDArray[np.float64]
GIB = 2.0**30
_FP16 = 2

# Widths say nothing while the sampler is the larger part: one start may lie on that plain.
_STARTS = (1.0, 1.5, 0.5)

ACTIVATION, OVERHEAD, GRAPHS = "activation_gib", "non_torch_gib", "cuda_graph_gib"


@dataclass(frozen=True, slots=True)
class Form:
    """Widths of a layer's working set: how many are free, and how they follow."""

    name: str
    start: tuple[float, ...]
    widths: Callable[[Sequence[float]], tuple[float, float]]


FORMS = (
    Form("three intermediate vectors, free hidden width", (4.0,), lambda p: (3.0, p[0])),
    Form("two free widths", (3.0, 4.0), lambda p: (p[0], p[1])),
    Form("one width", (3.0,), lambda p: (p[0], p[0])),
    Form("sampler alone", (), lambda p: (0.0, 0.0)),
)


@dataclass(frozen=True, slots=True)
class Log:
    """One log: its case, its era's index, and the parts of its activation peak in GiB.

    `sampler` is one copy of the sampled rows' logits, `rows` the batch's hidden vectors.
    """

    case: Case
    era: int
    sampler: float
    rows: float
    experts: float

    def activation(self, copies: float, widths: tuple[float, float], stays: bool) -> float:
        """The peak by the law (`budget._activation_gib`), in GiB."""
        case = self.case
        layer = streaming_bytes(
            case.setting.model,
            tokens=case.engine.max_num_batched_tokens,
            tensor_parallel_size=case.engine.tensor_parallel_size,
            widths=widths,
        )
        sampler = copies * self.sampler + self.rows
        if stays:
            return max(sampler, layer / GIB) + self.experts
        return max(sampler, layer / GIB + self.experts)


def logs(cases: Iterable[Case], eras: Sequence[Mapping[str, Any]]) -> list[Log]:
    """The start-ups that went well and printed their pool, by era."""
    return [
        _log(case, eras)
        for case in cases
        if case.backend == "vllm" and case.outcome == "ok" and ACTIVATION in case.figures
    ]


def fit(
    cases: Sequence[Case], constants: Mapping[str, Any], form: Form = FORMS[0]
) -> dict[str, Any]:
    """`eras`, `streaming_widths` and `graphs_gib`; an era without logs takes its neighbour's.

    Copies and widths have the least mean absolute log error of the activation peak of dense
    models, all weighing the same (a mixture's buffers are derived, and hide what is fitted);
    overheads are medians over logs; graphs a straight line in layers, over models.
    """
    eras = constants["eras"]
    every = logs(cases, eras)
    known = [log for log in every if not log.case.setting.model.is_moe]
    seen = sorted({log.era for log in known})
    shares = _shares(known)
    target = np.log([log.case.figures[ACTIVATION] for log in known])

    def loss(free: Array) -> float:
        if min(free) < 0:
            return float("inf")
        copies = dict(zip(seen, free, strict=False))
        widths = form.widths(list(free[len(seen) :]))
        found = [
            log.activation(copies[log.era], widths, eras[log.era]["expert_workspace_stays"])
            for log in known
        ]
        return float((shares * np.abs(np.log(found) - target)).sum())

    options = {"maxiter": 4000, "xatol": 1e-6, "fatol": 1e-10}
    copies = [_copies([log for log in known if log.era == era]) for era in seen]
    tries = [
        minimize(
            loss,
            [*copies, *(scale * width for width in form.start)],
            method="Nelder-Mead",
            options=options,
        )
        for scale in _STARTS[: 1 if not form.start else None]
    ]
    free = min(tries, key=lambda found: float(found.fun)).x
    fitted = {
        era: {
            "logits_copies": float(free[at]),
            **_overheads([log for log in every if log.era == era]),
        }
        for at, era in enumerate(seen)
    }
    fallback = _overheads(every)
    return {
        "eras": [
            {**era, **fallback, **fitted[min(seen, key=lambda known_era: abs(known_era - at))]}
            for at, era in enumerate(eras)
        ],
        "streaming_widths": list(form.widths([float(x) for x in free[len(seen) :]])),
        "graphs_gib": _graphs(every),
    }


def _log(case: Case, eras: Sequence[Mapping[str, Any]]) -> Log:
    engine, model = case.engine, case.setting.model
    batch = engine.max_num_batched_tokens
    version = case.version or ()
    era = next(i for i, e in enumerate(eras) if e["until"] is None or version < tuple(e["until"]))
    return Log(
        case=case,
        era=era,
        sampler=logits_bytes(model, rows=min(engine.max_num_seqs, batch)) / GIB,
        rows=_FP16 * batch * (model.hidden_size or 0) / GIB,
        experts=expert_workspace_bytes(
            model, tokens=batch, tensor_parallel_size=engine.tensor_parallel_size
        )
        / GIB,
    )


def _copies(known: Sequence[Log]) -> float:
    """The median of what the sampler alone would need."""
    return statistics.median(
        (log.case.figures[ACTIVATION] - log.rows) / log.sampler for log in known
    )


def _shares(known: Sequence[Log]) -> Array:
    """Every model in an era weighs the same, whatever the number of its logs."""
    of = [(log.era, log.case.group) for log in known]
    return np.array([1.0 / of.count(key) for key in of])


def _overheads(known: Sequence[Log]) -> dict[str, float]:
    found = {}
    for name, several in (("overhead_gib", False), ("overhead_gib_multi_gpu", True)):
        values = [
            log.case.figures[OVERHEAD]
            for log in known
            if OVERHEAD in log.case.figures and (log.case.setting.n_gpus > 1) == several
        ]
        if values:
            found[name] = statistics.median(values)
    return found


def _graphs(known: Sequence[Log]) -> list[float]:
    """Base and GiB per layer, over models; logs of negative graphs (freed memory) say nothing."""
    by_model: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for log in known:
        size = log.case.figures.get(GRAPHS, 0.0)
        if size > 0 and log.case.setting.n_gpus == 1:
            by_model[log.case.group].append((float(log.case.setting.model.n_layers or 0), size))
    points = [
        tuple(map(statistics.median, zip(*found, strict=True))) for found in by_model.values()
    ]
    if not points:
        return [0.0, 0.0]
    layers, sizes = np.array(points).T
    if len(points) < 3:
        return [float(np.median(sizes)), 0.0]
    slope, base = np.polyfit(layers, sizes, 1)
    return [float(max(0.0, base)), float(max(0.0, slope))]
