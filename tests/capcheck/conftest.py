"""Deployments stated by pointer, every value on a line of its own; and real git repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from capcheck.manifest.deployment import Budget, Deployment, Replicas, Serving, Tokens, Traffic
from capcheck.place import Place
from capcheck.registry.tables import Registry, load

FIRST_LINE = 3
SECTIONS = {"serving": Serving, "traffic": Traffic, "budget": Budget, "replicas": Replicas}

Stated = Callable[[Mapping[str, Any]], Deployment]


def deployment_of(values: Mapping[str, Any]) -> Deployment:
    """`{"/model": "phi-2", "/serving/max_model_len": 512}` as a deployment of capcheck.yaml.

    The first value stands on line 3, the next on line 4, and so on; the name is on line 2.
    """
    places = {
        pointer: Place("capcheck.yaml", line, 5, 9)
        for line, pointer in enumerate(values, start=FIRST_LINE)
    }
    plain: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for pointer, value in values.items():
        _, section, *rest = pointer.split("/")
        if rest:
            tokens = section == "traffic" and rest[0].endswith("_tokens")
            sections.setdefault(section, {})[rest[0]] = (
                Tokens(value) if tokens and isinstance(value, int) else value
            )
        elif section in SECTIONS and isinstance(value, int):
            plain[section] = Replicas(value, value)
        else:
            plain[section] = value
    built = {name: SECTIONS[name](**given) for name, given in sections.items()}
    assert {*plain, *built} <= {field.name for field in fields(Deployment)}
    return Deployment(
        name="chat",
        path="capcheck.yaml",
        place=Place("capcheck.yaml", 2, 3, 7),
        places=places,
        **plain,
        **built,
    )


@pytest.fixture
def stated() -> Stated:
    """Builds a deployment from its values by pointer."""
    return deployment_of


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The registry that capcheck ships."""
    return load()


@dataclass(frozen=True)
class GitRepository:
    """A repository of its own; what is written but not committed is head."""

    root: Path

    def git(self, *arguments: str) -> str:
        environ = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit all that is on disk, and say which commit it is."""
        self.write(files or {})
        self.git("add", "-A")
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        self.git(*identity, "commit", "-q", "--allow-empty", "-m", "as it is")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """An empty repository, which is the current directory."""
    (root := tmp_path / "repository").mkdir()
    monkeypatch.chdir(root)
    made = GitRepository(root)
    made.git("init", "-q", "-b", "main")
    return made
