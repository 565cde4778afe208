"""`python -m capcheck` and the `capcheck` console script."""

from __future__ import annotations

import atexit
import gc

# A run leaves few cycles, but defines thousands of functions: collecting among them at start-up and
# at the end takes a tenth of a short run. So many new objects are held before a search for cycles.
OBJECTS_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Run the command line."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)

    from capcheck.cli import cli

    cli()


if __name__ == "__main__":
    main()
