"""A deployment's curve of latency against traffic: a table, a chart in text, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from capcheck.estimate import Estimate
from capcheck.manifest.deployment import Deployment
from capcheck.numbers import amount, digits, interval
from capcheck.predict.latency.curve import CurvePoint

WIDTH = 48
_HEADER = ("busy", "p50 latency", "p95 latency", "p95 TTFT", "p95 TPOT")


def rows(deployment: Deployment, points: Sequence[CurvePoint]) -> list[tuple[str, ...]]:
    """The header, then a row a point; the stated traffic is marked."""
    agents = deployment.traffic is not None and deployment.traffic.agents is not None
    found: list[tuple[str, ...]] = [("agents" if agents else "requests/s", *_HEADER, "")]
    for point in points:
        load = point.load
        found.append(
            (
                f"{point.at:.0f}" if agents else digits(point.at, "requests/s"),
                "" if load.utilisation.value is None else f"{100 * load.utilisation.value:.0f} %",
                *(
                    interval(figure, "ms")
                    for figure in (
                        load.latency_ms.p50,
                        load.latency_ms.p95,
                        load.ttft_ms.p95,
                        load.tpot_ms.p95,
                    )
                ),
                "stated" if is_stated(deployment, point) else "",
            )
        )
    return found


def is_stated(deployment: Deployment, point: CurvePoint) -> bool:
    """Whether the point is the manifest's own rate or number of agents."""
    traffic = deployment.traffic
    return traffic is not None and point.at in (traffic.agents, traffic.requests_per_second)


def chart(points: Sequence[CurvePoint], *, unicode: bool) -> list[str]:
    """Bars of p95 latency, solid up to p50; linear from 0."""
    most = max(_value(point.load.latency_ms.p95) for point in points)
    solid, light = ("█", "░") if unicode else ("#", "-")
    lines = []
    for point in points:
        p50, p95 = (_value(one) for one in (point.load.latency_ms.p50, point.load.latency_ms.p95))
        dark = round(WIDTH * min(p50, p95) / most)
        bar = solid * dark + light * (max(1, round(WIDTH * p95 / most)) - dark)
        lines.append(f"{digits(point.at, 'requests/s'):>8} {bar} {amount(p95, 'ms')}")
    return lines


def draw(deployment: Deployment, points: Sequence[CurvePoint], path: Path) -> None:
    """p50 and p95 latency with their 90 % intervals against traffic, limits, the stated traffic.

    SVG or PNG by the name of the file. Raises ImportError without matplotlib.
    """
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "capcheck"
    import matplotlib.pyplot as plt

    matplotlib.rcParams["font.size"] = 9

    across = [point.at for point in points]
    figure, axis = plt.subplots(figsize=(7.2, 4.2))
    traffic, slo = deployment.traffic, deployment.slo
    tallest = 1.6 * max(_value(point.load.latency_ms.p95) for point in points)
    shown = [limit.limit_ms for limit in slo.latency if limit.metric == "latency"]
    shown += [_value(point.load.latency_ms.p95) for point in points if is_stated(deployment, point)]
    tallest = min(tallest, 5.0 * max(shown, default=tallest)) / 1000.0
    for name, color in (("p50", "#4477aa"), ("p95", "#ee6677")):
        estimates: list[Estimate] = [getattr(point.load.latency_ms, name) for point in points]
        values = [_value(one) / 1000.0 for one in estimates]
        axis.plot(across, values, color=color, label=f"{name} latency")
        lows = [(one.low or 0.0) / 1000.0 for one in estimates]
        highs = [100.0 * tallest if one.high is None else one.high / 1000.0 for one in estimates]
        axis.fill_between(across, lows, highs, color=color, alpha=0.15, linewidth=0)
    for limit in slo.latency:
        if limit.metric == "latency":
            seconds = limit.limit_ms / 1000.0
            axis.axhline(seconds, color="#555555", linestyle="--", linewidth=1)
            axis.text(across[-1], seconds, f"p{limit.percentile} limit ", va="bottom", ha="right")
    for point in points:
        if is_stated(deployment, point):
            axis.axvline(point.at, color="#999999", linestyle=":", linewidth=1)
            above = axis.get_xaxis_transform()
            axis.text(point.at, 0.97, " stated", va="top", transform=above)
    agents = traffic is not None and traffic.agents is not None
    axis.set_xlabel("agents" if agents else "requests/s, all replicas")
    axis.set_ylabel("seconds")
    axis.set_xlim(left=0.0)
    axis.set_ylim(0.0, tallest)
    axis.set_title(f"{deployment.name}: latency against traffic", fontsize=11)
    axis.legend(loc="center left", frameon=False)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _value(estimate: Estimate) -> float:
    return estimate.value or 0.0
