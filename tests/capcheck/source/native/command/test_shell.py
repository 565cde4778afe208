"""Scripts to commands."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.shell import Command, commands

from tests.capcheck.source.native.conftest import environment, text_of


def words(command: Command) -> list[str]:
    return [str(word) for word in command.words]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("vllm serve m --tp 2", [["vllm", "serve", "m", "--tp", "2"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a && b || c; d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a \\\n  b \\\n  c", [["a", "b", "c"]]),
        ("a # b\nc#d", [["a"], ["c#d"]]),
        ("a > f 2>&1 < g b", [["a", "b"]]),
        ("a &> f b >> g", [["a", "b"]]),
        ("cat <<EOF > f\nvllm serve no\nEOF\nb", [["cat"], ["b"]]),
        ("cat <<-'EOF'\n\tx\n\tEOF\nb", [["cat"], ["b"]]),
        ("cat <<< text b", [["cat", "b"]]),
        ("if a; then b; else c; fi; d", [["a"], ["b"], ["c"], ["d"]]),
        ("while a; do b; done", [["a"], ["b"]]),
        ("for x in 1 2; do a; done", [["a"]]),
        ("case $1 in x|y) a ;; *) b ;; esac", [["a"], ["b"]]),
        ("main() { a b; }\nmain", [["a", "b"], ["main"]]),
        ("(a; b) && c", [["a"], ["b"], ["c"]]),
        ("! a", [["a"]]),
        ("A=1 B=2 c d", [["c", "d"]]),
        ("export A=1 B=2; c $A$B", [["c", "12"]]),
        ("A=1; b $A ${A} \"$A\" '$A'", [["b", "1", "1", "1", "$A"]]),
        ("A='x  y'; b $A \"$A\"", [["b", "x", "y", "x  y"]]),
        ("A='--tp 2'; b m$A", [["b", "m--tp", "2"]]),
        ("A=; b ${A:-c d} ${A-e} ${Z-f} ${A:+g}", [["b", "c", "d", "f"]]),
        ("A=1; A+=2; b $A", [["b", "12"]]),
        ("A=(x 'y z'); A+=(w); b \"${A[@]}\"", [["b", "x", "y z", "w"]]),
        ("b --json '{\"a\": 1}'", [["b", "--json", '{"a": 1}']]),
        ('b "{\\"a\\": 1}"', [["b", '{"a": 1}']]),
        ("", []),
        ("\n\n# only a comment", []),
        ("a 'never closed", [["a", "never closed"]]),
        ('a "never closed', [["a", "never closed"]]),
    ],
)
def test_commands_of_a_script(script: str, expected: list[list[str]]) -> None:
    assert [words(command) for command in commands(text_of(script), {})] == expected


@pytest.mark.parametrize(
    ("script", "missing"),
    [
        ("b $A", ("A",)),
        ("b ${A}", ("A",)),
        ("b $(hostname)", ("$(hostname)",)),
        ("b `hostname`", ("`hostname`",)),
        ("b $1", ("$1",)),
        ('b "$@"', ("$@",)),
        ("if x; then A=1; fi; b $A", ("A",)),
        ("A=1; if x; then A=2; fi; b $A", ("A",)),
        ("x || A=1; b $A", ("A",)),
        ("[ -z x ] && A=1; b $A", ("A",)),
        ("for A in 1 2; do b $A; done", ("A",)),
        ("A=$(nproc); b $A", ("A",)),
        ("b ${A%%:*}", ("A",)),
        ("A=1 b $A", ("A",)),
    ],
)
def test_what_only_a_shell_can_know_is_unresolved(script: str, missing: tuple[str, ...]) -> None:
    last = commands(text_of(script), {})[-1]
    assert last.words[1].unresolved == missing


def test_variables_come_from_the_environment_with_their_places() -> None:
    (command,) = commands(text_of("b $A"), environment({"A": "value"}))
    assert str(command.words[1]) == "value"
    assert command.words[1].variables == ("A",)
    assert command.words[1].place is not None
    assert command.words[1].place.path == "env"


def test_a_command_sees_its_own_assignments_and_later_ones_do_not() -> None:
    first, second = commands(text_of("A=1 b; c"), {})
    assert str(first.environment["A"]) == "1"
    assert "A" not in second.environment


def test_commands_of_different_branches_are_told_apart() -> None:
    found = commands(text_of("a; if b; then c; else d; fi; e"), {})
    branches = {str(command.words[0]): command.branch for command in found}
    assert branches["a"] == branches["e"] == 0
    assert len({branches["c"], branches["d"], 0}) == 3


def test_a_variable_that_doubles_line_by_line_ends() -> None:
    script = "A=0123456789\n" + "A=$A$A\n" * 500 + "b $A"
    last = commands(text_of(script), {})[-1]
    assert last.words[1].unresolved
