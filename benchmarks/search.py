"""How long a full check with alternatives takes, and ChimeraForge's planner on the same question.

    .venv/bin/python benchmarks/search.py [MANIFEST...]

Processor time, so that other work on the machine matters little. Every manifest is checked in a
process of its own (start-up included) and once more in a warm one. ChimeraForge is installed into a
virtual environment of its own; without a network its part is skipped, with the reason.
"""

from __future__ import annotations

import resource
import shlex
import subprocess
import sys
import tempfile
import time
import venv
from datetime import datetime, timezone
from pathlib import Path

from capcheck.run import Options, run

ROUNDS = 5
EXAMPLES = Path(__file__).parent.parent / "examples"
NAMES = ("hobby-ollama-rtx4060", "vllm-8b-l4", "fails-latency", "vllm-70b-tp4-h100", "fails-vram")

# The question of the first example, in ChimeraForge's words.
QUESTION = (
    "plan --model-size 3b --request-rate 0.5 --latency-slo 3000 --budget 50 "
    "--hardware 'RTX 4060 8GB' --avg-tokens 128 --prompt-tokens 256 --no-network --json"
)


def processor_s(command: list[str]) -> tuple[float, int]:
    """Least processor time of a few runs of the command, in seconds, and its exit code."""
    times = []
    code = 0
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code = subprocess.run(command, capture_output=True, check=False).returncode
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times), code


def warm_s(manifest: Path) -> float:
    """Least processor time of a check whose tables and names are read already."""
    options = Options(fail_on=(), now=datetime.now(timezone.utc))
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run([str(manifest)], options)
        times.append(time.process_time() - start)
    return min(times[1:])


def chimeraforge(folder: Path) -> Path | str:
    """Its command in a fresh environment, or why there is none."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "-q", "chimeraforge"]
    done = subprocess.run(pip, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    return folder / "bin" / "chimeraforge"


def main() -> None:
    """Print the table, then the comparison."""
    named = [Path(name) for name in sys.argv[1:]]
    manifests = named or [EXAMPLES / f"{name}.capcheck.yaml" for name in NAMES]
    print(f"{'process s':>10} {'warm s':>8} {'without s':>10}  ({ROUNDS} rounds, the least)")
    capcheck = [sys.executable, "-m", "capcheck", "check"]
    first = 0.0
    for manifest in manifests:
        whole, _ = processor_s([*capcheck, str(manifest)])
        first = first or whole
        without, _ = processor_s([*capcheck, "--no-alternatives", str(manifest)])
        print(f"{whole:10.3f} {warm_s(manifest):8.3f} {without:10.3f}  {manifest.name}")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"most memory of a check: {most:.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        command = chimeraforge(Path(folder) / "venv")
        if isinstance(command, str):
            print(f"chimeraforge: skipped, {command}")
            return
        # Its `suggest` asks Ollama or the Hub which models there are: no question of ours.
        taken, code = processor_s([str(command), *shlex.split(QUESTION)])
        ratio = taken / first
        print(f"{taken:10.3f} s  chimeraforge {QUESTION} (exit {code}): {ratio:.2f} times capcheck")


if __name__ == "__main__":
    main()
