"""GPUs by any spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from capcheck.registry.matches import GpuMatch, Miss
from capcheck.registry.names import Vocabulary, gpu_key, nearest, spellings
from capcheck.registry.rows import Row, integer, number, several
from capcheck.registry.specs import GpuSpec

_COUNT_FIRST = re.compile(r"\s*(\d{1,3})\s*[x×*]\s*(\S.*)", re.IGNORECASE)
_COUNT_LAST = re.compile(r"(.*\S)[\s-]+[x×]\s*(\d{1,3})\s*", re.IGNORECASE)


class GpuNames(NamedTuple):
    """`exact` names mean one product; `shared` names several, the commonest first."""

    exact: Mapping[str, GpuSpec]
    shared: Mapping[str, tuple[GpuSpec, ...]]
    valid: Vocabulary


def gpu_spec(row: Row) -> GpuSpec:
    """One row of gpus.csv."""
    return GpuSpec(
        name=row["name"],
        vendor=row["vendor"],
        memory_gb=number(row["memory_gb"]),
        usable_gib=number(row["usable_gib"]),
        usable_basis=row["usable_basis"],
        memory_type=row["memory_type"],
        memory_class=row["memory_class"],
        bandwidth_gb_s=number(row["bandwidth_gb_s"]),
        fp16_tflops=number(row["fp16_tflops"]),
        fp8_tflops=number(row["fp8_tflops"]),
        int8_tops=number(row["int8_tops"]),
        fp4_tflops=number(row["fp4_tflops"]),
        interconnect=row["interconnect"],
        interconnect_gb_s=number(row["interconnect_gb_s"]),
        tdp_w=number(row["tdp_w"]),
        compute_capability=number(row["compute_capability"]),
        architecture=row["architecture"],
        source=row["source"],
    )


def gpu_names(rows: Iterable[Row], specs: Iterable[GpuSpec]) -> GpuNames:
    """The index of every spelling in gpus.csv."""
    exact: dict[str, GpuSpec] = {}
    ranked: dict[str, list[tuple[int, GpuSpec]]] = {}
    spelled: list[tuple[str, str]] = []
    for row, spec in zip(rows, specs, strict=True):
        for name in (spec.name, *several(row["aliases"])):
            exact[gpu_key(name)] = spec
            spelled.append((name, spec.name))
        for name in several(row["shared_names"]):
            ranked.setdefault(gpu_key(name), []).append((integer(row["rank"]) or 0, spec))
            spelled.append((name, spec.name))
    shared = {
        name: tuple(spec for _, spec in sorted(meant, key=lambda pair: pair[0]))
        for name, meant in ranked.items()
    }
    return GpuNames(exact, shared, Vocabulary(spelled))


def find_gpu(text: str, names: GpuNames) -> GpuMatch | Miss:
    """The products that a GPU's name may mean; `8x H100 SXM` also gives the count."""
    for spelling in spellings(text):
        meant = products(spelling, names)
        if meant:
            return GpuMatch(meant, _note(text, meant))
        counted = _COUNT_FIRST.fullmatch(spelling) or _COUNT_LAST.fullmatch(spelling)
        if counted:
            count, name = sorted(counted.groups(), key=lambda part: not part.isdigit())
            meant = products(name, names)
            if meant:
                return GpuMatch(meant, _note(name, meant), int(count))
    return Miss("gpu", text, nearest(text, names.valid))


def products(text: str, names: GpuNames) -> tuple[GpuSpec, ...]:
    """The products that a name without a count may mean; none when it is not known."""
    asked = gpu_key(text)
    if asked in names.exact:
        return (names.exact[asked],)
    return names.shared.get(asked, ())


def _note(text: str, meant: tuple[GpuSpec, ...]) -> str | None:
    if len(meant) == 1:
        return None
    others = ", ".join(spec.name for spec in meant[1:])
    assumed = meant[0].name
    return f"{text.strip()} may be {assumed} (assumed) or {others}: write the one you have"
