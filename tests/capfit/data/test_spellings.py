"""Every name in the measurements means something, or the table of those that cannot says why."""

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from capcheck.registry.matches import Miss
from capcheck.registry.tables import load
from capfit.data.names import unresolvable

REGISTRY = load()
ROOT = Path(__file__).parents[3]
TABLES = ROOT / "fitting" / "data"
GATHERED = ROOT.parent / "shared" / "data"

KINDS = {
    "model": "model",
    "registry_name": "model",
    "ollama_tag": "model",
    "gpu": "gpu",
    "backend": "backend",
    "quant": "quant",
    "quant_claimed": "quant",
    "quant_reported": "quant",
    "baseline_quant": "quant",
    "inferred_default_quant": "quant",
    "format": "quant",
}
NAMED = {
    "models": dict.fromkeys(("canonical_name", "hf_repo", "ollama_tags", "aliases"), "model"),
    "gpus": {"canonical_name": "gpu", "aliases": "gpu"},
    "quants": {"name": "quant", "aliases": "quant"},
}
LISTS = {"aliases", "ollama_tags"}

Spelling = tuple[str, str, str | None]  # kind, text, engine that reads a quant


def spellings(folder: Path) -> Iterator[Spelling]:
    for path in sorted(folder.rglob("*.csv")):
        kinds = KINDS | NAMED.get(path.stem, {})
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                engine = engine_of(row.get("backend") or "")
                for column, kind in kinds.items():
                    cell = row.get(column) or ""
                    for text in re.split(r"[,;\n]", cell) if column in LISTS else [cell]:
                        if text.strip():
                            yield kind, text.strip(), engine if kind == "quant" else None


@cache
def engine_of(text: str) -> str | None:
    found = REGISTRY.backend(text)
    return None if isinstance(found, Miss) else found.spec.name


@cache
def unresolved(spelling: Spelling) -> bool:
    kind, text, engine = spelling
    if kind == "quant":
        return isinstance(REGISTRY.quant(text, backend=engine), Miss)
    return isinstance(getattr(REGISTRY, kind)(text), Miss)


@pytest.fixture(scope="module")
def gathered() -> set[Spelling]:
    if not GATHERED.is_dir():
        pytest.skip("the gathered measurements are not beside this repository")
    return set(spellings(GATHERED))


def unexplained(found: set[Spelling]) -> set[tuple[str, str]]:
    return {one[:2] for one in found if unresolved(one)} - set(unresolvable())


def test_every_spelling_of_the_tables_resolves_or_is_explained():
    assert unexplained(set(spellings(TABLES))) == set()


def test_every_gathered_spelling_resolves_or_is_explained(gathered: set[Spelling]):
    assert unexplained(gathered) == set()


def test_nothing_that_resolves_is_called_unresolvable():
    assert {one for one in unresolvable() if not unresolved((*one, None))} == set()


def test_nothing_is_called_unresolvable_that_nobody_wrote(gathered: set[Spelling]):
    written = gathered | set(spellings(TABLES))
    assert set(unresolvable()) - {one[:2] for one in written if unresolved(one)} == set()


def test_every_unresolvable_spelling_is_listed_once_with_its_reason():
    lines = (ROOT / "fitting" / "capfit" / "data" / "unresolved.csv").read_text("utf-8")
    assert len(unresolvable()) == len(lines.splitlines()) - 1
    assert all(unresolvable().values())


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("model", "Gemma-4-12B-it", "gemma4-12b"),
        ("model", "poolside/Laguna-XS-2.1-INT4", "laguna-xs-2.1"),
        ("model", "Jackrong/Gemopus-4-26B-A4B-it-GGUF", "gemma4-26b-a4b"),
        ("model", "cyankiwi/Ornith-1.0-35B-AWQ-INT4", "qwen3.5-35b-a3b"),
        ("model", "Qwen3.8-27B (hybrid)", "qwen3.8-27b"),
        ("quant", "compressed-tensors-int4-g32-symmetric", "W4A16-g32"),
        ("quant", "UD-Q2_K_XL", "UD-Q2_K_XL"),
        ("backend", "deepspeed-gaudi", "deepspeed-gaudi"),
    ],
)
def test_spellings(kind: str, text: str, name: str):
    assert getattr(REGISTRY, kind)(text).spec.name == name
