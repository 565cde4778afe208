"""A manifest that refers to native files, with the lines that they leave to be filled in."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence

from capcheck.manifest.load import Entry
from capcheck.manifest.native.names import unlike

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./#@+\-\[\]]*")
_NEEDED = {
    "model": "# model: NAME",
    "backend": "# backend: NAME",
    "gpu": "# gpu: NAME",
}
# What no native file says, and every check of load and cost needs.
_EXPECTED = (
    "# traffic: {requests_per_second: 1, prompt_tokens: 512, output_tokens: 256}",
    "# slo: {ttft_p95: 1s, latency_p95: 10s}",
    "# budget: {monthly_usd: 1000}",
)


def draft(found: Sequence[Entry], folder: str = "") -> str:
    """The text of a manifest in `folder` for deployments of native files.

    What is not in the files stands there as a comment: the manifest is valid as it is.
    """
    lines = ["version: 1", "deployments:"]
    names: set[str] = set()
    for entry in _each_once(found):
        name = unlike(entry.stated.name.partition("@")[0], names)
        names.add(name)
        lines += (f"  {_scalar(name)}:", f"    from: {_scalar(_reference(entry, folder))}")
        lines += (f"    {line}" for line in (*missing(entry), *_EXPECTED))
    return "\n".join(lines) + "\n"


def missing(entry: Entry) -> list[str]:
    """A line to uncomment for every fact that a native file leaves open, with the reason."""
    values, blanks = entry.stated.values, entry.stated.native.blanks
    lines = []
    for name, line in _NEEDED.items():
        if f"/{name}" not in values:
            blank = blanks.get(f"/{name}")
            lines.append(f"{line}  # {_clean(blank.reason) if blank else 'the file does not say'}")
    for pointer, blank in blanks.items():
        name = pointer.rpartition("/")[2]
        if name in _NEEDED or pointer == "/backend_version":
            continue
        shape = f"serving: {{{name}: N}}" if pointer.startswith("/serving/") else f"{name}: N"
        lines.append(f"# {shape}  # {_clean(blank.reason)}")
    return lines


def _each_once(found: Sequence[Entry]) -> list[Entry]:
    """Alternatives of one deployment are one entry of a manifest."""
    first: dict[tuple[str, str, str], Entry] = {}
    for entry in found:
        first.setdefault((entry.path, entry.address, entry.stated.name.partition("@")[0]), entry)
    return list(first.values())


def _reference(entry: Entry, folder: str) -> str:
    path = posixpath.relpath(entry.path, folder or ".")
    return f"{path}#{entry.address}" if entry.address else path


def _scalar(text: str) -> str:
    """As YAML; what could mean anything else is quoted."""
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:120]
