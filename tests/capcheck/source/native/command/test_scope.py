"""What a script's variables may take."""

from __future__ import annotations

from capcheck.source.native.command.scope import Scope
from capcheck.source.native.command.shell import commands

from tests.capcheck.source.native.conftest import environment, text_of


def test_what_a_command_has_seen_does_not_change() -> None:
    first, second = commands(text_of("A=1; b; A=2; c"), {})
    assert (str(first.environment["A"]), str(second.environment["A"])) == ("1", "2")


def test_commands_share_their_variables_until_one_is_set() -> None:
    first, second, third = commands(text_of("A=1; b; c; A=2; d"), {})
    assert first.environment is second.environment
    assert second.environment is not third.environment


def test_only_so_many_variables_are_kept() -> None:
    script = "\n".join(f"A{number}=1" for number in range(400)) + "\nb $A1 $A399"
    last = commands(text_of(script), environment({"OWN": "x"}))[-1]
    assert str(last.words[1]) == "1"
    assert last.words[2].unresolved == ("A399",)
    assert len(last.environment) == 301


def test_a_budget_is_spent_once() -> None:
    scope = Scope({}, 10)
    assert scope.spend(10)
    assert not scope.spend(1)
    scope.assign("A", text_of("x"))
    assert scope.variables["A"].unresolved == ("A",)
