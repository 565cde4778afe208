"""A policy as plain data: what is demanded, and where each demand stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Literal

from capcheck.finding import Severity, Verdict
from capcheck.manifest.deployment import Deployment
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.registry.rows import Row

Level = Literal["off", "note", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deployments an entry is about; None is all. `deployment` and `path` are globs."""

    deployment: str | None = None
    path: str | None = None
    environment: str | None = None

    def covers(self, deployment: Deployment) -> bool:
        """Whether the entry is about this deployment, in the environment that is checked."""
        return (
            (self.deployment is None or fnmatchcase(deployment.name, self.deployment))
            and (self.path is None or fnmatchcase(deployment.path, self.path))
            and (self.environment is None or self.environment == deployment.environment)
        )


@dataclass(frozen=True, slots=True)
class PolicyWaiver:
    """An exception with its end; `rule` is an id or a glob. `place` is that of its `expires`."""

    id: str
    rule: str
    scope: Scope
    reason: str
    owner: str
    expires: date
    place: Place

    def covers(self, rule: str, deployment: Deployment) -> bool:
        """Whether a finding of this rule about this deployment is meant; the day aside."""
        return fnmatchcase(rule, self.rule) and self.scope.covers(deployment)


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule made of a template and its parameters: exactly one of the three is set.

    `limit` is a JSON pointer into a deployment of the report, held against `value` by `op`.
    `required` are pointers of a manifest's fields; `allowed` maps such pointers to their values.
    """

    id: str
    message: str
    severity: Severity
    scope: Scope
    place: Place
    fix: str | None = None
    limit: str | None = None
    op: str = "<="
    value: float = 0.0
    required: tuple[str, ...] = ()
    allowed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an organisation knows better than the shipped tables: rows by table, and discounts.

    `prices` are rows in the columns of prices.csv. `discounts` are shares by provider. `hosted_api`
    is what an API takes per million input (None: nothing) and output tokens.
    """

    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    prices: tuple[Row, ...] = ()
    discounts: Mapping[str, float] = field(default_factory=dict)
    gpu_labels: Mapping[tuple[str, str], str] = field(default_factory=dict)
    hosted_api: tuple[float | None, float] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The file that a policy was read from, and the SHA-256 of its bytes in hexadecimal."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything demanded. Lists of layers are demands that must all be kept.

    `limits` are by name (monthly_usd ...), `allowed` by kind (gpus ...), `require` by environment;
    `severities` are maps from rule ids or globs to levels. `places` has every stated value, by JSON
    pointer from the file's root.
    """

    sources: tuple[Source, ...] = ()
    fail_on: tuple[Verdict, ...] | None = None
    severities: tuple[Mapping[str, Level], ...] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    allowed: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    require: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    alternatives: Mapping[str, Any] = field(default_factory=dict)
    facts: Facts = Facts()
    max_waiver_days: int | None = None
    waivers: tuple[PolicyWaiver, ...] = ()
    rules: tuple[OwnRule, ...] = ()
    plugins: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)

    def at(self, pointer: str) -> Place:
        """The place of a stated value. Raises KeyError."""
        return self.places[pointer]


EMPTY = Policy()
