"""`defaults:` and `environments:` laid under and over a deployment, every value with its own place.

From the weakest to the strongest: the file's `defaults`, those of the environment, the deployment,
what the environment says of the deployment. `vars` and `env_files` may stand beside `defaults`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from dataclasses import field

from capcheck.manifest.constraints import EXCLUSIVE, NEEDS
from capcheck.manifest.fields import CHILDREN, NAME_PATTERN
from capcheck.manifest.names import SHARED_KEYS
from capcheck.manifest.read import refuse_key
from capcheck.records import dataclass
from capcheck.source.nearest import nearest
from capcheck.source.nodes import Entry, Mapping, Node, describe, is_broken
from capcheck.source.problems import Problems, quoted

ENVIRONMENT_KEYS = ("defaults", "deployments", *SHARED_KEYS)

_NAME = re.compile(NAME_PATTERN)
_NOTHING: MappingOf[str, Entry] = {}


@dataclass(frozen=True, slots=True)
class Environment:
    """What one environment says of all deployments, and of some by name."""

    defaults: Mapping | None = None
    deployments: MappingOf[str, Entry] = field(default_factory=dict)
    shared: Mapping | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """Everything that a manifest says about a deployment outside of its own entry."""

    defaults: Mapping | None
    environments: MappingOf[str, Environment]
    shared: Mapping | None = None

    def root(self, name: str, environment: str | None) -> str:
        """The JSON pointer of the strongest map that may say something of a deployment."""
        root = pointer("deployments", name)
        if environment in self.environments:
            return pointer("environments", environment or "") + root
        return root

    def merged(self, name: str, entry: Entry, environment: str | None) -> Entry:
        """The deployment's entry with what lies under and over it."""
        if not isinstance(entry.value, Mapping):
            return entry
        chosen = self.environments.get(environment or "", Environment())
        over = chosen.deployments.get(name)
        layers = (
            self.shared,
            self.defaults,
            chosen.shared,
            chosen.defaults,
            entry.value,
            over.value if over and isinstance(over.value, Mapping) else None,
        )
        value: Mapping | None = None
        for layer in filter(None, layers):
            value = layer if value is None else _over(layer, value, "")
        return Entry(entry.key, value or entry.value)


def pointer(*names: str) -> str:
    """A JSON pointer; RFC 6901 escapes `~` and `/`."""
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)


def read_layers(
    tree: Node, names: MappingOf[str, Entry], environment: str | None, problems: Problems
) -> Layers:
    """The layers of a file whose deployments are `names`, with every problem noted.

    A file with `environments` must have the asked one: a misspelt name must not check another
    configuration. A file without any has one configuration for all of them.
    """
    if not isinstance(tree, Mapping):
        return Layers(None, {})
    environments = {
        name: _environment(entry, names, problems)
        for name, entry in _entries_of(tree, "environments", problems).items()
    }
    if environment is not None and environments and environment not in environments:
        problems.add(
            "unknown-environment",
            tree.entries["environments"].key.place,
            found=quoted(environment),
            expected=f"one of {', '.join(environments)}",
            nearest=nearest(environment, environments),
        )
    return Layers(_map_in(tree, "defaults", problems), environments, _shared(tree))


def _environment(entry: Entry, names: MappingOf[str, Entry], problems: Problems) -> Environment:
    if not _NAME.fullmatch(entry.key.text):
        problems.add(
            "bad-name",
            entry.key.place,
            found=quoted(entry.key.text),
            expected="a name of letters, digits and . _ + @ : / -",
        )
    if not isinstance(entry.value, Mapping):
        _not_a_map(entry, problems)
        return Environment()
    for name, inner in entry.value.entries.items():
        if name not in ENVIRONMENT_KEYS:
            refuse_key(inner, "environment", problems)
    overlays = _entries_of(entry.value, "deployments", problems)
    for name, overlay in overlays.items():
        if name not in names:
            problems.add(
                "unknown-key",
                overlay.key.place,
                found=quoted(name),
                expected="the name of a deployment of this file",
                nearest=nearest(name, names),
            )
        elif not isinstance(overlay.value, Mapping):
            _not_a_map(overlay, problems)
    defaults = _map_in(entry.value, "defaults", problems)
    return Environment(defaults, overlays, _shared(entry.value))


def _shared(owner: Mapping) -> Mapping | None:
    """`vars` and `env_files` beside `defaults`, as a layer of their own."""
    found = {name: owner.entries[name] for name in SHARED_KEYS if name in owner.entries}
    return Mapping(found, owner.place) if found else None


def _map_in(owner: Mapping, name: str, problems: Problems) -> Mapping | None:
    entry = owner.entries.get(name)
    if entry is None:
        return None
    if isinstance(entry.value, Mapping):
        return entry.value
    _not_a_map(entry, problems)
    return None


def _entries_of(owner: Mapping, name: str, problems: Problems) -> MappingOf[str, Entry]:
    found = _map_in(owner, name, problems)
    return found.entries if found else _NOTHING


def _not_a_map(entry: Entry, problems: Problems) -> None:
    if not is_broken(entry.value):
        problems.add(
            "wrong-type",
            entry.value.place,
            found=describe(entry.value),
            expected=f"a map below {entry.key.text}",
        )


def _over(upper: Mapping, lower: Mapping, at: str) -> Mapping:
    """`upper` with what only `lower` says; maps of fields are merged, all else is replaced."""
    entries = dict(upper.entries)
    displaced = set(_displaced(upper, lower, at))
    for name, entry in lower.entries.items():
        if name in displaced:
            continue
        if name not in entries:
            entries[name] = entry
        elif f"{at}/{name}" in CHILDREN or f"{at}/{name}" == "/vars":
            value = _either(entries[name].value, entry.value, f"{at}/{name}")
            entries[name] = Entry(entries[name].key, value)
    return Mapping(entries, upper.place)


def _either(upper: Node, lower: Node, at: str) -> Node:
    """Two maps as one; else the upper value alone."""
    if isinstance(upper, Mapping) and isinstance(lower, Mapping):
        return _over(upper, lower, at)
    return upper


def _displaced(upper: Mapping, lower: Mapping, at: str) -> Iterator[str]:
    """Keys of `lower` that the rival of a key in `upper` takes the place of."""
    gone = {
        old
        for parent, *pair in EXCLUSIVE
        if parent == at
        for new, old in (pair, pair[::-1])
        if new in upper.entries and old not in upper.entries and old in lower.entries
    }
    yield from gone
    for parent, name, needed in NEEDS:
        if parent == at and needed in gone and name not in upper.entries:
            yield name
