"""Compose projects: a service with everything that it extends, its variables replaced.

Sources: the Compose specification: `extends` and merge rules, interpolation and `.env`,
`env_file`, `gpus`, `deploy.resources.reservations.devices`, `docker-compose.override.yml`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import field, replace

from capcheck.records import dataclass
from capcheck.source.native import env_file
from capcheck.source.native.command import programs
from capcheck.source.native.command.variables import Environment
from capcheck.source.native.command.variables import compose as interpolated
from capcheck.source.native.container import Container, words_of
from capcheck.source.native.docker import Devices, Request, devices
from capcheck.source.native.text import Text
from capcheck.source.native.text import at as text_at
from capcheck.source.native.tree import Document, Files, at, entries, items, place_of, plain
from capcheck.source.nodes import Mapping, Node, Scalar
from capcheck.source.nodes import Sequence as SequenceNode

_DEEPEST = 8
_TAKES_SCRIPT = re.compile(r"-[a-z]*c")
_OVERRIDE = re.compile(r"^((?:docker-)?compose)\.override(\.ya?ml)$")
_LINE_BREAK = re.compile(r"(?<!\\)\n")


@dataclass(frozen=True, slots=True)
class Project:
    """A Compose file with the variables that stand in `.env` beside it."""

    document: Document
    files: Files
    variables: Environment
    env_files: dict[str, Environment] = field(default_factory=dict)

    def env_file(self, document: Document) -> Environment:
        """The variables of a file, which is read once however many services name it."""
        if document.path not in self.env_files:
            self.env_files[document.path] = env_file.read(document, self.files, self.variables)
        return self.env_files[document.path]

    def text(self, node: Node | None) -> Text | None:
        """A scalar's text, its variables replaced."""
        text = self.files.text(node)
        return interpolated(text, self.variables) if text and "$" in text.value else text

    def texts(self, node: Node | None) -> tuple[Text, ...]:
        """The texts of a list, or of one scalar."""
        nodes = node.items if isinstance(node, SequenceNode) else (node,)
        return tuple(text for item in nodes if (text := self.text(item)) is not None)

    def words(self, node: Node | None) -> tuple[Text, ...]:
        """A command: a list as it is, a string in its words."""
        if not isinstance(node, Scalar):
            return self.texts(node)
        line = self.text(node)
        if line is None:
            return ()
        return words_of(replace(line, value=_LINE_BREAK.sub(" ", line.value)), {})


@dataclass(frozen=True, slots=True)
class Service:
    """A service by its layers, the weakest (what it extends) first, each with its file."""

    name: str
    layers: tuple[tuple[Node, str], ...]

    @property
    def node(self) -> Node:
        """What the service itself states."""
        return self.layers[-1][0]

    def get(self, *keys: str) -> Node | None:
        """What the strongest layer that says it says."""
        found = (at(node, *keys) for node, _ in reversed(self.layers))
        return next((node for node in found if node is not None), None)

    def every(self, *keys: str) -> tuple[Node, ...]:
        """The items of a list that the layers add to."""
        return tuple(item for node, _ in self.layers for item in items(at(node, *keys)))


def project_of(document: Document, files: Files) -> Project:
    """The project of a Compose file."""
    beside = _file(files, document.path, ".env")
    return Project(document, files, env_file.read(beside, files) if beside else {})


def base_of(document: Document, files: Files) -> Document | None:
    """The file that an override file is read on top of, when that is among the files."""
    match = _OVERRIDE.match(posixpath.basename(document.path))
    return _file(files, document.path, match[1] + match[2]) if match else None


def services(project: Project) -> dict[str, Service]:
    """The services of a file by name, those of its override file on top of them."""
    found: dict[str, Service] = {}
    documents = [project.document]
    stem, suffix = posixpath.splitext(posixpath.basename(project.document.path))
    over = _file(project.files, project.document.path, f"{stem}.override{suffix}")
    if over is not None and _OVERRIDE.match(posixpath.basename(over.path)):
        documents.append(over)
    for document in documents:
        for name, node in entries(at(document.tree, "services")):
            if isinstance(node, Mapping):
                below = found[name].layers if name in found else ()
                layers = (*below, *_layers(project, node, document, 0))
                found[name] = Service(name, layers)
    return found


def container(project: Project, service: Service) -> Container:
    """What a service runs."""
    environment = _environment(project, service)
    name = f"{service.name} {plain(service.get('container_name'))}"
    command = project.words(service.get("entrypoint"))
    arguments = project.words(service.get("command"))
    script = service.get("command")
    if command and _TAKES_SCRIPT.fullmatch(command[-1].value) and isinstance(script, Scalar):
        # Compose splits it into words, of which the shell takes the first; the whole is meant.
        whole = project.text(script)
        arguments = (whole,) if whole is not None else ()
    return Container(
        place=place_of(service.node),
        image=_image(project, service),
        command=command,
        arguments=arguments,
        environment=environment,
        name=name,
    )


def devices_of(project: Project, service: Service, environment: Environment) -> Devices:
    """The accelerators that a service asks for."""
    reserved = service.every("deploy", "resources", "reservations", "devices")
    requests = [_request(project, node, "deploy devices") for node in reserved if _is_gpu(node)]
    gpus = service.get("gpus")
    if isinstance(gpus, Scalar) and (text := project.text(gpus)) is not None:
        requests.append(Request(gpus.place, "field gpus", count=text))
    requests += [_request(project, node, "field gpus") for node in items(gpus)]
    paths = tuple(text for node in service.every("devices") for text in _path(project, node))
    runtime = project.text(service.get("runtime"))
    return devices(requests, paths, runtime, environment)


def profiles(project: Project, service: Service) -> frozenset[str]:
    """The profiles that a service belongs to; none means that it always runs."""
    return frozenset(text.value for text in project.texts(service.get("profiles")))


def _layers(
    project: Project, node: Node, document: Document, depth: int
) -> tuple[tuple[Node, str], ...]:
    own = (node, document.path)
    extended = at(node, "extends")
    if extended is None or depth >= _DEEPEST:
        return (own,)
    name = plain(extended) or plain(at(extended, "service"))
    file = plain(at(extended, "file"))
    source = _file(project.files, document.path, file) if file else document
    base = at(source.tree, "services", name) if source is not None else None
    if source is None or not isinstance(base, Mapping):
        return (own,)
    return (*_layers(project, base, source, depth + 1), own)


def _environment(project: Project, service: Service) -> Environment:
    found: dict[str, Text] = {}
    for node, path in service.layers:
        listed = at(node, "env_file")
        for entry in listed.items if isinstance(listed, SequenceNode) else (listed,):
            named = project.text(at(entry, "path") if isinstance(entry, Mapping) else entry)
            file = _file(project.files, path, named.value) if named else None
            if file is not None:
                found.update(project.env_file(file))
    for node, _ in service.layers:
        found.update(_variables(project, at(node, "environment")))
    return found


def _variables(project: Project, node: Node | None) -> list[tuple[str, Text]]:
    """The entries of `environment`: a map, or a list of `NAME=value`; a bare name is handed on."""
    found: list[tuple[str, Text]] = []
    if isinstance(node, Mapping):
        for name, value in entries(node):
            text = project.text(value)
            found.append((name, text if text is not None else _handed_on(project, name, value)))
    for item in items(node):
        text = project.text(item)
        parts = text.partition("=") if text is not None else None
        if parts is not None:
            found.append((parts[0].value, parts[1]))
        elif text is not None:
            found.append((text.value, _handed_on(project, text.value, item)))
    return found


def _handed_on(project: Project, name: str, node: Node) -> Text:
    known = project.variables.get(name)
    return known if known is not None else text_at(f"${name}", node.place).missing(name)


def _image(project: Project, service: Service) -> Text | None:
    """The image, unless all that is known of it is a variable's name."""
    image = project.text(service.get("image"))
    if image is None or not image.unresolved:
        return image
    known = "".join(
        image.value[end - run.length : end]
        for run, end in zip(image.runs, image.ends, strict=True)
        if not run.unresolved
    )
    return image if programs.image(known) is not None else None


def _is_gpu(node: Node) -> bool:
    capabilities = {plain(item) for item in items(at(node, "capabilities"))}
    return "gpu" in capabilities or not capabilities & {"tpu", "compute", "utility"}


def _request(project: Project, node: Node, origin: str) -> Request:
    count = at(node, "count")
    ids = project.texts(at(node, "device_ids"))
    driver = project.text(at(node, "driver"))
    return Request(node.place, origin, project.text(count), ids, driver)


def _path(project: Project, node: Node) -> Sequence[Text]:
    return project.texts(at(node, "source") if isinstance(node, Mapping) else node)


def _file(files: Files, beside: str, name: str) -> Document | None:
    """A file by its path from another one; None where it is not among the files."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(beside), name))
    return next((document for document in files.documents if document.path == path), None)
