"""The JSON report as Python sees it: the shape that every renderer reads.

`schemas/report.schema.json` says the same to other programs, `docs/report.md` to people.
"""

from __future__ import annotations

from typing import TypedDict

from capcheck.compare.model import Kind, Standing
from capcheck.compare.model import Scalar as Scalar
from capcheck.finding import Severity, Verdict
from capcheck.report.predicted import Forecast, Leaf


class Spot(TypedDict):
    """A span on one line: 1-based, in Unicode code points, `end_column` exclusive."""

    path: str
    line: int
    column: int
    end_column: int


class Gate(Leaf):
    """One gate's answer; `value` must stay below (`sense` max) or above (min) `limit`."""

    verdict: Verdict
    label: str
    limit: float | None
    sense: str | None
    unit: str
    place: Spot | None


class Statement(Spot):
    """What is said about one deployment at one place."""

    rule: str
    severity: Severity
    verdict: Verdict
    message: str
    fix: str | None
    related: Spot | None


class Difference(TypedDict):
    """One value that differs from base, as written; None is "not stated"."""

    pointer: str
    base: Scalar
    head: Scalar
    place: Spot


class Cause(Difference):
    """The edit behind a broken limit, and what it did in one clause."""

    gate: str | None
    message: str


class Waiver(TypedDict):
    """Why a finding does not count, and until when."""

    id: str
    reason: str
    owner: str
    expires: str


class FindingChange(TypedDict):
    """How a finding stands against base; `fingerprint` is the same wherever it stands."""

    fingerprint: str
    gate: str | None
    change: Standing | None
    cause: Cause | None
    waived: Waiver | None


class Finding(Statement, FindingChange):
    """One statement, and how it stands against base."""


class NamedFinding(Finding):
    """A finding in the list of the whole run; `deployment` is empty for one about the run."""

    deployment: str


class Fact(TypedDict):
    """A setting in force and where it comes from; `written` is how the manifest spells it."""

    value: Scalar
    origin: str
    stated: bool
    written: Scalar


class Edit(TypedDict):
    """One value to write at a JSON pointer from the manifest's root; `previous` None adds it.

    Written into the file, it is `text` in the place of this span, which is empty for a key that is
    added. Places and `text` are None where the edit can't be written on its own.
    """

    pointer: str
    value: Scalar
    previous: Scalar
    path: str
    line: int | None
    column: int | None
    end_line: int | None
    end_column: int | None
    text: str | None


class Alternative(TypedDict):
    """Another configuration, as the edits that reach it."""

    edits: list[Edit]
    verdict: Verdict
    forecast: Forecast
    gates: dict[str, Gate]
    usd_month: float | None
    saving_usd_month: float | None
    saving_usd_year: float | None
    worse: list[str]
    needs: list[str]
    binding: str | None
    refused: str | None


class Economics(TypedDict):
    """What stands beside the bill; the rates come from the command line."""

    price_kind: str | None
    hours_per_month: float
    power_w: Leaf
    energy_kwh_month: Leaf
    energy_usd_month: Leaf
    energy_j_per_token: Leaf
    api_usd_month: Leaf
    break_even_rps: Leaf


class Relaxation(TypedDict):
    """One limit at `needed`, all others as they are: then `edits` surely pass."""

    gate: str
    label: str
    limit: float
    needed: float
    unit: str
    text: str
    edits: list[Edit]
    usd_month: float | None


class FrontPoint(TypedDict):
    """One configuration that no other beats in cost, quality and p95 latency at once."""

    edits: list[Edit]
    usd_month: float | None
    quality: Leaf
    latency_p95_ms: Leaf
    knee: bool
    today: bool


class Sharing(TypedDict):
    """Deployments whose memory and load would fit one GPU together; a note, never assumed."""

    gpu: str
    deployments: list[str]
    vram_gib: float
    usable_gib: float
    utilisation: float


class Choice(TypedDict):
    """What a plan does with a deployment: nothing (no edits), or one of its alternatives."""

    name: str
    path: str
    edits: list[Edit]
    usd_month: float | None
    saving_usd_month: float | None


class Plan(TypedDict):
    """Every deployment passing, with the fewest changed, within `budget_usd_month` if there is one.

    `fits` is None without a budget; `left` are deployments for which nothing passes.
    """

    budget_usd_month: float | None
    usd_month: float | None
    usd_month_today: float | None
    fits: bool | None
    choices: list[Choice]
    left: list[str]
    could_share: list[Sharing]


class Base(TypedDict):
    """What base said about a deployment."""

    name: str
    path: str
    verdict: Verdict
    forecast: Forecast
    gates: dict[str, Gate]


class DeploymentChange(TypedDict):
    """How a deployment stands against base; `blocking` says that it makes the run fail."""

    change: Kind | None
    edits: list[Difference]
    base: Base | None
    usd_month_delta: float | None
    cause: Cause | None
    blocking: bool


class LimitChange(Difference):
    """A limit that admits more than on base, which still judges."""

    deployment: str
    path: str
    message: str


class Fixed(TypedDict):
    """A finding of base that is gone."""

    fingerprint: str
    rule: str
    deployment: str
    path: str
    message: str


class Removed(TypedDict):
    """A deployment that only base has."""

    name: str
    path: str
    usd_month: float | None


class Missing(TypedDict):
    """A field that is not known, the line of a manifest that would state it, and why."""

    fact: str
    line: str
    reason: str


class Deployment(DeploymentChange):
    """Everything said about one deployment."""

    name: str
    path: str
    place: Spot
    resolved: dict[str, Fact]
    forecast: Forecast
    headroom_rps: Leaf
    verdict: Verdict
    gates: dict[str, Gate]
    findings: list[Finding]
    alternatives: list[Alternative]
    near_misses: list[Alternative]
    nothing_passes: str | None
    relaxations: list[Relaxation]
    likely: Alternative | None
    pareto: list[FrontPoint]
    why_not: list[Alternative]
    economics: Economics | None
    patch: str | None
    missing: list[Missing]


class Problem(Spot):
    """One mistake that kept a file from being judged."""

    code: str
    found: str
    expected: str
    nearest: str | None
    on_base: bool


class FleetCost(Leaf):
    """The bill of all deployments: unknown when one has no price, `subtotal` adds the others."""

    subtotal: float
    unpriced: int
    base: Leaf | None
    delta: float | None


class Tool(TypedDict):
    """What wrote the report."""

    name: str
    version: str


class Policy(TypedDict):
    """The policy file that judged, and the SHA-256 of its bytes."""

    path: str
    sha256: str


class Run(TypedDict):
    """How the report came about; `created` is the only field that differs between equal runs."""

    created: str | None
    fail_on: list[Verdict]
    interval: float
    data: dict[str, str]
    base: str | None
    head: str | None
    comparison: str | None
    policy: Policy | None


class Document(TypedDict):
    """The whole report, `capcheck.report/v1`."""

    schema: str
    tool: Tool
    run: Run
    verdict: Verdict
    exit_code: int
    counts: dict[str, int]
    usd_month: FleetCost
    limits_changed: list[LimitChange]
    deployments: list[Deployment]
    findings: list[NamedFinding]
    fixed: list[Fixed]
    removed: list[Removed]
    problems: list[Problem]
    draft: str | None
    plan: Plan | None
