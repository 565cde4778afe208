"""The catalogue is complete: every rule that the source can name, each documented once."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import capcheck
import pytest
from capcheck.cli import cli
from capcheck.rules import reference
from capcheck.rules.catalogue import CATALOGUE, RULES_BY_ID
from capcheck.rules.rule import Rule
from click.testing import CliRunner

ROOT = Path(__file__).parents[3]
PACKAGE = Path(capcheck.__file__).parent
PREFIXES = {"missing-", "unknown-"}  # of ids made from a field's name


def ids_in_source() -> Iterator[tuple[str, str]]:
    """(id or its fixed beginning, where) of every `rule=` and of every positional Finding."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in (
                "Finding",
                "Limit",
            ):
                continue
            named = [
                word.value for word in node.keywords if word.arg in ("rule", "unknown_rule")
            ] or node.args[:1]
            for value in named:
                yield from ((text, f"{path.name}:{node.lineno}") for text in constants(value))


def constants(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Constant):
        yield value.value
    elif isinstance(value, ast.JoinedStr) and isinstance(value.values[0], ast.Constant):
        yield value.values[0].value


def test_every_rule_in_the_source_is_in_the_catalogue() -> None:
    found = dict(ids_in_source())
    assert len(found) > 40
    assert {rule: where for rule, where in found.items() if rule not in RULES_BY_ID} == {
        prefix: found[prefix] for prefix in PREFIXES
    }


def test_ids_are_unique_and_kebab_case() -> None:
    assert len(RULES_BY_ID) == len(CATALOGUE) >= 30
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id) for rule in CATALOGUE)


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.id)
def test_a_rule_says_everything_about_itself(rule: Rule) -> None:
    for text in (rule.why, rule.how, rule.fix):
        assert text.endswith("."), text
    assert not rule.title.endswith(".")
    assert rule.failing != rule.passing


def test_the_reference_is_current() -> None:
    committed = (ROOT / reference.DOCUMENT).read_text("utf-8")
    assert committed == reference.document(), "run: python -m capcheck.rules"


def test_every_rule_is_an_anchor_of_the_reference() -> None:
    headings = re.findall(r"^### (\S+)$", reference.document(), re.MULTILINE)
    assert headings == [rule.id for rule in CATALOGUE]


def test_help_of_other_formats_is_the_same_text() -> None:
    document = reference.document()
    for rule in CATALOGUE:
        title, _, body = reference.help_text(rule.id).partition("\n\n")
        assert title == f"{rule.title}."
        assert body in document
    assert reference.help_uri("drift") == "urn:capcheck:rule:drift"
    assert reference.help_uri("drift", repository="a/b") == (
        "https://github.com/a/b/blob/main/docs/rules.md#drift"
    )


def test_rules_lists_all_of_them() -> None:
    listed = CliRunner().invoke(cli, ["rules", "--format", "json"])
    assert [rule["id"] for rule in json.loads(listed.stdout)] == [rule.id for rule in CATALOGUE]
    table = CliRunner().invoke(cli, ["rules"]).stdout.splitlines()
    assert [line.split()[0] for line in table] == ["rule", *(rule.id for rule in CATALOGUE)]


def test_explain_prints_one_rule() -> None:
    told = CliRunner().invoke(cli, ["explain", "vram-does-not-fit"])
    assert told.exit_code == 0
    first, second, *rest = told.stdout.splitlines()
    assert first == "vram-does-not-fit: The deployment needs more memory than the GPU offers"
    assert second == "error, gate vram, since 0.1"
    assert [line.split()[0] for line in rest if line[:1].strip()] == [
        "Why",
        "How",
        "Fix",
        "Fails",
        "Passes",
    ]
    assert max(map(len, rest)) <= 100


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("vram-does-not-ft", "did you mean 'vram-does-not-fit'?"),
        ("zzz", "`capcheck rules` lists them"),
    ],
)
def test_explain_suggests_the_nearest_rule(asked: str, hint: str) -> None:
    told = CliRunner().invoke(cli, ["explain", asked])
    assert told.exit_code == 2
    assert f"there is no rule {asked!r}; {hint}" in told.stderr
