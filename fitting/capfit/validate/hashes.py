"""What a validation stands on: data, code and coefficients, each as one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from capcheck.predict.coefficients import load as coefficients

from capfit.data.load import data_hash

# The rooms that predict and fit, with the tables of facts that they read. What judges, searches,
# reports or draws is not among them: it changes no figure.
_PREDICT = ("predict", "registry", "resolution", "data")
_FIT = ("data", "latency", "memory", "quality", "speed", "tr133")
_VALIDATE = (
    *("cost", "figures", "gate", "record", "replayed", "rows", "scaling", "served", "speed"),
    *("stored", "tasks"),
)
_SUFFIXES = (".py", ".csv", ".json")
# Tables that no prediction of a figure reads, and what has a hash of its own.
_APART = frozenset(
    ("coefficients.json", "prices.csv", "safety.csv", "search_space.csv", "support.csv")
)
# The review of TR133 is written from figures; it makes none.
_WRITTEN = "review"
_FOLLOWS = ("validation",)


def hashes(root: Path, data: Path) -> Mapping[str, str]:
    """SHA-256 of the measurements, of the code below a repository's root, of the coefficients."""
    return {
        "data": data_hash(data),
        "code": code_hash(root),
        "coefficients": coefficients_hash(),
    }


def coefficients_hash() -> str:
    """Over the sections that predict: the artifact carries its own validation, which follows it."""
    sections = {
        name: section
        for name, section in coefficients(None).sections.items()
        if name not in _FOLLOWS
    }
    return hashlib.sha256(json.dumps(sections, sort_keys=True).encode()).hexdigest()


def code_hash(root: Path) -> str:
    """Over the path and bytes of every file that a validated figure depends on."""
    total = hashlib.sha256()
    for path in sorted(_files(root)):
        total.update(f"{path.relative_to(root).as_posix()}\n".encode())
        total.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return total.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    checker, fitting = root / "checker" / "capcheck", root / "fitting" / "capfit"
    folders = [checker / name for name in _PREDICT] + [fitting / name for name in _FIT]
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix in _SUFFIXES and path.name not in _APART and _WRITTEN not in path.parts:
                yield path
    for name in _VALIDATE:
        yield fitting / "validate" / f"{name}.py"
