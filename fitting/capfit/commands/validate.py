"""`capfit validate`: every predictor on groups that its fit did not see, and the pages of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from capcheck.exit_codes import ExitCode

if TYPE_CHECKING:
    from capfit.validate.record import Record


@click.command(name="validate")
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("fitting/data"),
    show_default=True,
    help="The folder of tables.",
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    show_default=True,
    help="The repository whose code is hashed and whose pages are written.",
)
@click.option(
    "--record",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The record to write, or to check. Default: the committed one.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail where the record is out of date.")
@click.option("--fast", is_flag=True, help="With --check: only the hashes and a few groups.")
@click.option("--pages", is_flag=True, help="Only write the pages again, from the record.")
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True)
@click.pass_context
def command(
    context: click.Context,
    *,
    folder: Path,
    root: Path,
    path: Path | None,
    check: bool,
    fast: bool,
    pages: bool,
    jobs: int,
) -> None:
    """Predict every measurement by a fit without its model, its GPU or its concurrency.

    Writes the record (fitting/capfit/validate/record.json), what of it the artifact carries
    (fitting/capfit/validation.json), docs/accuracy.md with its pictures, docs/tr133.md and the
    README's rows. Takes minutes.
    """
    from capfit.validate import fast as subset
    from capfit.validate.hashes import hashes
    from capfit.validate.record import RECORD, drift, read, write

    if fast and not check:
        raise click.UsageError("--fast needs --check: a record is of everything")
    if not check and not (root / "docs").is_dir():
        raise click.UsageError(f"{root} has no docs folder: --root is the repository's")
    path = path or RECORD
    if (check or pages) and not path.exists():
        raise click.UsageError(f"there is no record {path}: `capfit validate` writes it")
    if check and fast:
        record = read(path)
        _report(
            context,
            [*_stale(record, hashes(root, folder)), *subset.drift(record, folder)],
        )
        return
    if not pages:
        made = _compute(folder, root, jobs)
        if check:
            _report(context, drift(read(path), made))
            return
        write(made, path)
    _draw(read(path), folder, root)


def _compute(folder: Path, root: Path, jobs: int) -> Record:
    from dataclasses import asdict

    from capfit.latency import compare, reference
    from capfit.validate import inputs, stored, tasks
    from capfit.validate.hashes import hashes
    from capfit.validate.record import build

    # More threads than processes make neither faster.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chosen = tasks.tasks(folder)
    remaining = iter(range(1, len(chosen) + 1))

    def done(task: tasks.Task) -> None:
        click.echo(f"[{next(remaining)}/{len(chosen)}] {task}", err=True)

    rows = tasks.run(folder, chosen, jobs=jobs, done=done)
    simulated = compare.summaries(compare.errors(reference.read(reference.TABLE)))
    return build(
        rows,
        hashes=hashes(root, folder),
        extra={
            "memory_outcomes": stored.outcomes(inputs.data(folder)),
            "simulation": [asdict(one) for one in simulated],
        },
    )


def _stale(record: Record, now: Mapping[str, str]) -> list[str]:
    return [
        f"the {name} changed since the record was made"
        for name, digest in record["hashes"].items()
        if digest != now[name]
    ]


def _report(context: click.Context, found: list[str], shown: int = 20) -> None:
    for line in found[:shown]:
        click.echo(line)
    if len(found) > shown:
        click.echo(f"and {len(found) - shown} more")
    if found:
        click.echo("the record is out of date: run `capfit validate`")
        context.exit(ExitCode.FAILED)
    click.echo("the record is what the data, the code and the coefficients give")


def _draw(record: Record, folder: Path, root: Path) -> None:
    from capfit.artifact.validation import COMMITTED
    from capfit.data.tables import read as read_data
    from capfit.latency import compare, reference
    from capfit.latency.plot import draw_comparison
    from capfit.tr133.review import page as tr133
    from capfit.validate import headline, page, plots, summary

    COMMITTED.write_text(summary.carried(record).text(), encoding="utf-8")
    docs = root / "docs"
    (docs / "accuracy.md").write_text(page.accuracy(record), encoding="utf-8")
    (docs / "tr133.md").write_text(tr133.page(record, read_data(folder)), encoding="utf-8")
    readme = root / "README.md"
    text = headline.with_rows(readme.read_text(encoding="utf-8"), record)
    readme.write_text(text, encoding="utf-8")
    try:
        plots.draw(record, docs / "accuracy")
        found = compare.errors(reference.read(reference.TABLE))
        draw_comparison(found, docs / "accuracy" / "simulation.png")
    except ImportError as error:
        raise click.UsageError("the pictures need matplotlib: pip install matplotlib") from error
    click.echo("wrote docs/accuracy.md, docs/accuracy/, docs/tr133.md and the README's rows")
