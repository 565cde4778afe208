"""Published serving measurements against the whole chain: predicted speed, then the load on it.

A benchmark starts its clients at once and ends after a few rounds, so that its means hold a burst.
`steady` is what capcheck says of a manifest with as many agents: a closed loop that has settled.
`benchmark` simulates the benchmark with the same step and prefill times, request by request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from capcheck.estimate import Estimate
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Load
from capcheck.registry.tables import Registry

from capfit.data import rows
from capfit.data.setting import Setting
from capfit.data.tables import Data
from capfit.latency.benchmark import Spread, benchmark
from capfit.latency.deployed import unloaded

METRICS = {
    "ttft_ms_mean": ("TTFT", "ttft_ms", "mean"),
    "ttft_ms_p50": ("TTFT", "ttft_ms", "p50"),
    "ttft_ms_p99": ("TTFT", "ttft_ms", "p99"),
    "tpot_ms_mean": ("TPOT", "tpot_ms", "mean"),
    "tpot_ms_p99": ("TPOT", "tpot_ms", "p99"),
    "e2e_ms_mean": ("latency", "latency_ms", "mean"),
    "e2e_ms_p99": ("latency", "latency_ms", "p99"),
}


@dataclass(frozen=True, slots=True)
class Served:
    """One figure of one setting: predicted over measured, in one form."""

    setting: Setting
    metric: str
    form: str  # "steady" or "benchmark"
    measured: float
    predicted: float

    @property
    def percent(self) -> float:
        """Error in percent."""
        return 100.0 * (self.predicted / self.measured - 1.0)


def served(
    data: Data, registry: Registry, coefficients: Callable[[Setting], Coefficients]
) -> Iterator[Served]:
    """Every measured TTFT, TPOT and latency in a closed loop, at a rate, or in a burst.

    `coefficients` gives the artifact to predict a setting with: one fitted without its model, say.
    """
    for setting, cells in data.cells(rows.Serving).by_setting().items():
        wanted = [cell for metric, cell in cells.items() if metric in METRICS]
        if not wanted or setting.arrival not in ("closed", "poisson", "burst"):
            continue
        deployed = unloaded(setting, registry, coefficients(setting))
        if deployed is None:
            continue
        forms: dict[str, Load | Spread | None] = {}
        if setting.arrival != "burst":
            forms["steady"] = deployed.loaded().load
        if setting.arrival != "poisson":
            forms["benchmark"] = benchmark(deployed, setting)
        for cell in wanted:
            _, name, part = METRICS[cell.metric]
            for form, found in forms.items():
                if found is None:
                    continue
                value = getattr(getattr(found, name), part)
                value = value.value if isinstance(value, Estimate) else value
                if value is not None and cell.value > 0.0:
                    yield Served(setting, cell.metric, form, cell.value, value)


def by_engine(
    found: Sequence[Served],
) -> list[tuple[str, str, str, str, int, float, float, float]]:
    """Engine, arrival, metric, form, figures, and median and mean absolute and median signed error
    in percent. Rows of one engine that `set_apart` names count among all and by themselves."""
    groups: dict[tuple[str, str, str, str], list[float]] = {}
    for one in found:
        engine, rest = one.setting.backend.name, (one.setting.arrival or "", one.metric, one.form)
        apart = set_apart(one.setting)
        for name in (engine, f"{engine}, {apart or 'the others'}"):
            groups.setdefault((name, *rest), []).append(one.percent)
    return [
        (
            *key,
            len(errors),
            median(map(abs, errors)),
            sum(map(abs, errors)) / len(errors),
            median(errors),
        )
        for key, errors in sorted(groups.items())
        if not key[0].endswith(", the others")
        or len(errors) < len(groups[(key[0].removesuffix(", the others"), *key[1:])])
    ]


def set_apart(setting: Setting) -> str | None:
    """Sessions whose TTFT no other session's confirms: what is odd about them."""
    if setting.source != "aic_silicon":
        return None
    if setting.backend.name == "sglang" and setting.version is None:
        return "no version stated"  # seven seconds on average from 32 clients on: a stall
    if setting.version == "1.0.0rc3":
        return setting.version
    return None
