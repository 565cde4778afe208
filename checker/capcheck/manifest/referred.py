"""Files that a manifest refers to: relative to it, inside the repository, each read once."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from capcheck.place import Place
from capcheck.source.native.labels import GpuLabels
from capcheck.source.problems import Problems, quoted

ReadFile = Callable[[str], bytes]

# Absolute, with a drive or a home directory, or with the wrong slashes.
_NOT_RELATIVE = re.compile(r"/|~|[A-Za-z]:|.*\\")


class OutsideRepositoryError(OSError):
    """What a ReadFile raises for a path that leads out of the repository."""


class ReferredFiles:
    """The files that one manifest refers to. What can't be read is noted where it is named.

    `labels` are the GPUs that an organisation's node labels mean in them.
    """

    def __init__(
        self,
        manifest: str,
        read_file: ReadFile | None,
        problems: Problems,
        labels: GpuLabels | None = None,
    ) -> None:
        self.problems = problems
        self.labels = labels or {}
        self._folder = posixpath.dirname(manifest)
        self._read_file = read_file
        self._known: dict[str, bytes | None] = {}

    def path(self, name: str, place: Place) -> str | None:
        """The path of a file as it is shown, from how the manifest names it."""
        if _NOT_RELATIVE.match(name):
            self.problems.add(
                "bad-value",
                place,
                found=quoted(name),
                expected="a path relative to the manifest, with / between its parts",
            )
            return None
        return posixpath.normpath(posixpath.join(self._folder, name))

    def read(self, path: str, place: Place) -> bytes | None:
        """The bytes of a file; None with a problem noted, once for each file."""
        if path not in self._known:
            self._known[path] = self._read(path, place)
        return self._known[path]

    def beside(self, path: str, name: str) -> tuple[str, bytes] | None:
        """A file of this name in the folder of another one, if there is one to read."""
        found = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        try:
            return None if self._read_file is None else (found, self._read_file(found))
        except OSError:
            return None

    def _read(self, path: str, place: Place) -> bytes | None:
        try:
            if self._read_file is None:
                raise OSError("no files can be read here")
            return self._read_file(path)
        except OutsideRepositoryError:
            code, expected = "path-outside-repository", "a file inside the repository"
            self.problems.add(code, place, found=quoted(path), expected=expected)
        except FileNotFoundError:
            self.problems.add(
                "path-not-found", place, found=quoted(path), expected="an existing file"
            )
        except OSError as error:
            expected = f"a readable file ({error.strerror or error})"
            self.problems.add("unreadable-file", place, found=quoted(path), expected=expected)
        return None
