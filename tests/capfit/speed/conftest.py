from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from capcheck.registry.tables import Registry
from capcheck.registry.tables import load as registry_tables
from capfit.data.cells import Cell
from capfit.data.rows import Decode, Prefill, Serving
from capfit.data.tables import read

FOLDER = Path("fitting/data")


@pytest.fixture(scope="session")
def registry() -> Registry:
    return registry_tables()


@pytest.fixture(scope="session")
def all_cells() -> list[Cell]:
    data = read(FOLDER)
    return [cell for table in (Decode, Prefill, Serving) for cell in data.cells(table).kept]


@pytest.fixture(scope="session")
def few_cells(all_cells: list[Cell]) -> list[Cell]:
    """One engine, two sources: small enough to fit in a second."""
    return [c for c in all_cells if c.setting.source in {"xiongjiedai", "ggml_benches"}]


@pytest.fixture
def cell(all_cells: list[Cell]) -> Callable[..., Cell]:
    """The first cell whose setting and metric have these values."""

    def first(**wanted: Any) -> Cell:
        return next(
            c
            for c in all_cells
            if all(getattr(c, k, getattr(c.setting, k, None)) == v for k, v in wanted.items())
        )

    return first
