"""From the inputs to a report, and from a report to what later steps read."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from capcheck.action import runner
from capcheck.action.inputs import ActionInputError, Inputs
from capcheck.output import OutputError, write_file
from capcheck.report import FORMATS, Document, Style, to_document
from capcheck.run import Options, run


def judge(inputs: Inputs, *, base: str | None) -> Document:
    """The report on what lies in the current directory, against a commit if there is one."""
    options = Options(
        fail_on=inputs.fail_on, now=datetime.now(timezone.utc), base=base, policy=inputs.policy
    )
    return to_document(run(inputs.paths, options).report, allow_empty=inputs.allow_empty)


def deliver(
    document: Document, style: Style, inputs: Inputs, environ: Mapping[str, str], *, comment: str
) -> None:
    """Job summary, JSON report and outputs; `comment` is a URL or empty.

    Raises ActionInputError.
    """
    runner.summarise(FORMATS["markdown"](document, style), environ)
    cost = document["usd_month"]
    outputs = {
        "verdict": document["verdict"],
        "report": str(_save(document, inputs, environ)),
        "monthly-usd": _usd(cost["value"]),
        "monthly-usd-delta": _usd(cost["delta"]),
        "comment-url": comment,
    }
    runner.set_outputs(outputs, environ)


def _usd(amount: float | None) -> str:
    return "" if amount is None else f"{amount:.2f}"


def _save(document: Document, inputs: Inputs, environ: Mapping[str, str]) -> Path:
    """The report's path; in a folder of its own, because the action may run twice in one job."""
    path = inputs.report_file
    if path is None:
        folder = tempfile.mkdtemp(prefix="capcheck-", dir=environ.get("RUNNER_TEMP"))
        path = Path(folder) / "report.json"
    try:
        write_file(path, FORMATS["json"](document, Style()))
    except OutputError as error:
        raise ActionInputError(f"report-file: {error}") from error
    return path
