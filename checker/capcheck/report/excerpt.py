"""The lines of a manifest that a finding is about, with carets under the spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from capcheck.report.document import Spot
from capcheck.report.figures import same_span
from capcheck.report.pen import Pen, width

# A JSON manifest may be one line of a megabyte: show this many characters around the span.
BEFORE = 40
WIDEST = 100


def excerpt(
    spot: Spot,
    sources: Mapping[str, Sequence[str]],
    pen: Pen,
    *,
    related: Spot | None = None,
    label: str = "",
    note: str = "",
) -> list[str]:
    """The line with `^^^^ note` under the span, and the related one with `---- label`; in order."""
    marked = [(spot, "^", f" {note}" if note else "")]
    if related is not None and not same_span(spot, related):
        marked.append((related, "-", f" {label}" if label else ""))
    marked.sort(key=lambda entry: (entry[0]["line"], entry[0]["column"]))
    shown: list[str] = []
    for entry in marked:
        # Two spans of one line share it.
        shown += [line for line in _marked_line(*entry, sources, pen) if line not in shown]
    return shown


def _marked_line(
    spot: Spot, sign: str, label: str, sources: Mapping[str, Sequence[str]], pen: Pen
) -> Iterator[str]:
    lines = sources.get(spot["path"], ())
    if not 1 <= spot["line"] <= len(lines):
        return
    line = lines[spot["line"] - 1].rstrip("\r\n")
    start = min(spot["column"] - 1, len(line))
    first = max(0, start - BEFORE) if len(line) > WIDEST else 0
    end = min(spot["end_column"] - 1, len(line), first + WIDEST)
    cut = "…" if first else ""
    rest = "…" if len(line) > first + WIDEST else ""
    before, marked = pen.text(cut + line[first:start]), pen.text(line[start:end])
    after = pen.text(line[max(start, end) : first + WIDEST] + rest)
    gutter = f"  {spot['line']:>5} {pen.text('│')} "
    blank = f"  {'':>5} {pen.text('│')} "
    signs = sign * max(1, width(marked)) + label
    color = pen.paint(signs, "red" if sign == "^" else "cyan")
    yield pen.paint(gutter, "dim") + before + marked + after
    yield pen.paint(blank, "dim") + " " * width(before) + color
