"""Reading another commit, in repositories that mean harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from capcheck import git
from capcheck.git import GitError, Repository, repository_of
from capcheck.manifest.referred import OutsideRepositoryError
from capcheck.source.text import MAX_BYTES

from tests.capcheck.conftest import GitRepository

NOT_UTF8 = os.fsdecode(b"caf\xe9.yaml")


def opened(repository: GitRepository) -> Repository:
    return repository_of(repository.root)


def test_reads_a_commit_and_not_the_disk(repository: GitRepository) -> None:
    first = repository.commit({"a/b.yaml": "one\n", "c.yaml": "same\n"})
    repository.commit({"a/b.yaml": "two\n"})
    repository.write({"a/b.yaml": "three\n"})
    reader = opened(repository)
    assert reader.commit(first) == first
    tree = reader.tree(first)
    assert set(tree.blobs) == {"a/b.yaml", "c.yaml"}
    assert tree.read("a/b.yaml") == b"one\n"
    assert reader.tree("HEAD").read("a/b.yaml") == b"two\n"
    assert repository.git("status", "--porcelain") == "M a/b.yaml"


@pytest.mark.parametrize("name", ["main", "HEAD", "HEAD~0", "refs/heads/main", "v1"])
def test_any_spelling_of_a_commit(repository: GitRepository, name: str) -> None:
    sha = repository.commit({"a.yaml": "x\n"})
    repository.git("tag", "v1")
    assert opened(repository).commit(name) == sha


@pytest.mark.parametrize(
    "name",
    [
        "",
        "no-such-branch",
        "0" * 40,
        "HEAD:a.yaml",
        "two words",
        "--output=pwned",
        "-p",
        "--all",
        "$(touch pwned)",
        "`touch pwned`",
        "main;touch pwned",
        "main\nmain",
        "a\0b",
        "@{-1}",
    ],
)
def test_what_is_no_commit_is_none_and_runs_nothing(repository: GitRepository, name: str) -> None:
    repository.commit({"a.yaml": "x\n"})
    assert opened(repository).commit(name) is None
    assert [path.name for path in repository.root.iterdir() if path.name != ".git"] == ["a.yaml"]


def test_a_branch_that_looks_like_an_option_is_reached_by_its_full_name(
    repository: GitRepository,
) -> None:
    sha = repository.commit({"a.yaml": "x\n"})
    repository.git("update-ref", "refs/heads/--exec=touch", sha)
    assert opened(repository).commit("--exec=touch") is None
    assert opened(repository).commit("refs/heads/--exec=touch") == sha


def test_nothing_that_a_hostile_configuration_names_is_run(repository: GitRepository) -> None:
    sha = repository.commit({"a.yaml": "x\n", ".gitattributes": "*.yaml filter=evil diff=evil\n"})
    pwned = f"touch {repository.root / 'pwned'}; cat"
    for name in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.editor",
        "diff.external",
        "diff.evil.textconv",
        "filter.evil.clean",
        "filter.evil.smudge",
        "alias.rev-parse",
        "alias.ls-tree",
        "credential.helper",
    ):
        value = f"!{pwned}" if name.startswith(("alias", "credential")) else pwned
        repository.git("config", name, value)
    repository.git("config", "pager.cat-file", "true")
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / hook).write_text(f"#!/bin/sh\n{pwned}\n")
        (hooks / hook).chmod(0o755)
    assert opened(repository).tree(sha).read("a.yaml") == b"x\n"
    assert not (repository.root / "pwned").exists()


def test_a_git_in_the_checkout_is_not_ours(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = repository.commit({"a.yaml": "x\n", "git": "#!/bin/sh\ntouch pwned\n"})
    (repository.root / "git").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((".", "", os.environ["PATH"])))
    assert opened(repository).commit(sha) == sha
    assert not (repository.root / "pwned").exists()


def test_nothing_is_fetched_for_a_partial_clone(repository: GitRepository, tmp_path: Path) -> None:
    sha = repository.commit({"a.yaml": "x\n"})
    repository.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    url = f"file://{repository.root}"
    repository.git("clone", "-q", "--no-checkout", "--filter=blob:none", url, str(clone))
    tree = repository_of(clone).tree(sha)
    assert set(tree.blobs) == {"a.yaml"}
    with pytest.raises(OSError, match=r"not in this checkout|fetch"):
        tree.read("a.yaml")


def test_names_that_are_not_utf8(repository: GitRepository) -> None:
    try:
        sha = repository.commit({NOT_UTF8: "x\n"})
    except OSError:
        pytest.skip("this file system has no such names")
    assert opened(repository).tree(sha).read(NOT_UTF8) == b"x\n"


def test_links(repository: GitRepository) -> None:
    repository.write({"real/a.yaml": "x\n"})
    for name, to in {
        "link.yaml": "real/a.yaml",
        "folder": "real",
        "twice.yaml": "folder/a.yaml",
        "out.yaml": "../../etc/passwd",
        "absolute.yaml": "/etc/passwd",
        "round.yaml": "round.yaml",
        "nowhere.yaml": "real/b.yaml",
    }.items():
        (repository.root / name).symlink_to(to)
    tree = opened(repository).tree(repository.commit())
    for name in ("link.yaml", "folder/a.yaml", "twice.yaml"):
        assert tree.read(name) == b"x\n"
    for name in ("out.yaml", "absolute.yaml"):
        with pytest.raises(OutsideRepositoryError):
            tree.read(name)
    with pytest.raises(FileNotFoundError):
        tree.read("nowhere.yaml")
    with pytest.raises(OSError, match="too many links"):
        tree.read("round.yaml")


def test_a_submodule_has_no_files_here(repository: GitRepository, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = GitRepository(tmp_path / "other")
    other.git("init", "-q")
    other.commit({"a.yaml": "x\n"})
    repository.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "sub"
    )
    tree = opened(repository).tree(repository.commit())
    assert set(tree.blobs) == {".gitmodules"}
    with pytest.raises(FileNotFoundError):
        tree.read("sub/a.yaml")


def test_a_large_file_is_not_read(repository: GitRepository) -> None:
    sha = repository.commit({"a.yaml": b"x" * (5 * MAX_BYTES), "b.yaml": "x\n"})
    tree = opened(repository).tree(sha)
    assert len(tree.read("a.yaml")) == MAX_BYTES + 1
    assert tree.read("b.yaml") == b"x\n"


def test_many_files_in_one_go(repository: GitRepository) -> None:
    files = {f"{index}.yaml": f"{index}\n" * index for index in range(40)}
    tree = opened(repository).tree(repository.commit(files))
    contents = tree.repository.contents([*(blob.sha for blob in tree.blobs.values()), "0" * 40])
    assert {name: contents[blob.sha].decode() for name, blob in tree.blobs.items()} == files
    assert "0" * 40 not in contents


def test_from_inside_a_hook(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = repository.commit({"deep/a.yaml": "x\n"})
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/index")
    assert repository_of(repository.root / "deep").commit("HEAD") == sha


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="not a git repository"):
        repository_of(tmp_path)


def test_a_bare_repository_has_no_manifests_on_disk(repository: GitRepository) -> None:
    with pytest.raises(GitError, match="work tree"):
        repository_of(repository.root / ".git")


def test_no_git(repository: GitRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        repository_of(repository.root)


def test_a_git_that_hangs(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent))
    monkeypatch.setattr(git, "TIME_LIMIT_S", 0.2)
    with pytest.raises(GitError, match=r"git rev-parse took more than 0\.2 s"):
        repository_of(repository.root)


def test_the_repository_stays_as_it_is(repository: GitRepository) -> None:
    sha = repository.commit({"a.yaml": "x\n"})

    def state() -> dict[str, float]:
        files = (path for path in repository.root.rglob("*") if path.is_file())
        return {str(path): path.stat().st_mtime_ns for path in files}

    before = state()
    reader = opened(repository)
    reader.commit("HEAD")
    reader.tree(sha).read("a.yaml")
    assert state() == before
    assert subprocess.run(["git", "fsck"], cwd=repository.root, capture_output=True).returncode == 0
