"""The pictures of docs/accuracy.md, from the record's points. Matplotlib is needed for these only.

Colours are Okabe and Ito's, which colour-blind readers tell apart; engines differ in marker too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from capfit.validate.record import ALL, Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {
    "vllm": ("#0072B2", "o"),
    "llama.cpp": ("#E69F00", "s"),
    "tensorrt-llm": ("#009E73", "^"),
    "sglang": ("#CC79A7", "D"),
    "transformers": ("#D55E00", "v"),
    "ollama": ("#56B4E9", "P"),
    "tgi": ("#000000", "X"),
}
_OTHER = ("#999999", ".")
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#999999"

_PANELS = (
    ("decode, one stream", "tokens/s"),
    ("prefill, one prompt", "tokens/s"),
    ("output rate, static batch", "tokens/s"),
    ("TPOT in a benchmark", "ms"),
    ("TTFT in a benchmark", "ms"),
    ("KV pool, tokens", "tokens"),
)
_GATED = (
    *("decode, one stream", "prefill, one prompt", "output rate, static batch"),
    *("TPOT in a benchmark", "TTFT in a benchmark", "TPOT under load", "TTFT under load"),
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The points of one predictor, held-out kind, engine and group."""

    predictor: str
    held_out: str
    backend: str
    group: str
    predicted: np.ndarray[Any, np.dtype[np.float64]]
    measured: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def too_high(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Predicted over measured."""
        ratio: np.ndarray[Any, np.dtype[np.float64]] = self.predicted / self.measured
        return ratio


def draw(record: Record, folder: Path) -> None:
    """Every picture as PNG. Raises ImportError without matplotlib."""
    plt = _pyplot()
    folder.mkdir(parents=True, exist_ok=True)
    clouds = list(_clouds(record))
    pictures = {
        "predicted": _predicted(plt, clouds),
        "by-gpu": _residuals(plt, clouds, "GPU"),
        "by-model": _residuals(plt, clouds, "model"),
        "coverage": _coverage(plt, record),
        "gates": _gates(plt, record),
    }
    for name, figure in pictures.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
        plt.close(figure)


def _clouds(record: Record) -> Iterator[Cloud]:
    for key, points in record["points"].items():
        values = np.array([[one[0], one[1]] for one in points if one[0] and one[1]], float)
        if len(values):
            predictor, held_out, backend, group = key.split(" | ")
            yield Cloud(
                predictor, held_out, backend, group, predicted=values[:, 0], measured=values[:, 1]
            )


def _predicted(plt: ModuleType, clouds: Sequence[Cloud]) -> Figure:
    figure: Figure
    figure, axes = plt.subplots(2, 3, figsize=(12, 8.4))
    seen: dict[str, Any] = {}
    for axis, (predictor, unit) in zip(axes.flat, _PANELS, strict=True):
        mine = [c for c in clouds if (c.predictor, c.held_out) == (predictor, "model")]
        axis.set_title(f"{predictor} ({sum(len(c.measured) for c in mine):,} rows)", fontsize=11)
        axis.set_xlabel(f"measured, {unit}")
        axis.set_ylabel(f"predicted, {unit}")
        if not mine:
            continue
        ends = [
            np.concatenate([c.measured for c in mine]),
            np.concatenate([c.predicted for c in mine]),
        ]
        low, high = min(map(np.min, ends)) / 1.3, max(map(np.max, ends)) * 1.3
        line = np.array([low, high])
        axis.fill_between(line, line * 0.8, line * 1.25, color="#dddddd", linewidth=0, zorder=0)
        axis.plot(line, line, color=_GREY, linewidth=0.8, zorder=1)
        for backend in sorted({c.backend for c in mine}):
            color, marker = _STYLES.get(backend, _OTHER)
            own = [c for c in mine if c.backend == backend]
            seen[backend] = axis.scatter(
                np.concatenate([c.measured for c in own]),
                np.concatenate([c.predicted for c in own]),
                s=11, color=color, marker=marker, alpha=0.45, linewidths=0,
            )  # fmt: skip
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlim(low, high)
        axis.set_ylim(low, high)
    figure.suptitle(
        "Predicted against measured, the model held out; grey: within 25 %", fontsize=12
    )
    legend = figure.legend(
        seen.values(),
        seen.keys(),
        loc="lower center",
        ncols=len(seen) or 1,
        fontsize=10,
        markerscale=2,
    )
    for handle in filter(None, legend.legend_handles):
        handle.set_alpha(1.0)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    return figure


def _residuals(plt: ModuleType, clouds: Sequence[Cloud], held_out: str) -> Figure:
    """Median, middle 90 % and extremes of predicted over measured, one line a group."""
    groups: dict[str, list[Cloud]] = {}
    for cloud in clouds:
        if (cloud.predictor, cloud.held_out) == ("decode, one stream", held_out):
            groups.setdefault(cloud.group, []).append(cloud)
    ratios = {name: np.concatenate([c.too_high for c in found]) for name, found in groups.items()}
    names = sorted(ratios, key=lambda name: float(np.median(ratios[name])))
    figure: Figure
    figure, axis = plt.subplots(figsize=(9, 1.6 + 0.19 * len(names)))
    axis.axvspan(0.8, 1.25, color="#dddddd", linewidth=0, zorder=0)
    axis.axvline(1.0, color=_GREY, linewidth=0.8, zorder=1)
    for at, name in enumerate(names):
        low, middle, high = np.quantile(ratios[name], [0.05, 0.5, 0.95])
        axis.plot([low, high], [at, at], color=_BLUE, linewidth=2.2, solid_capstyle="butt")
        axis.plot([middle], [at], marker="o", color=_ORANGE, markersize=4.5)
        outside = ratios[name][(ratios[name] < low) | (ratios[name] > high)]
        axis.plot(outside, [at] * len(outside), "|", color=_BLUE, markersize=5)
    axis.set_yticks(range(len(names)))
    axis.set_yticklabels([f"{name} ({len(ratios[name])})" for name in names], fontsize=8)
    axis.set_ylim(-0.8, len(names) - 0.2)
    axis.set_xscale("log")
    ticks = [0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0]
    axis.set_xticks(ticks)
    axis.set_xticklabels([f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    axis.set_xlabel("predicted / measured rate of one stream (right: too fast)")
    axis.set_title(
        f"One stream, each {held_out} held out: median (dot), middle 90 % (bar), rest (ticks);\n"
        "grey: within 25 %; in brackets: rows",
        fontsize=10,
    )
    figure.tight_layout()
    return figure


def _coverage(plt: ModuleType, record: Record) -> Figure:
    """A model held out is inside the fitted range, a GPU mostly outside of it."""
    labels = {"model": "model held out (interpolated)", "GPU": "GPU held out (extrapolated)"}
    colors = {"model": (_BLUE, "o"), "GPU": (_ORANGE, "s")}
    lines = [
        table
        for table in record["tables"]
        if table["coverage"] is not None and table["held_out"] in labels and table["n"] >= 20
        and table["unit"] != "USD" and not table["predictor"].endswith(("p50", "p99"))
    ]  # fmt: skip
    names = list(dict.fromkeys((one["predictor"], one["backend"]) for one in lines))
    names.sort(key=lambda name: (name[0], name[1] != ALL, name[1]), reverse=True)
    figure: Figure
    figure, axis = plt.subplots(figsize=(9, 1.4 + 0.22 * len(names)))
    axis.axvspan(87, 93, color="#dddddd", linewidth=0, zorder=0)
    axis.axvline(90, color=_GREY, linewidth=0.8, zorder=1)
    for held_out, label in labels.items():
        color, marker = colors[held_out]
        mine = [one for one in lines if one["held_out"] == held_out]
        axis.scatter(
            [one["coverage"] for one in mine],
            [names.index((one["predictor"], one["backend"])) for one in mine],
            color=color, marker=marker, s=[60 if one["backend"] == ALL else 26 for one in mine],
            label=label, zorder=2,
        )  # fmt: skip
    axis.set_yticks(range(len(names)))
    axis.set_yticklabels(
        [
            f"{predictor} (all)" if backend == ALL else f"{predictor}: {backend}"
            for predictor, backend in names
        ],
        fontsize=8,
    )
    axis.set_ylim(-0.8, len(names) - 0.2)
    axis.set_xlim(0, 102)
    axis.set_xlabel("measurements inside their 90 % interval, % (grey: 87 to 93)")
    axis.legend(fontsize=9, loc="lower left")
    axis.set_title("Coverage of the 90 % intervals on held-out groups", fontsize=11)
    figure.tight_layout()
    return figure


def _gates(plt: ModuleType, record: Record) -> Figure:
    """One panel a kind of error, one group of bars a figure, one bar a gate."""
    gates = {
        one["predictor"]: one
        for one in record["gates"]
        if one["held_out"] == "model" and one["predictor"] in _GATED
        and (one["backend"] == ALL or one["predictor"] not in _together(record))
    }  # fmt: skip
    names = [name for name in _GATED if name in gates]
    kinds = (
        (
            "limits missed that pass (aim ≤ 2 %)",
            ("false_pass", "point_false_pass", "margin_false_pass"),
            2,
        ),
        (
            "limits kept that fail (aim ≤ 7 %)",
            ("false_fail", "point_false_fail", "margin_false_fail"),
            7,
        ),
        ("answered borderline", ("borderline",), None),
    )
    bars = (
        ("capcheck", _BLUE, ""),
        ("prediction alone", _ORANGE, "//"),
        ("flat 25 % margin", "#F0E442", ".."),
    )
    figure: Figure
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.6), sharey=True)
    for axis, (title, keys, aim) in zip(axes, kinds, strict=True):
        for j, (key, (label, color, hatch)) in enumerate(zip(keys, bars, strict=False)):
            values = [gates[name][key] for name in names]
            height = 0.8 / len(keys)
            at = np.arange(len(names)) + (j - (len(keys) - 1) / 2) * height
            drawn = axis.barh(
                at, values, height * 0.92, color=color, hatch=hatch, label=label,
                edgecolor="#333333", linewidth=0.4,
            )  # fmt: skip
            axis.bar_label(drawn, [f"{value:.1f}" for value in values], fontsize=7, padding=2)
        if aim is not None:
            axis.axvline(aim, color="#333333", linewidth=0.9, linestyle=":")
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("%")
        axis.margins(x=0.12)
    axes[0].set_yticks(range(len(names)))
    axes[0].set_yticklabels(names, fontsize=9)
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=9)
    figure.suptitle("The gate's own errors, each model held out", fontsize=12)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    return figure


def _together(record: Record) -> set[str]:
    """Predictors that have a line for all engines."""
    entries: list[Mapping[str, Any]] = record["gates"]
    return {one["predictor"] for one in entries if one["backend"] == ALL}


def _pyplot() -> ModuleType:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
