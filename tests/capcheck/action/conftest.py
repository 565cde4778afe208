"""A runner, and repositories with pull requests for it to check out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from capcheck.action import step

from tests.capcheck.github.fake import REPOSITORY, TOKEN, FakeGitHub, serve

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Runner:
    """What a runner gives a step, and where it looks afterwards."""

    workspace: Path
    temp: Path

    @property
    def environ(self) -> dict[str, str]:
        return {
            "ACTION_PATH": str(ROOT),
            "PYTHON": sys.executable,
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary"),
            "GITHUB_OUTPUT": str(self.temp / "output"),
        }

    def run(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """The step's script."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")
        }
        return subprocess.run(
            ["bash", ROOT / "action.sh"],
            cwd=self.workspace,
            env={**inherited, **self.environ, **environ},
            capture_output=True,
            encoding="utf-8",
        )

    @property
    def summary(self) -> str:
        return (self.temp / "summary").read_text(encoding="utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        """`NAME<<DELIMITER`, lines, `DELIMITER`: read as the runner reads it."""
        found, lines = {}, iter((self.temp / "output").read_text(encoding="utf-8").splitlines())
        for line in lines:
            name, _, delimiter = line.partition("<<")
            value = []
            while (line := next(lines)) != delimiter:
                value.append(line)
            found[name] = "\n".join(value)
        return found

    def add(self, manifest: str, name: str) -> None:
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(manifest)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    (workspace := tmp_path / "workspace").mkdir()
    (temp := tmp_path / "temp").mkdir()
    monkeypatch.chdir(workspace)
    return Runner(workspace, temp)


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with serve(FakeGitHub()) as listening:
        yield listening


GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_AUTHOR_NAME": "somebody",
    "GIT_AUTHOR_EMAIL": "somebody@example.org",
    "GIT_COMMITTER_NAME": "somebody",
    "GIT_COMMITTER_EMAIL": "somebody@example.org",
}


@dataclass
class Repository:
    """What GitHub has: a main branch, and pull requests as commits beside it."""

    root: Path

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")
        self.git("commit", "--quiet", "--allow-empty", "--message", "the first")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-C", at or self.root, *arguments],
            capture_output=True,
            check=True,
            encoding="utf-8",
            env={**os.environ, **GIT},
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str | None], *, on: str = "main") -> str:
        """A commit on a branch; None removes a file."""
        self.git("checkout", "--quiet", on)
        for name, text in files.items():
            path = self.root / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, files: dict[str, str | None], *, start: str = "main") -> str:
        """A commit on a branch of its own."""
        self.git("branch", name, start)
        return self.commit(files, on=name)

    def merged(self, head: str) -> str:
        """The commit that GitHub makes to test a pull request."""
        self.git("checkout", "--quiet", "--detach", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", "test merge", head)
        return self.git("rev-parse", "HEAD")

    def check_out(self, commit: str, workspace: Path, *, depth: int | None = 1) -> None:
        """As `actions/checkout` does."""
        if not (workspace / ".git").exists():
            self.git("init", "--quiet", at=workspace)
            self.git("remote", "add", "origin", self.root.as_uri(), at=workspace)
        shallow = [f"--depth={depth}"] if depth else []
        self.git("fetch", "--quiet", *shallow, "origin", commit, at=workspace)
        self.git("checkout", "--quiet", "--detach", "FETCH_HEAD", at=workspace)


@dataclass
class Action:
    """The action in a workflow of a repository on the fake GitHub."""

    runner: Runner
    fake: FakeGitHub
    repository: Repository
    run_id: int = 100
    inputs: dict[str, str] = field(default_factory=dict)
    event: str = "pull_request"
    payload: dict[str, Any] = field(default_factory=dict)
    sha: str = ""

    def pull_request(
        self, head: str, *, number: int = 482, fork: bool = False, depth: int | None = 1
    ) -> None:
        """The event and the checkout of a pull request's new head."""
        base = self.repository.git("rev-parse", "main")
        if number not in self.fake.pulls:
            self.fake.open(number, head=head, base=base, owner="them" if fork else "acme")
        self.fake.pulls[number]["head"]["sha"] = head
        self.sha = self.repository.merged(head)
        self.repository.check_out(self.sha, self.runner.workspace, depth=depth)
        self.event = "pull_request"
        self.payload = {
            "pull_request": {
                "number": number,
                "head": {"sha": head, "repo": {"id": 2 if fork else 1}},
                "base": {"sha": base, "repo": {"id": 1}},
            }
        }
        self.run_id += 1

    def workflow_run(self, head: str, *, owner: str = "them") -> None:
        """The event that follows a finished run, and the checkout of main."""
        main = self.repository.git("rev-parse", "main")
        self.repository.check_out(main, self.runner.workspace)
        self.sha, self.event = main, "workflow_run"
        repository = {"owner": {"login": owner}}
        run = {"head_sha": head, "head_branch": "change", "head_repository": repository}
        self.payload = {"workflow_run": run}
        self.run_id += 1

    @property
    def environ(self) -> dict[str, str]:
        path = self.runner.temp / "event.json"
        path.write_text(json.dumps(self.payload))
        inputs = {"GITHUB_TOKEN": TOKEN, "COMMENT": "auto", "ID": "default", **self.inputs}
        return {
            **self.runner.environ,
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_SHA": self.sha,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_API_URL": self.fake.url,
            "GITHUB_SERVER_URL": "https://github.example",
            **{f"CAPCHECK_{name}": value for name, value in inputs.items()},
        }

    def step(self) -> int:
        """The step without its script: everything but the installation."""
        for name in ("summary", "output"):
            (self.runner.temp / name).unlink(missing_ok=True)
        return step.main(self.environ)

    @property
    def comment(self) -> str:
        """The only comment."""
        (entry,) = self.fake.comments
        return str(entry["body"])


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "origin")


@pytest.fixture
def action(runner: Runner, fake: FakeGitHub, repository: Repository) -> Action:
    return Action(runner, fake, repository)
