"""`python -m capcheck` and the `capcheck` console script."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from capcheck.cli import cli

    cli()


if __name__ == "__main__":
    main()
