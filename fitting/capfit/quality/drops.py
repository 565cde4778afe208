"""What a weight format cost each model: its score less that of its own reference."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from capcheck.registry.specs import ModelSpec

from capfit.data.scores import ScoreCell

# TR125 and TR134: answers scored again by one rule. Pooled over the items of both benchmarks.
_RESCORED = ("rescored_benchmark", "rescored_benchmark_rerun")
_POOLED = "mmlu+arc_rescored_acc"
_APART = ("mmlu_rescored_acc", "arc_challenge_rescored_acc")
_REFERENCES = ("F16", "FP16", "BF16")
REFERENCE_QUANT = "Q8_0"

# Third parties print the 16-bit score or the recovery beside each: accuracy over thousands of items
# or averages over benchmarks, not single small ones.
_BROAD = (
    *("mmlu", "mmlu_5shot", "mmlu_loss_pct_vs_bf16", "avg11", "avg4", "average3", "average10"),
    *("average10_v<=0.12.3", "average11", "openllm_v1_avg", "openllm_v1_recovery"),
)
# Research methods, and rounding to nearest at four bits, are not what the named formats ship.
_OTHER_METHODS = ("HQQ", "Omniquant", "Ours", "QAT")
_CALIBRATED = ("AWQ", "GPTQ", "W4A16", "AutoRound")

# Formats of one arithmetic, one entry of the artifact each, fitted together.
CLASSES: Mapping[str, tuple[str, ...]] = {
    "4-bit weights": ("AWQ", "GPTQ", "W4A16", "AutoRound"),
    "8-bit weights": ("GPTQ-INT8", "W8A16"),
    "FP8": ("FP8", "FP8-block", "FP8-dynamic"),
    "W8A8": ("W8A8",),
    "NVFP4": ("NVFP4",),
    "MXFP4": ("MXFP4",),
}

# Formats and classes that round alike: where one was scored on few models, the others speak for it.
KIN: Mapping[str, str] = {
    **dict.fromkeys(("Q8_0", "8-bit weights", "FP8", "W8A8"), "8 bits"),
    **dict.fromkeys(("Q4_K_M", "4-bit weights"), "4-bit integers"),
    **dict.fromkeys(("NVFP4", "MXFP4"), "4-bit floats"),
}


@dataclass(frozen=True, slots=True)
class Drop:
    """One model in one format: the reference's score and the format's, as shares.

    `kind` is the format, or the class of formats that are fitted together; `items` is how many
    items the score counts, where that is printed.
    """

    kind: str
    model: ModelSpec
    reference: float
    score: float
    items: int | None

    @property
    def kin(self) -> str:
        """What its format rounds like; the format itself where no other does."""
        return KIN.get(self.kind, self.kind)

    @property
    def drop(self) -> float:
        """Reference less score."""
        return self.reference - self.score


def gguf_drops(cells: Iterable[ScoreCell]) -> list[Drop]:
    """Each GGUF format against the same model's Q8_0, and Q8_0 against F16: TR125 and TR134."""
    scores = _pooled(cells)
    found = []
    for (model, quant), (score, items) in sorted(
        scores.items(), key=lambda entry: (entry[0][0].name, entry[0][1])
    ):
        if quant in _REFERENCES:
            continue
        names = _REFERENCES if quant == REFERENCE_QUANT else (REFERENCE_QUANT,)
        against = next((scores[model, n] for n in names if (model, n) in scores), None)
        if against is not None:
            found.append(Drop(quant, model, against[0], score, items))
    return found


def published_drops(cells: Iterable[ScoreCell]) -> list[Drop]:
    """Each class of other formats against the model's own 16 bits: the mean over publications."""
    kinds = {name: kind for kind, names in CLASSES.items() for name in names}
    found: dict[tuple[str, str], list[Drop]] = defaultdict(list)
    for cell in cells:
        subject = cell.subject
        kind = kinds.get(subject.quant.name)
        if subject.group != "third-party" or kind is None or cell.metric not in _BROAD:
            continue
        method = subject.method or ""
        rounded = method == "RTN" and subject.quant.name in _CALIBRATED
        pair = _pair(cell)
        if rounded or method in _OTHER_METHODS or pair is None:
            continue
        found[kind, subject.model.name].append(Drop(kind, subject.model, *pair, cell.n_items))
    return [_mean(drops) for _, drops in sorted(found.items())]


def _pair(cell: ScoreCell) -> tuple[float, float] | None:
    """Reference and score as shares; of a recovery alone, those of a perfect reference.

    The latter overstates the drop of any other: it is the careful reading.
    """
    if cell.reference and 0 < cell.reference <= 1:
        return cell.reference, cell.value
    return (1.0, cell.recovery) if cell.recovery else None


def _mean(drops: list[Drop]) -> Drop:
    first = drops[0]
    reference = statistics.fmean(drop.reference for drop in drops)
    score = statistics.fmean(drop.score for drop in drops)
    return Drop(first.kind, first.model, reference, score, first.items)


def _pooled(
    cells: Iterable[ScoreCell],
) -> dict[tuple[ModelSpec, str], tuple[float, int | None]]:
    """Score and items by model and format; of both benchmarks, as the reports pool them."""
    pooled: dict[tuple[ModelSpec, str], tuple[float, int | None]] = {}
    apart: dict[tuple[ModelSpec, str], dict[str, tuple[float, int]]] = defaultdict(dict)
    for cell in cells:
        subject = cell.subject
        if subject.group not in _RESCORED or subject.backend is None:
            continue
        if subject.backend.engine_family != "llama.cpp":
            continue
        key = (subject.model, subject.quant.name)
        if cell.metric == _POOLED:
            pooled[key] = (cell.value, cell.n_items)
        elif cell.metric in _APART and cell.n_items:
            apart[key].setdefault(cell.metric, (cell.value, cell.n_items))
    for key, parts in apart.items():
        if key not in pooled and len(parts) == len(_APART):
            items = sum(n for _, n in parts.values())
            correct = math.fsum(value * n for value, n in parts.values())
            pooled[key] = (correct / items, items)
    return pooled
