"""The deployments of native files, as stated: by a manifest's `from` or `command`, or alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from capcheck.errors import InputError
from capcheck.manifest.deployment import Observed
from capcheck.manifest.native.address import SERVING, Reference, container_of, matching
from capcheck.manifest.native.facts import stated as stated_facts
from capcheck.manifest.native.join import over
from capcheck.manifest.native.names import name_of
from capcheck.manifest.native.notes import note_of
from capcheck.manifest.native.together import together
from capcheck.manifest.native.variables import variables
from capcheck.manifest.read import Stated
from capcheck.manifest.referred import ReferredFiles
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.beside import QUERY
from capcheck.source.native.bounds import TOO_MANY
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.container import Container
from capcheck.source.native.container import read as read_container
from capcheck.source.native.deployment import NativeDeployment, deployment
from capcheck.source.native.readers.templates import RENDER_FIRST
from capcheck.source.native.registry import Inspection, inspected
from capcheck.source.native.text import Text, of_source
from capcheck.source.native.tree import Files, files_of
from capcheck.source.nearest import nearest
from capcheck.source.problems import Problems, quoted
from capcheck.source.text import decode

_COMPOSE_VARIABLES = ".env"
_NOT_SERVING = {"runtime": "an engine without a model", "none": "which deploys nothing by itself"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Native files that were read together."""

    inspection: Inspection
    files: Files

    @property
    def is_too_long(self) -> bool:
        """Whether one of them holds more deployments than are read."""
        return any(problem.code == TOO_MANY for problem in self.inspection.problems)


def referred(own: Stated, files: ReferredFiles) -> Iterator[Stated]:
    """A manifest's deployment over the native files that it refers to, once for each alternative.

    What is wrong with a reference is noted, and nothing is yielded then. Without a reference it is
    the deployment as it stands.
    """
    if "/from" in own.values:
        yield from _from(own, files)
    elif "/command" in own.values:
        yield from _command(own, files)
    else:
        yield own


def read_alone(text: str, path: str, files: ReferredFiles) -> Reading:
    """A native file that no manifest refers to; what is wrong with it is noted."""
    read = _read({path: text}, {}, files)
    files.problems.extend(read.inspection.problems)
    return read


def alone(read: Reading, path: str, files: ReferredFiles) -> Iterator[tuple[str, Stated]]:
    """Every deployment of such a file, with its address."""
    names: set[str] = set()
    found = [one for one in _serving(read.inspection) if one.place.path == path]
    seen = together(found)
    for one in found:
        name = name_of(one.address, path, names)
        names.add(name)
        for stated in _choices(one, name):
            note = note_of(one, name, read.files, files.problems)
            observed = (*stated.native.observed, *seen.get(id(one), ()))
            stated.native = replace(stated.native, observed=observed)
            yield one.address, _renamed(over(note, stated) if note else stated, stated.name)


def refuse(inspection: Inspection, path: str, place: Place, problems: Problems) -> None:
    """Note why a native file holds nothing to check; what is wrong with it is noted already."""
    inside = [one for one in inspection.deployments if one.place.path == path]
    if any(one.expect == "template" for one in inside):
        problems.add("needs-rendering", place, found=quoted(path), expected=RENDER_FIRST)
    elif not inspection.problems:
        reason = next((one.reason for one in inspection.unread if one.place.path == path), "")
        kinds = ", ".join(
            sorted({f"{one.address}, {_NOT_SERVING.get(one.expect, one.expect)}" for one in inside})
        )
        problems.add(
            "not-recognised",
            place,
            found=(reason or kinds or "nothing that serves a model")[:200],
            expected="a native file with an engine and a model",
        )


def _from(own: Stated, files: ReferredFiles) -> Iterator[Stated]:
    references = list(_references(own, files))
    environment = variables(own, files)
    texts: dict[str, str] = {}
    for reference in references:
        data = files.read(reference.path, reference.place)
        if data is None:
            return
        try:
            texts[reference.path] = decode(data, reference.path)
        except InputError as error:
            files.problems.extend(error.problems)
            return
    if not references:
        return
    read = _read(texts, environment, files)
    files.problems.extend(read.inspection.problems)
    chosen = []
    for reference in references:
        one = _only(reference, read, files.problems, alone=len(references) == 1)
        if one is not None:
            chosen.append(one)
    if not chosen:
        if len(references) > 1 and not files.problems:
            refuse(read.inspection, references[-1].path, references[-1].place, files.problems)
        return
    seen = together(_serving(read.inspection))
    for index in range(len(_alternatives(chosen[-1]))):
        yield _joined(own, chosen, index, read.files, files.problems, seen)


def _joined(
    own: Stated,
    chosen: Sequence[NativeDeployment],
    choice: int,
    files: Files,
    problems: Problems,
    seen: Mapping[int, Sequence[Observed]],
) -> Stated:
    """The manifest's statement over the files' notes, over what the files state, the last first."""
    result: Stated | None = None
    name = own.name
    for one in chosen:
        alternatives = _alternatives(one)
        gpu = alternatives[min(choice, len(alternatives) - 1)]
        layer = stated_facts(one, own.name, choice=gpu)
        observed = (*layer.native.observed, *seen.get(id(one), ()))
        layer.native = replace(layer.native, observed=observed)
        note = note_of(one, own.name, files, problems)
        layer = over(note, layer) if note else layer
        result = layer if result is None else over(layer, result, may_differ=True)
        name = f"{own.name}@{gpu[0]}:{gpu[1]}" if gpu else name
    assert result is not None  # noqa: S101
    return _renamed(over(own, result), _fitting(name))


def _references(own: Stated, files: ReferredFiles) -> Iterator[Reference]:
    written = own.values["/from"]
    for index, text in enumerate(written):
        place = own.places.get(f"/from/{index}", own.places["/from"])
        name, _, address = text.partition("#")
        path = files.path(name, place)
        if path is not None:
            yield Reference(path, address, place)


def _only(
    reference: Reference, read: Reading, problems: Problems, *, alone: bool
) -> NativeDeployment | None:
    """The deployment that a reference means; a file among several may be there to be joined."""
    found = matching(reference, read.inspection.deployments, read.files)
    if len(found) == 1:
        return found[0]
    inside = [
        one
        for one in read.inspection.deployments
        if one.place.path == reference.path and one.expect in SERVING
    ]
    if len(found) > 1:
        matched = ", ".join(dict.fromkeys(one.address for one in found))
        problems.add(
            "ambiguous-address",
            reference.place,
            found=f"{len(found)} deployments that match: {matched[:200]}",
            expected=f"{quoted(reference.path)[1:-1]}#ADDRESS with the address of one",
        )
    elif reference.address and inside:
        addresses = [_as_asked(one, reference) for one in inside]
        problems.add(
            "no-such-address",
            reference.place,
            found=quoted(reference.address),
            expected=f"the address of a deployment in {quoted(reference.path)[1:-1]}: "
            f"{', '.join(addresses)[:200]}",
            nearest=nearest(reference.address, addresses),
        )
    elif reference.address or alone:
        refuse(read.inspection, reference.path, reference.place, problems)
    return None


def _as_asked(one: NativeDeployment, reference: Reference) -> str:
    """The address of a deployment, with its container where the reference names one."""
    name = container_of(one) if QUERY in reference.address else ""
    if not name or QUERY in one.address:
        return one.address
    return f"{one.address.removesuffix(f'#{name}')}{QUERY}{name}"


def _command(own: Stated, files: ReferredFiles) -> Iterator[Stated]:
    """An engine's command line that the manifest itself holds."""
    environment = variables(own, files)
    words = tuple(
        _word(text, own.places.get(f"/command/{index}", own.places["/command"]))
        for index, text in enumerate(own.values["/command"])
    )
    place = own.places["/command"]
    line = words if len(words) > 1 else (_word("sh", place), _word("-c", place), *words)
    reading = read_container(Container(place=place, command=line, environment=environment))
    if reading is None:
        files.problems.add(
            "not-recognised",
            place,
            found=quoted(" ".join(own.values["/command"])),
            expected="the command line of a serving engine, such as vllm serve MODEL",
        )
        return
    found = deployment(
        address="command",
        kind="command",
        place=place,
        facts=reading.facts,
        settings=reading.settings,
    )
    yield over(own, stated_facts(found, own.name))


def _word(text: str, place: Place) -> Text:
    return of_source(text, place, ())


def _read(texts: Mapping[str, str], environment: Environment, files: ReferredFiles) -> Reading:
    """The files together, with the variables that stand beside a Compose file."""
    beside: dict[str, str] = {}
    for path in texts:
        found = files.beside(path, _COMPOSE_VARIABLES) if path.endswith((".yml", ".yaml")) else None
        if found is not None and found[0] not in texts:
            try:
                beside[found[0]] = decode(found[1], found[0])
            except InputError:
                continue
    everything = {**texts, **beside}
    read = files_of(everything, environment, labels=files.labels)
    return Reading(inspected(read), read)


def _serving(inspection: Inspection) -> list[NativeDeployment]:
    return [one for one in inspection.deployments if one.expect in SERVING]


def _alternatives(one: NativeDeployment) -> Sequence[tuple[str, int] | None]:
    return one.alternatives or (None,)


def _choices(one: NativeDeployment, name: str) -> Iterator[Stated]:
    for choice in _alternatives(one):
        stated = stated_facts(one, name, choice=choice)
        yield _renamed(stated, _fitting(f"{name}@{choice[0]}:{choice[1]}")) if choice else stated


def _fitting(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+@:/-]+", "-", name)[:100]


def _renamed(stated: Stated, name: str) -> Stated:
    return stated if stated.name == name else replace(stated, name=name)
