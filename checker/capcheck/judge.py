"""Resolve a deployment, forecast it, and hold the forecast against what it states."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from datetime import date

from capcheck.finding import SEVERITIES, VERDICTS, Finding, Gate, Verdict, worst
from capcheck.manifest.deployment import Deployment, Replicas, Slo, Traffic
from capcheck.policy import own_rules
from capcheck.policy.impose import imposed
from capcheck.policy.model import EMPTY, Policy
from capcheck.policy.settle import settled, silenced
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.compose import Unloaded, forecast
from capcheck.predict.cost import cost
from capcheck.predict.forecast import Forecast
from capcheck.predict.latency.ends import End
from capcheck.records import dataclass, replace
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Resolved
from capcheck.rules import CERTAIN, JUDGED, UNDER_LOAD, WITHOUT_LOAD
from capcheck.rules.case import Case, Judgement
from capcheck.rules.exceptions import remarks

# What a deployment that does not fit in memory has no figures for.
LOAD_GATES = frozenset({"ttft", "tpot", "latency", "throughput", "utilisation"})
ALL_GATES = LOAD_GATES | {"vram", "quality", "safety", "budget"}

# A missing fact that closes only these gates; every other early error is one of support, and
# leaves nothing to predict.
EXPLAINS = {
    "unknown-price": frozenset({"budget"}),
    "unknown-vram": LOAD_GATES | {"vram"},
}
EARLY_GATES = {"unknown-price": "budget", "unknown-vram": "vram"}


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a check depends on besides the deployment.

    `policies` are by manifest path where a manifest names one of its own, the organisation's has
    the empty path. `plugins` are checks of installed packages that a policy names.
    """

    registry: Registry
    coefficients: Coefficients
    today: date
    policies: Mapping[str, Policy] = field(default_factory=dict)
    plugins: tuple[Callable[[Case], Judgement], ...] = ()

    def policy(self, deployment: Deployment) -> Policy:
        """What is demanded of a deployment."""
        return self.policies.get(deployment.path) or self.policies.get("") or EMPTY


@dataclass(frozen=True, slots=True)
class Checked:
    """A deployment resolved, forecast and judged; no search.

    `silenced` are gates with a finding that no longer counts: by a waiver, or by a severity.
    """

    resolved: Resolved
    forecast: Forecast
    gates: Mapping[str, Gate]
    findings: tuple[Finding, ...]
    verdict: Verdict
    silenced: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Started:
    """A deployment judged so far as no load needs to be predicted for: it is the dear part."""

    unloaded: Unloaded
    case: Case
    certain: tuple[Finding, ...]
    judgements: tuple[Judgement, ...]
    plugins: tuple[Callable[[Case], Judgement], ...] = ()

    @property
    def resolved(self) -> Resolved:
        """The deployment with the registry's facts and the engine's settings."""
        return self.unloaded.resolved

    @property
    def gates(self) -> Mapping[str, Gate]:
        """The gates judged so far."""
        judged = (gate for judgement in self.judgements for gate in judgement.gates)
        return {"support": _support(self.certain), **{gate.name: gate for gate in judged}}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far."""
        return (*self.certain, *(found for one in self.judgements for found in one.findings))

    @property
    def forecast(self) -> Forecast:
        """What was predicted so far: everything but load."""
        return self.unloaded.forecast

    def passes_at(self, end: End, ignored: frozenset[str] = frozenset()) -> bool:
        """Whether every gate of load outside `ignored` passes at one end of the interval.

        What does not at the slow end cannot surely pass: a cheap test before `finish`.
        """
        if self.unloaded.surely_breaks(end, ignored):
            return False
        gates = self.gates_at(end)
        return all(gate.verdict == "pass" or gate.name in ignored for gate in gates)

    def gates_at(self, end: End) -> Iterator[Gate]:
        """The gates of load, judged by one end of the interval."""
        case = replace(self.case, forecast=self.unloaded.loaded(only=end))
        return (gate for rule in UNDER_LOAD for gate in rule.check(case).gates)

    def replicated(self, replicas: Replicas) -> Started:
        """The same with other replicas (at least one), which nothing but cost depends on so far."""
        resolved = replace(
            self.resolved,
            deployment=replace(self.resolved.deployment, replicas=replicas),
            replicas_min=replicas.min,
            replicas_max=max(replicas.min, replicas.max),
        )
        unloaded = replace(
            self.unloaded,
            resolved=resolved,
            forecast=replace(self.forecast, cost=cost(resolved, self.forecast.load)),
        )
        case = replace(self.case, resolved=resolved, forecast=unloaded.forecast)
        judgements = tuple(rule.check(case) for rule in WITHOUT_LOAD)
        return replace(self, unloaded=unloaded, case=case, judgements=judgements)

    def restated(self, **changes: Traffic | Slo) -> Started:
        """The same at another rate or under other limits of load: nothing depends on them so far.

        `changes` are `traffic` and `slo`.
        """
        deployment = replace(self.resolved.deployment, **changes)  # type: ignore[arg-type]
        resolved = replace(self.resolved, deployment=deployment)
        unloaded = replace(self.unloaded, resolved=resolved)
        return replace(self, unloaded=unloaded, case=replace(self.case, resolved=resolved))

    def finish(self) -> Checked:
        """Predict the load and judge the rest.

        Every gate that does not pass has a finding, its own or the one that explains it: the
        verdict is that of the worst finding that no exception covers.
        """
        predicted = self.unloaded.loaded()
        case = replace(self.case, forecast=predicted)
        under_load = [rule.check(case) for rule in UNDER_LOAD]
        gates = {
            **self.gates,
            **{gate.name: gate for judgement in under_load for gate in judgement.gates},
        }
        case = replace(case, gates=gates)
        own = (own_rules.check(case), *(plugin(case) for plugin in self.plugins))
        all_judged = (*under_load, *(rule.check(case) for rule in JUDGED), *own)
        found = (*self.findings, *(found for one in all_judged for found in one.findings))
        deployment = self.resolved.deployment
        counting = settled(found, deployment, case.policy, case.today)
        findings = (*counting, *remarks(counting, deployment, case.today))
        return Checked(
            resolved=self.resolved,
            forecast=predicted,
            gates={**gates, **{gate.name: gate for one in own for gate in one.gates}},
            findings=tuple(sorted(findings, key=_order)),
            verdict=worst(*(found.verdict for found in findings)),
            silenced=silenced(found, counting),
        )


def judge(deployment: Deployment, context: Context) -> Checked:
    """Resolve, forecast and judge one deployment."""
    return start(deployment, context).finish()


def start(deployment: Deployment, context: Context) -> Started:
    """Everything but behaviour under load."""
    policy = context.policy(deployment)
    resolved, unresolved = resolve(imposed(deployment, policy), context.registry)
    found_early = (*unresolved, *(found for rule in CERTAIN for found in rule.check(resolved)))
    certain = tuple(map(_with_gate, found_early))
    unloaded = forecast(resolved, context.coefficients)
    case = Case(resolved, unloaded.forecast, context.today, _explained(certain), policy=policy)
    judgements = tuple(rule.check(case) for rule in WITHOUT_LOAD)
    verdicts = {gate.name: gate.verdict for one in judgements for gate in one.gates}
    if verdicts["vram"] in ("fail", "cannot-predict"):
        case = replace(case, explained=case.explained | LOAD_GATES)
    return Started(unloaded, case, certain, judgements, context.plugins)


def _explained(certain: tuple[Finding, ...]) -> frozenset[str]:
    """The gates that need no finding of their own: an earlier one names the cause."""
    errors = {found.rule for found in certain if found.severity == "error"}
    return frozenset().union(*(EXPLAINS.get(rule, ALL_GATES) for rule in errors))


def _with_gate(found: Finding) -> Finding:
    """An early error decides support, or the one gate that it closes."""
    if found.severity != "error":
        return found
    return replace(found, gate=EARLY_GATES.get(found.rule, "support"))


def _support(certain: tuple[Finding, ...]) -> Gate:
    """Can it start at all, by what is certain: the worst of the errors found before forecasting."""
    errors = [
        found for found in certain if found.severity == "error" and found.rule not in EXPLAINS
    ]
    verdict = worst(*(found.verdict for found in errors))
    place = next((found.place for found in errors if found.verdict == verdict), None)
    return Gate("support", verdict, None, None, None, "", place, "support")


def _order(finding: Finding) -> tuple[int, int, int, str]:
    """Severity, verdict (worst first), line, rule: the order of every output."""
    return (
        SEVERITIES.index(finding.severity),
        -VERDICTS.index(finding.verdict),
        finding.place.line,
        finding.rule,
    )
