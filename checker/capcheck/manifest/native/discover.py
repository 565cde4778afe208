"""Native files on disk that nobody named: found by a cheap look, read only if that hits."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from capcheck.manifest.discover import SKIPPED
from capcheck.manifest.names import is_manifest
from capcheck.source.text import MAX_BYTES

_SUFFIXES = (".yaml", ".yml", ".service")
_ENGINE = re.compile(
    rb"vllm|sglang|text-generation|llama-server|llama\.cpp|ollama|trtllm|tensorrt-llm|tritonserver"
    rb"|nvcr\.io/nim|kaito\.sh|kubeai\.org|ray\.serve\.llm|dynamo|huggingfaceserver",
    re.IGNORECASE,
)


def candidates(folders: Iterable[Path], known: Collection[Path]) -> Iterator[Path]:
    """Files below the folders that mention an engine, sorted; links and `known` are left out."""
    taken = {path.resolve() for path in known}
    for folder in folders:
        for top, folders_in, names in os.walk(folder):
            folders_in[:] = sorted(name for name in folders_in if name not in SKIPPED)
            for name in sorted(names):
                path = Path(top, name)
                if name.endswith(_SUFFIXES) and not is_manifest(name) and not path.is_symlink():
                    resolved = path.resolve()
                    if resolved not in taken and _mentions_engine(path):
                        taken.add(resolved)
                        yield path


def _mentions_engine(path: Path) -> bool:
    try:
        if path.stat().st_size > MAX_BYTES or not path.is_file():
            return False
        return _ENGINE.search(path.read_bytes()) is not None
    except OSError:
        return False


def paths_of(references: Iterable[str], manifest: str) -> set[str]:
    """The files that a manifest's `from` entries name, as they are shown."""
    folder = posixpath.dirname(manifest)
    return {
        posixpath.normpath(posixpath.join(folder, text.partition("#")[0])) for text in references
    }
