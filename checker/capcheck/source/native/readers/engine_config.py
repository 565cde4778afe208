"""Configuration files that vLLM and SGLang take by `--config`: flags without their dashes.

Recognised where every key is a flag of one engine and at least two of them are such that no other
program has. Sources: vLLM "Configuration file", SGLang "server arguments: configuration file".
"""

from __future__ import annotations

from capcheck.source.native import command_line
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command import flags
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, deployment, merged
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Document, Files, entries
from capcheck.source.nodes import Mapping, Scalar

NAME = "engine config"

_ENGINES = ("vllm", "sglang")
_COMMON = frozenset(("model", "host", "port", "seed", "revision", "device", "dtype", "config"))


def recognises(document: Document) -> bool:
    """By the keys."""
    return bool(_engine(document))


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """The one server that the file configures."""
    engine = _engine(document)
    pairs: list[tuple[str, Text]] = []
    for key, value in entries(document.tree):
        text = files.text(value) if isinstance(value, Scalar) else None
        if text is not None:
            pairs.append((key, text))
    sheet = command_facts.of_config(pairs, engine)
    backend: dict[str, Fact] = {"backend": Stated(engine, document.place, "keys")}
    facts = merged(sheet.facts, backend)
    command_facts.with_quant_of_name(facts)
    return [
        deployment(
            address=command_line.base_name(document),
            kind=NAME,
            place=document.place,
            facts=facts,
            expect=None if "model" in facts else "runtime",
            settings=sheet.settings,
        )
    ]


def _engine(document: Document) -> str:
    if document.kind or not isinstance(document.tree, Mapping):
        return ""
    keys = [key.replace("_", "-") for key, _ in entries(document.tree)]
    found = []
    for engine in _ENGINES:
        known = flags.flags_of(engine)
        own = [key for key in keys if f"--{key}" in known]
        telling = [key for key in own if key not in _COMMON]
        if len(own) == len(keys) and len(telling) > 1:
            found.append(engine)
    return found[0] if found else ""
