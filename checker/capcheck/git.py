"""Another commit's files, straight from the object store: read-only, no checkout, no network.

Only plumbing that runs nothing else is called: no hook, filter, textconv, pager or file-system
monitor of a hostile configuration has a part in `rev-parse`, `ls-tree` and `cat-file`. Arguments
are lists, references cannot become options, every call has a time limit.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from capcheck.manifest.referred import OutsideRepositoryError
from capcheck.records import dataclass
from capcheck.source.text import MAX_BYTES

TIME_LIMIT_S = 60
MAX_LINKS = 20

_LINK = b"120000"
_SAFE = ("--no-optional-locks", "--no-replace-objects", "--no-pager", "-c", "core.fsmonitor=false")
# Of a partial clone: a missing object stays missing instead of being fetched.
_OFFLINE = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}
# Set inside a hook, and relative to another folder than ours.
_OF_A_HOOK = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"}


class GitError(Exception):
    """Git is not there, refuses, or takes too long; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Blob:
    """One file of a tree; a link's content is its target."""

    sha: str
    is_link: bool


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one commit, by path from the repository's root."""

    repository: Repository
    commit: str
    blobs: Mapping[str, Blob]

    def read(self, path: str) -> bytes:
        """The file's content, links inside the repository followed.

        At most one byte more than a manifest may have. Raises FileNotFoundError,
        OutsideRepositoryError for a link that leads out, OSError for one that cannot be read.
        """
        return self.repository.content(self.blobs[self.target(path)].sha)

    def target(self, path: str) -> str:
        """The path behind all links. Raises as `read` does."""
        for _ in range(MAX_LINKS):
            link = next((up for up in _prefixes(path) if self._is_link(up)), None)
            if link is None:
                if path not in self.blobs:
                    raise FileNotFoundError(path)
                return path
            to = os.fsdecode(self.repository.content(self.blobs[link].sha))
            rest = path[len(link) + 1 :]
            path = posixpath.normpath(posixpath.join(posixpath.dirname(link), to, rest))
            if posixpath.isabs(to) or path == ".." or path.startswith("../"):
                raise OutsideRepositoryError(path)
        raise OSError("too many links")

    def _is_link(self, path: str) -> bool:
        return path in self.blobs and self.blobs[path].is_link


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository by its root; nothing in it is ever written."""

    root: Path

    def commit(self, reference: str) -> str | None:
        """The commit that a reference names; None when this checkout does not have it."""
        if not reference or reference.startswith("-") or "\0" in reference:
            return None
        arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        answer = _run((*arguments, f"{reference}^{{commit}}"), self.root)
        return answer.stdout.decode("ascii", "replace").strip() or None

    def parents(self, commit: str) -> tuple[str, ...]:
        """The commits that this one was made from; also those that a shallow checkout lacks."""
        text = _run(("cat-file", "commit", commit), self.root).stdout.partition(b"\n\n")[0]
        lines = (line.split(b" ") for line in text.split(b"\n"))
        return tuple(line[1].decode() for line in lines if line[0] == b"parent")

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor; None where the history here does not reach that far."""
        answer = _run(("merge-base", "--end-of-options", one, other), self.root)
        return answer.stdout.decode("ascii", "replace").strip() or None

    def tree(self, commit: str) -> Tree:
        """All files of a commit; submodules are not among them. Raises GitError."""
        answer = _run(("ls-tree", "-r", "-z", "--full-tree", commit), self.root)
        if answer.returncode:
            raise GitError(_reason(answer))
        blobs = {}
        for line in filter(None, answer.stdout.split(b"\0")):
            facts, _, path = line.partition(b"\t")
            mode, kind, sha = facts.split(b" ")
            if kind == b"blob":
                blobs[os.fsdecode(path)] = Blob(sha.decode("ascii"), mode == _LINK)
        return Tree(self, commit, blobs)

    def content(self, sha: str) -> bytes:
        """A blob, at most one byte more than a manifest may have. Raises OSError."""
        try:
            return self.contents((sha,))[sha]
        except GitError as error:
            raise OSError(str(error)) from error
        except KeyError:
            raise OSError("not in this checkout") from None

    def contents(self, shas: Iterable[str]) -> dict[str, bytes]:
        """As `content`, of many blobs in one go; those that are missing are left out.

        Raises GitError.
        """
        asked = list(dict.fromkeys(shas))
        # `SHA blob SIZE`, or `SHA missing`.
        known = [line.split() for line in self._batch("--batch-check", asked).splitlines()]
        sizes = {facts[0].decode(): int(facts[2]) for facts in known if facts[1] == b"blob"}
        # One byte too many says that a file is too large as well as a gibibyte does.
        found = {sha: b" " * (MAX_BYTES + 1) for sha in sizes if sizes[sha] > MAX_BYTES}
        wanted = [sha for sha in sizes if sha not in found]
        output, start = self._batch("--batch", wanted), 0
        for sha in wanted:
            start = output.index(b"\n", start) + 1
            found[sha] = output[start : start + sizes[sha]]
            start += sizes[sha] + 1
        return found

    def _batch(self, how: str, shas: Sequence[str]) -> bytes:
        if not shas:
            return b""
        answer = _run(("cat-file", how), self.root, "".join(f"{sha}\n" for sha in shas).encode())
        if answer.returncode:
            raise GitError(_reason(answer))
        return answer.stdout


def repository_of(folder: Path) -> Repository:
    """The repository with a work tree that a folder is in. Raises GitError."""
    answer = _run(("rev-parse", "--show-toplevel"), folder)
    top = os.fsdecode(answer.stdout).rstrip("\n")
    if answer.returncode or not top:
        raise GitError(_reason(answer) or "no work tree")
    return Repository(Path(top).resolve())


def _prefixes(path: str) -> Iterable[str]:
    parts = path.split("/")
    return ("/".join(parts[:end]) for end in range(1, len(parts) + 1))


def _run(
    arguments: Sequence[str], folder: Path, text: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    environ = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    try:
        return subprocess.run(  # noqa: S603
            [executable(), *_SAFE, "-C", os.fspath(folder), *arguments],
            input=text,
            capture_output=True,
            env={**environ, **_OFFLINE},
            timeout=TIME_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} took more than {TIME_LIMIT_S} s") from error
    except (OSError, ValueError) as error:
        raise GitError(f"git cannot be run ({error})") from error


def executable() -> str:
    """Git's path, from absolute entries of PATH only: a checkout may hold a `git` of its own.

    Raises GitError.
    """
    path = os.pathsep.join(entry for entry in os.get_exec_path() if os.path.isabs(entry))
    found = shutil.which("git", path=path)
    if found is None or not os.path.isabs(found):
        raise GitError("git is not installed")
    return found


def _reason(answer: subprocess.CompletedProcess[bytes]) -> str:
    """The first line that git says, without its `fatal: `."""
    lines = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else ""
