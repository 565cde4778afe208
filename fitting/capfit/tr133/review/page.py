"""docs/tr133.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from capfit.data.tables import Data
from capfit.tr133.review import claims, cross_checks, examples, method, spot_checks, tables
from capfit.tr133.review.finding import Finding, Record
from capfit.validate.markdown import table


def page(record: Record, data: Data) -> str:
    """The whole page: every statement with what became of it."""
    chapters = {
        "Targets (SS11)": list(claims.targets(data, record)),
        "Claims": list(claims.claims(data, record)),
        "Cross-checks (SS17)": list(cross_checks.findings(data, record)),
        "Spot checks (SS12)": list(spot_checks.findings()),
        "Data and method": list(method.findings(data)),
        "Tables": list(tables.findings(data, record)),
        "Worked examples and sweeps (SS13b, SS13c)": list(examples.findings()),
    }
    counts = Counter(one.status for found in chapters.values() for one in found)
    summary = ", ".join(
        f"{counts[status]} {status}" for status in ("reproduced", "corrected", "cannot be tested")
    )
    parts = [
        "# TR133, statement by statement",
        "TR133 (Predictive Capacity Planner, 2026-02-28) is the report that capcheck started from. "
        "Its raw files are not public; what it prints, and what the reports TR123 to TR130 print, "
        f"is. Of {sum(counts.values())} statements: {summary}. *Corrected* says by what. Figures "
        "come from code and from the held-out record behind [accuracy.md](accuracy.md); "
        "`capfit validate` writes this page. Whoever holds the raw files can run TR133's own "
        "procedure with `capfit tr133 --data DIR`.",
    ]
    for title, found in chapters.items():
        parts += [f"## {title}", _table(found)]
    return "\n\n".join(parts) + "\n"


def _table(found: Iterable[Finding]) -> str:
    rows = [
        [one.section, one.statement, one.printed, one.found, one.status, one.evidence]
        for one in found
    ]
    header = ["where", "statement", "TR133 prints", "found", "", "evidence"]
    return table(header, "llllll", rows)
