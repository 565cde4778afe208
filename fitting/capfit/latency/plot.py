"""Pictures of the comparison. Matplotlib is needed for these only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from capfit.latency.compare import GROUPS, LABELS, Error
from capfit.latency.grid import METRICS
from capfit.latency.trace import Floats

COLORS = {"tuned": "#4477aa", "held-out": "#ee6677"}


def draw_comparison(found: Sequence[Error], path: Path) -> None:
    """Analytic p95 over simulated p95 against the load, one panel a metric; closed loops apart.

    Raises ImportError without matplotlib.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(1, len(METRICS), figsize=(12, 4.2), sharey=True)
    for axis, metric in zip(axes, METRICS, strict=True):
        axis.axhspan(0.85, 1.15, color="#eeeeee", zorder=0)
        axis.axhline(1.0, color="#999999", linewidth=0.8, zorder=1)
        for shift, (name, color) in zip((-0.007, 0.007), COLORS.items(), strict=True):
            chosen = [
                error
                for error in found
                if error.metric == metric and error.part == "p95" and error.row.set_name == name
            ]
            axis.errorbar(
                [_across(error) + shift for error in chosen],
                [1.0 + error.percent / 100.0 for error in chosen],
                yerr=[
                    (1.0 + error.percent / 100.0) * min(0.9, error.margin / 100.0)
                    for error in chosen
                ],
                fmt="o",
                markersize=3,
                linewidth=0.6,
                color=color,
                alpha=0.7,
                label=name,
            )
        axis.set_title(f"{LABELS[metric]} p95", fontsize=10)
        axis.set_yscale("log")
        axis.set_yticks([0.5, 0.7, 0.85, 1.0, 1.15, 1.5, 2.0])
        axis.set_yticklabels(["0.5", "0.7", "0.85", "1", "1.15", "1.5", "2"])
        axis.minorticks_off()
        axis.set_ylim(0.45, 2.2)
        axis.set_xticks([0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.06])
        axis.set_xticklabels(
            ["0.1", "0.3", "0.5", "0.7", "0.8", "0.9", "0.95", "closed"], fontsize=7, rotation=45
        )
        axis.set_xlabel("load (rate / saturation)")
    axes[0].set_ylabel("analytic / simulated")
    axes[0].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _across(error: Error) -> float:
    closed = GROUPS[2][1](error.row)
    return 1.06 if closed else float(error.row.point.load or 0.0)


def _pyplot() -> ModuleType:
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "capfit"
    import matplotlib.pyplot as plt

    return plt


def draw_histogram(name: str, latencies_ms: Floats, path: Path) -> None:
    """Latencies up to p99.5 with their percentiles. Raises ImportError without matplotlib."""
    plt = _pyplot()
    seconds = latencies_ms / 1000.0
    figure, axis = plt.subplots(figsize=(7.2, 4.0))
    top = float(np.percentile(seconds, 99.5))
    axis.hist(seconds, bins=60, range=(float(seconds.min()) * 0.98, top * 1.02), color="#4477aa")
    height = axis.get_ylim()[1]
    for place, share in enumerate((50, 95, 99)):
        at = float(np.percentile(seconds, share))
        axis.axvline(at, color="#ee6677", linewidth=1)
        axis.text(at, height * (0.96 - 0.06 * place), f" p{share} {at:.2f} s", fontsize=8)
    axis.set_xlabel("latency, s")
    axis.set_ylabel("requests")
    axis.set_title(f"{name}: simulated latency", fontsize=11)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
