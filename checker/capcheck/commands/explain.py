"""`capcheck explain`: one rule in words."""

from __future__ import annotations

import textwrap

import click

from capcheck.output import can_print, print_text
from capcheck.report.pen import CHARACTERS, Pen
from capcheck.rules.catalogue import RULES_BY_ID
from capcheck.rules.reference import facts
from capcheck.rules.rule import Rule
from capcheck.source.nearest import nearest

_WIDTH = 96
_MARGIN = 9


def _rule(ctx: click.Context, param: click.Parameter, value: str) -> Rule:
    rule = RULES_BY_ID.get(value)
    if rule is None:
        near = nearest(value.lower(), RULES_BY_ID)
        hint = f"; did you mean {near!r}?" if near else "; `capcheck rules` lists them"
        raise click.BadParameter(f"there is no rule {value!r}{hint}")
    return rule


@click.command("explain")
@click.argument("rule", metavar="RULE", callback=_rule)
def command(rule: Rule) -> None:
    """Explain a rule: why it is there, how it is computed, and what to do about it."""
    pen = Pen(color=False, unicode=can_print(CHARACTERS))
    gate = f", gate {rule.gate}" if rule.gate else ""
    lines = [f"{rule.id}: {rule.title}", f"{rule.severity}{gate}, since {rule.since}", ""]
    for name, text in facts(rule):
        lines += _beside(name, textwrap.wrap(text, _WIDTH - _MARGIN))
    lines += ["", *_beside("Fails", rule.failing.split("\n"))]
    lines += ["", *_beside("Passes", rule.passing.split("\n"))]
    print_text("".join(f"{pen.text(line)}\n" for line in lines), color=False)


def _beside(name: str, lines: list[str]) -> list[str]:
    """The lines in a column to the right of their name."""
    first, *others = lines
    return [f"{name:<{_MARGIN}}{first}", *(f"{'':<{_MARGIN}}{line}" for line in others)]
