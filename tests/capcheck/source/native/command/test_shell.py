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
        ("cat <<< text\nb", [["cat"], ["b"]]),
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


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("A=1; if [ -n '' ]; then A=2; fi; b $A", ["b", "1"]),
        ("A=1; if [ -n x ]; then A=2; else A=3; fi; b $A", ["b", "2"]),
        ("A=1; if [ 2 -gt 3 ]; then A=2; elif [ x = x ]; then A=3; fi; b $A", ["b", "3"]),
        ("A=1; while [ 0 -gt 0 ]; do A=2; done; b $A", ["b", "1"]),
        ("A=1; [ -z '' ] && A=2; b $A", ["b", "2"]),
        ("A=1; [ -z x ] &&\n A=2\nb $A", ["b", "1"]),
        ("A=1; [[ x.gguf == *.gguf ]] || A=2; b $A", ["b", "1"]),
        ("if x; then A=1; b $A; fi", ["b", "1"]),
        ("X=q; case $X in p|r) A=1 ;; q) A=2 ;; *) A=3 ;; esac; b $A", ["b", "2"]),
        ("X=z; case $X in p) A=1 ;; *) A=3 ;; esac; b $A", ["b", "3"]),
        ("A=0; case z in (p) A=1 ;; esac; b $A", ["b", "0"]),
        (
            'A=(--m $K); case $X in p) A+=(-n) ;; q) A+=(-o) ;; esac; b "${A[@]}" c',
            ["b", "--m", "$K", "$A", "c"],
        ),
        ("A=1; if x; then A=2; b $A; fi", ["b", "2"]),
        ("A='--m 1'; if x; then A=\"$A --n 2\"; fi; b $A", ["b", "--m", "1", "$A"]),
        ('A=(--m 1); if x; then A+=(--n 2); fi; b "${A[@]}"', ["b", "--m", "1", "$A"]),
        (
            'A=(--m 1); x && A+=(-n); if y; then A+=(-o); fi; b "${A[@]}" c',
            ["b", "--m", "1", "-n", "$A", "c"],
        ),
    ],
)
def test_a_branch_changes_what_its_test_lets_it(script: str, expected: list[str]) -> None:
    assert words(commands(text_of(script), {})[-1]) == expected


@pytest.mark.parametrize(
    "script",
    ['A=(--m 1 --k "$K" --n 2); b "${A[@]}"', 'A="--m 1 --k $K --n 2"; b $A'],
)
def test_one_word_without_a_value_hides_no_other(script: str) -> None:
    last = commands(text_of(script), {})[-1]
    assert words(last) == ["b", "--m", "1", "--k", "$K", "--n", "2"]
    assert [word.unresolved for word in last.words if word.unresolved] == [("K",)]


def test_a_flag_that_a_branch_may_replace_is_unknown() -> None:
    script = "A='--m 1'; if x; then A=\"$A --m 2\"; fi; b $A"
    last = commands(text_of(script), {})[-1]
    assert words(last) == ["b", "$A"]
    assert last.words[1].unresolved == ("A",)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("b ${1:-m} $#", ["b", "m", "0"]),
        ("A=m; while [[ $# -gt 0 ]]; do case $1 in -a) A=$2; shift;; esac; done; b $A", ["b", "m"]),
        ("A=m; while (( $# )); do A=$1; done; b x", ["b", "x"]),
        ('if [ -z "$A" ]; then A=m; fi; b $A', ["b", "m"]),
        ("f() { b ${1:-m}; }; c ${1:-n}", ["c", "n"]),
    ],
)
def test_a_script_by_itself_has_no_arguments(script: str, expected: list[str]) -> None:
    assert words(commands(text_of(script), environment({"#": "0"}))[-1]) == expected


@pytest.mark.parametrize(
    "script", ["f() { b ${1:-m}; }", "function f { b ${1:-m}; }", "set -- x; b ${1:-m}"]
)
def test_what_a_function_is_handed_is_not_said(script: str) -> None:
    last = commands(text_of(script), environment({"#": "0"}))[-1]
    assert last.words[1].unresolved == ("${1:-m}",)


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
