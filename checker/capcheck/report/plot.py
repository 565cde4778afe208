"""The Pareto fronts of a report as a picture; needs matplotlib, an optional dependency."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

from capcheck.report.document import Deployment, Document, FrontPoint
from capcheck.report.figures import change

# Longer lines of the key run out of the picture; lines are so many inches high.
KEY_WIDTH = 80
LINE_INCHES = 0.13
LEAST_INCHES = 4.2

# From this ratio of the dearest to the cheapest on, what is cheap would be one spot.
LOG_FROM = 10.0


def draw(document: Document, path: Path) -> None:
    """Cost against p95 latency, one picture a deployment below the other, quality as the color.

    Today's configuration is a cross, the knee has a ring. Raises OSError when `path` cannot be
    written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [one for one in document["deployments"] if _points(one)]
    keys = [_key(_points(one)) for one in shown]
    heights = [max(LEAST_INCHES, LINE_INCHES * (len(key) + 5)) for key in keys] or [LEAST_INCHES]
    picture = Figure(figsize=(13.0, sum(heights)), layout="constrained")
    FigureCanvasAgg(picture)
    axes = picture.subplots(
        len(heights), 2, squeeze=False, width_ratios=(3, 2), height_ratios=heights
    )
    for (axis, key), deployment, lines in zip(axes, shown, keys, strict=False):
        _draw(picture, axis, deployment)
        key.set_axis_off()
        key.text(0, 1, _plain("\n".join(lines)), va="top", fontsize=7, transform=key.transAxes)
    if not shown:
        axes[0, 0].set_axis_off()
        axes[0, 1].set_axis_off()
        axes[0, 0].text(0.5, 0.5, "nothing surely passes: no front to draw", ha="center")
    # Without a date equal reports give equal pictures.
    metadata = {"Date": None} if path.suffix == ".svg" else None
    picture.savefig(path, metadata=metadata)


def _key(points: list[FrontPoint]) -> list[str]:
    """What the numbers stand for, in lines that fit."""
    said = (change(point["edits"]) if point["edits"] else "as it is" for point in points)
    return [
        line
        for number, text in enumerate(said, 1)
        for line in wrap(
            f"{number}  {text}", KEY_WIDTH, subsequent_indent="    ", break_on_hyphens=False
        )
    ]


def _draw(picture: Any, axis: Any, deployment: Deployment) -> None:  # noqa: ANN401
    points = _points(deployment)
    costs = [point["usd_month"] for point in points]
    delays = [(point["latency_p95_ms"]["value"] or 0.0) / 1000.0 for point in points]
    scores = [point["quality"]["value"] for point in points]
    known = [score for score in scores if score is not None]
    if len(known) == len(scores) and len(set(known)) > 1:
        dots = axis.scatter(costs, delays, c=known, cmap="viridis", zorder=2)
        picture.colorbar(dots, ax=axis, label="quality")
    else:
        axis.scatter(costs, delays, color="C0", zorder=2)
    for number, (point, cost, delay) in enumerate(zip(points, costs, delays, strict=True), 1):
        axis.annotate(str(number), (cost, delay), (5, 5), textcoords="offset points", fontsize=7)
        if point["knee"]:
            axis.scatter(
                [cost], [delay], s=140, facecolors="none", edgecolors="C3", label="knee", zorder=3
            )
    today = deployment["forecast"]
    cost_today, delay_today = today["usd_month"]["value"], today["latency_ms"]["p95"]["value"]
    if cost_today is not None and delay_today is not None:
        axis.scatter([cost_today], [delay_today / 1000.0], marker="x", color="C3", label="today")
    axis.set_title(_plain(deployment["name"]), fontsize=9)
    axis.set_xlabel("$ per month")
    axis.set_ylabel("p95 latency, s")
    axis.margins(0.1)
    known = [cost for cost in costs if cost is not None]
    if known and max(known) > LOG_FROM * min(known) > 0:
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter("{x:,.0f}")
    else:
        axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=7)


def _points(deployment: Deployment) -> list[FrontPoint]:
    """What can be placed: both a cost and a latency."""
    return [
        point
        for point in deployment["pareto"]
        if point["usd_month"] is not None and point["latency_p95_ms"]["value"] is not None
    ]


def _plain(text: str) -> str:
    """A dollar sign starts a formula otherwise."""
    return text.replace("$", r"\$")
