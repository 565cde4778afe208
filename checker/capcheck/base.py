"""The manifests of the commit to compare with, found as those on disk are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from capcheck.errors import InputError, Problem
from capcheck.git import GitError, Repository, Tree, repository_of
from capcheck.manifest.discover import SKIPPED
from capcheck.manifest.load import Entry, entries
from capcheck.manifest.names import SUFFIXES, is_manifest
from capcheck.manifest.referred import OutsideRepositoryError
from capcheck.policies import NO_LABELS, Labels, Policies, labels_of, named
from capcheck.policy.discover import PLACES
from capcheck.policy.load import load as load_policy
from capcheck.records import dataclass
from capcheck.source.problems import quoted, whole_file

# Files that are gone from disk are where a new one may have come from; more are not looked into.
MOST_GONE = 200


class BaseError(Exception):
    """There is no comparison; the message says why, and what would help."""


@dataclass(frozen=True, slots=True)
class Base:
    """What one commit states.

    `asked` are the deployments of the paths asked for, `gone` those of other manifests that are no
    longer on disk. `unread` are the paths of manifests that cannot be read there; `meant` are those
    arguments, with `/`, under which it has a manifest. `policies` are None where the policy asked
    for is no file of the repository: base has none of its own then.
    """

    commit: str
    head: str | None
    asked: tuple[Entry, ...]
    gone: tuple[Entry, ...]
    unread: frozenset[str]
    meant: frozenset[str]
    policies: Policies | None = None


def read_base(
    reference: str,
    paths: Sequence[str],
    shown: Iterable[str],
    *,
    environment: str | None = None,
    policy: Path | None = None,
    labels: Labels = NO_LABELS,
) -> Base:
    """The manifests that `paths` mean at a commit; `shown` are those on disk, as they are shown.

    `labels` are what node labels mean to the policies that judge.

    Raises BaseError when the commit is not there to compare with, InputError outside a repository.
    """
    repository = _repository(paths)
    try:
        commit = repository.commit(reference)
        if commit is None:
            raise BaseError(
                f"{quoted(reference)} is not a commit of this checkout, so nothing was compared "
                "and every finding counts; fetch it (of a shallow clone, with fetch-depth: 0)"
            )
        tree = repository.tree(commit)
        found = _read(tree, repository.commit("HEAD"), paths, shown, environment, labels)
        return replace(found, policies=_policies(tree, found.asked, policy))
    except GitError as error:
        raise BaseError(
            f"{quoted(reference)} cannot be read, so nothing was compared and every finding "
            f"counts: {error}"
        ) from error


def _repository(paths: Sequence[str]) -> Repository:
    """That of the first path. Raises InputError."""
    first = Path(paths[0])
    folder = first if first.is_dir() else first.parent
    while not folder.is_dir():
        folder = folder.parent
    try:
        return repository_of(folder.resolve())
    except GitError as error:
        problem = Problem(
            code="no-repository",
            place=whole_file(first.as_posix()),
            found=str(error)[:200],
            expected="a path inside a git repository, because --base reads another commit",
        )
        raise InputError((problem,)) from error


def _read(
    tree: Tree,
    head: str | None,
    paths: Sequence[str],
    shown: Iterable[str],
    environment: str | None,
    labels: Labels,
) -> Base:
    names = _Names(tree.repository.root)
    on_disk = {inside: name for name in shown if (inside := names.inside(name)) is not None}
    meant = {path: names.inside(path) for path in paths}
    asked = {path for one in meant.values() if one is not None for path in _meant(one, tree)}
    asked |= on_disk.keys() & tree.blobs.keys()
    gone = _gone(tree, asked, on_disk)
    contents = tree.repository.contents(_sha(tree, path) for path in (*asked, *gone))
    stated: dict[str, tuple[Entry, ...]] = {}
    unread = set()
    for path in sorted((*asked, *gone)):
        name = on_disk.get(path) or names.shown(path)
        try:
            data = contents[_sha(tree, path)]
            stated[path] = entries(
                data,
                name,
                read_file=lambda wanted: names.read(wanted, tree),
                environment=environment,
                labels=labels_of(name, labels),
            )
        except KeyError:
            raise GitError(f"{name} is missing from the object store (a partial clone?)") from None
        except InputError:
            unread.add(name)
    return Base(
        commit=tree.commit,
        head=head,
        asked=tuple(one for path in sorted(asked) for one in stated.get(path, ())),
        gone=tuple(one for path in sorted(gone) for one in stated.get(path, ())),
        unread=frozenset(unread),
        meant=frozenset(
            Path(path).as_posix()
            for path, one in meant.items()
            if one is not None and any(_meant(one, tree))
        ),
    )


def _policies(tree: Tree, stated: Iterable[Entry], asked: Path | None) -> Policies | None:
    """Those of the commit; one that can't be read there is none."""
    names = _Names(tree.repository.root)
    inside = names.inside(asked.as_posix()) if asked else None
    if asked is not None and inside is None:
        return None
    places = (inside,) if inside is not None else PLACES
    path = next((place for place in places if place in tree.blobs), None)
    own, ignored = None, list[Problem]()

    def read(wanted: str) -> bytes:
        return names.read(wanted, tree)

    if path is not None:
        try:
            own = load_policy(tree.read(path), names.shown(path), read_file=read)
        except (InputError, OSError):
            return None
    return Policies(own, named(stated, own, lambda _, wanted: read(wanted), ignored))


def _sha(tree: Tree, path: str) -> str:
    """Of what is behind the links, or of the link itself where they lead nowhere."""
    try:
        return tree.blobs[tree.target(path)].sha
    except OSError:
        return tree.blobs[path].sha


def _meant(path: str, tree: Tree) -> Iterable[str]:
    """The manifests of a tree that a path means: itself, or those in the folders below it."""
    if path in tree.blobs:
        return (path,)
    top = "" if path == "." else f"{path}/"
    return (
        inside
        for inside in tree.blobs
        if inside.startswith(top)
        and is_manifest(inside.rpartition("/")[2])
        and SKIPPED.isdisjoint(inside.removeprefix(top).split("/"))
    )


def _gone(tree: Tree, asked: Iterable[str], on_disk: Iterable[str]) -> list[str]:
    """Manifests that are not on disk any more: what is new here may have been moved from there."""
    new = {path for path in on_disk if path not in tree.blobs}
    folders = {path.rpartition("/")[0] for path in new}
    names = {path.rpartition("/")[2] for path in new}
    known, found = set(asked), list[str]()
    for path in tree.blobs if new else ():
        folder, _, name = path.rpartition("/")
        alike = is_manifest(name) or (
            name.endswith(SUFFIXES) and (name in names or folder in folders)
        )
        if alike and path not in known and not os.path.lexists(tree.repository.root / path):
            found.append(path)
    return found[:MOST_GONE]


@dataclass(frozen=True, slots=True)
class _Names:
    """Paths as they are given and shown, and paths from the repository's root."""

    root: Path

    def inside(self, path: str) -> str | None:
        """From the root, with `/` between its parts; None outside. Its own link stays one."""
        given = Path(path)
        try:
            is_folder = given.name in ("", "..") or given.is_dir()
            whole = given.resolve() if is_folder else given.parent.resolve() / given.name
            return whole.relative_to(self.root).as_posix()
        except (OSError, RuntimeError, ValueError):
            return None

    def shown(self, path: str) -> str:
        """Relative to the current directory, as an argument would be given."""
        whole = self.root / path
        try:
            return Path(os.path.relpath(whole)).as_posix()
        except ValueError:  # another drive
            return whole.as_posix()

    def read(self, path: str, tree: Tree) -> bytes:
        """A file that a manifest refers to, from the commit. Raises OSError."""
        inside = self.inside(path)
        if inside is None:
            raise OutsideRepositoryError(path)
        return tree.read(inside)
