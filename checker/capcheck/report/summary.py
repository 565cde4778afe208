"""The run in a sentence, for the end of a log and the top of a comment."""

from __future__ import annotations

from capcheck.finding import VERDICTS
from capcheck.numbers import amount
from capcheck.report.compared import counted, is_compared
from capcheck.report.document import Document
from capcheck.report.figures import headline, is_weak, plural, reading


def unread(document: Document) -> int:
    """How many manifests could not be read."""
    return len({problem["path"] for problem in document["problems"]})


def tally(document: Document) -> str:
    """`1 fail, 2 pass`: how many deployments have which verdict, worst first."""
    counts = document["counts"]
    return ", ".join(
        f"{counts[verdict]:,} {verdict}" for verdict in reversed(VERDICTS) if counts[verdict]
    )


def verdict_line(document: Document) -> str:
    """`capcheck: failed: 1 fail, 2 pass (fail-on fail,cannot-predict), exit 1`."""
    outcome = {
        0: "passed",
        1: "failed",
        2: f"could not read {plural(unread(document), 'manifest')}",
        3: "no manifest found",
    }[document["exit_code"]]
    if not document["counts"]["files"] and document["exit_code"] == 0:
        outcome = "no manifest found, which is allowed"
    parts = [f"capcheck: {outcome}"]
    if is_compared(document):
        parts.append(f"{';' if document['problems'] else ':'} {counted(document)}")
    elif count := tally(document):
        parts.append(f"{';' if document['problems'] else ':'} {count}")
    if document["exit_code"] == 1:
        parts.append(f" (fail-on {','.join(document['run']['fail_on'])})")
    return "".join((*parts, f", exit {document['exit_code']}"))


def not_counted(document: Document) -> str:
    """`2 findings waived, 5 recorded in the baseline`; empty without any."""
    counts = document["counts"]
    recorded = counts.get("recorded", 0)
    waived = counts["waived"] - recorded
    said = [f"{plural(waived, 'finding')} waived"] if waived else []
    said += [f"{recorded:,} recorded in the baseline"] if recorded else []
    return ", ".join(said)


def fleet_cost(document: Document) -> str:
    """`$1,551/month (1,400–1,700)`, or what is known of it; empty when nothing has a price."""
    cost = document["usd_month"]
    if cost["value"] is not None:
        return reading(cost, "$/month") if document["deployments"] else ""
    if cost["unpriced"] == len(document["deployments"]):
        return ""
    known = amount(cost["subtotal"], "$/month")
    return f"{known} and {plural(cost['unpriced'], 'deployment')} without a price"


def legend(document: Document) -> str:
    """What `~` means, if any headline figure has it; else empty."""
    weak = any(
        is_weak(leaf)
        for entry in document["deployments"]
        for leaf in (
            *(figure.leaf for figure in headline(entry["forecast"], entry["gates"])),
            entry["forecast"]["capacity_tok_s"],
        )
    )
    return "~ is extrapolated or assumed" if weak else ""
