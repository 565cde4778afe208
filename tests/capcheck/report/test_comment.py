"""The comment: what it says first, when it is quiet, that it fits, that names do nothing."""

import re
from collections.abc import Callable
from functools import cache

import pytest
from capcheck.report import FORMATS, Document, Style, to_document
from capcheck.report.comment import MAX_BYTES, drafts, has_news
from capcheck.report.marker import Marker, split
from capcheck.report.style import Links

from tests.capcheck.report.changes import CHANGES, HEAD
from tests.capcheck.report.conftest import run
from tests.capcheck.report.test_markdown import check_structure, tables

REPOSITORY = "https://github.com/acme/serving"
STYLE = Style(
    marker=Marker("default", HEAD, 17123456789),
    links=Links(f"{REPOSITORY}/blob/{HEAD}", f"{REPOSITORY}/actions/runs/17123456789"),
)
FIRST_LINE = f"<!-- capcheck:v1 id=default sha={HEAD} run=17123456789 -->"

Golden = Callable[[str, str], None]


@cache
def document_of(name: str) -> Document:
    return to_document(CHANGES[name]())


@cache
def draw(name: str, output_format: str = "comment") -> str:
    text = FORMATS[output_format](document_of(name), STYLE)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@pytest.mark.parametrize("name", CHANGES)
def test_golden(name: str, golden: Golden) -> None:
    golden(f"comment-{name}.md", draw(name))


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "huge"])
def test_golden_summary(name: str, golden: Golden) -> None:
    golden(f"summary-{name}.md", draw(name, "markdown"))


@pytest.mark.parametrize("name", CHANGES)
def test_structure(name: str) -> None:
    text = draw(name)
    first, below = text.split("\n", 1)
    assert first == FIRST_LINE
    assert below.startswith("### ")
    check_structure(re.sub(r"\A<!--.*-->\n", "", text))
    check_structure(draw(name, "markdown"))


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("pass", "✅ capcheck: the changed deployment meets its limits — +&#36;516/month"),
        ("fail", "❌ capcheck: 1 deployment breaks a limit"),
        (
            "borderline",
            "⚠️ capcheck: 1 borderline — <code>chat-prod</code> (not blocking)",
        ),
        (
            "cannot-predict",
            "❔ capcheck: nothing breaks, 1 deployment cannot be predicted (blocks the merge)",
        ),
        ("mixed", "❌ capcheck: 1 deployment breaks a limit, 1 deployment cannot be predicted"),
        ("bad-input", "❌ capcheck: could not read 1 manifest"),
        ("nothing-changed", "✅ capcheck: no deployment changed"),
        ("only-old", "✅ capcheck: no deployment changed"),
        (
            "still-failing",
            "✅ capcheck: nothing new breaks; 1 changed deployment does not pass, as on base "
            "— +&#36;516/month",
        ),
        ("removed", "✅ capcheck: 1 deployment removed — −&#36;516/month"),
        ("no-comparison", "❌ capcheck: 1 deployment breaks a limit"),
    ],
)
def test_headline(name: str, headline: str) -> None:
    assert draw(name).split("\n")[1] == f"### {headline}"


@pytest.mark.parametrize("name", CHANGES)
def test_quiet_until_there_is_something_to_say(name: str) -> None:
    quiet = name in ("nothing-changed", "only-old")
    assert has_news(document_of(name)) is not quiet


def test_no_manifest() -> None:
    document = to_document(run())
    assert has_news(document)
    assert not has_news(to_document(run(), allow_empty=True))
    text = FORMATS["comment"](document, Style())
    assert text.startswith(
        "<!-- capcheck:v1 id=default sha=none run=0 -->\n### ❌ capcheck: no manifest found\n"
    )


@pytest.mark.parametrize("name", ["clean-again", "nothing-changed", "removed", "pass"])
def test_an_all_clear_is_one_line_and_one_fold(name: str) -> None:
    _, below = split(draw(name))
    visible = re.sub(r"<details>.*</details>", "", below, flags=re.DOTALL)
    headline, *rest = filter(None, visible.split("\n"))
    assert headline.startswith("### ✅")
    assert len(rest) == 1
    assert rest[0].startswith("<sub>")


def test_moved_goalposts_come_before_the_findings() -> None:
    text = draw("goalposts")
    assert text.index("changes its own limits") < text.index("14.0 s (12.6–15.6) exceeds")
    assert "<code>slo.latency&#95;p95</code> <code>9s</code> → <code>16s</code>" in text


def test_the_ladder_says_what_it_dropped() -> None:
    document = document_of("huge")
    versions = list(drafts(document, STYLE))
    sizes = [len(text.encode()) for text in versions]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) <= MAX_BYTES + len(FIRST_LINE) + 1
    for text in versions:
        check_structure(text.split("\n", 1)[1])
        (table, *_) = [*tables(text), []]
        shown = max(len(table) - 2, 0)
        assert f"{1000 - shown:,} of 1,000 deployments" in text
    assert len(tables(versions[-1])) == 0


def test_the_worst_that_names_can_do_still_fits() -> None:
    report = CHANGES["hostile"]()
    worst = to_document(run(*report.deployments * 1000))
    assert len(next(drafts(worst, STYLE)).encode("utf-8", "backslashreplace")) < 65_536


def test_hostile_names_do_nothing() -> None:
    text = draw("hostile")
    for danger in ("@everyone", "<img", "://evil", "](https://evil", "\n::error", "\x1b"):
        assert danger not in text
    for target in re.findall(r"\]\((.*?)\)", text):
        assert target.startswith(REPOSITORY)


def test_only_one_line_is_the_marker() -> None:
    assert draw("hostile").count("<!--") == 1
