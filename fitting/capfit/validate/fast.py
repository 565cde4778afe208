"""A few held-out groups again, in seconds: what the tests hold against the record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from capfit.artifact import selection
from capfit.speed.joint import Joint
from capfit.speed.points import points
from capfit.speed.validate import BY
from capfit.validate import inputs, replayed, scaling, speed
from capfit.validate.record import TOLERANCE, Record, key_of
from capfit.validate.record import points as filed

# Small groups of several engines, each refitted in well under a second: what is held out, and the
# group as `capfit.speed` calls it.
GROUPS = (("GPU", "RTX 4070 Ti SUPER 16GB"), ("GPU", "A100 80GB SXM"), ("GPU", "L40S 48GB"))


def drift(
    record: Record, folder: Path, groups: Sequence[tuple[str, str]] = GROUPS
) -> Iterator[str]:
    """What a few groups predict otherwise than the record says, in words."""
    data = inputs.data(folder)
    for key, values in filed([*scaling.rows(data), *replayed.rows(data)]).items():
        yield from _differences(key, [one[0] for one in values], record)
    joint = Joint(points(inputs.cells(folder)), selection.load().speed())
    theta = joint.fit()
    for held_out, group in groups:
        by = BY[speed.BY[held_out]]
        times = joint.hold_out(theta, by, only={group})
        again: dict[str, list[float | None]] = {}
        for point, ms in zip(joint.points, times, strict=True):
            if math.isfinite(ms):
                backend = point.cell.setting.backend.name
                key = key_of(speed.predictor(point), held_out, backend, group)
                again.setdefault(key, []).append(speed.figure(point)[1](float(ms)))
        if not again:
            yield f"no measurement is on the {held_out} {group}"
        for key, predicted in again.items():
            yield from _differences(key, predicted, record)


def _differences(key: str, predicted: Sequence[float | None], record: Record) -> Iterator[str]:
    recorded = [one[0] for one in record["points"].get(key, [])]
    if len(recorded) != len(predicted):
        yield f"{key}: {len(predicted)} rows, the record has {len(recorded)}"
        return
    for i, (now, then) in enumerate(zip(predicted, recorded, strict=True)):
        if now is None or then is None or not math.isclose(now, then, rel_tol=TOLERANCE):
            yield f"{key} [{i}]: {now} is predicted, the record has {then}"
