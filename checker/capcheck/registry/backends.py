"""Serving engines by any spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from capcheck.registry.matches import BackendMatch, Miss
from capcheck.registry.names import Vocabulary, key, nearest, spellings
from capcheck.registry.rows import Row, several, yes
from capcheck.registry.specs import BackendSpec

# What may follow an engine's name: the platform it was built for, and a version with remarks.
_PLATFORM = re.compile(
    r"(.*?)((?:-(?:cuda|rocm|hip|metal|vulkan|sycl|cpu|gpu|compile))+)", re.IGNORECASE
)
_VERSION = re.compile(r"(\S+)[ =:@]+v?(\d[\w.+-]*).*", re.DOTALL)


class BackendNames(NamedTuple):
    """Every spelling; `containers` are the weight files each engine reads, preferred first.

    `valid` leaves out engines that cannot be predicted: nobody is advised to use those.
    """

    exact: Mapping[str, BackendSpec]
    containers: Mapping[str, tuple[str, ...]]
    valid: Vocabulary


def backend_spec(row: Row) -> BackendSpec:
    """One row of backends.csv."""
    return BackendSpec(
        name=row["name"],
        engine_family=row["engine_family"],
        memory_model=row["memory_model"],
        batching=row["batching"],
        supports_tensor_parallel=yes(row["supports_tensor_parallel"]),
        version_read=row["version_read"],
        end_of_life=row["end_of_life"] or None,
        source=row["source"],
    )


def backend_names(rows: Iterable[Row], specs: Iterable[BackendSpec]) -> BackendNames:
    """The index of every spelling in backends.csv."""
    exact: dict[str, BackendSpec] = {}
    containers: dict[str, tuple[str, ...]] = {}
    spelled: list[tuple[str, str]] = []
    for row, spec in zip(rows, specs, strict=True):
        containers[spec.name] = tuple(row["containers"].split())
        for name in (spec.name, *several(row["aliases"])):
            exact[key(name)] = spec
            if spec.is_calibrated:
                spelled.append((name, spec.name))
    return BackendNames(exact, containers, Vocabulary(spelled))


def find_backend(text: str, names: BackendNames) -> BackendMatch | Miss:
    """The engine that a name means, with the platform and version it may carry."""
    for spelling in spellings(text):
        name = spelling.strip()
        version = None
        if key(name) not in names.exact:
            versioned = _VERSION.fullmatch(name)
            if versioned:
                name, version = versioned[1], versioned[2]
        platform = None
        if key(name) not in names.exact:
            built = _PLATFORM.fullmatch(name)
            if built:
                name, platform = built[1], built[2].casefold().strip("-")
        spec = names.exact.get(key(name))
        if spec:
            return BackendMatch(spec, platform, version)
    return Miss("backend", text, nearest(text, names.valid))
