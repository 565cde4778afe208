"""`python -m capcheck.manifest`, in a checkout: refresh what is made from the table of fields."""

from __future__ import annotations

import json
from pathlib import Path

from capcheck.manifest.reference import refreshed
from capcheck.manifest.schema import schema

SCHEMA = Path("schemas/manifest.schema.json")
REFERENCE = Path("docs/manifest.md")


def main() -> None:
    """Rewrite the schema and the tables of the reference, below the current directory."""
    SCHEMA.write_text(f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n", "utf-8")
    REFERENCE.write_text(refreshed(REFERENCE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
