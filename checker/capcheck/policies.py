"""The policies of a run: the organisation's file, and those that manifests name; of base too."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from types import MappingProxyType

from capcheck.compare.model import LimitChange
from capcheck.errors import InputError, Problem
from capcheck.manifest.discover import reader_for, repository_root
from capcheck.manifest.load import Entry
from capcheck.policy import discover
from capcheck.policy.combine import judging, tightened
from capcheck.policy.load import load
from capcheck.policy.loosened import loosened
from capcheck.policy.model import EMPTY, Policy
from capcheck.records import dataclass
from capcheck.source.native.labels import GpuLabels
from capcheck.source.problems import quoted, whole_file

# What a manifest's policy can't say beside an organisation's: none of it tightens.
NOT_TIGHTER = ("waivers", "prices", "registries", "gpu_labels")

# What node labels mean, by manifest; `""` is everywhere else.
Labels = Mapping[str, GpuLabels]
NO_LABELS: Labels = MappingProxyType({})


def labels_of(path: str, labels: Labels) -> GpuLabels:
    """What node labels mean in one manifest, or native file, and what it refers to."""
    return labels.get(path) or labels.get("", {})


@dataclass(frozen=True, slots=True)
class Policies:
    """`own` is the organisation's; `named` are by manifest, as they add to it."""

    own: Policy | None = None
    named: Mapping[str, Policy] = field(default_factory=dict)

    def of(self, manifest: str) -> Policy:
        """What is demanded of a manifest's deployments."""
        return self.named.get(manifest) or self.own or EMPTY

    @property
    def all(self) -> tuple[Policy, ...]:
        """Each of them, the organisation's first."""
        return (*filter(None, (self.own,)), *self.named.values())

    def groups(self) -> list[tuple[Policy, str | None]]:
        """Whose waivers and sums are looked at, and of which manifest: None is the whole run."""
        if self.own is not None:
            return [(self.own, None)]
        return [(policy, manifest) for manifest, policy in self.named.items()]

    def by_manifest(self) -> dict[str, Policy]:
        """As a Context has them."""
        return {**({"": self.own} if self.own else {}), **self.named}

    def labels(self) -> dict[str, GpuLabels]:
        """As `labels_of` takes them; only where they mean anything."""
        known = self.by_manifest().items()
        return {path: one.facts.gpu_labels for path, one in known if one.facts.gpu_labels}


def on_disk(
    asked: Path | None, manifests: Sequence[Path], stated: Iterable[Entry], problems: list[Problem]
) -> Policies:
    """The policies as they are on disk; what is wrong with them is noted."""
    own = None
    try:
        path = discover.find(asked, manifests)
        own = discover.read(path) if path else None
    except InputError as error:
        problems += error.problems
    roots = {one.as_posix(): repository_root(one) for one in manifests}

    def read(entry: Entry, path: str) -> bytes:
        return reader_for(roots[entry.path])(path)

    return Policies(own, named(stated, own, read, problems))


def gpu_labels(asked: Path | None, files: Sequence[Path]) -> GpuLabels:
    """What node labels mean to the organisation whose files these are. Raises InputError."""
    path = discover.find(asked, files)
    return discover.read(path).facts.gpu_labels if path else {}


def named(
    stated: Iterable[Entry],
    own: Policy | None,
    read: Callable[[Entry, str], bytes],
    problems: list[Problem],
) -> dict[str, Policy]:
    """The policies that manifests name, each tightening the organisation's."""
    found: dict[str, Policy] = {}
    for entry in stated:
        if entry.policy is None or entry.path in found:
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.policy))
        try:
            local = load(read(entry, path), path, read_file=partial(read, entry))
        except OSError as error:
            problems.append(
                Problem(
                    "unreadable-file",
                    whole_file(entry.path),
                    f"policy: {quoted(entry.policy)}",
                    f"a readable file inside the repository ({error.strerror or error})"[:200],
                )
            )
            continue
        except InputError as error:
            problems += error.problems
            continue
        if own is not None:
            problems += _looser(local, own)
            local = tightened(own, local)
        found[entry.path] = local
    return found


def judging_by(head: Policies, base: Policies | None) -> tuple[Policies, tuple[LimitChange, ...]]:
    """The policies that judge, and what head's loosen of base's; without a base, head's."""
    if base is None:
        return head, ()
    changes = list(loosened(base.own or EMPTY, head.own or EMPTY))
    for manifest in {**base.named, **head.named}:
        changes += loosened(base.of(manifest), head.of(manifest))
    own = None
    if base.own or head.own:
        own = judging(base.own or EMPTY, head.own or EMPTY)
    manifests = {**base.named, **head.named}
    each = {manifest: judging(base.of(manifest), head.of(manifest)) for manifest in manifests}
    return Policies(own, each), tuple(dict.fromkeys(changes))


def _looser(local: Policy, own: Policy) -> list[Problem]:
    return [
        Problem(
            "conflict",
            local.places[f"/{name}"],
            name,
            f"only what tightens {own.sources[0].path}: it decides the rest",
        )
        for name in NOT_TIGHTER
        if f"/{name}" in local.places
    ]
