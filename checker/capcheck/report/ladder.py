"""How much of a page is shown when the whole is too long: parts go, and say so, nothing is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """How many of each are shown; None is all of them.

    `ways` are the alternatives of one deployment, `broken` the deployments and findings that do
    not pass, `remarks` the warnings and notes.
    """

    ways: int | None
    passing: int | None
    remarks: int | None
    broken: int | None


# From everything down to what always fits: what asks for action stays longest.
LADDER = (
    Rung(ways=None, passing=None, remarks=None, broken=None),
    Rung(ways=3, passing=None, remarks=100, broken=None),
    Rung(ways=1, passing=100, remarks=20, broken=None),
    Rung(ways=0, passing=0, remarks=0, broken=500),
    Rung(ways=0, passing=0, remarks=0, broken=20),
    Rung(ways=0, passing=0, remarks=0, broken=0),
)


def fitting(draw: Callable[[Rung], str], *, max_bytes: int) -> Iterator[str]:
    """The page at every rung where it fits, longest first; the last rung's if nothing does."""
    drawn = None
    for rung in LADDER:
        page = draw(rung)
        if page == drawn:
            continue
        drawn = page
        if len(page.encode("utf-8", "backslashreplace")) <= max_bytes or rung is LADDER[-1]:
            yield page


def left_out(what: str) -> str:
    """What stands in place of the parts that are not shown."""
    return f"*Too long for this page: {what} left out. The JSON report has everything.*"


def listed(items: Sequence[str], most: int | None, one: str, more: str) -> str:
    """A folded list of at most so many items, with their number as its title."""
    lines = [f"- {item}" for item in items[:most]]
    if len(lines) < len(items):
        lines.append("- " + left_out(f"{len(items) - len(lines):,} of them"))
    title = f"{len(items):,} {one if len(items) == 1 else more}"
    return folded(title, "\n".join(lines)) if items else ""


def folded(summary: str, body: str) -> str:
    """`body` is Markdown: GitHub needs the blank lines around it."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
