"""From an engine's call to the facts that it states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import field
from functools import cache

from capcheck.records import dataclass
from capcheck.registry.rows import read
from capcheck.source.native.command import flags as flag_table
from capcheck.source.native.command import quant
from capcheck.source.native.command.programs import Call
from capcheck.source.native.command.shell import commands
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.deployment import FACTS, Fact, Stated, Unknown, Value
from capcheck.source.native.text import Text

_URI = re.compile(r"[a-z][a-z0-9+.-]*://")
# What `envsubst` or a template's parameters would fill in before the file is applied.
# `<...>`, or a name in capitals that speaks of being replaced.
_HOLE = re.compile(
    r"<.+>|[A-Z0-9_]*(?:PLACEHOLDER|REPLACE_?(?:ME|WITH)|CHANGE_?ME|YOUR_|FIX_?ME)[A-Z0-9_]*"
)
_YOURS = re.compile(r"your[-_]", re.IGNORECASE)
_LONGEST_HOLE = 200
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|\$\([\w.-]+\)|\$[A-Z][A-Z0-9_]{2,}")
_BELOW_HOME = re.compile(r"\$(?:HOME|\{HOME\})/[^$]+$")
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)([kKmMgG])?")
_SCALE = {"": 1, "k": 10**3, "K": 2**10, "m": 10**6, "M": 2**20, "g": 10**9, "G": 2**30}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Facts by the names of FACTS, and everything else that is stated, by canonical name."""

    facts: dict[str, Fact] = field(default_factory=dict)
    settings: dict[str, Stated] = field(default_factory=dict)


def of_call(call: Call) -> Sheet:
    """What an engine's command line states. The engine itself is the fact `backend`."""
    place = call.program.place
    sheet = of_arguments(call.arguments, call.engine)
    if place is not None and call.engine:
        sheet.facts["backend"] = Stated(call.engine, place, f"command {_shown(call.program)}")
    return sheet


def of_arguments(words: Iterable[Text], engine: str) -> Sheet:
    """What arguments state to an engine whose name stands elsewhere (an image, a kind)."""
    words = tuple(words)
    arguments = flag_table.parse(words, engine)
    sheet = Sheet()
    raw: dict[str, tuple[Text, str]] = {}
    for option in arguments.options:
        flag = option.flag
        if not flag.meaning:
            continue
        shown = option.name.value
        if flag.type == "switch":
            place = option.name.place
            if place is not None:
                sheet.settings[flag.meaning.removeprefix("no ")] = Stated(
                    "false" if flag.meaning.startswith("no ") else "true", place, shown
                )
            continue
        raw[flag.meaning] = (option.value, shown)
        state(sheet, flag.meaning, option.value, type_=flag.type, origin=shown, written=option.name)
    if arguments.positional and engine in _POSITIONAL:
        state(sheet, "model", arguments.positional[0], origin="positional model")
    _llama_model(sheet, raw)
    if engine == "vllm":
        _load_format(sheet)
    return sheet


def of_config(pairs: Iterable[tuple[str, Text]], engine: str) -> Sheet:
    """What a configuration file of an engine states: flags without dashes, each with its value."""
    sheet = Sheet()
    for key, value in pairs:
        flag = flag_table.find(f"--{key}", engine)
        if flag is None or not flag.meaning or not value:
            continue
        type_ = "text" if flag.type == "switch" else flag.type
        state(sheet, flag.meaning, value, type_=type_, origin=f"field {key}")
    if engine == "vllm":
        _load_format(sheet)
    return sheet


_POSITIONAL = frozenset(("vllm", "trtllm", "ollama"))


def of_environment(environment: Environment, engine: str) -> Sheet:
    """What the variables that an engine itself reads state."""
    sheet = Sheet()
    raw: dict[str, tuple[Text, str]] = {}
    for row in _variables(engine):
        value = environment.get(row["variable"])
        if value is None or not value.value:
            continue
        origin = f"env {row['variable']}"
        if row["type"] == "arguments":
            inner = next(iter(commands(value, environment)), None)
            if inner is not None:
                passed = of_arguments(inner.words, row["meaning"])
                sheet.facts.update(passed.facts)
                sheet.settings.update(passed.settings)
            continue
        raw[row["meaning"]] = (value, origin)
        state(sheet, row["meaning"], value, type_=row["type"], origin=origin)
    _llama_model(sheet, raw)
    return sheet


def state(
    sheet: Sheet,
    name: str,
    value: Text,
    *,
    origin: str,
    type_: str = "text",
    written: Text | None = None,
) -> None:
    """Enter one value: as a fact where FACTS has the name, as a setting otherwise."""
    value = value.stripped()
    fact = model(value, origin) if name == "model" else typed(value, type_, origin)
    if isinstance(fact, Unknown) and fact.place is None and written is not None:
        fact = Unknown(fact.reason, written.place)
    if name == "quant" and isinstance(fact, Stated):
        spelled = quant.of_flag(str(fact.value))
        fact = Stated(spelled, fact.place, fact.origin) if spelled else Unknown()
    if name in FACTS:
        sheet.facts[name] = fact
    elif isinstance(fact, Stated):
        sheet.settings[name] = fact


def typed(value: Text, type_: str, origin: str) -> Fact:
    """A value of one of the types of the flag table, or why it is not known."""
    place = value.place
    if value.unresolved:
        return unresolved(value)
    if place is None:
        return Unknown()
    if "{{" in value.value:
        return Unknown("a template expression", place)
    if is_placeholder(value.value):
        return Unknown(f"{value.value[:60]!r} is a placeholder", place)
    if not value.variables and (match := _PLACEHOLDER.search(value.value)):
        return Unknown(f"unresolved variable {match[0].strip('${}()')}", place)
    if value.variables:
        origin = f"{origin} from {', '.join(value.variables)}"
    read_as = _READ_AS.get(type_)
    if read_as is None or value.value.startswith("$"):
        return Stated(value.value, place, origin)
    result = read_as(value.value)
    if result is None:
        return Unknown(f"{value.value!r} is chosen when the engine starts", None)
    return Stated(result, place, origin)


def is_placeholder(text: str) -> bool:
    """Whether a value is a hole that somebody is to fill in: `<model>`, `your-org/your-model`."""
    if len(text) > _LONGEST_HOLE:
        return False
    return bool(_HOLE.fullmatch(text)) or all(_YOURS.match(part) for part in text.split("/"))


def model(value: Text, origin: str) -> Fact:
    """A model's name, path or URI; `hf://` is dropped. A bucket's name may stay a variable."""
    text = value.value
    if match := _URI.match(text):
        bucket_end = text.find("/", match.end())
        tail = value[bucket_end:] if bucket_end > 0 else value
        whole = value[: match.end()].unresolved + tail.unresolved
        hidden = bool(whole) or _PLACEHOLDER.search(tail.value) is not None
        named = bool(value.unresolved) or _PLACEHOLDER.search(text) is not None
        if named and not hidden and tail.value.strip("/") and bucket_end > 0:
            place = value.place
            return Stated(text, place, origin) if place else Unknown()
        if match[0] == "hf://":
            value = value[len("hf://") :]
    elif value.unresolved == ("HOME",) and _BELOW_HOME.match(text) and value.place is not None:
        return Stated(text, value.place, origin)
    return typed(value, "text", origin)


def unresolved(value: Text) -> Unknown:
    """Why a value with variables that nothing resolves is not known."""
    names = value.unresolved
    plural = "s" if len(names) > 1 else ""
    return Unknown(f"unresolved variable{plural} {', '.join(names)}", value.place)


def with_quant_of_name(facts: dict[str, Fact]) -> None:
    """Fill in the quant that the model's name states, unless something else states one."""
    stated, name = facts.get("quant"), facts.get("model")
    backend = facts.get("backend")
    waits = isinstance(stated, Unknown) and stated.place is not None
    if isinstance(stated, Stated) or waits or not isinstance(name, Stated):
        return
    engine = str(backend.value) if isinstance(backend, Stated) else ""
    if found := quant.of_name(str(name.value), engine):
        facts["quant"] = Stated(found, name.place, "name of the model")


def _llama_model(sheet: Sheet, raw: dict[str, tuple[Text, str]]) -> None:
    """llama.cpp: a file, or a repository with the quant or file that is taken from it."""
    if "hf_repo" in raw and "model_file" in raw and "*" in raw["model_file"][0].value:
        sheet.settings.pop("model_file", None)
        del raw["model_file"]  # llama-cpp-python: which of the repository's files
    for name in ("model_file", "model_url", "docker_repo"):
        if name in raw:
            sheet.settings.pop(name, None)
            sheet.facts["model"] = model(raw[name][0].stripped(), raw[name][1])
    if "hf_repo" in raw and "model" not in sheet.facts:
        repository, origin = raw["hf_repo"]
        sheet.settings.pop("hf_repo", None)
        fact = model(repository.stripped(), origin)
        if "hf_file" in raw and isinstance(fact, Stated):
            sheet.settings.pop("hf_file", None)
            file = typed(raw["hf_file"][0].stripped(), "text", raw["hf_file"][1])
            if isinstance(file, Unknown):
                fact = file
            else:
                base = str(fact.value).partition(":")[0]
                fact = Stated(f"{base}/{file.value}", fact.place, origin)
        sheet.facts["model"] = fact


def _load_format(sheet: Sheet) -> None:
    loaded = sheet.settings.get("load_format")
    if loaded is not None and loaded.value == "bitsandbytes" and "quant" not in sheet.facts:
        sheet.facts["quant"] = loaded


def _integer(text: str) -> Value | None:
    text = text.strip().strip("'\"").replace("_", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _number(text: str) -> Value | None:
    try:
        number = float(text.strip().strip("'\""))
    except ValueError:
        return None
    return number if abs(number) < 1e12 else None


def _length(text: str) -> Value | None:
    match = _LENGTH.fullmatch(text.strip().strip("'\""))
    if match is None or len(match[1]) > 15:
        return None
    return int(float(match[1]) * _SCALE[match[2] or ""])


_READ_AS: dict[str, Callable[[str], Value | None]] = {
    "integer": _integer,
    "number": _number,
    "length": _length,
}


def _shown(program: Text) -> str:
    return program.value.rpartition("/")[2]


@cache
def _variables(engine: str) -> tuple[dict[str, str], ...]:
    table = read(flag_table.DATA / "engine_env.csv")
    return tuple(dict(row) for row in table if row["engine"] == engine)
