"""What a native file's model says about which weights are served."""

from __future__ import annotations

import re

from capcheck.source.native.deployment import Fact, Stated, Unknown

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")
# Schemes whose rest is a name that says which weights they are.
_NAMING = frozenset(("hf", "ollama", "docker"))
_FOLDER = re.compile(r"(?:/|\./|~|[A-Za-z]:\\)")


def model_of(fact: Stated, backend: Fact | None) -> Fact:
    """The model by its name; unknown where only a folder or a bucket is named.

    What lies in a folder is not in the file, whatever the folder is called. A GGUF file's own name
    is kept: it is how such files are told apart.
    """
    value = str(fact.value)
    if is_place_of_weights(value):
        return Unknown(f"what lies at {value[:120]}", fact.place)
    if scheme := _SCHEME.match(value):
        value = value[scheme.end() :]
    if isinstance(backend, Stated) and backend.value == "ollama":
        value = value.removeprefix("library/")
    return Stated(value, fact.place, fact.origin)


def is_place_of_weights(value: str) -> bool:
    """Whether a model is named by where its weights lie."""
    scheme = _SCHEME.match(value)
    if scheme:
        return scheme[1] not in _NAMING
    return _FOLDER.match(value) is not None and not value.endswith(".gguf")
