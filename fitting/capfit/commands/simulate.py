"""`capfit simulate`: a manifest's deployments request by request, beside their prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from capcheck.predict.compose import Unloaded

    from capfit.latency.trace import Floats, Trace

BARS = 24
WIDTH = 50
PARTS = ("mean", "p50", "p90", "p95", "p99")


@click.command(name="simulate")
@click.argument("manifest")
@click.argument("name", required=False)
@click.option("--requests", type=click.IntRange(100), default=20_000, show_default=True)
@click.option("--replications", type=click.IntRange(2, 8), default=4, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the latency histogram of one deployment (SVG or PNG); needs matplotlib.",
)
def command(
    manifest: str,
    name: str | None,
    *,
    requests: int,
    replications: int,
    seed: int,
    plot: Path | None,
) -> None:
    """Simulate deployments at their traffic, with the step and prefill times that are predicted.

    NAME is one deployment of MANIFEST; default: all. One engine copy is simulated, its share of the
    traffic being the same on each. The percentiles are means over replications with 95 % confidence
    intervals; beside them the analytic answer at the same times.
    """
    from capcheck.manifest.discover import find, read_manifest, reader_for, repository_root
    from capcheck.manifest.load import load
    from capcheck.predict import coefficients
    from capcheck.predict.compose import forecast
    from capcheck.registry import tables
    from capcheck.resolution.resolve import resolve

    registry, fitted = tables.load(), coefficients.load(None)
    deployments = [
        deployment
        for path in find((manifest,))
        for deployment in load(
            read_manifest(path), path.as_posix(), read_file=reader_for(repository_root(path))
        )
        if name in (None, deployment.name)
    ]
    if not deployments:
        raise click.UsageError(f"there is no deployment {name!r} in {manifest}")
    if plot is not None and len(deployments) > 1:
        raise click.UsageError("--plot draws one deployment: add its NAME")
    for deployment in deployments:
        click.echo(f"\n{deployment.name}")
        unloaded = forecast(resolve(deployment, registry)[0], fitted)
        runs = _simulate(unloaded, requests=requests, replications=replications, seed=seed)
        if isinstance(runs, str):
            click.echo(f"  {runs}")
            continue
        _show(unloaded, runs)
        if plot is not None:
            _draw(deployment.name, runs, plot)


def _simulate(
    unloaded: Unloaded, *, requests: int, replications: int, seed: int
) -> list[Trace] | str:
    """Replications of one copy; why there are none."""
    from capcheck.predict.latency.lengths import lengths_of
    from capcheck.predict.speed.engine_copy import Speed

    from capfit.latency.copy import one_copy, replication

    resolved, speed = unloaded.resolved, unloaded.speed
    traffic = resolved.deployment.traffic
    if not isinstance(speed, Speed):
        return speed.basis
    if traffic is None or traffic.prompt_tokens is None or traffic.output_tokens is None:
        return "needs traffic: prompt_tokens and output_tokens, or a profile"
    copy = one_copy(resolved, speed, unloaded.forecast.memory)
    if copy is None:
        return "needs traffic: requests_per_second or agents"
    if unloaded.loaded().load.latency_ms.p95.value is None:
        return "the queue grows without end: nothing settles down"
    prompt, output = lengths_of(traffic.prompt_tokens), lengths_of(traffic.output_tokens)
    runs = []
    with click.progressbar(range(seed, seed + replications), label="  simulating") as seeds:
        for one in seeds:
            trace = replication(copy, prompt=prompt, output=output, requests=requests, seed=one)
            runs.append(trace.after(0.15))
    return runs


def _show(unloaded: Unloaded, runs: Sequence[Trace]) -> None:
    import numpy as np

    from capfit.latency.reference import STUDENT
    from capfit.latency.trace import percentiles_of

    load = unloaded.loaded().load
    click.echo(f"  {'':<8}{'':>6}{'simulated':>12}{'+-':>9}{'analytic':>12}{'error':>8}")
    for label, metric in (("TTFT", "ttft_ms"), ("TPOT", "tpot_ms"), ("latency", "latency_ms")):
        each = [percentiles_of(getattr(run, metric)) for run in runs]
        for part in PARTS:
            values = np.array([getattr(one, part) for one in each])
            margin = STUDENT[len(runs) - 1] * values.std(ddof=1) / len(runs) ** 0.5
            answer = getattr(getattr(load, metric), part).value
            error = 100.0 * (answer / values.mean() - 1.0)
            click.echo(
                f"  {label:<8}{part:>6}{values.mean():>9,.0f} ms{margin:>6,.0f} ms"
                f"{answer:>9,.0f} ms{error:>+6.0f} %"
            )
    busy = np.mean([run.busy_ms / (run.finished_ms[-1] - 0.0) for run in runs])
    click.echo(f"  a step or a prompt is running {100 * busy:.0f} % of the time")
    for line in histogram(np.concatenate([run.latency_ms for run in runs])):
        click.echo(f"  {line}")


def histogram(latencies_ms: Floats) -> list[str]:
    """Latencies up to p99.5 in equal bins, as text."""
    import numpy as np

    top = float(np.percentile(latencies_ms, 99.5))
    low = float(latencies_ms.min())
    if top <= low:
        return [f"{low / 1000:>8.2f} s  {'#' * WIDTH} all"]
    counts, edges = np.histogram(latencies_ms, bins=BARS, range=(low, top))
    most = counts.max()
    return [
        f"{edge / 1000:>8.2f} s  {'#' * round(WIDTH * count / most)}"
        for edge, count in zip(edges[:-1], counts, strict=True)
    ]


def _draw(name: str, runs: Sequence[Trace], path: Path) -> None:
    import numpy as np

    from capfit.latency.plot import draw_histogram

    try:
        draw_histogram(name, np.concatenate([run.latency_ms for run in runs]), path)
    except ImportError as error:
        raise click.UsageError("--plot needs matplotlib: pip install matplotlib") from error
