"""`capfit latency-measured`: the latency model against published measurements."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="latency-measured")
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("fitting/data"),
    show_default=True,
    help="The folder of tables.",
)
@click.option(
    "--hold-out",
    is_flag=True,
    help="Predict each model's serving rows from a fit without that model (some two minutes).",
)
def command(folder: Path, *, hold_out: bool) -> None:
    """Compare with Ollama under load (TR128 to TR130) and with published serving benchmarks."""
    from capcheck.registry.tables import load as built_in

    from capfit.data.tables import read
    from capfit.latency import held_out
    from capfit.latency.replay_rows import lines
    from capfit.latency.served import by_engine, served

    registry = built_in()
    data = read(folder, registry)
    click.echo("Ollama under load, from single requests alone: error of the wall time, percent\n")
    click.echo("| rows | form | n | mean | bias | worst |\n|---|---|--:|--:|--:|--:|")
    for line in lines(data):
        click.echo(
            f"| {line.rows} | {line.form} | {line.count} | {line.mean:.1f} | {line.bias:+.1f} "
            f"| {line.worst:.0f} |"
        )
    kind = "speed fitted without the model" if hold_out else "speed fitted to these rows too"
    click.echo(f"\nServing benchmarks, {kind}: error, percent\n")
    click.echo("| engine | load | metric | form | n | median | mean | bias |")
    click.echo("|---|---|---|---|--:|--:|--:|--:|")
    speed = held_out.without_model(data) if hold_out else held_out.fitted(data)
    found = list(served(data, registry, speed))
    for engine, arrival, metric, form, count, middle, mean, bias in by_engine(found):
        click.echo(
            f"| {engine} | {arrival} | {metric} | {form} | {count} | {middle:.1f} | {mean:.1f} "
            f"| {bias:+.1f} |"
        )
