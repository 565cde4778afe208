"""A pull request judged without its checkout: its manifests are data, everything else is base's.

For `workflow_run`, which may write where the run that it follows may not. Nothing that run wrote is
used, not even its artifacts: the files come from the API, and are never executed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from capcheck.git import GitError, executable, repository_of
from capcheck.github import contents, pulls
from capcheck.github.client import Client
from capcheck.github.errors import NotPermittedError
from capcheck.github.pulls import ChangedFile, State
from capcheck.manifest.names import is_manifest

# GitHub lists no more files of a pull request.
LISTED = 3000

# Each costs a request, of which a workflow's token has a thousand an hour.
MAX_FETCHED = 200


class NotRecomputedError(Exception):
    """The pull request's files cannot be laid out; the message says why."""


@contextmanager
def laid_out(client: Client, state: State, *, base: str, paths: Sequence[str]) -> Iterator[Path]:
    """A folder with the files of `base` and, over them, the manifests of the pull request.

    `base` is the commit that its changes count from. The folder is a work tree of the repository in
    the current directory, so that it can be compared with `base`. Raises NotRecomputedError,
    GitHubError, GitError.
    """
    changed = pulls.files(client, state.pull)
    if len(changed) >= LISTED:
        raise NotRecomputedError(f"it changes {LISTED:,} files or more")
    with _work_tree(base) as root:
        _lay_over(client, state, root, changed, paths)
        yield root


@contextmanager
def _work_tree(commit: str) -> Iterator[Path]:
    repository = repository_of(Path())
    folder = Path(tempfile.mkdtemp(prefix="capcheck-base-")) / "tree"
    # Neither hooks nor filters have a part in this: all that is wanted is text.
    quiet = ("-c", f"core.hooksPath={os.devnull}", "-c", "filter.lfs.required=false")
    add = ("worktree", "add", "--quiet", "--detach", os.fspath(folder), commit)
    done = subprocess.run(  # noqa: S603
        [executable(), "-C", os.fspath(repository.root), *quiet, *add],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "GIT_LFS_SKIP_SMUDGE": "1"},
        check=False,
    )
    try:
        if done.returncode:
            raise GitError(done.stderr.decode("utf-8", "replace").strip()[:200])
        yield folder.resolve()
    finally:
        shutil.rmtree(folder.parent, ignore_errors=True)
        prune = [executable(), "-C", os.fspath(repository.root), "worktree", "prune"]
        subprocess.run(prune, capture_output=True, check=False)  # noqa: S603


def _lay_over(
    client: Client, state: State, root: Path, changed: Sequence[ChangedFile], paths: Sequence[str]
) -> None:
    for file in changed:
        for gone in filter(None, (file.previous, file.path)):
            _remove(_inside(root, gone))
    asked = {PurePosixPath(path).as_posix() for path in paths}
    written = [file for file in changed if not file.is_removed]
    manifests = [file for file in written if is_manifest(_name(file)) or file.path in asked]
    fetched = _fetch(client, state, root, manifests)
    # A `model_config` is a file beside: it matters if some manifest names it.
    mentioned = fetched + b"".join(_manifests_of(root))
    others = [
        file
        for file in written
        if file not in manifests
        and file.path.endswith(".json")
        and os.fsencode(_name(file)) in mentioned
    ]
    _fetch(client, state, root, others, already=len(manifests))


def _fetch(
    client: Client, state: State, root: Path, files: Sequence[ChangedFile], *, already: int = 0
) -> bytes:
    if already + len(files) > MAX_FETCHED:
        raise NotRecomputedError(f"it changes more than {MAX_FETCHED} manifests")
    everything = []
    for file in files:
        target = _inside(root, file.path)
        try:
            data = contents.read(client, state.pull, file.path, sha=state.head_sha)
        except NotPermittedError as error:
            raise NotRecomputedError(f"{file.path!r} cannot be read: {error}") from error
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        everything.append(data)
    return b"".join(everything)


def _manifests_of(root: Path) -> Iterator[bytes]:
    for folder, _, names in os.walk(root):
        for name in filter(is_manifest, names):
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path.read_bytes()


def _inside(root: Path, path: str) -> Path:
    """The file of that path; no part of it may lead elsewhere. Raises NotRecomputedError."""
    parts = path.split("/")
    target = root.joinpath(*parts)
    is_odd = any(part in ("", ".", "..") or part.lower() == ".git" for part in parts)
    if is_odd or "\\" in path or "\0" in path or target.parent.resolve() != target.parent:
        raise NotRecomputedError(f"{path!r} does not lead into the repository")
    return target


def _remove(target: Path) -> None:
    if target.is_symlink() or target.is_file():
        target.unlink()


def _name(file: ChangedFile) -> str:
    return file.path.rpartition("/")[2]
