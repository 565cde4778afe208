"""`capcheck policy`: look a policy over."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import click

from capcheck.errors import InputError
from capcheck.exit_codes import ExitCode
from capcheck.plugins import load, rule_ids
from capcheck.policies import Policies
from capcheck.policy import discover
from capcheck.policy.lint import Remark, lint, unknown_rules, unused
from capcheck.registry.tables import load as registry
from capcheck.registry.tables import with_facts


@click.group("policy")
def command() -> None:
    """Look a policy over."""


@command.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--against",
    "paths",
    multiple=True,
    metavar="PATH",
    help="Manifests to look for what waivers cover. May be repeated.",
)
@click.option("--today", type=click.DateTime(["%Y-%m-%d"]), hidden=True)
def check(file: Path, *, paths: tuple[str, ...], today: datetime | None) -> int:
    """Check a policy: unknown rules and names, ended waivers, limits that nothing can meet.

    Exit code 2 where the policy cannot be used, else 0.
    """
    now = today.replace(tzinfo=timezone.utc) if today else datetime.now(timezone.utc)
    policy = discover.read(file)
    problems = list(unknown_rules(policy, rule_ids(Policies(policy))))
    load(Policies(policy), problems)
    if problems:
        raise InputError(problems)
    remarks = lint(policy, with_facts(registry(), policy.facts), now.date())
    if paths:
        remarks += _unused(file, paths, now)
    for one in remarks:
        click.echo(f"{one.place}: {one.level} [{one.code}] {one.message}")
    count = len(remarks)
    click.echo(f"{discover.shown(file)}: {count} remark{'' if count == 1 else 's'}")
    return ExitCode.OK


def _unused(file: Path, paths: tuple[str, ...], now: datetime) -> list[Remark]:
    from capcheck.run import Options, run

    options = Options(fail_on=None, now=now, alternatives=False, policy=file)
    report = run(paths, options).report
    if report.problems:
        raise InputError(report.problems)
    found = {
        (one.rule, entry.resolved.deployment.name)
        for entry in report.deployments
        for one in entry.findings
    }
    return list(unused(discover.read(file), found))
