"""The Pareto fronts of a report as a picture; needs matplotlib, an optional dependency."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from capcheck.report.document import Deployment, Document, FrontPoint
from capcheck.report.figures import change

# Labels longer than this run into each other.
LABEL_LENGTH = 44


def draw(document: Document, path: Path) -> None:
    """Cost against p95 latency, one picture a deployment below the other, quality as the color.

    Today's configuration is a cross, the knee has a ring. Raises OSError when `path` cannot be
    written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [one for one in document["deployments"] if _points(one)]
    picture = Figure(figsize=(9.0, 4.2 * max(1, len(shown))), layout="constrained")
    FigureCanvasAgg(picture)
    axes = picture.subplots(max(1, len(shown)), 1, squeeze=False)
    for axis, deployment in zip(axes[:, 0], shown, strict=False):
        _draw(picture, axis, deployment)
    if not shown:
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, "nothing surely passes: no front to draw", ha="center")
    # Without a date equal reports give equal pictures.
    metadata = {"Date": None} if path.suffix == ".svg" else None
    picture.savefig(path, metadata=metadata)


def _draw(picture: Any, axis: Any, deployment: Deployment) -> None:  # noqa: ANN401 (no stubs)
    points = _points(deployment)
    costs = [point["usd_month"] for point in points]
    delays = [(point["latency_p95_ms"]["value"] or 0.0) / 1000.0 for point in points]
    scores = [point["quality"]["value"] for point in points]
    axis.plot(costs, delays, color="0.8", zorder=1)
    known = [score for score in scores if score is not None]
    if len(known) == len(scores) and len(set(known)) > 1:
        dots = axis.scatter(costs, delays, c=known, cmap="viridis", zorder=2)
        picture.colorbar(dots, ax=axis, label="quality")
    else:
        axis.scatter(costs, delays, color="C0", zorder=2)
    for point, cost, delay in zip(points, costs, delays, strict=True):
        text = change(point["edits"])
        short = text if len(text) <= LABEL_LENGTH else f"{text[: LABEL_LENGTH - 1]}…"
        axis.annotate(
            short.replace("$", r"\$"), (cost, delay), (5, 5), textcoords="offset points", fontsize=6
        )
        if point["knee"]:
            axis.scatter(
                [cost], [delay], s=140, facecolors="none", edgecolors="C3", label="knee", zorder=3
            )
    today = deployment["forecast"]
    cost_today, delay_today = today["usd_month"]["value"], today["latency_ms"]["p95"]["value"]
    if cost_today is not None and delay_today is not None:
        axis.scatter([cost_today], [delay_today / 1000.0], marker="x", color="C3", label="today")
    axis.set_title(deployment["name"].replace("$", r"\$"), fontsize=9)
    axis.set_xlabel("$ per month")
    axis.set_ylabel("p95 latency, s")
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.margins(x=0.25)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(fontsize=7)


def _points(deployment: Deployment) -> list[FrontPoint]:
    """What can be placed: both a cost and a latency."""
    return [
        point
        for point in deployment["pareto"]
        if point["usd_month"] is not None and point["latency_p95_ms"]["value"] is not None
    ]
