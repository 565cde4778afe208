"""What the runner of a workflow reads: commands on standard output, and files that it names.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Literal
from uuid import uuid4

from capcheck.report.escape import SENTENCE_LENGTH, clip, command_data, command_property, plain

Level = Literal["error", "warning", "notice"]


def say(level: Level, title: str, message: str) -> None:
    """An annotation of the whole run. Either text may quote what a pull request says."""
    shown = command_data(clip(plain(message), 2 * SENTENCE_LENGTH))
    print(f"::{level} title={command_property(plain(title))}::{shown}", flush=True)


def report_crash() -> None:
    """The traceback, in brackets: it may quote commands, and the runner obeys either stream."""
    token = uuid4().hex
    print(f"::stop-commands::{token}", file=sys.stderr)
    traceback.print_exc()
    print(f"::{token}::", file=sys.stderr, flush=True)
    text = "This is a bug in capcheck. Please report it with the traceback in the log."
    say("error", "capcheck: internal error", text)


def summarise(markdown: str, environ: Mapping[str, str]) -> None:
    """Add a page to the job summary."""
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        text = "GITHUB_STEP_SUMMARY is not set, so there is no job summary."
        say("notice", "capcheck: no job summary", text)
        return
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(markdown)


def set_outputs(outputs: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Set the step's outputs."""
    path = environ.get("GITHUB_OUTPUT")
    if not path:
        text = "GITHUB_OUTPUT is not set, so the step has no outputs."
        say("notice", "capcheck: no outputs", text)
        return
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        for name, value in outputs.items():
            # A delimiter that the value could contain would let it set other outputs.
            delimiter = f"capcheck-{uuid4().hex}"
            if delimiter in value:
                raise AssertionError(f"the delimiter is in the output {name}")
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
