"""Which file is the organisation's policy, and reading it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from capcheck.errors import InputError, Problem
from capcheck.manifest.discover import read_manifest, reader_for, repository_root
from capcheck.policy.load import load
from capcheck.policy.model import Policy
from capcheck.source.problems import quoted, whole_file

# From the repository's root; the first that is there.
PLACES = (".github/capcheck-policy.yaml", "capcheck-policy.yaml")


def find(asked: Path | None, manifests: Sequence[Path]) -> Path | None:
    """The file asked for, else that of the repository of the first manifest; None without one.

    Raises InputError (path-not-found) for one that is asked for and not there.
    """
    if asked is not None:
        if not asked.is_file():
            raise InputError(
                [
                    Problem(
                        "path-not-found",
                        whole_file(asked.as_posix()),
                        quoted(str(asked)),
                        "an existing policy file",
                    )
                ]
            )
        return asked
    if not manifests:
        return None
    root = repository_root(manifests[0])
    return next((root / place for place in PLACES if (root / place).is_file()), None)


def read(path: Path) -> Policy:
    """The policy of a file. Raises InputError."""
    return load(read_manifest(path), shown(path), read_file=reader_for(repository_root(path)))


def shown(path: Path) -> str:
    """Relative to the current directory, as an argument would be given."""
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
