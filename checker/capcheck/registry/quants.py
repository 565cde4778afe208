"""Weight formats by any spelling, read together with the engine that loads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from capcheck.registry.matches import Miss, QuantMatch
from capcheck.registry.names import Vocabulary, key, nearest, spellings
from capcheck.registry.rows import Row, number, several, yes
from capcheck.registry.specs import QuantSpec

# Formats whose files have any number of bits carry it in their name: exl2-4.0bpw, exl3 6.0bpw.
_CHOSEN_BITS = re.compile(r"(exl[23])[-_ ]?(\d{1,2}(?:\.\d{1,3})?)(?: ?bpw)?(?:[-_ ].*)?", re.I)


class Format(NamedTuple):
    """A row of quants.csv. `spec` is None when the bits per weight are not known."""

    name: str
    container: str  # "safetensors", "gguf", "mlx", ...
    spec: QuantSpec | None
    notes: str
    engines: tuple[str, ...] = ()  # a shared name is this format's on these engines only


class QuantNames(NamedTuple):
    """`exact` names mean one format; `shared` names several, told apart by engine."""

    exact: Mapping[str, Format]
    shared: Mapping[str, tuple[Format, ...]]
    valid: Vocabulary


def quant_format(row: Row) -> Format:
    """One row of quants.csv."""
    bits = number(row["bits_per_weight"])
    spec = None
    if bits is not None:
        spec = QuantSpec(
            name=row["name"],
            family=row["family"],
            bits_per_weight=bits,
            embedding_bits=number(row["embedding_bits"]),
            whole_model=yes(row["whole_model"]),
            experts_only=yes(row["experts_only"]),
            source=row["source"],
        )
    return Format(row["name"], row["container"], spec, row["notes"])


def quant_names(rows: Iterable[Row], formats: Iterable[Format]) -> QuantNames:
    """The index of every spelling in quants.csv.

    A shared name is spelled `int4`, or `int4@transformers` when it is the format's only there.
    """
    exact: dict[str, Format] = {}
    shared: dict[str, list[Format]] = {}
    spelled: list[tuple[str, str]] = []
    for row, entry in zip(rows, formats, strict=True):
        for name in (entry.name, *several(row["aliases"])):
            exact[key(name)] = entry
            spelled.append((name, entry.name))
        for name in several(row["shared_names"]):
            name, _, engines = name.partition("@")
            held = entry._replace(engines=tuple(engines.split()))
            shared.setdefault(key(name), []).append(held)
    return QuantNames(
        exact, {name: tuple(meant) for name, meant in shared.items()}, Vocabulary(spelled)
    )


def find_quant(
    text: str, names: QuantNames, *, engine: str | None, containers: tuple[str, ...]
) -> QuantMatch | Miss:
    """The format that a name means on an engine that reads `containers`, in order of preference.

    Without an engine a name that several formats share is the first one's in the table.
    """
    for spelling in spellings(text):
        chosen = _CHOSEN_BITS.fullmatch(spelling.strip())
        if chosen:
            return _with_bits(names.exact[key(chosen[1])], float(chosen[2]))
        asked = key(spelling)
        if asked.startswith("gguf") or asked.endswith("gguf"):
            asked = asked.removeprefix("gguf").removesuffix("gguf")
            containers = ("gguf",)
        found = named(asked, names, engine=engine, containers=containers)
        if found:
            return _answer(text, found, loose=asked not in names.exact)
    return Miss("quant", text, nearest(text, names.valid))


def named(
    asked: str, names: QuantNames, *, engine: str | None, containers: tuple[str, ...]
) -> Format | None:
    """The format of a name's key (see `names.key`)."""
    meant = names.shared.get(asked, ())
    fitting = [entry for entry in meant if not entry.engines or engine in entry.engines]
    if not containers and asked in names.exact:
        return names.exact[asked]
    ranked = sorted(
        (entry for entry in fitting if entry.container in containers),
        key=lambda entry: (not entry.engines, containers.index(entry.container)),
    )
    for entry in (*ranked, names.exact.get(asked), *fitting):
        if entry is not None:
            return entry
    return None


def _answer(text: str, found: Format, *, loose: bool) -> QuantMatch | Miss:
    if found.spec is None:
        return Miss("quant", text, (), f"{found.name} has no bits per weight: {found.notes}")
    taken = f"{text.strip()} is taken as {found.name}: write the format to be exact"
    return QuantMatch(found.spec, taken if loose else None)


def _with_bits(entry: Format, bits: float) -> QuantMatch | Miss:
    if not 1 <= bits <= 16:
        return Miss("quant", f"{entry.name}-{bits:g}bpw", (), "expected 1 to 16 bits per weight")
    spec = QuantSpec(
        name=f"{entry.name}-{bits:.1f}bpw",
        family=entry.name.casefold(),
        bits_per_weight=bits,
        embedding_bits=None,
        whole_model=False,
        experts_only=False,
        source="bits per weight from the name",
    )
    return QuantMatch(spec)
