"""What the tasks of one process share: read once, then kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from capcheck.registry.tables import Registry, load

from capfit.data.cells import Cell
from capfit.data.rows import Decode, Prefill, Serving
from capfit.data.tables import Data, read


@lru_cache(maxsize=1)
def registry() -> Registry:
    """The built-in tables of facts."""
    return load()


@lru_cache(maxsize=1)
def data(folder: Path) -> Data:
    """The measurements of a folder."""
    return read(folder, registry())


@lru_cache(maxsize=1)
def cells(folder: Path) -> tuple[Cell, ...]:
    """The cells that the speed fit is made on."""
    found = data(folder)
    return tuple(cell for table in (Decode, Prefill, Serving) for cell in found.cells(table).kept)


@lru_cache(maxsize=1)
def shape_names(folder: Path) -> Mapping[str, str]:
    """For every shape of model the shortest name of a model that has it."""
    names: dict[str, str] = {}
    for cell in cells(folder):
        shape, name = cell.setting.model_group, cell.setting.model.name
        names[shape] = min(names.get(shape, name), name, key=lambda text: (len(text), text))
    return names
