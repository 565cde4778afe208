"""What the files on disk state: manifests, and native files that were come across."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path

from capcheck.errors import InputError, Problem
from capcheck.manifest.discover import find, read_manifest, reader_for, repository_root
from capcheck.manifest.load import Entry, entries
from capcheck.natives import come_across, lines_of, recorded
from capcheck.policies import NO_LABELS, Labels, labels_of
from capcheck.records import dataclass


@dataclass(frozen=True, slots=True)
class Read:
    """Every deployment, the lines of the files by path, and what could not be read.

    `files` are the paths of manifests and native files as shown; `unread` are some of them.
    """

    stated: tuple[Entry, ...]
    sources: dict[str, Sequence[str]]
    problems: tuple[Problem, ...]
    unread: frozenset[str]
    files: tuple[str, ...]


def manifests(paths: Iterable[str], problems: list[Problem]) -> list[Path]:
    """Sorted, each once; a path that does not exist does not hide the others."""
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            for manifest in find((path,)):
                found.setdefault(manifest.resolve(), manifest)
        except InputError as error:
            problems += error.problems
    return sorted(found.values())


def read(
    paths: Sequence[str],
    named: Sequence[Path],
    *,
    environment: str | None,
    instead: Mapping[str, str],
    labels: Labels = NO_LABELS,
) -> Read:
    """The deployments of the manifests `named`, and of native files below the folders of `paths`.

    `instead` are texts by path that are read in the place of what is on disk.
    """
    stated, problems = list[Entry](), list[Problem]()
    sources: dict[str, Sequence[str]] = {}
    unread: set[str] = set()
    for manifest in named:
        name = manifest.as_posix()
        try:
            written = instead.get(name)
            data = read_manifest(manifest) if written is None else written.encode()
            sources[name] = lines_of(data)
            stated += _entries(data, name, environment, sources, labels)
        except InputError as error:
            problems += error.problems
            unread.add(name)
    native = come_across(paths, named, stated, sources, environment, labels_of("", labels))
    files = (manifest.as_posix() for manifest in named)
    return Read(
        stated=(*stated, *native),
        sources=sources,
        problems=tuple(problems),
        unread=frozenset(unread),
        files=(*files, *sorted({entry.path for entry in native})),
    )


def read_text(
    text: str, path: str, *, environment: str | None, labels: Labels
) -> tuple[Entry, ...]:
    """What a file would state if it had this text. Raises InputError."""
    return _entries(text.encode(), path, environment, {}, labels)


def _entries(
    data: bytes,
    path: str,
    environment: str | None,
    sources: MutableMapping[str, Sequence[str]],
    labels: Labels,
) -> tuple[Entry, ...]:
    """What a file states in the environment asked for; the lines of what it refers to are kept."""
    read_file = recorded(reader_for(repository_root(Path(path))), sources)
    meant = labels_of(path, labels)
    return entries(data, path, read_file=read_file, environment=environment, labels=meant)
