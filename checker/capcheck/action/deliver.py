"""From the inputs to a report, and from a report to what later steps read."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from capcheck.action import runner
from capcheck.action.inputs import ActionInputError, Inputs
from capcheck.output import OutputError, write_file
from capcheck.records import dataclass
from capcheck.report import FORMATS, Document, Style, to_document
from capcheck.run import Options, run


@dataclass(frozen=True, slots=True)
class Judged:
    """The report, the manifests' texts by path, and how they were judged."""

    document: Document
    texts: Mapping[str, str]
    options: Options


def judge(inputs: Inputs, *, base: str | None) -> Judged:
    """The report on what lies in the current directory, against a commit if there is one."""
    options = Options(
        fail_on=inputs.fail_on, now=datetime.now(timezone.utc), base=base, policy=inputs.policy
    )
    outcome = run(inputs.paths, options)
    return Judged(
        to_document(outcome.report, allow_empty=inputs.allow_empty),
        {path: "\n".join(lines) for path, lines in outcome.sources.items()},
        options,
    )


def deliver(
    document: Document, style: Style, inputs: Inputs, environ: Mapping[str, str], *, comment: str
) -> None:
    """Job summary, JSON report, SARIF and outputs; `comment` is a URL or empty.

    Raises ActionInputError.
    """
    runner.summarise(FORMATS["markdown"](document, style), environ)
    cost = document["usd_month"]
    outputs = {
        "verdict": document["verdict"],
        "report": str(_save(document, inputs, environ)),
        "sarif": _sarif(document, inputs),
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
    _write("report-file", path, FORMATS["json"](document, Style()))
    return path


def _sarif(document: Document, inputs: Inputs) -> str:
    """The path of the SARIF file; empty when none was asked for."""
    if inputs.sarif_file is None:
        return ""
    _write("sarif-file", inputs.sarif_file, FORMATS["sarif"](document, Style()))
    return str(inputs.sarif_file)


def _write(name: str, path: Path, text: str) -> None:
    try:
        write_file(path, text)
    except OutputError as error:
        raise ActionInputError(f"{name}: {error}") from error
