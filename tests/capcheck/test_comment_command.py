"""`capcheck comment`: from a saved report to a pull request."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from capcheck.cli import cli
from capcheck.report import FORMATS, Style, to_document
from click.testing import CliRunner, Result

from tests.capcheck.github.fake import REPOSITORY, TOKEN, FakeGitHub, Trouble, serve
from tests.capcheck.report.changes import CHANGES, HEAD


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with serve(FakeGitHub()) as listening:
        listening.open(482, head=HEAD, base="b" * 40)
        yield listening


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(FORMATS["json"](to_document(CHANGES["fail"]()), Style()))
    return path


def comment(fake: FakeGitHub, report: Path, *arguments: str) -> Result:
    environ = {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_API_URL": fake.url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_RUN_ID": "7",
        "GITHUB_EVENT_NAME": None,
        "GITHUB_SERVER_URL": None,
    }
    every = ["comment", str(report), "--pull", "482", *arguments]
    return CliRunner().invoke(cli, every, env=environ)


def test_it_is_written(fake: FakeGitHub, saved: Path) -> None:
    done = comment(fake, saved)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("comment written (https://github.example/acme/serving/pull/482")
    (entry,) = fake.comments
    assert entry["body"].startswith(f"<!-- capcheck:v1 id=default sha={HEAD} run=7 -->\n### ❌ ")
    assert f"https://github.com/{REPOSITORY}/blob/{HEAD}/" in entry["body"]


def test_the_head_is_not_current_any_more(fake: FakeGitHub, saved: Path) -> None:
    fake.pulls[482]["head"]["sha"] = "f" * 40
    assert comment(fake, saved).stdout == "no comment: a newer commit or run has its own\n"
    assert comment(fake, saved, "--sha", "f" * 40).stdout.startswith("comment written")


def test_never_and_another_id(fake: FakeGitHub, saved: Path) -> None:
    assert comment(fake, saved, "--when", "never").exit_code == 0
    assert fake.log == []
    comment(fake, saved, "--id", "gpu")
    assert fake.comments[0]["body"].startswith("<!-- capcheck:v1 id=gpu ")


def test_what_github_refuses(fake: FakeGitHub, saved: Path) -> None:
    fake.troubles = [Trouble("^POST", 403)]
    done = comment(fake, saved)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the comment was not written: POST ")
    assert TOKEN not in done.output


def test_a_report_without_a_commit(fake: FakeGitHub, saved: Path) -> None:
    document = json.loads(saved.read_text())
    document["run"]["head"] = None
    saved.write_text(json.dumps(document))
    done = comment(fake, saved)
    assert (done.exit_code, fake.log) == (2, [])
    assert "judge with --base, or give --sha" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("--repository", "acme"), ("--repository", "acme/a/b"), ("--id", "a b"), ("--pull", "0")],
)
def test_wrong_usage(fake: FakeGitHub, saved: Path, arguments: tuple[str, str]) -> None:
    assert comment(fake, saved, *arguments).exit_code == 2
    assert fake.log == []
