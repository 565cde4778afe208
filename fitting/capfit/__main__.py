"""`python -m capfit` and the `capfit` console script."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from capfit.cli import cli

    cli()


if __name__ == "__main__":
    main()
