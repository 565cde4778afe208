"""Manifests on disk: which files are meant, and reading them without leaving the repository."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from capcheck.manifest.names import is_manifest
from capcheck.manifest.referred import OutsideRepositoryError, ReadFile
from capcheck.source.nearest import nearest
from capcheck.source.problems import Problems, quoted, whole_file
from capcheck.source.text import MAX_BYTES

SKIPPED = frozenset((".git", ".hg", ".svn", ".tox", ".venv", "venv", "node_modules", "__pycache__"))


def find(paths: Iterable[str]) -> tuple[Path, ...]:
    """The manifests that `paths` mean, sorted, each once.

    A file may have any name; in a directory and those below it the files named `capcheck.yaml`,
    `capcheck.yml`, `*.capcheck.yaml` and `*.capcheck.yml` are meant. Links to directories are not
    followed. Raises InputError for every path that does not exist or can't be listed, and for every
    link out of the current directory (of the given one, where that is elsewhere): the report would
    show another file's text.
    """
    problems = Problems()
    found: dict[Path, Path] = {}
    for path in paths:
        for manifest in _meant_by(path, problems):
            found.setdefault(manifest.resolve(), manifest)
    if problems:
        raise problems.error()
    return tuple(sorted(found.values()))


def read_manifest(path: Path) -> bytes:
    """The bytes of a manifest; no more than are needed to see that there are too many.

    Raises InputError (unreadable-file).
    """
    try:
        return _read(path)
    except OSError as error:
        problems = Problems()
        _unreadable(path, error, problems)
        raise problems.error() from error


def repository_root(manifest: Path) -> Path:
    """The directory with `.git` that a manifest is in, else the manifest's own."""
    folder = manifest.resolve().parent
    return next((up for up in (folder, *folder.parents) if (up / ".git").exists()), folder)


def reader_for(root: Path) -> ReadFile:
    """What `load` reads `model_config` files with: regular files inside `root`, links resolved.

    The reader takes a path relative to the current directory, or an absolute one. It raises
    OSError, for a path that leads out of `root` OutsideRepositoryError.
    """

    def read(path: str) -> bytes:
        if _leads_out(Path(path), root):
            raise OutsideRepositoryError(path)
        if Path(path).exists() and not Path(path).is_file():
            raise OSError("not a regular file")
        return _read(Path(path))

    return read


def _meant_by(argument: str, problems: Problems) -> Iterator[Path]:
    path = Path(argument)
    try:
        is_directory = stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        is_directory = None
    if is_directory is None or not argument:
        problems.add(
            "path-not-found",
            whole_file(path.as_posix()),
            found=quoted(argument),
            expected="an existing file or directory",
            nearest=_nearest_path(path) if argument else None,
        )
    elif _leads_out(path, root := _root(path)):
        _outside(path, root, problems)
    elif is_directory:
        yield from _in_directory(path, root, problems)
    else:
        yield path


def _root(path: Path) -> Path:
    """Where links below `path` may lead: the current directory, or `path` when it is elsewhere."""
    return path if path.is_absolute() or ".." in path.parts else Path()


def _in_directory(top: Path, root: Path, problems: Problems) -> Iterator[Path]:
    def note(error: OSError) -> None:
        _unreadable(Path(error.filename), error, problems)

    for folder, folders, files in os.walk(top, onerror=note):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for manifest in (Path(folder, name) for name in files if is_manifest(name)):
            if _leads_out(manifest, root):
                _outside(manifest, root, problems)
            else:
                yield manifest


def _leads_out(path: Path, folder: Path) -> bool:
    try:
        return not path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle: RuntimeError before Python 3.13
        return True


def _outside(path: Path, folder: Path, problems: Problems) -> None:
    problems.add(
        "path-outside-repository",
        whole_file(path.as_posix()),
        found="a link that leads out",
        expected=f"a path inside {quoted(str(folder.resolve()))}",
    )


def _nearest_path(path: Path) -> str | None:
    """The path with its first missing part replaced by the most similar name beside it."""
    parts = path.parts
    for end in range(1, len(parts) + 1):
        upper, name = Path(*parts[: end - 1]), parts[end - 1]
        if not os.path.lexists(upper / name):
            near = nearest(name, _names_in(upper))
            return str(Path(upper, near, *parts[end:])) if near else None
    return None


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _unreadable(path: Path, error: OSError, problems: Problems) -> None:
    problems.add(
        "unreadable-file",
        whole_file(path.as_posix()),
        found=quoted(str(path)),
        expected=f"a readable file ({error.strerror or error})",
    )


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
