from __future__ import annotations

import os
from pathlib import Path

import pytest
from capcheck.errors import InputError, Problem
from capcheck.manifest.discover import (
    find,
    read_manifest,
    reader_for,
    repository_root,
)
from capcheck.manifest.names import is_manifest
from capcheck.manifest.referred import OutsideRepositoryError
from capcheck.source.text import MAX_BYTES


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, the current directory, beside a directory that is none of its business."""
    top = tmp_path / "repo"
    for name in (
        *("capcheck.yaml", "deploy/chat.capcheck.yml", "deploy/values.yaml", "docs/capcheck.yml"),
        *(".github/capcheck.yaml", ".git/capcheck.yaml", "node_modules/x/capcheck.yaml"),
        *(".venv/lib/capcheck.yaml", "deploy/xcapcheck.yaml", "deploy/capcheck.json"),
    ):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret.yaml").write_text("secret")
    monkeypatch.chdir(top)
    return top


def found(*paths: str) -> list[str]:
    return [path.as_posix() for path in find(paths)]


def problems(*paths: str) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        find(paths)
    return list(caught.value.problems)


ALL = [".github/capcheck.yaml", "capcheck.yaml", "deploy/chat.capcheck.yml", "docs/capcheck.yml"]


@pytest.mark.usefixtures("repo")
def test_a_directory():
    assert found(".") == ALL
    assert found("deploy") == ["deploy/chat.capcheck.yml"]
    assert found("deploy/") == ["deploy/chat.capcheck.yml"]


@pytest.mark.usefixtures("repo")
def test_a_file_may_have_any_name():
    assert found("deploy/values.yaml", "deploy/capcheck.json") == [
        "deploy/capcheck.json",
        "deploy/values.yaml",
    ]


@pytest.mark.usefixtures("repo")
def test_each_once():
    assert found(".", "deploy", "./deploy/../capcheck.yaml", "capcheck.yaml") == ALL


@pytest.mark.usefixtures("repo")
def test_nothing_to_find():
    (Path("empty")).mkdir()
    assert found("empty") == []
    assert found() == []


def test_an_absolute_path(repo: Path):
    assert found(str(repo / "deploy")) == [f"{repo.as_posix()}/deploy/chat.capcheck.yml"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("capcheck.yaml", True),
        ("capcheck.yml", True),
        ("a.capcheck.yaml", True),
        (".capcheck.yml", True),
        ("xcapcheck.yaml", False),
        ("capcheck.json", False),
        ("capcheck", False),
        (".yaml", False),
        ("capcheck.yaml.bak", False),
    ],
)
def test_is_manifest(name: str, expected: bool):
    assert is_manifest(name) is expected


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("capchek.yaml", "capcheck.yaml"),
        ("deploi/values.yaml", "deploy/values.yaml"),
        ("deploy/value.yaml", "deploy/values.yaml"),
        ("zzz", None),
        ("", None),
        ("capcheck.yaml/x", None),
        ("a\0b", None),
    ],
)
@pytest.mark.usefixtures("repo")
def test_a_missing_path(path: str, nearest: str | None):
    (problem,) = problems(path)
    assert (problem.code, problem.nearest) == ("path-not-found", nearest)
    assert (problem.place.line, problem.place.column) == (1, 1)


@pytest.mark.usefixtures("repo")
def test_all_missing_paths_in_one_run():
    assert [problem.place.path for problem in problems("b", "capcheck.yaml", "a")] == ["a", "b"]


def link(target: Path, name: str) -> None:
    try:
        Path(name).symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")


def test_links_to_directories_are_not_followed(repo: Path):
    link(repo / "deploy", "again")
    link(repo.parent / "outside", "away")
    assert found(".") == ALL


def test_a_link_inside_is_the_same_file(repo: Path):
    link(repo / "deploy/values.yaml", "docs/new.capcheck.yaml")
    assert found("docs") == ["docs/capcheck.yml", "docs/new.capcheck.yaml"]
    assert found("docs", "deploy/values.yaml") == ["docs/capcheck.yml", "docs/new.capcheck.yaml"]


def test_a_link_out_is_refused(repo: Path):
    link(repo.parent / "outside/secret.yaml", "docs/evil.capcheck.yaml")
    for paths in ((".",), ("docs",), ("docs/evil.capcheck.yaml",), (str(repo),)):
        (problem,) = problems(*paths)
        assert problem.code == "path-outside-repository"
        assert problem.place.path.endswith("docs/evil.capcheck.yaml")
        assert "secret" not in str(problem)


def test_a_directory_that_is_a_link_out_is_refused(repo: Path):
    link(repo.parent / "outside", "away")
    assert [problem.code for problem in problems("away")] == ["path-outside-repository"]


@pytest.mark.usefixtures("repo")
def test_links_in_a_circle():
    link(Path("loop.capcheck.yaml"), "loop.capcheck.yaml")
    assert [problem.code for problem in problems(".")] == ["path-outside-repository"]
    assert [problem.code for problem in problems("loop.capcheck.yaml")] == ["path-not-found"]


def test_a_path_outside_may_be_named(repo: Path):
    assert found("../outside/secret.yaml") == ["../outside/secret.yaml"]
    assert found(str(repo.parent / "outside/secret.yaml"))


@pytest.mark.usefixtures("repo")
def test_read_manifest():
    assert read_manifest(Path("capcheck.yaml")) == b"capcheck.yaml"
    Path("big").write_bytes(b"x" * (3 * MAX_BYTES))
    assert len(read_manifest(Path("big"))) == MAX_BYTES + 1
    with pytest.raises(InputError) as caught:
        read_manifest(Path("gone.yaml"))
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.path) == ("unreadable-file", "gone.yaml")


def test_repository_root(repo: Path):
    assert repository_root(Path("deploy/values.yaml")) == repo.resolve()
    outside = repo.parent / "outside"
    assert repository_root(outside / "secret.yaml") == outside.resolve()


def test_reader_for(repo: Path):
    read = reader_for(repo)
    assert read("deploy/values.yaml") == b"deploy/values.yaml"
    assert read("deploy/../capcheck.yaml") == b"capcheck.yaml"
    assert read(str(repo / "capcheck.yaml")) == b"capcheck.yaml"
    for path in ("../outside/secret.yaml", str(repo.parent / "outside/secret.yaml"), "/etc/passwd"):
        with pytest.raises(OutsideRepositoryError):
            read(path)
    with pytest.raises(FileNotFoundError):
        read("deploy/gone.json")
    with pytest.raises(OSError, match="regular"):
        read("deploy")


def test_a_reader_resolves_links(repo: Path):
    link(repo.parent / "outside/secret.yaml", "docs/config.json")
    link(repo.parent / "outside", "away")
    link(repo / "capcheck.yaml", "docs/inside.json")
    link(Path("loop"), "loop")
    read = reader_for(repo)
    assert read("docs/inside.json") == b"capcheck.yaml"
    for path in ("docs/config.json", "away/secret.yaml"):
        with pytest.raises(OutsideRepositoryError):
            read(path)
    with pytest.raises(OSError, match=r"loop|symbolic"):
        read("loop")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.usefixtures("repo")
def test_a_reader_does_not_wait_for_a_pipe():
    os.mkfifo("pipe")
    with pytest.raises(OSError, match="regular"):
        reader_for(Path())("pipe")
