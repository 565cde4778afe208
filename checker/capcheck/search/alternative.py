"""An edit of today's manifest, and what it would give."""

from __future__ import annotations

from capcheck.edit.change import Change
from capcheck.finding import Gate, Verdict
from capcheck.predict.forecast import Forecast
from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Edit:
    """One value to write. `pointer` is a JSON pointer from the manifest file's root.

    `previous` None means that the field is not there yet: of one that is inherited from `defaults`
    that is known once its change is looked for. The value is never None: an alternative
    sets fields, it removes none.
    """

    pointer: str
    value: Scalar
    previous: Scalar | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One configuration, as the minimal edit that reaches it, with its verdict and forecast.

    `changes` make the edits in the manifest's text, one each in the same order; empty before
    anybody looked, and where it can't be done: `refused` says why then.
    """

    edits: tuple[Edit, ...]
    verdict: Verdict
    resolved: Resolved
    forecast: Forecast
    gates: tuple[Gate, ...]
    usd_month: float | None
    saving_usd_month: float | None
    needs: tuple[str, ...] = ()  # e.g. "a checkpoint quantised as AWQ"
    binding: str | None = None  # near misses: the gate that fails and by how much
    worse: tuple[str, ...] = ()  # e.g. "p95 latency 2.10 s → 3.40 s (+62 %)"
    changes: tuple[Change, ...] = ()
    refused: str | None = None
