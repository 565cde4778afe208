"""Every table of a folder, read and resolved when first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from capcheck.registry.tables import Registry
from capcheck.registry.tables import load as built_in

from capfit.data.cells import Cells, cells
from capfit.data.columns import Row
from capfit.data.constants import Constant
from capfit.data.load import data_hash, load
from capfit.data.names import Names
from capfit.data.rows import (
    Decode,
    EnergyCost,
    LatencyLoad,
    Measured,
    Memory,
    Prefill,
    Scaling,
    ServiceTime,
    Serving,
    Startup,
)
from capfit.data.score_rows import Quality, QuantFormat, Safety, Scored, Source, Tr133Vram
from capfit.data.scores import Scores, scores

MEASURED: tuple[type[Measured], ...] = (
    *(Memory, Startup, Decode, Prefill, Serving),
    *(Scaling, LatencyLoad, ServiceTime, EnergyCost),
)
SCORED: tuple[type[Scored], ...] = (Quality, Safety)
REFERENCE: tuple[type[Row], ...] = (QuantFormat, Tr133Vram, Source, Constant)

R = TypeVar("R", bound=Row)


@dataclass(frozen=True)
class Data:
    """The tables of one folder, and the registry that their names are resolved with."""

    folder: Path
    names: Names
    _rows: dict[type[Row], tuple[Row, ...]] = field(default_factory=dict)
    _cells: dict[type[Measured], Cells] = field(default_factory=dict)
    _scores: dict[type[Scored], Scores] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The hash of all tables."""
        return data_hash(self.folder)

    def rows(self, table: type[R]) -> tuple[R, ...]:
        """Every row of a table. Raises InputError on a bad one."""
        if table not in self._rows:
            self._rows[table] = load(table, self.folder)
        return self._rows[table]  # type: ignore[return-value]

    def cells(self, table: type[Measured]) -> Cells:
        """What became of the rows of a table of measurements."""
        if table not in self._cells:
            self._cells[table] = cells(self.rows(table), self.names)
        return self._cells[table]

    def scores(self, table: type[Scored]) -> Scores:
        """What became of the rows of a table of scores."""
        if table not in self._scores:
            self._scores[table] = scores(self.rows(table), self.names)
        return self._scores[table]


def read(folder: Path, registry: Registry | None = None) -> Data:
    """The tables of a folder; names are resolved with the built-in registry unless given."""
    return Data(folder, Names(registry or built_in()))
