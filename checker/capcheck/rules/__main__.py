"""`python -m capcheck.rules`, in a checkout: refresh docs/rules.md from the catalogue."""

from __future__ import annotations

from pathlib import Path

from capcheck.rules.reference import DOCUMENT, document


def main() -> None:
    """Rewrite the reference, below the current directory."""
    Path(DOCUMENT).write_text(document(), "utf-8")


if __name__ == "__main__":
    main()
