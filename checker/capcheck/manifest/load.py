"""A manifest's bytes to its deployments, or to everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from capcheck.errors import InputError
from capcheck.manifest.build import build
from capcheck.manifest.deployment import Deployment
from capcheck.manifest.fields import NAME_PATTERN, VERSION
from capcheck.manifest.layers import Layers, read_layers
from capcheck.manifest.model_config import ModelConfigs, ReadFile
from capcheck.manifest.names import FILE_KEYS
from capcheck.manifest.read import Stated, read, refuse_key
from capcheck.place import Place
from capcheck.source import nodes, yaml_tree
from capcheck.source.problems import Problems, quoted, whole_file

_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment as stated in the manifest `path`, and what its `model_config` holds.

    `environment` is the one asked for, whether or not the manifest says anything about it;
    `root` is the JSON pointer of the map that a change of it is written to.
    """

    stated: Stated
    path: str
    architecture: Mapping[str, Any] | None = None
    environment: str | None = None
    root: str = ""

    def deployment(self) -> Deployment:
        """The deployment that it states."""
        return build(self.stated, self.path, self.architecture, self.environment, self.root)


def load(
    data: bytes, path: str, *, read_file: ReadFile | None = None, environment: str | None = None
) -> tuple[Deployment, ...]:
    """The deployments of one manifest, in file order, as of `entries`."""
    stated = entries(data, path, read_file=read_file, environment=environment)
    return tuple(entry.deployment() for entry in stated)


def entries(
    data: bytes, path: str, *, read_file: ReadFile | None = None, environment: str | None = None
) -> tuple[Entry, ...]:
    """What one manifest states of each deployment in an environment, in file order.

    `path` is the manifest's, with `/` between its parts, as it is shown in places. `read_file` gets
    the path of a `model_config`, joined to the manifest's folder, and raises OSError for one that
    it can't or won't read. Raises InputError with every problem of the file, sorted by place.
    """
    tree, found = yaml_tree.read(data, path)
    if tree is None:
        raise InputError(found)
    problems = Problems(found)
    named = {
        name: entry
        for name, entry in _deployments(tree, path, problems).items()
        if _has_valid_name(entry, problems)
    }
    layers = read_layers(tree, named, environment, problems)
    stated = _in_environment(layers, named, environment, problems)
    configs = ModelConfigs(path, read_file, problems)
    architectures = [configs.of(one) for one in stated]
    if problems:
        raise problems.error()
    return tuple(
        Entry(one, path, architecture, environment, layers.root(one.name, environment))
        for one, architecture in zip(stated, architectures, strict=True)
    )


def _in_environment(
    layers: Layers,
    named: Mapping[str, nodes.Entry],
    environment: str | None,
    problems: Problems,
) -> list[Stated]:
    """Each deployment in the environment; the others are read too, for what is wrong in them."""
    for other in (None, *layers.environments):
        if other != environment:
            for name, entry in named.items():
                read(name, layers.merged(name, entry, other), problems)
    return [
        read(name, layers.merged(name, entry, environment), problems)
        for name, entry in named.items()
    ]


def _deployments(tree: nodes.Node, path: str, problems: Problems) -> Mapping[str, nodes.Entry]:
    """The entries of `deployments:`, after the file's own keys were checked."""
    start = whole_file(path)
    if not isinstance(tree, nodes.Mapping):
        problems.add(
            "wrong-type",
            tree.place,
            found=nodes.describe(tree),
            expected="a map of version and deployments",
        )
        raise problems.error()
    _check_version(tree, start, problems)
    for name, entry in tree.entries.items():
        if name not in FILE_KEYS:
            refuse_key(entry, "file", problems)
    if "deployments" not in tree.entries:
        problems.add("missing-key", start, found="no deployments", expected="deployments: a map")
        return {}
    deployments = tree.entries["deployments"]
    if not isinstance(deployments.value, nodes.Mapping):
        if not nodes.is_broken(deployments.value):
            problems.add(
                "wrong-type",
                deployments.value.place,
                found=nodes.describe(deployments.value),
                expected="a map from each deployment's name to its fields",
            )
        return {}
    # An empty map may have lost its entries to a problem that is noted already.
    if not deployments.value.entries and not problems:
        problems.add(
            "bad-value", deployments.key.place, found="no entry", expected="at least one deployment"
        )
    return deployments.value.entries


def _check_version(tree: nodes.Mapping, start: Place, problems: Problems) -> None:
    """Raises InputError for another version: nothing else in the file means anything then."""
    if "version" not in tree.entries:
        problems.add("missing-key", start, found="no version", expected=f"version: {VERSION}")
        return
    node = tree.entries["version"].value
    value = node.value if isinstance(node, nodes.Scalar) else None
    if nodes.is_broken(node):
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        quotes = str(VERSION) if value == str(VERSION) else None
        problems.add(
            "wrong-type",
            node.place,
            found=nodes.describe(node),
            expected=f"the number {VERSION}",
            nearest=quotes,
        )
    elif value != VERSION:
        problems.add(
            "unsupported-version", node.place, found=nodes.describe(node), expected=str(VERSION)
        )
        raise problems.error()


def _has_valid_name(entry: nodes.Entry, problems: Problems) -> bool:
    name = entry.key.text
    if _NAME.fullmatch(name):
        return True
    usable = re.sub(r"[^A-Za-z0-9._+@:/-]+", "-", name).strip("._+@:/-")[:100]
    problems.add(
        "bad-name",
        entry.key.place,
        found=quoted(name),
        expected="a name of at most 100 letters, digits and . _ + @ : / - that starts with a "
        "letter or digit",
        nearest=usable or None,
    )
    return False
