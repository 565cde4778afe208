"""A review comment that mends a deployment with one click, and the patch for where none can be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from capcheck.records import dataclass
from capcheck.report.compared import is_old
from capcheck.report.document import Alternative, Deployment, Finding
from capcheck.report.escape import code, fenced, markdown
from capcheck.report.figures import change, headline, saving, spoken
from capcheck.report.ladder import folded
from capcheck.report.marker import ID_PATTERN

_LINE = re.compile(
    rf"\A<!-- capcheck:suggestion id=(?P<id>{ID_PATTERN}) fix=(?P<fix>[0-9a-f]{{16}}) -->\r?\n"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """The first line of a suggestion: `id` is that of the comment, `fix` what is suggested."""

    id: str
    fix: str

    def __str__(self) -> str:
        return f"<!-- capcheck:suggestion id={self.id} fix={self.fix} -->"


def mark_of(body: str) -> Mark | None:
    """The mark of a comment; None when it is no suggestion of capcheck's."""
    found = _LINE.match(body)
    return Mark(found["id"], found["fix"]) if found else None


def marked(identity: str, deployment: Deployment, lines: Sequence[str]) -> Mark:
    """The same for the same lines of the same deployment, wherever they stand."""
    text = "\0".join((deployment["path"], deployment["name"], *lines))
    return Mark(identity, sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16])


def render(deployment: Deployment, fix: Alternative, lines: Sequence[str], mark: Mark) -> str:
    """What is wrong, what the change does, and the lines that GitHub writes when asked to."""
    found = _cause(deployment)
    wrong = f"{code(deployment['name'])}: {markdown(found['message'])}." if found else ""
    figures = headline(fix["forecast"], fix["gates"])
    said = "; ".join(spoken(one) for one in figures if one.label != "throughput")
    money = f" ({saving(fix)})" if saving(fix) else ""
    asks = "".join(f" It needs {markdown(what)}." for what in fix["needs"])
    rule = f" {code(found['rule'])}" if found else ""
    return "\n".join(
        (
            str(mark),
            f"**{wrong}** {code(change(fix['edits']))} meets every limit of this file: "
            f"{markdown(said)}{markdown(money)}. Re-checked with the change applied.{asks}{rule}",
            fenced("\n".join(lines), "suggestion"),
            "",
        )
    )


def patch_block(deployment: Deployment) -> str:
    """The smallest fix as a folded patch; empty where there is none."""
    patch = deployment["patch"]
    if not patch:
        return ""
    summary = f"A patch for {code(deployment['name'])}, for <code>git apply</code>"
    return folded(summary, fenced(patch.removesuffix("\n"), "diff"))


def _cause(deployment: Deployment) -> Finding | None:
    """The worst finding that is new here."""
    deciding = (found for found in deployment["findings"] if found["verdict"] != "pass")
    return next((found for found in deciding if not is_old(found)), None)
