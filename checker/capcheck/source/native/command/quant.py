"""The weight format that a name or a flag states, as this project's answer key spells it."""

from __future__ import annotations

import re

_GGUF = re.compile(
    r"(?:UD-)?(?:I?Q[1-8](?:_[A-Z0-9]+)*|TQ[12]_0|MXFP4(?:_MOE)?|BF16|F16|FP16|F32)", re.IGNORECASE
)
_SPLIT = re.compile(r"-\d{5}-of-\d{5}$")
# Parts of a repository's or a file's name between `-`, `_` and `.`.
_PARTS = {
    "awq": "awq",
    "gptq": "gptq",
    "fp8": "fp8",
    "nvfp4": "nvfp4",
    "mxfp4": "mxfp4",
    "fp4": "nvfp4",
    "bnb": "bitsandbytes",
    "bitsandbytes": "bitsandbytes",
    "autoround": "auto_round",
    "w4a16": "int4",
    "int4": "int4",
    "w8a8": "int8",
    "w8a16": "int8",
    "int8": "int8",
}
# The first that a name holds decides: `AWQ-INT4` is AWQ.
_ORDER = tuple(_PARTS)
_NOT_A_QUANT = frozenset(("", "none", "null", "auto", "false", "no"))


def of_flag(value: str) -> str | None:
    """The value of a quantization flag; None where it says that there is none."""
    name = value.strip().strip("'\"").lower()
    return None if name in _NOT_A_QUANT else name


def of_name(model: str, engine: str) -> str | None:
    """The quant that the name of a repository, file or tag ends in."""
    if engine == "ollama":
        tag = model.partition(":")[2]
        found = _last(tag)
        return f"gguf:{found}" if found else None
    tag = model.partition(":")[2]
    if engine == "llama.cpp" and tag and "://" not in model:
        return f"gguf:{tag}" if _GGUF.fullmatch(tag) else None
    last = model.rstrip("/").rpartition("/")[2]
    if last.lower().endswith(".gguf"):
        found = _last(_SPLIT.sub("", last[:-5]))
        return f"gguf:{found}" if found else None
    if "gguf" in last.lower():
        found = _last(last)
        return f"gguf:{found}" if found else None
    if engine == "llama.cpp":
        return None
    parts = re.split(r"[-_.:]", last.lower())
    return next((_PARTS[part] for part in _ORDER if part in parts), None)


def _last(name: str) -> str | None:
    """The last GGUF type in a name, as written."""
    found = None
    for match in _GGUF.finditer(name):
        before = name[match.start() - 1 : match.start()] if match.start() else ""
        after = name[match.end() : match.end() + 1]
        if not before.isalnum() and not after.isalnum():
            found = match[0]
    return found
