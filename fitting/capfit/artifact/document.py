"""The artifact as one JSON document, and how it is written."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from capcheck.predict.coefficients import SCHEMA

from capfit import memory, quality, scaling, speed
from capfit.artifact.numbers import shortened
from capfit.artifact.selection import Selection
from capfit.artifact.validation import Record
from capfit.data.rows import Decode, Prefill, Serving, Sourced
from capfit.data.tables import MEASURED, REFERENCE, SCORED, Data

Progress = Callable[[str], None]


def build(
    data: Data,
    *,
    date: str | None,
    selection: Selection,
    validation: Record,
    progress: Progress = lambda _: None,
) -> dict[str, Any]:
    """The whole artifact; the same tables, record and date give the same document.

    `date` is the newest of the data unless given; the version adds the data's hash to it. Forms are
    those that `selection` names.
    """
    date = date or newest(data)
    sha256 = data.sha256
    progress("memory")
    sections: dict[str, Any] = {"memory": memory.fit(data, selection.memory())}
    progress("quality")
    sections["quality"] = quality.fit(data, selection.quality())
    progress("decode, step, prefill")
    cells = [cell for table in (Decode, Prefill, Serving) for cell in data.cells(table).kept]
    sections |= speed.fit(cells, form=selection.speed())
    progress("scaling")
    sections["step"]["client_limited"] = scaling.client_limited(data, selection.growth())
    engines = sections["engines"]
    hosts = scaling.hosts(data, selection.overhead())
    sections["engines"] = {**engines, "llama.cpp": {**engines["llama.cpp"], **hosts}}
    document: dict[str, Any] = shortened(
        {
            "schema": SCHEMA,
            "version": f"{date}+{sha256[:8]}",
            "fitted": {
                "date": date,
                "data_sha256": sha256,
                "forms": dict(sorted(selection.names().items())),
            },
            "validation": validation.beside(sha256),
            **sections,
        }
    )
    return document


def newest(data: Data) -> str:
    """The newest day on which a row of the data was measured or published."""
    tables = [t for t in (*MEASURED, *SCORED, *REFERENCE) if issubclass(t, Sourced)]
    dates = [row.date for table in tables for row in data.rows(table) if row.date]
    return max((date for date in dates if len(date) == len("2026-01-01")), default="undated")


def text(document: Mapping[str, Any]) -> str:
    """The document as the file holds it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write(path: Path, content: str) -> None:
    """Replace a file as a whole: nobody ever reads half of it. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
