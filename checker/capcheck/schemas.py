"""The JSON Schemas: in `schemas/` of a checkout, in the package itself once installed."""

from __future__ import annotations

from pathlib import Path

NAMES = ("manifest", "policy", "report", "coefficients")

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parents[1] / "schemas")


def text(name: str) -> str:
    """The schema's JSON text; `name` is one of NAMES."""
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    return (folder / f"{name}.schema.json").read_text(encoding="utf-8")
