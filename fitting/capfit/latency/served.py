"""Published serving measurements against the whole chain: predicted speed, then the load on it.

A benchmark starts its clients at once and ends after a few rounds, so that its means hold a burst.
`steady` is what capcheck says of a manifest with as many agents: a closed loop that has settled.
`benchmark` simulates the benchmark with the same step and prefill times, request by request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from capcheck.estimate import Estimate
from capcheck.manifest.deployment import Deployment, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.compose import Unloaded, forecast
from capcheck.predict.forecast import Load
from capcheck.predict.latency.burst import burst
from capcheck.predict.latency.ends import pool_of, server_at
from capcheck.predict.latency.lengths import Lengths
from capcheck.predict.latency.server import Percentiles
from capcheck.predict.latency.work import Work, work_of
from capcheck.predict.speed.engine_copy import Speed
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Engine

from capfit.data import rows
from capfit.data.protocol import Protocol, batched_tokens_of, kv_cache_dtype_of, protocol_of
from capfit.data.setting import Setting
from capfit.data.tables import Data
from capfit.latency.benchmark import simulate_benchmark
from capfit.latency.trace import percentiles_of

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
        unloaded = _unloaded(setting, registry, coefficients(setting))
        if unloaded is None:
            continue
        forms: dict[str, Load | Spread | None] = {}
        if setting.arrival != "burst":
            forms["steady"] = unloaded.loaded().load
        if setting.arrival != "poisson":
            forms["benchmark"] = _benchmark(unloaded, setting)
        for cell in wanted:
            _, name, part = METRICS[cell.metric]
            for form, found in forms.items():
                if found is None:
                    continue
                value = getattr(getattr(found, name), part)
                value = value.value if isinstance(value, Estimate) else value
                if value is not None and cell.value > 0.0:
                    yield Served(setting, cell.metric, form, cell.value, value)


@dataclass(frozen=True, slots=True)
class Spread:
    """What a benchmark would print."""

    ttft_ms: Percentiles
    tpot_ms: Percentiles
    latency_ms: Percentiles


def _benchmark(unloaded: Unloaded, setting: Setting) -> Spread | None:
    resolved, speed = unloaded.resolved, unloaded.speed
    engine, prompt, output = resolved.engine, setting.prompt_tokens, setting.output_tokens
    if not isinstance(speed, Speed) or engine is None or not prompt or not output:
        return None
    protocol = protocol_of(setting)
    clients = -(-(setting.concurrency or 1) // engine.data_parallel_size)
    pool = pool_of(unloaded.forecast.memory, prompt + output)
    server = server_at("value", resolved, engine, speed, pool)
    polls_ms = _polls_ms(protocol, engine, speed, clients, Tokens(prompt), Tokens(output))
    if protocol.in_step > 1:
        work = work_of(server, prompt=Lengths(prompt), output=Lengths(output))
        return _in_step(work, protocol, clients)
    trace = simulate_benchmark(
        server, protocol, clients=clients, prompt_tokens=prompt, output_tokens=output
    )
    return Spread(
        percentiles_of(trace.ttft_ms).shifted(polls_ms),
        percentiles_of(trace.tpot_ms),
        percentiles_of(trace.latency_ms).shifted(polls_ms),
    )


def _polls_ms(
    protocol: Protocol, engine: Engine, speed: Speed, clients: int, prompt: Tokens, output: Tokens
) -> float:
    """Wait for a scheduler that looks for requests every so many steps, and for those that it then
    finds: they pass together."""
    step_ms = speed.step_ms(
        sequences=min(clients, engine.max_num_seqs), context_tokens=prompt.mean + output.mean / 2.0
    )
    wait_ms = protocol.poll_steps(clients) * step_ms
    own_ms = speed.prefill_ms(tokens=prompt.mean) - speed.prefill_shared_ms(tokens=prompt.mean)
    cycle_ms = output.mean * step_ms + clients * own_ms
    gathered = min(2.0 * wait_ms / cycle_ms, 1.0) * (clients - 1)
    return wait_ms + gathered * own_ms


def _in_step(work: Work, protocol: Protocol, clients: int) -> Spread:
    """One round as a burst of all clients, the others in bursts of those that stay together."""
    all_at_once, together = burst(work, clients), burst(work, min(clients, protocol.in_step))

    def mixed(name: str) -> Percentiles:
        one, others = asdict(getattr(all_at_once, name)), asdict(getattr(together, name))
        share = 1.0 / protocol.rounds
        return Percentiles(**{k: share * one[k] + (1.0 - share) * others[k] for k in one})

    return Spread(mixed("ttft_ms"), mixed("tpot_ms"), mixed("latency_ms"))


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
            max_num_batched_tokens=batched_tokens_of(setting),
            kv_cache_dtype=kv_cache_dtype_of(setting),
        ),
        traffic=traffic,
    )
    return forecast(resolve(stated, registry)[0], coefficients)


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
