"""How long capcheck takes to start, against a bare `python -c pass` run side by side.

    .venv/bin/python benchmarks/startup.py [MANIFEST]

Each round runs every command once, so that a busy machine slows all of them alike. The ratio is
the median over rounds of (command / bare Python of the same round).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 20
EXAMPLE = Path(__file__).parent.parent / "examples" / "hobby-ollama-rtx4060.capcheck.yaml"
# PYTHONDONTWRITEBYTECODE would have every run compile everything, which no installed program does.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def seconds(command: list[str]) -> float:
    """Wall time of one run of the command, in seconds."""
    start = time.perf_counter()
    subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False)
    return time.perf_counter() - start


def main() -> None:
    """Run and print the table."""
    manifest = sys.argv[1] if len(sys.argv) > 1 else str(EXAMPLE)
    capcheck = [sys.executable, "-m", "capcheck"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "import click": [sys.executable, "-c", "import click"],
        "import yaml": [sys.executable, "-c", "import yaml"],
        "capcheck --version": [*capcheck, "--version"],
        "capcheck --help": [*capcheck, "--help"],
        f"capcheck --no-alternatives {manifest}": [*capcheck, "--no-alternatives", manifest],
        f"capcheck {manifest}": [*capcheck, manifest],
    }
    for command in commands.values():
        seconds(command)  # writes the byte code, warms the file cache
    rounds = [{name: seconds(command) for name, command in commands.items()} for _ in range(ROUNDS)]
    print(f"{'median ms':>10} {'min ms':>8} {'x bare':>7}  ({ROUNDS} rounds)")
    for name in commands:
        times = [measured[name] for measured in rounds]
        ratio = statistics.median(
            measured[name] / measured["python -c pass"] for measured in rounds
        )
        print(
            f"{statistics.median(times) * 1e3:10.1f} {min(times) * 1e3:8.1f} {ratio:7.1f}  {name}"
        )


if __name__ == "__main__":
    main()
