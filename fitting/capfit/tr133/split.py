"""TR133's split: 80 % of every stratum for training, at least one record of each, seed 42.

SS2.4 names the strata: (model, backend) in each category. The 35 quality entries have no backend,
and SS2.2's 37 training records follow from (model, quant). The generator is not printed: here it
is Python's, and strata are drawn in order of name.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capfit.tr133.records import Dataset, Quality, Record

SEED, TRAIN_FRACTION = 42, 0.80

CATEGORIES = ("throughput", "quality", "vram", "latency", "cost", "scaling")


@dataclass(frozen=True, slots=True)
class Split:
    """Positions in a category's list of records."""

    train: tuple[int, ...]
    validation: tuple[int, ...]


def split_dataset(data: Dataset) -> tuple[Dataset, Dataset, Mapping[str, Split]]:
    """The training and the validation records of every category, and their positions."""
    splits = {name: split(getattr(data, name)) for name in CATEGORIES}
    train = _picked(data, {name: one.train for name, one in splits.items()})
    validation = _picked(data, {name: one.validation for name, one in splits.items()})
    return train, validation, splits


def split(records: Sequence[Record], *, seed: int = SEED) -> Split:
    """One category's split."""
    strata: dict[tuple[str, str], list[int]] = {}
    for at, record in enumerate(records):
        strata.setdefault(_stratum(record), []).append(at)
    draw = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    train: list[int] = []
    for _, members in sorted(strata.items()):
        shuffled = list(members)
        draw.shuffle(shuffled)
        train += shuffled[: max(1, int(len(members) * TRAIN_FRACTION))]
    chosen = set(train)
    rest = tuple(at for at in range(len(records)) if at not in chosen)
    return Split(tuple(sorted(train)), rest)


def as_json(splits: Mapping[str, Split]) -> dict[str, object]:
    """What splits.json holds: seed, fraction, and the positions of each category."""
    return {
        "seed": SEED,
        "train_fraction": TRAIN_FRACTION,
        "categories": {
            name: {
                "total": len(found.train) + len(found.validation),
                "train": list(found.train),
                "validation": list(found.validation),
            }
            for name, found in splits.items()
        },
    }


def _picked(data: Dataset, positions: Mapping[str, Sequence[int]]) -> Dataset:
    return Dataset(
        throughput=[data.throughput[at] for at in positions["throughput"]],
        quality=[data.quality[at] for at in positions["quality"]],
        vram=[data.vram[at] for at in positions["vram"]],
        latency=[data.latency[at] for at in positions["latency"]],
        cost=[data.cost[at] for at in positions["cost"]],
        scaling=[data.scaling[at] for at in positions["scaling"]],
    )


def _stratum(record: Record) -> tuple[str, str]:
    return record.model, record.quant if isinstance(record, Quality) else record.backend
