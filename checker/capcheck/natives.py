"""Native files on disk that no manifest refers to: found in folders, read like any other file."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path

from capcheck.errors import InputError
from capcheck.manifest.discover import read_manifest, reader_for, repository_root
from capcheck.manifest.load import Entry, entries
from capcheck.manifest.native.discover import candidates, paths_of
from capcheck.manifest.referred import ReadFile
from capcheck.source.native.labels import GpuLabels

Sources = MutableMapping[str, Sequence[str]]


def come_across(
    paths: Iterable[str],
    manifests: Iterable[Path],
    stated: Iterable[Entry],
    sources: Sources,
    environment: str | None = None,
    labels: GpuLabels | None = None,
) -> list[Entry]:
    """The deployments of native files below the folders among `paths`.

    Files that a manifest's `from` names are left to it. Nobody asked for these files: one that
    can't be read or is a template says nothing.
    """
    folders = [Path(path) for path in paths if Path(path).is_dir()]
    referred = {
        Path(path)
        for entry in stated
        for path in paths_of(entry.stated.values.get("/from", ()), entry.path)
    }
    found: list[Entry] = []
    for path in candidates(folders, (*manifests, *referred)):
        name = path.as_posix()
        kept: dict[str, Sequence[str]] = {}
        try:
            read_file = recorded(reader_for(repository_root(path)), kept)
            data = read_manifest(path)
            inside = entries(
                data, name, read_file=read_file, environment=environment, labels=labels
            )
        except InputError:
            continue
        sources.update(kept)
        sources[name] = lines_of(data)
        found += (replace(entry, is_asked=False) for entry in inside if entry.is_native)
    return found


def recorded(read_file: ReadFile, sources: Sources) -> ReadFile:
    """A reader that keeps the lines of what it read, for excerpts."""

    def read(path: str) -> bytes:
        data = read_file(path)
        sources.setdefault(path, lines_of(data))
        return data

    return read


def lines_of(data: bytes) -> list[str]:
    """The lines of a file as an excerpt shows them."""
    return data.decode("utf-8-sig", "replace").split("\n")
