"""One container: its image, command and variables to the facts of the engine in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field

from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.command import facts as command_facts
from capcheck.source.native.command import flags as flag_table
from capcheck.source.native.command import programs
from capcheck.source.native.command.facts import Sheet
from capcheck.source.native.command.programs import Call, Image
from capcheck.source.native.command.shell import commands
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.deployment import BY_FLAGS, Fact, Stated, Unknown, merged
from capcheck.source.native.text import Text

_VERSION = re.compile(r"v?(\d+\.\d+(?:\.\d+)?(?:[.-]?(?:post|rc)\d+)?)(?:[-.+_].*)?")
# Engines that answer from the processor where no accelerator is asked for.
RUNS_ON_CPU = frozenset(("ollama", "llama.cpp"))


@dataclass(frozen=True, slots=True)
class Container:
    """A container as any orchestrator describes it; variables in it are already replaced.

    `asks_for_gpus` makes an engine in its image's mere name believable.
    """

    place: Place
    image: Text | None = None
    command: tuple[Text, ...] = ()
    arguments: tuple[Text, ...] = ()
    environment: Environment = field(default_factory=dict)
    name: str = ""
    asks_for_gpus: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a container serves. `device` is what its image is built for, empty for NVIDIA's GPUs."""

    facts: Mapping[str, Fact]
    settings: Mapping[str, Stated]
    device: str = ""

    @property
    def engine(self) -> str:
        """The engine's name, empty when only its arguments are known."""
        backend = self.facts.get("backend")
        return str(backend.value) if isinstance(backend, Stated) else ""


def read(container: Container, *, implied: Stated | None = None) -> Reading | None:
    """The engine in a container and what it is told; None when it serves no model.

    `implied` is the engine where only the object's kind or a runtime says which.
    """
    image = programs.image(container.image.value) if container.image else None
    if image is not None and image.role == "other":
        return None
    sheet = _commanded(container, image, implied)
    if sheet is None:
        return None
    engine = sheet.facts.get("backend")
    if not isinstance(engine, Stated):
        return None
    variables = command_facts.of_environment(container.environment, str(engine.value))
    facts = merged(sheet.facts, variables.facts, _of_image(container.image, str(engine.value)))
    settings = {**variables.settings, **sheet.settings}
    if version := _version(container.image, image):
        settings["engine_version"] = version
    elif floating := _floating(container.image, image):
        settings["floating_tag"] = floating
    command_facts.with_quant_of_name(facts)
    return Reading(facts, settings, image.device if image else "")


def _commanded(container: Container, image: Image | None, implied: Stated | None) -> Sheet | None:
    """What command and arguments say, with the backend by command, then image, then kind."""
    words = (*container.command, *container.arguments)
    found = programs.calls(words, container.environment)
    if found:
        return of_calls(found)
    if image is not None and image.role == "guess" and not container.asks_for_gpus:
        image = image if _has_flags(words, image.engine) else None
    backend = _backend_of(container, image) or implied
    if container.command and not _is_flags(container.command):
        if handed := programs.calls(container.arguments, container.environment):
            return of_calls(handed)  # a script that starts what it is handed
        if backend is None or _is_idle(container.command[0].value) or _is_shell(words):
            return None
        place = container.command[0].place or container.place
        reason = f"the command {container.command[0].value[:60]!r} is not known"
        return Sheet({"backend": backend, "model": Unknown(reason, place)})
    if backend is None:
        backend = _by_flags(words, container)
    if backend is None:
        return None
    engine = str(backend.value)
    if image is not None and container.image is not None:
        found = _of_entrypoint(words, image, container)
        if found:
            sheet = of_calls(found)
            if sheet is not None:
                sheet.facts["backend"] = backend
            return sheet
    if image is not None and _is_shell(words):
        return None
    if image is not None and not image.entrypoint and _is_other_program(words):
        reason = f"the command {words[0].value[:60]!r} is not known"
        return Sheet({"backend": backend, "model": Unknown(reason, words[0].place)})
    sheet = command_facts.of_arguments(words, engine)
    sheet.facts["backend"] = backend
    return sheet


def calls(container: Container) -> tuple[Call, ...]:
    """The known programs that a container starts, by its image's entrypoint if not by a command."""
    words = (*container.command, *container.arguments)
    found = programs.calls(words, container.environment)
    image = programs.image(container.image.value) if container.image else None
    if found or container.command or image is None:
        return found
    return _of_entrypoint(words, image, container)


def of_calls(found: Sequence[Call]) -> Sheet | None:
    """The facts of all engines that one script starts; what they disagree about is unknown."""
    serving = [call for call in found if call.role == "serve"]
    if not serving:
        return None
    # A call whose arguments are all hidden, as `"$@"` may be, says nothing that could differ.
    serving = [call for call in serving if not _is_hidden(call)] or serving[:1]
    sheets = [command_facts.of_call(call) for call in serving]
    for call, sheet in zip(serving, sheets, strict=True):
        variables = command_facts.of_environment(call.environment, call.engine)
        sheet.facts.update(merged(sheet.facts, variables.facts))
        sheet.settings.update({**variables.settings, **sheet.settings})
    result = sheets[0]
    for sheet in sheets[1:]:
        agree(result.facts, sheet.facts)
        result.settings.update({**sheet.settings, **result.settings})
    model = pulled_model([call for call in found if call.engine == serving[0].engine])
    if model is not None:
        result.facts.update(merged(result.facts, {"model": model}))
    return result


def _is_hidden(call: Call) -> bool:
    return bool(call.arguments) and all(
        word.unresolved and word.value.startswith("$") for word in call.arguments
    )


def pulled_model(found: Sequence[Call]) -> Fact | None:
    """The model that `ollama pull` or `run` names; unknown where they name several."""
    facts = [command_facts.of_call(call).facts.get("model") for call in found]
    models = [
        fact
        for call, fact in zip(found, facts, strict=True)
        if call.role == "model" and fact is not None
    ]
    chats = [fact for fact in models if not _is_embedding(fact)]
    models = chats or models
    if not models:
        return None
    together = {"model": models[0]}
    for fact in models[1:]:
        agree(together, {"model": fact}, reason="several models are pulled")
    return together["model"]


# Source: Ollama's library, "Embedding models".
_EMBEDDING = re.compile(r"embed|minilm|^bge-|^paraphrase-multilingual|rerank")


def _is_embedding(fact: Fact) -> bool:
    return isinstance(fact, Stated) and bool(_EMBEDDING.search(str(fact.value).lower()))


def agree(
    facts: dict[str, Fact],
    others: Mapping[str, Fact],
    *,
    reason: str = "the command starts several engines that differ in it",
) -> None:
    """Keep of some facts what others say as well; the rest is unknown."""
    for name in {**facts, **others}:
        mine, theirs = facts.get(name), others.get(name)
        same = (
            isinstance(mine, Stated) and isinstance(theirs, Stated) and mine.value == theirs.value
        )
        if not same:
            stated = mine if isinstance(mine, Stated) else theirs
            facts[name] = Unknown(reason, stated.place if stated else None)


def _backend_of(container: Container, image: Image | None) -> Stated | None:
    if image is None or not image.engine or container.image is None:
        return None
    place = container.image.place or container.place
    return Stated(image.engine, place, "image")


def _by_flags(words: Sequence[Text], container: Container) -> Stated | None:
    """The one engine that knows every flag, its variables deciding between several.

    A patch may hold nothing but arguments, and an image may be a placeholder.
    """
    flags = [word.value.partition("=")[0] for word in words if word.value.startswith("--")]
    if not flags:
        return None
    known = flag_table.engines_with(flags)
    named = " ".join((*container.environment, container.name)).lower()
    hinted = [engine for engine in known if engine in named]
    chosen = known if len(known) == 1 and len(flags) > 1 else hinted
    place = words[0].place or container.place
    return Stated(chosen[0], place, BY_FLAGS) if len(chosen) == 1 else None


def _of_image(image: Text | None, engine: str) -> dict[str, Fact]:
    """A NIM's model is the path of its image without registry, `nim/` and tag."""
    if engine != "nim" or image is None:
        return {}
    path = programs.repository(image.value).partition("nim/")[2]
    place = image.place
    if not path or place is None or (image.unresolved and "$" in path):
        return {}
    return {"model": Stated(path, place, "image")}


def _version(image: Text | None, row: Image | None) -> Stated | None:
    if image is None or row is None or image.unresolved or image.place is None:
        return None
    match = _VERSION.fullmatch(programs.tag(image.value))
    return Stated(match[1], image.place, "image tag") if match else None


def _floating(image: Text | None, row: Image | None) -> Stated | None:
    """`latest`, where an image says so or says nothing: another release after the next pull."""
    if image is None or row is None or image.unresolved or image.place is None:
        return None
    is_latest = programs.tag(image.value) in ("", "latest") and "@" not in image.value
    return Stated("latest", image.place, "image tag") if is_latest else None


def _of_entrypoint(
    words: Sequence[Text], image: Image, container: Container
) -> tuple[programs.Call, ...]:
    """What an image's entrypoint starts with these arguments.

    Where they begin with the program's second word (`serve`), it is the program alone.
    """
    where = container.image
    if where is None:
        return ()
    alone = (where.standing_at(image.engine), *words)
    if words and programs.is_program(alone[:2]):
        return programs.calls(alone, container.environment)
    written = tuple(where.standing_at(word) for word in image.entrypoint.split())
    return programs.calls((*written, *words), container.environment) if written else ()


def _has_flags(words: Sequence[Text], engine: str) -> bool:
    """Whether an image whose name alone tells of an engine is handed flags of that engine."""
    return any(
        word.value.startswith("--") and flag_table.find(word.value.partition("=")[0], engine)
        for word in words
    )


def _is_other_program(words: Sequence[Text]) -> bool:
    """Whether arguments of an image without an engine as its entrypoint begin with a program."""
    head = words[0].value if words else "-"
    is_model = re.fullmatch(r"[\w.-]+/[\w.-]+", head) is not None
    return not head.startswith(("-", "$")) and not is_model


def _is_flags(command: Sequence[Text]) -> bool:
    return command[0].value.startswith("-")


# Programs that no engine is started by.
_IDLE = {
    **dict.fromkeys(("sleep", "tail", "true", "cat", "curl", "wget", "ls", "echo", "cp", "mv")),
    **dict.fromkeys(("aws", "gsutil", "git", "hf", "huggingface-cli")),
}


def _is_idle(program: str) -> bool:
    return program.rpartition("/")[2] in _IDLE


def _is_shell(words: Sequence[Text]) -> bool:
    """Whether a command is a shell alone, for a person to type in."""
    return len(words) == 1 and words[0].value.rpartition("/")[2] in ("sh", "bash", "zsh")


def words_of(line: Text, environment: Environment) -> tuple[Text, ...]:
    """The words of a command that is written as one string, the shell's rules applied."""
    first = next(iter(commands(line, environment)), None)
    return first.words if first is not None else ()
