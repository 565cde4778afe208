"""The GitHub Action's step: inputs from the environment, answers where the runner looks for them.

Annotations go to standard output, Markdown to the job summary, the JSON report to a file, its path
and the verdict to the step's outputs. `action.sh` calls `main`; nothing here needs a token.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from uuid import uuid4

from capcheck.exit_codes import ExitCode
from capcheck.report import FORMATS, Document, Style, to_document
from capcheck.report.escape import command_data, command_property
from capcheck.report.summary import verdict_line
from capcheck.run import Options, run
from capcheck.verdicts import DEFAULT_FAIL_ON, VerdictError, parse_verdicts


class ActionInputError(Exception):
    """An input of the action that cannot be understood."""


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Check, report, and return the exit code of the step."""
    try:
        return _step(environ)
    except ActionInputError as error:
        print(_command("error", "capcheck: wrong input of the action", str(error)))
        return ExitCode.BAD_INPUT
    except Exception:
        # The runner obeys workflow commands on either stream; a traceback may quote a manifest.
        token = uuid4().hex
        print(f"::stop-commands::{token}", file=sys.stderr)
        traceback.print_exc()
        print(f"::{token}::", file=sys.stderr, flush=True)
        message = "This is a bug in capcheck. Please report it with the traceback in the log."
        print(_command("error", "capcheck: internal error", message))
        return ExitCode.INTERNAL


def _step(environ: Mapping[str, str]) -> int:
    allow_empty = _boolean(environ, "allow-empty")
    outcome = run(_paths(environ), _options(environ))
    document = to_document(outcome.report, allow_empty=allow_empty)
    style = Style()
    print(FORMATS["github"](document, style), end="")
    print(verdict_line(document))
    _summarise(FORMATS["markdown"](document, style), environ)
    _set_outputs({"verdict": document["verdict"], "report": _save(document, environ)}, environ)
    return document["exit_code"]


def _paths(environ: Mapping[str, str]) -> list[str]:
    lines = environ.get("CAPCHECK_PATHS", "").splitlines()
    return [path for line in lines if (path := line.strip())] or ["."]


def _options(environ: Mapping[str, str]) -> Options:
    try:
        fail_on = parse_verdicts(environ.get("CAPCHECK_FAIL_ON", DEFAULT_FAIL_ON))
    except VerdictError as error:
        raise ActionInputError(f"fail-on: {error}") from error
    return Options(fail_on=fail_on, now=datetime.now(timezone.utc))


def _boolean(environ: Mapping[str, str], name: str) -> bool:
    """A YAML boolean arrives as text."""
    text = environ.get(f"CAPCHECK_{name.upper().replace('-', '_')}", "").strip().lower()
    if text not in ("", "true", "false"):
        raise ActionInputError(f"{name}: found {text!r}, expected true or false")
    return text == "true"


def _save(document: Document, environ: Mapping[str, str]) -> str:
    """The report's path, in a folder of its own: the action may run twice in one job."""
    folder = tempfile.mkdtemp(prefix="capcheck-", dir=environ.get("RUNNER_TEMP"))
    path = Path(folder) / "report.json"
    path.write_text(FORMATS["json"](document, Style()), encoding="utf-8", errors="backslashreplace")
    return str(path)


def _summarise(markdown: str, environ: Mapping[str, str]) -> None:
    path = environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        text = "GITHUB_STEP_SUMMARY is not set, so there is no job summary."
        print(_command("notice", "capcheck: no job summary", text))
        return
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(markdown)


def _set_outputs(outputs: Mapping[str, str], environ: Mapping[str, str]) -> None:
    path = environ.get("GITHUB_OUTPUT")
    if not path:
        text = "GITHUB_OUTPUT is not set, so the step has no outputs."
        print(_command("notice", "capcheck: no outputs", text))
        return
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        for name, value in outputs.items():
            # A delimiter that the value could contain would let it set other outputs.
            delimiter = f"capcheck-{uuid4().hex}"
            if delimiter in value:
                raise AssertionError(f"the delimiter is in the output {name}")
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={command_property(title)}::{command_data(message)}"
