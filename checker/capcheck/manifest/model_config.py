"""`model_config:` the config.json that a deployment points to."""

from __future__ import annotations

import json
from typing import Any

from capcheck.errors import InputError
from capcheck.manifest.read import Stated
from capcheck.manifest.referred import ReferredFiles
from capcheck.place import Place
from capcheck.source.problems import Problems, whole_file
from capcheck.source.text import decode

_POINTER = "/model_config"


class ModelConfigs:
    """The config files of one manifest, each read once."""

    def __init__(self, files: ReferredFiles) -> None:
        self._files = files
        self._known: dict[str, dict[str, Any] | None] = {}

    def of(self, stated: Stated) -> dict[str, Any] | None:
        """The config that the deployment points to; None without one, or with a problem noted."""
        name = stated.values.get(_POINTER)
        if name is None:
            return None
        place = stated.places[_POINTER]
        path = self._files.path(name, place)
        if path is None:
            return None
        if path not in self._known:
            self._known[path] = self._read(path, place)
        return self._known[path]

    def _read(self, path: str, place: Place) -> dict[str, Any] | None:
        data = self._files.read(path, place)
        if data is None:
            return None
        try:
            return _parse(data, path)
        except InputError as error:
            self._files.problems.extend(error.problems)
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
