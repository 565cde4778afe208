"""The report: what every output format renders, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from capcheck.compare.model import Change, Comparison, LimitChange
from capcheck.errors import Problem
from capcheck.estimate import Estimate
from capcheck.finding import Finding, Gate, Verdict
from capcheck.policy.model import Source
from capcheck.predict.economics import Economics
from capcheck.predict.forecast import NOT_LOOKED_FOR, Forecast
from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved
from capcheck.search.alternative import Alternative
from capcheck.search.pareto import NO_FRONT, Front

if TYPE_CHECKING:
    from capcheck.search.fleet import Plan
    from capcheck.search.relax import Relaxation


@dataclass(frozen=True, slots=True)
class DeploymentReport:
    """Everything said about one deployment.

    `change` is None where nothing was compared. `headroom_rps` is the largest rate that keeps every
    stated limit on latency and utilisation. `patch` is the first alternative that can be written
    into the manifest, as a diff; None where today's passes. `is_asked` is false for a native file
    that was only come across: what can't be predicted there breaks no limit of anybody.
    """

    resolved: Resolved
    forecast: Forecast
    gates: Mapping[str, Gate]
    findings: tuple[Finding, ...]
    verdict: Verdict
    headroom_rps: Estimate = NOT_LOOKED_FOR
    alternatives: tuple[Alternative, ...] = ()
    near_misses: tuple[Alternative, ...] = ()
    nothing_passes: str | None = (
        None  # the binding gate and its distance, when the search found none
    )
    relaxations: tuple[Relaxation, ...] = ()
    likely: Alternative | None = None
    front: Front = NO_FRONT
    why_not: tuple[Alternative, ...] = ()
    economics: Economics | None = None
    patch: str | None = None
    change: Change | None = None
    silenced: frozenset[str] = frozenset()  # gates with a finding that was waived or lowered
    is_asked: bool = True

    @property
    def ways(self) -> tuple[Alternative, ...]:
        """Every configuration that the report shows the edits of."""
        return (
            *self.alternatives,
            *self.near_misses,
            *(one.by for one in self.relaxations),
            *(one for one in (self.likely,) if one is not None),
            *self.front.members,
            *self.why_not,
        )

    @property
    def deciding(self) -> Verdict:
        """What counts for the run: the verdict, or against base the part that is new or worse."""
        verdict = self.change.verdict if self.change else self.verdict
        return "pass" if verdict == "cannot-predict" and not self.is_asked else verdict


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `problems` are files that could not be read; the others were still judged.

    `findings` are about the run as a whole, and stand in the policy; `limits_changed` are the
    policy's. `policy` is the file that judged, None without one. `draft` is a manifest for the
    native files that none refers to, None where there are none.
    """

    deployments: tuple[DeploymentReport, ...]
    problems: tuple[Problem, ...]
    files: int  # manifests read, broken ones included
    fail_on: tuple[Verdict, ...]
    created: str | None  # ISO 8601, from the edge; None in tests
    data: Mapping[str, str]  # coefficients version, registry date, newest price date, tool version
    comparison: Comparison | None = None  # None: no base was asked for
    plan: Plan | None = None  # None: no plan for the fleet was asked for
    findings: tuple[Finding, ...] = ()
    limits_changed: tuple[LimitChange, ...] = ()
    policy: Source | None = None
    draft: str | None = None
