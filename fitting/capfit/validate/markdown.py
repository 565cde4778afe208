"""Figures and tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], align: str, rows: Iterable[Sequence[str]]) -> str:
    """A table; `align` has one `l` or `r` per column."""
    rule = "|".join({"l": "---", "r": "--:"}[one] for one in align)
    lines = [f"| {' | '.join(header)} |", f"|{rule}|"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def percent(value: float | None) -> str:
    """A magnitude in percent: one decimal below 20, none above; a dash for nothing."""
    if value is None:
        return "–"
    return f"{value:.1f} %" if abs(value) < 19.95 else f"{value:,.0f} %"


def signed(value: float | None) -> str:
    """A signed percentage."""
    if value is None:
        return "–"
    return f"{value:+.1f} %" if abs(value) < 19.95 else f"{value:+,.0f} %"


def points(value: float | None) -> str:
    """Percentage points of a score."""
    return "–" if value is None else f"{value:.1f} pp"


def share(value: float | None) -> str:
    """R² and the like."""
    return "–" if value is None else f"{value:.3f}" if value > -10 else "< −10"


def factor(value: float | None) -> str:
    """How wide an interval is: its upper end over its lower one."""
    return "–" if value is None else f"× {value:.2f}"
