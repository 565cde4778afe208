"""What a comparison with another commit says, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from capcheck.finding import Finding, Verdict
from capcheck.judge import Checked
from capcheck.place import Place
from capcheck.records import dataclass

Kind = Literal["added", "modified", "renamed", "unchanged"]
Standing = Literal["new", "worse", "unchanged"]
Scalar = str | int | float | bool | None

COMPARED = "compared"


@dataclass(frozen=True, slots=True)
class Edit:
    """One value that differs, as written; None means "not stated".

    `pointer` is a JSON pointer from the manifest's root. `place` is that of the value in head, of
    the deployment's name where the value was removed.
    """

    pointer: str
    base: Scalar
    head: Scalar
    place: Place


@dataclass(frozen=True, slots=True)
class Cause:
    """The edit behind a broken limit; `message` says what it did in one clause."""

    edit: Edit
    gate: str | None
    message: str


@dataclass(frozen=True, slots=True)
class LimitChange:
    """A limit that admits more than base's did; base's still judges."""

    deployment: str
    pointer: str
    base: Scalar
    head: Scalar
    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How a finding stands against base, and the edit that brought it, if one did."""

    standing: Standing
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One deployment against base. `base` is None for an added one.

    `marks` has an entry for every finding of the deployment. `verdict` is the worst of what is new
    or worse: that alone can make the run fail.
    """

    kind: Kind
    verdict: Verdict
    base: Checked | None = None
    edits: tuple[Edit, ...] = ()
    loosened: tuple[LimitChange, ...] = ()
    marks: Mapping[Finding, Mark] = field(default_factory=dict)
    cause: Cause | None = None
    fixed: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """The run against base.

    `status` is `compared`, or a sentence that says why there was no comparison. `base` and `head`
    are commits; `removed` are deployments that only base has. `unread` are paths of manifests that
    could not be read on base either.
    """

    status: str
    base: str | None = None
    head: str | None = None
    removed: tuple[Checked, ...] = ()
    unread: frozenset[str] = frozenset()
