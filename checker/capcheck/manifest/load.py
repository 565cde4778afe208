"""A manifest's bytes to its deployments, or to everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from capcheck.errors import InputError
from capcheck.manifest.build import build
from capcheck.manifest.deployment import Deployment
from capcheck.manifest.fields import NAME_PATTERN, VERSION
from capcheck.manifest.kinds import POLICY_PATH, RejectedError
from capcheck.manifest.layers import Layers, read_layers
from capcheck.manifest.model_config import ModelConfigs
from capcheck.manifest.names import FILE_KEYS, is_manifest
from capcheck.manifest.read import Stated, read, refuse_key
from capcheck.manifest.referred import ReadFile, ReferredFiles
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source import nodes, yaml_tree
from capcheck.source.native.labels import GpuLabels
from capcheck.source.problems import Problems, quoted, whole_file
from capcheck.source.text import decode

_NAME = re.compile(NAME_PATTERN)
_DEPLOYMENTS = re.compile(rb"^[\"']?deployments[\"']?\s*:", re.MULTILINE)
# The first keys of native files that are YAML: without one of them a file is a broken manifest.
_NO_MANIFEST = (".service", ".sh", ".tpl", ".tmpl", ".tftpl", ".j2", ".toml", ".py", ".env")
_NATIVE = re.compile(rb"^(?:apiVersion|services)\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment as stated in the manifest `path`, and what its `model_config` holds.

    `environment` is the one asked for, whether or not the manifest says anything about it;
    `root` is the JSON pointer of the map that a change of it is written to; `policy` is the path,
    relative to the manifest, of a policy that it names. Where `path` is a native file, `address` is
    that of the deployment in it. `is_asked` is false for what was only come across.
    """

    stated: Stated
    path: str
    architecture: Mapping[str, Any] | None = None
    environment: str | None = None
    root: str = ""
    policy: str | None = None
    address: str = ""
    is_native: bool = False
    is_asked: bool = True

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
    data: bytes,
    path: str,
    *,
    read_file: ReadFile | None = None,
    environment: str | None = None,
    labels: GpuLabels | None = None,
) -> tuple[Entry, ...]:
    """What one file states of each deployment in an environment, in file order.

    The file is a manifest, or a native file that states what it can. `path` is its own, with `/`
    between its parts, as it is shown in places. `read_file` gets the path of a file that it refers
    to, joined to its folder, and raises OSError for one that it can't or won't read. `labels` are
    the GPUs that an organisation's node labels mean in native files. Raises InputError with every
    problem of the file, sorted by place.
    """
    if not _reads_as_manifest(data, path):
        found = _native(data, path, read_file, environment, labels)
        if found is not None:
            return found
    tree, noted = yaml_tree.read(data, path)
    if tree is None:
        raise InputError(noted)
    problems = Problems(noted)
    named = {
        name: entry
        for name, entry in _deployments(tree, path, problems).items()
        if _has_valid_name(entry, problems)
    }
    layers = read_layers(tree, named, environment, problems)
    stated = _in_environment(layers, named, environment, problems)
    files = ReferredFiles(path, read_file, problems, labels)
    configs = ModelConfigs(files)
    policy = _policy(tree, problems)
    found = tuple(
        Entry(one, path, configs.of(one), environment, layers.root(own.name, environment), policy)
        for own in stated
        for one in _with_native(own, files)
    )
    if problems:
        raise problems.error()
    return found


def _reads_as_manifest(data: bytes, path: str) -> bool:
    """Whether a file is to be read as a manifest, by its name or its first keys."""
    if is_manifest(path.rpartition("/")[2]):
        return True
    return _DEPLOYMENTS.search(data) is not None


def _with_native(own: Stated, files: ReferredFiles) -> Iterable[Stated]:
    """A deployment with what the native files that it refers to state, once an alternative."""
    if "/from" not in own.values and "/command" not in own.values:
        return (own,)
    from capcheck.manifest.native.read import referred  # most manifests stand alone

    return referred(own, files)


def _native(
    data: bytes,
    path: str,
    read_file: ReadFile | None,
    environment: str | None,
    labels: GpuLabels | None,
) -> tuple[Entry, ...] | None:
    """The deployments of a native file; None where it is of no form that is read."""
    from capcheck.manifest.native.read import alone, read_alone, refuse

    problems = Problems()
    text = decode(data, path)
    files = ReferredFiles(path, read_file, problems, labels)
    read = read_alone(text, path, files)
    found = [
        Entry(one, path, environment=environment, address=address, is_native=True)
        for address, one in alone(read, path, files)
    ]
    is_form = path.endswith(_NO_MANIFEST) or _NATIVE.search(data) or read.is_too_long
    if not found and not is_form:
        return None
    if not found:
        refuse(read.inspection, path, whole_file(path), problems)
    if problems:
        raise problems.error()
    return tuple(found)


def _policy(tree: nodes.Node, problems: Problems) -> str | None:
    entry = tree.entries.get("policy") if isinstance(tree, nodes.Mapping) else None
    if entry is None or nodes.is_broken(entry.value):
        return None
    try:
        return str(POLICY_PATH.read(entry.value))
    except RejectedError as error:
        found = nodes.describe(entry.value)
        problems.add(error.code, entry.value.place, found=found, expected=error.expected)
        return None


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
