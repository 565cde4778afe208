"""The catalogue as text: docs/rules.md, the help of one rule, and where to read it."""

from __future__ import annotations

from itertools import chain

from capcheck.rules.catalogue import MODULES, RULES_BY_ID
from capcheck.rules.rule import Rule

DOCUMENT = "docs/rules.md"

_PREAMBLE = """\
# Rules

<!-- written by `python -m capcheck.rules` from the rules' own modules -->

Everything that capcheck can say about a deployment, in the order in which it is judged. The
severity is the most severe form of the rule: a limit inside a forecast's interval is a warning, not
an error. `capcheck explain RULE` prints one rule, `capcheck rules` lists them all, and `skip` in a
manifest makes an exception.
"""


def document() -> str:
    """The text of docs/rules.md."""
    parts = [_PREAMBLE, _table()]
    for module in MODULES:
        parts.append(f"## {_heading(module.__doc__ or '')}\n")
        parts += [_section(rule) for rule in module.RULES]
    return "\n".join(parts)


def help_text(rule_id: str) -> str:
    """What `rule_id` is about, in Markdown; the text of docs/rules.md. Raises KeyError."""
    rule = RULES_BY_ID[rule_id]
    return f"{rule.title}.\n\n{_body(rule)}"


def help_uri(rule_id: str, *, repository: str | None = None) -> str:
    """The address of a rule's documentation.

    `repository` is `owner/name` on GitHub; without it the address is a URN that names the rule and
    leads nowhere.
    """
    if repository is None:
        return f"urn:capcheck:rule:{rule_id}"
    return f"https://github.com/{repository}/blob/main/{DOCUMENT}#{rule_id}"


def facts(rule: Rule) -> tuple[tuple[str, str], ...]:
    """The rule's properties in the order in which they are shown, with their names."""
    return (
        ("Why", rule.why),
        ("How", rule.how),
        ("Fix", rule.fix),
    )


def _table() -> str:
    rows = (
        f"| [`{rule.id}`](#{rule.id}) | {rule.severity} | {rule.gate or '–'} | {rule.title} |"
        for rule in chain.from_iterable(module.RULES for module in MODULES)
    )
    return "\n".join(("| rule | severity | gate | says |", "|---|---|---|---|", *rows, ""))


def _heading(docstring: str) -> str:
    """The first line of a module's docstring, without its full stop."""
    return docstring.partition("\n")[0].removesuffix(".")


def _section(rule: Rule) -> str:
    gate = f" · gate {rule.gate}" if rule.gate else ""
    return (
        f"### {rule.id}\n\n{rule.title}.\n\n"
        f"{rule.severity.capitalize()}{gate} · since {rule.since}\n\n{_body(rule)}"
    )


def _body(rule: Rule) -> str:
    said = "\n".join(f"* {name}: {text}" for name, text in facts(rule))
    return (
        f"{said}\n\nFails:\n\n```yaml\n{rule.failing}\n```\n\n"
        f"Passes:\n\n```yaml\n{rule.passing}\n```\n"
    )
