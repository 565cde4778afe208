"""How a run can end. Exit codes are public: scripts and workflows rely on them."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capcheck.report.model import Report


class ExitCode(IntEnum):
    """The process's exit status; `docs/exit-codes.md` explains each to users."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    NOTHING_FOUND = 3
    INTERNAL = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # 128 + SIGINT, as shells report it
    BROKEN_PIPE = 141  # 128 + SIGPIPE


def exit_code(report: Report, *, allow_empty: bool) -> ExitCode:
    """What a report means to the caller; unreadable input outranks any verdict."""
    if report.problems:
        return ExitCode.BAD_INPUT
    if not report.files:
        return ExitCode.OK if allow_empty else ExitCode.NOTHING_FOUND
    deciding = (
        *(deployment.deciding for deployment in report.deployments),
        *(found.verdict for found in report.findings if found.verdict != "pass"),
    )
    if any(verdict in report.fail_on for verdict in deciding):
        return ExitCode.FAILED
    return ExitCode.OK
