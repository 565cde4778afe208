"""`python -m capcheck.policy`, in a checkout: refresh the schema that the table of fields makes."""

from __future__ import annotations

import json
from pathlib import Path

from capcheck.policy.fields import schema

SCHEMA = Path("schemas/policy.schema.json")


def main() -> None:
    """Rewrite the schema, below the current directory."""
    SCHEMA.write_text(f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n", "utf-8")


if __name__ == "__main__":
    main()
