"""Workflow commands: levels, budget, places, and nothing that a manifest can smuggle in."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from capcheck.report import Style, to_document
from capcheck.report.github import render
from capcheck.report.model import Report

Samples = dict[str, Callable[[], Report]]

FIGURES = ("VRAM per GPU", "p95 latency", "quality", "cost")


@dataclass(frozen=True)
class Parsed:
    level: str
    properties: dict[str, str]
    message: str


def parse(line: str) -> Parsed:
    """As the runner reads a command: `::name key=value,...::message`, escapes undone."""
    match = re.fullmatch(r"::(error|warning|notice) ([^\r\n]*?)::([^\r\n]*)", line)
    assert match, f"no workflow command: {line!r}"
    pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
    return Parsed(
        level=match[1],
        properties={key: undo(value) for key, value in pairs.items()},
        message=undo(match[3]),
    )


def undo(value: str) -> str:
    for escaped, character in (
        ("%2C", ","),
        ("%3A", ":"),
        ("%0A", "\n"),
        ("%0D", "\r"),
        ("%25", "%"),
    ):
        value = value.replace(escaped, character)
    return value


def commands(report: Report) -> list[Parsed]:
    text = render(to_document(report), Style())
    return [parse(line) for line in text.split("\n")[:-1]]


def test_every_line_is_one_command(sample: tuple[str, Report]) -> None:
    assert commands(sample[1])


@pytest.mark.parametrize(
    ("name", "level", "line"),
    [
        ("pass", "notice", "3"),
        ("fail-vram", "error", "5"),
        ("fail-latency", "error", "5"),
        ("borderline", "warning", "12"),
        ("cannot-predict", "error", "29"),
        ("unstable", "error", "9"),
    ],
)
def test_a_judged_deployment_has_its_figures(
    name: str, level: str, line: str, samples: Samples
) -> None:
    (command,) = commands(samples[name]())
    assert (command.level, command.properties["line"]) == (level, line)
    assert all(figure in command.message for figure in FIGURES)


def test_borderline_that_fails_the_build_is_an_error(samples: Samples) -> None:
    report = replace(samples["borderline"](), fail_on=("borderline",))
    assert [command.level for command in commands(report)] == ["error"]


def test_a_failing_deployment_without_a_finding_is_still_spoken_of(samples: Samples) -> None:
    (entry,) = samples["fail-vram"]().deployments
    report = replace(samples["fail-vram"](), deployments=(replace(entry, findings=()),))
    (command,) = commands(report)
    assert command.level == "error"
    assert command.properties["title"].startswith("chat-prod fails: 24.1 GiB")


def test_title_has_rule_and_both_numbers(samples: Samples) -> None:
    (command,) = commands(samples["fail-latency"]())
    assert command.properties["title"] == "latency-over-limit: chat-prod, 14.0 s > 9.00 s"


def test_paths_have_forward_slashes(samples: Samples) -> None:
    (entry,) = samples["pass"]().deployments
    stated = entry.resolved.deployment
    moved = replace(stated, place=replace(stated.place, path="deploy\\a.yaml"))
    moved_entry = replace(entry, resolved=replace(entry.resolved, deployment=moved))
    report = replace(samples["pass"](), deployments=(moved_entry,))
    assert commands(report)[0].properties["file"] == "deploy/a.yaml"


def test_hostile_text_is_one_visible_line_of_its_own(samples: Samples) -> None:
    text = render(to_document(samples["hostile"]()), Style())
    text.encode("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    assert "##[" not in text
    for command in commands(samples["hostile"]()):
        assert len(command.properties["title"]) <= 255
        assert "\n::" not in command.message


def test_budget(huge: Report) -> None:
    found = commands(huge)
    errors = [command for command in found if command.level == "error"]
    notices = [command for command in found if command.level == "notice"]
    assert (len(errors), len(notices), len(found)) == (10, 10, 20)
    assert errors[-1].properties["title"] == "+91 more"
    assert notices[-1].properties["title"] == "+891 more"
    assert notices[-1].message == (
        "900 notices in all, the first 9 are shown. The job summary has every one."
    )


def test_ten_need_no_count(huge: Report) -> None:
    passing = [entry for entry in huge.deployments if entry.verdict == "pass"]
    found = commands(replace(huge, deployments=tuple(passing[:10])))
    assert [command.properties["title"].split()[0] for command in found] == [
        entry.resolved.deployment.name for entry in passing[:10]
    ]


def test_bad_input_comes_first(samples: Samples) -> None:
    report = replace(samples["bad-input"](), deployments=samples["mixed"]().deployments)
    titles = [command.properties["title"] for command in commands(report)]
    assert titles[:3] == [
        "bad input: unknown-key",
        "bad input: bad-duration",
        "latency-over-limit: chat-prod, 14.0 s > 9.00 s",
    ]


@pytest.mark.parametrize(("allow_empty", "level"), [(False, "error"), (True, "notice")])
def test_nothing_found(allow_empty: bool, level: str, samples: Samples) -> None:
    text = render(to_document(samples["empty"](), allow_empty=allow_empty), Style())
    assert text.startswith(f"::{level} title=capcheck%3A no manifest found::")
