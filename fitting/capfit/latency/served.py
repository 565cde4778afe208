"""Published serving measurements against the whole chain: predicted speed, then the load on it.

The speed laws are fitted on the same tables, so these errors are not held out: they show what
queueing and batching add to the error of the step and the prefill. A benchmark starts all its
clients at once, and equal lengths keep them in step: its mean holds a share of bursts that its
tables do not state. `steady` is the closed loop that has settled, `burst` a round in step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from capcheck.estimate import Estimate
from capcheck.manifest.deployment import Deployment, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.compose import Unloaded, forecast
from capcheck.predict.forecast import Load
from capcheck.predict.latency.burst import Burst, burst
from capcheck.predict.latency.ends import pool_of, server_at
from capcheck.predict.latency.lengths import lengths_of
from capcheck.predict.latency.work import work_of
from capcheck.predict.speed.engine_copy import Speed
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve

from capfit.data import rows
from capfit.data.setting import Setting
from capfit.data.tables import Data

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
    form: str  # "steady" or "burst"
    measured: float
    predicted: float

    @property
    def percent(self) -> float:
        """Error in percent."""
        return 100.0 * (self.predicted / self.measured - 1.0)


def served(data: Data, registry: Registry, coefficients: Coefficients) -> Iterator[Served]:
    """Every measured TTFT, TPOT and latency in a closed loop, at a rate, or in a burst."""
    for setting, cells in data.cells(rows.Serving).by_setting().items():
        wanted = [cell for metric, cell in cells.items() if metric in METRICS]
        if not wanted or setting.arrival not in ("closed", "poisson", "burst"):
            continue
        unloaded = _unloaded(setting, registry, coefficients)
        if unloaded is None:
            continue
        forms: dict[str, Load | Burst | None] = {}
        if setting.arrival != "burst":
            forms["steady"] = unloaded.loaded().load
        if setting.arrival != "poisson":
            forms["burst"] = _burst(unloaded, setting.concurrency or 1)
        for cell in wanted:
            _, name, part = METRICS[cell.metric]
            for form, found in forms.items():
                if found is None:
                    continue
                value = getattr(getattr(found, name), part)
                value = value.value if isinstance(value, Estimate) else value
                if value is not None and cell.value > 0.0:
                    yield Served(setting, cell.metric, form, cell.value, value)


def _burst(unloaded: Unloaded, requests: int) -> Burst | None:
    resolved, speed = unloaded.resolved, unloaded.speed
    traffic, engine = resolved.deployment.traffic, resolved.engine
    if not isinstance(speed, Speed) or engine is None or traffic is None:
        return None
    if traffic.prompt_tokens is None or traffic.output_tokens is None:
        return None
    prompt, output = lengths_of(traffic.prompt_tokens), lengths_of(traffic.output_tokens)
    pool = pool_of(unloaded.forecast.memory, prompt.mean + output.mean)
    work = work_of(server_at("value", resolved, engine, speed, pool), prompt=prompt, output=output)
    return burst(work, -(-requests // engine.data_parallel_size))


def _unloaded(setting: Setting, registry: Registry, coefficients: Coefficients) -> Unloaded | None:
    """The setting as a deployment; None where lengths or load are not stated."""
    prompt, output = setting.prompt_tokens, setting.output_tokens
    at_rate = setting.arrival == "poisson"
    stated_load = setting.request_rate_rps if at_rate else setting.concurrency
    if not prompt or not output or not stated_load:
        return None
    traffic = Traffic(
        requests_per_second=setting.request_rate_rps if at_rate else None,
        agents=None if at_rate else setting.concurrency,
        prompt_tokens=Tokens(prompt),
        output_tokens=Tokens(output),
    )
    stated = Deployment(
        name="measured",
        path="serving.csv",
        place=Place("serving.csv", 1, 1, 2),
        model=setting.model.name,
        quant=setting.quant.name,
        backend=setting.backend.name,
        backend_version=setting.version,
        gpu=setting.gpu.name,
        gpus_per_replica=setting.n_gpus,
        serving=Serving(
            tensor_parallel_size=setting.tensor_parallel_size,
            max_num_seqs=max(256, setting.concurrency or 0),
        ),
        traffic=traffic,
    )
    return forecast(resolve(stated, registry)[0], coefficients)


def by_engine(
    found: Sequence[Served],
) -> list[tuple[str, str, str, str, int, float, float, float]]:
    """Engine, arrival, metric, form, figures, and median and mean absolute and median signed error
    in percent."""
    groups: dict[tuple[str, str, str, str], list[float]] = {}
    for one in found:
        key = (one.setting.backend.name, one.setting.arrival or "", one.metric, one.form)
        groups.setdefault(key, []).append(one.percent)
    return [
        (
            *key,
            len(errors),
            median(map(abs, errors)),
            sum(map(abs, errors)) / len(errors),
            median(errors),
        )
        for key, errors in sorted(groups.items())
    ]
