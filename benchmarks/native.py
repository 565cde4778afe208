"""How well `capcheck inspect` reads real deployment files, against an answer key.

    .venv/bin/python benchmarks/native.py FOLDER [--kind TEXT] [--wrong]

FOLDER holds `INDEX.csv` (a row a deployment) and `files/`. Two tables, by kind and by fact:
`right` of the facts that the key states, `missing` of them, and `wrong`: a value that the key does
not have, or has as another one. A row of the key is paired with the deployment of the same address,
else with the only one that both sides have left for that file. Numbers are compared as numbers,
text exactly; a GPU by family and stated memory.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capcheck.errors import InputError
from capcheck.source.native.deployment import FACTS, NativeDeployment, Stated
from capcheck.source.native.registry import inspect
from capcheck.source.text import decode


@dataclass(frozen=True)
class Outcome:
    """One cell of the key against what was read: right, missing, wrong or silent (both empty)."""

    file: str
    kind: str
    deployment: str
    field: str
    expected: str
    found: str
    result: str


def outcomes(folder: Path) -> Iterator[Outcome]:
    """Every cell of the answer key, and `wrong` ones for deployments that the key lacks."""
    with (folder / "INDEX.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for name in dict.fromkeys(row["file"] for row in rows):
        mine = [row for row in rows if row["file"] == name]
        found = list(read(folder / "files" / name))
        for row, deployment in paired(mine, found):
            yield from compared(row, deployment)
            if deployment is not None:
                found.remove(deployment)
        for extra in found:
            row = {**dict.fromkeys(mine[0], ""), "file": name, "kind": mine[0]["kind"]}
            row["deployment"] = f"(not in the key) {extra.address}"
            yield from compared(row, extra)


def read(path: Path) -> tuple[NativeDeployment, ...]:
    """The deployments of one file."""
    try:
        return inspect({path.name: decode(path.read_bytes(), path.name)}).deployments
    except InputError:
        return ()


def paired(
    rows: Sequence[dict[str, str]], found: Sequence[NativeDeployment]
) -> Iterator[tuple[dict[str, str], NativeDeployment | None]]:
    """Rows with the deployments of the same address; the last of both sides are one another's."""
    by_address = {deployment.address: deployment for deployment in found}
    left = [row for row in rows if row["deployment"] not in by_address]
    unclaimed = [
        deployment
        for address, deployment in by_address.items()
        if address not in {row["deployment"] for row in rows}
    ]
    only = unclaimed[0] if len(left) == len(unclaimed) == 1 else None
    for row in rows:
        yield row, by_address.get(row["deployment"], only)


def compared(row: dict[str, str], deployment: NativeDeployment | None) -> Iterator[Outcome]:
    """One row, fact by fact, and its `expect`."""
    for name in (*FACTS, "expect"):
        if name == "expect":
            found = deployment.expect if deployment is not None else ""
        else:
            fact = deployment.facts[name] if deployment is not None else None
            found = str(fact.value) if isinstance(fact, Stated) else ""
        expected = row[name]
        if not expected and not found:
            result = "silent"
        elif same(name, expected, found):
            result = "right"
        elif not found:
            result = "missing"
        else:
            result = "wrong"
        yield Outcome(row["file"], row["kind"], row["deployment"], name, expected, found, result)


def same(name: str, expected: str, found: str) -> bool:
    """Whether two spellings are one value."""
    if expected == found:
        return True
    if name == "gpu":
        return gpu(expected) == gpu(found)
    try:
        return float(expected) == float(found)
    except ValueError:
        return False


def gpu(text: str) -> tuple[str, ...]:
    """Alternatives in any order, `80 GB` and `80GB` alike."""
    return tuple(sorted(part.replace(" ", "").upper() for part in text.split("|")))


def table(title: str, cells: Iterable[Outcome], key: str) -> str:
    """Counts and shares by kind or by field, `expect` apart."""
    counts: dict[str, Counter[str]] = {}
    for cell in cells:
        counter = counts.setdefault(getattr(cell, key), Counter())
        prefix = "expect " if cell.field == "expect" else ""
        counter[prefix + cell.result] += 1
    counts["TOTAL"] = sum(counts.values(), Counter())
    lines = [f"{title:40} {'stated':>6} {'right':>7} {'missing':>7} {'wrong':>5} {'expect':>9}"]
    for name, counter in counts.items():
        stated = counter["right"] + counter["missing"] + counter["wrong"]
        share = f"{counter['right'] / stated:.1%}" if stated else "-"
        asked = counter["expect right"] + counter["expect missing"] + counter["expect wrong"]
        expect = f"{counter['expect right']}/{asked}" if asked else "-"
        lines.append(
            f"{name[:40]:40} {stated:6} {share:>7} {counter['missing']:7} {counter['wrong']:5} "
            f"{expect:>9}"
        )
    return "\n".join(lines)


def main() -> None:
    """Print both tables, and the differences when asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", default="", help="only kinds whose name holds this text")
    parser.add_argument("--wrong", action="store_true", help="list every difference")
    options = parser.parse_args()
    cells = [cell for cell in outcomes(options.folder) if options.kind in cell.kind]
    print(table("kind", cells, "kind"))
    print()
    print(table("fact", cells, "field"))
    if options.wrong:
        for cell in cells:
            if cell.result in ("wrong", "missing"):
                print(
                    f"{cell.file[:3]} {cell.deployment} {cell.field}: {cell.result}, "
                    f"expected {cell.expected!r}, found {cell.found!r}"
                )


if __name__ == "__main__":
    main()
