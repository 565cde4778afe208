"""`vars` and `env_files`: values for what native files leave to the environment."""

from __future__ import annotations

from capcheck.errors import InputError
from capcheck.manifest.read import Stated
from capcheck.manifest.referred import ReferredFiles
from capcheck.source.native import env_file
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.text import Text, at
from capcheck.source.native.tree import files_of
from capcheck.source.text import decode


def variables(stated: Stated, files: ReferredFiles) -> Environment:
    """Every variable that a deployment is given, `vars` last; files that can't be read are noted.

    A value keeps its place: that in the env file, or that in the manifest.
    """
    found: dict[str, Text] = {}
    for index, name in enumerate(stated.values.get("/env_files", ())):
        place = stated.places[f"/env_files/{index}"]
        path = files.path(name, place)
        data = None if path is None else files.read(path, place)
        if path is None or data is None:
            continue
        try:
            read = files_of({path: decode(data, path)}, plain=True)
        except InputError as error:
            files.problems.extend(error.problems)
            continue
        found |= env_file.read(read.documents[0], read, found)
    for name, value in stated.values.get("/vars", {}).items():
        found[name] = at(value, stated.places[f"/vars/{name}"], variable=name)
    return found
