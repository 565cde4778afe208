"""Files of variables whose names are an engine's flags: `VLLM_MAX_MODEL_LEN=8192`.

What reads the file stands elsewhere, so the deployment is `partial`; the variables that an engine
itself reads are facts as well. A file is one only where the name of an engine stands in it, and two
of its variables say something of that engine.
"""

from __future__ import annotations

from capcheck.source.native import command_line, env_file
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command import flags
from capcheck.source.native.deployment import (
    NativeDeployment,
    Stated,
    deployment,
    merged,
)
from capcheck.source.native.text import Text
from capcheck.source.native.tree import Document, Files

NAME = "env file"

# How an engine is named in a file's or a variable's name.
_ENGINES = {
    "vllm": "vllm",
    "sglang": "sglang",
    "ollama": "ollama",
    "llama_arg": "llama.cpp",
    "tgi": "tgi",
}
# What may stand before `MODEL` in the name of the variable that holds the model.
_OWNERS = frozenset(("llm", "hf", "serve", "server", "default"))
_ABBREVIATIONS = {"gpu-mem-util": "gpu-memory-utilization", "model-id": "model"}


def recognises(document: Document) -> bool:
    """Nothing but assignments."""
    return env_file.is_env_file(document)


def read(document: Document, files: Files) -> list[NativeDeployment]:
    """What the variables say of the one engine that is named."""
    variables = env_file.read(document, files)
    engine = _engine(document, variables)
    if not engine:
        return []
    flagged = command_facts.of_config(_flags(variables, engine), engine)
    own = command_facts.of_environment(variables, engine)
    facts = merged(own.facts, flagged.facts)
    by_name = "model" in facts and engine in _named(command_line.base_name(document))
    if len(facts) < 2 and not by_name:
        return []
    facts["backend"] = Stated(engine, document.place, "names of the variables")
    command_facts.with_quant_of_name(facts)
    return [
        deployment(
            address=command_line.base_name(document),
            kind=NAME,
            place=document.place,
            facts=facts,
            expect="partial",
            settings={**flagged.settings, **own.settings},
        )
    ]


def _engine(document: Document, variables: dict[str, Text]) -> str:
    """The engine that the names in the file, or else its own name, hold; none where several do."""
    for text in (" ".join(variables), command_line.base_name(document)):
        found = _named(text)
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


def _named(text: str) -> set[str]:
    return {engine for word, engine in _ENGINES.items() if word in text.lower()}


def _flags(variables: dict[str, Text], engine: str) -> list[tuple[str, Text]]:
    """The variables whose names, or their ends, are flags by their full names."""
    known = flags.flags_of(engine)
    found = []
    for name, value in variables.items():
        words = name.lower().split("_")
        for first in range(min(len(words), 3)):
            flag = "-".join(words[first:])
            flag = _ABBREVIATIONS.get(flag, flag)
            row = known.get(f"--{flag}")
            if flag == "model" and not set(words[:first]) <= {engine, *_OWNERS}:
                break  # a draft's, a judge's, another server's
            if row is not None and row.meaning and (first or len(words) > 1 or flag == "model"):
                found.append((flag, value))
                break
    return found
