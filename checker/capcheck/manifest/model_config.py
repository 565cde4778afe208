"""`model_config:` the config.json that a deployment points to."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable
from typing import Any

from capcheck.errors import InputError
from capcheck.manifest.read import Stated
from capcheck.place import Place
from capcheck.source.problems import Problems, quoted, whole_file
from capcheck.source.text import decode

ReadFile = Callable[[str], bytes]

_POINTER = "/model_config"
# Absolute, with a drive or a home directory, or with the wrong slashes.
_NOT_RELATIVE = re.compile(r"/|~|[A-Za-z]:|.*\\")


class OutsideRepositoryError(OSError):
    """What a ReadFile raises for a path that leads out of the repository."""


class ModelConfigs:
    """The config files of one manifest, each read once."""

    def __init__(self, manifest: str, read_file: ReadFile | None, problems: Problems) -> None:
        self._folder = posixpath.dirname(manifest)
        self._read_file = read_file
        self._problems = problems
        self._known: dict[str, dict[str, Any] | None] = {}

    def of(self, stated: Stated) -> dict[str, Any] | None:
        """The config that the deployment points to; None without one, or with a problem noted."""
        name = stated.values.get(_POINTER)
        if name is None:
            return None
        place = stated.places[_POINTER]
        if _NOT_RELATIVE.match(name):
            self._problems.add(
                "bad-value",
                place,
                found=quoted(name),
                expected="a path relative to the manifest, with / between its parts",
            )
            return None
        path = posixpath.normpath(posixpath.join(self._folder, name))
        if path not in self._known:
            self._known[path] = self._read(path, place)
        return self._known[path]

    def _read(self, path: str, place: Place) -> dict[str, Any] | None:
        try:
            if self._read_file is None:
                raise OSError("no files can be read here")
            return _parse(self._read_file(path), path)
        except InputError as error:
            self._problems.extend(error.problems)
        except OutsideRepositoryError:
            code, expected = "path-outside-repository", "a file inside the repository"
            self._problems.add(code, place, found=quoted(path), expected=expected)
        except FileNotFoundError:
            self._problems.add(
                "path-not-found", place, found=quoted(path), expected="an existing file"
            )
        except OSError as error:
            expected = f"a readable file ({error.strerror or error})"
            self._problems.add("unreadable-file", place, found=quoted(path), expected=expected)
        return None


def _parse(data: bytes, path: str) -> dict[str, Any]:
    """A config.json. JSON proper, because `1e-05` is as usual there as it is a trap in YAML."""
    problems = Problems()
    place = whole_file(path)
    try:
        # NaN and Infinity occur in config files; no field of interest has them.
        value = json.loads(decode(data, path), parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        place = Place(path, error.lineno, error.colno, error.colno + 1)
        reason = error.msg
    except RecursionError:
        reason = "nested too deeply"
    except ValueError:
        reason = "a number too large to read"
    else:
        if isinstance(value, dict):
            return value
        reason = "no object"
    problems.add("bad-json", place, found=f"text that is not JSON ({reason})", expected="an object")
    raise problems.error()
