"""What the names in a policy's lists mean: any usual spelling to the registry's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from capcheck.place import Place
from capcheck.policy.ranges import Range, parse_range
from capcheck.records import dataclass
from capcheck.registry.matches import Miss
from capcheck.registry.tables import Registry
from capcheck.source.problems import Problems, quoted

_GLOB = re.compile(r"[*?\[]")
_BACKEND = re.compile(r"\s*([^<>=!\s]+)\s*(.*)")


@dataclass(frozen=True, slots=True)
class ListedBackend:
    """An engine's canonical name, and the versions of it; none is every version."""

    name: str
    versions: Range


@lru_cache(maxsize=256)
def listed_backend(text: str) -> ListedBackend:
    """`vllm >=0.8,<0.12`, as `canonical` writes it."""
    name, _, versions = text.partition(" ")
    return ListedBackend(name, (parse_range(versions) if versions else ()) or ())


def canonical(
    kind: str,
    names: tuple[str, ...],
    registry: Registry,
    *,
    pointer: str,
    places: Mapping[str, Place],
    problems: Problems,
) -> tuple[str, ...]:
    """The registry's names for a list of `allowed_gpus`, ...; globs and licences as they are.

    A name that may mean several products allows them all. Notes unknown names.
    """
    found: list[str] = []
    for at, text in enumerate(names):
        if kind == "licences" or (_GLOB.search(text) and kind != "backends"):
            found.append(text)
            continue
        meant = _meant(kind, text, registry)
        if isinstance(meant, Miss):
            problems.add(
                "unknown-name",
                places[f"{pointer}/{at}"],
                found=quoted(text),
                expected=meant.reason or f"a name of `capcheck list {kind}`, or a glob",
                nearest=next(iter(meant.nearest), None),
            )
        else:
            found += meant
    return tuple(dict.fromkeys(found))


def _meant(kind: str, text: str, registry: Registry) -> tuple[str, ...] | Miss:
    if kind == "gpus":
        gpu = registry.gpu(text)
        return gpu if isinstance(gpu, Miss) else tuple(one.name for one in gpu.variants)
    if kind == "quants":
        quant = registry.quant(text)
        return quant if isinstance(quant, Miss) else (quant.spec.name,)
    if kind == "models":
        model = registry.model(text)
        return model if isinstance(model, Miss) else (model.spec.name,)
    return _backend(text, registry)


def _backend(text: str, registry: Registry) -> tuple[str, ...] | Miss:
    match = _BACKEND.fullmatch(text)
    name, versions = (match[1], match[2].strip()) if match else (text, "")
    engine = registry.backend(name)
    if isinstance(engine, Miss):
        return engine
    if versions and parse_range(versions) is None:
        return Miss("backend", text, reason="versions such as >=0.8,<0.12 behind the name")
    return (f"{engine.spec.name} {versions.replace(' ', '')}".strip(),)
