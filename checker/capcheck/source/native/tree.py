"""The documents of native files, and finding one's way in them."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence as SequenceOf
from dataclasses import field, replace

from capcheck.errors import Problem
from capcheck.place import Place
from capcheck.records import dataclass
from capcheck.source.native.command.variables import Environment, lone_name, substitute
from capcheck.source.native.labels import GpuLabels, marked
from capcheck.source.native.text import Text, of_source
from capcheck.source.nodes import Mapping, Node, Scalar, Sequence, is_nothing
from capcheck.source.problems import whole_file
from capcheck.source.yaml_tree import read_parts

_NONE = Place("", 1, 1, 2)


@dataclass(frozen=True, slots=True)
class Document:
    """One document: a YAML or JSON tree, or the text of a file that is neither.

    `tree` is None where the text could not be read as YAML; `problems` then says why. An object
    inside a Template is a document of its own; `within` is then the address of what holds it.
    """

    path: str
    text: str
    tree: Node | None
    place: Place
    problems: tuple[Problem, ...] = ()
    within: str = ""

    def address(self, role: str = "") -> str:
        """The locator `Kind/name`, with the role of one of several deployments in it."""
        own = f"{self.kind}/{self.name}" if self.name else self.kind
        whole = f"{self.within}#{own}" if self.within else own
        return f"{whole}#{role}" if role else whole

    @property
    def group(self) -> str:
        """The API group of a Kubernetes object: `apps` of `apps/v1`, empty for the core group."""
        return plain(at(self.tree, "apiVersion")).rpartition("/")[0]

    @property
    def kind(self) -> str:
        """The `kind` of a Kubernetes object, empty elsewhere."""
        return plain(at(self.tree, "kind"))

    @property
    def name(self) -> str:
        """`metadata.name` of a Kubernetes object."""
        return plain(at(self.tree, "metadata", "name"))

    @property
    def namespace(self) -> str:
        """`metadata.namespace` of a Kubernetes object, empty without one."""
        return plain(at(self.tree, "metadata", "namespace"))


@dataclass(frozen=True, slots=True)
class Files:
    """Everything that is read together: references are followed inside it and nowhere else."""

    documents: tuple[Document, ...]
    lines: MappingOf[str, SequenceOf[str]]
    variables: Environment = field(default_factory=dict)
    labels: GpuLabels = field(default_factory=dict)
    inner: MappingOf[str, Text] = field(default_factory=dict)
    index: dict[tuple[str, str], list[Document]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def text(self, node: Node | None) -> Text | None:
        """A scalar's text with a place for every character; None for anything else."""
        if not isinstance(node, Scalar) or is_nothing(node):
            return None
        text = of_source(node.text, node.place, self.lines.get(node.place.path, ()))
        return substitute(text, self.variables) if self.variables else text

    def texts(self, node: Node | None) -> tuple[Text, ...]:
        """The texts of a list of scalars; one scalar is a list of one."""
        if isinstance(node, Sequence):
            found = (self.text(item) for item in node.items)
            return tuple(text for text in found if text is not None)
        text = self.text(node)
        return () if text is None else (text,)

    def source(self, document: Document) -> Text:
        """The text of a file that is no tree, or of one that another file writes (`inner`)."""
        if document.path in self.inner:
            return self.inner[document.path]
        lines = self.lines.get(document.path, ())
        return of_source(document.text, start_of(document.path), lines)

    def find(self, kind: str, name: str, *, group: str | None = None) -> Document | None:
        """The only object of that kind and name; None where there are two, or none."""
        self._fill()
        named = self.index.get((kind, name), ())
        found = [document for document in named if group in (None, document.group)]
        return found[0] if len(found) == 1 else None

    def with_key(self, key: str) -> SequenceOf[Document]:
        """The documents that are no objects and have this key."""
        self._fill()
        return self.index.get(("", key), ())

    def _fill(self) -> None:
        """Index the documents once: objects by kind and name, others by their keys."""
        for document in () if self.index else self.documents:
            names = (
                (document.name,) if document.kind else (key for key, _ in entries(document.tree))
            )
            for name in names:
                self.index.setdefault((document.kind, name), []).append(document)

    def embedded(self, node: Node | None) -> Node | None:
        """The YAML that a string holds, its places those of the file around it."""
        text = self.text(node)
        return None if text is None else self.tree_of(text, node.place.path if node else "")

    def tree_of(self, text: Text, path: str) -> Node | None:
        """The first document of YAML in a text, its places those of the text's characters."""
        starts = [0]
        for line in text.value.split("\n"):
            starts.append(starts[-1] + len(line) + 1)

        def locate(place: Place) -> Place:
            offset = starts[min(place.line, len(starts)) - 1] + place.column - 1
            outer = text.place_at(offset)
            if outer is None:
                return place
            width = place.end_column - place.column
            return Place(outer.path, outer.line, outer.column, outer.column + width)

        parts = read_parts(text.value, path, locate=locate)
        tree = parts[0].tree if parts else None
        return marked(tree, self.labels) if tree is not None and self.labels else tree


# Files that are read as YAML; any other is one document without a tree.
_YAML = (".yaml", ".yml", ".json", ".yaml.tmpl", ".yml.tmpl", ".tpl", ".tmpl", ".j2")


def documents_of(text: str, path: str) -> tuple[Document, ...]:
    """Every document of a file's text.

    A file that is not YAML by its name is one document without tree, and so is a broken part of a
    YAML file; only the latter has problems.
    """
    if not path.endswith(_YAML):
        return _plain(text, path)
    return tuple(
        document
        for part in read_parts(text, path)
        for document in _unfolded(Document(path, part.text, part.tree, part.place, part.problems))
    )


def _plain(text: str, path: str) -> tuple[Document, ...]:
    return (Document(path, text, None, whole_file(path)),)


def _unfolded(document: Document) -> Iterator[Document]:
    """The objects of a `List` or an OpenShift `Template`; any other document is itself."""
    if document.kind == "Template" and document.group == "template.openshift.io":
        inner, within = items(at(document.tree, "objects")), document.address()
    elif document.kind == "List":
        inner, within = items(at(document.tree, "items")), ""
    else:
        yield document
        return
    for node in inner:
        yield replace(document, tree=node, place=node.place, within=within)


def files_of(
    texts: MappingOf[str, str],
    variables: Environment | None = None,
    *,
    labels: GpuLabels | None = None,
    plain: bool = False,
) -> Files:
    """The files with these texts, by path; `plain` reads none of them as YAML.

    `variables` are values given from outside for what the files write as `${NAME}`; a value that is
    nothing else then stands where the variable's value does. `labels` are what an organisation's
    node labels mean.
    """
    known, meant = variables or {}, labels or {}
    documents = tuple(
        replace(document, tree=_given(document.tree, known, meant)) if known or meant else document
        for path, text in texts.items()
        for document in (_plain(text, path) if plain else documents_of(text, path))
    )
    return Files(documents, {path: text.split("\n") for path, text in texts.items()}, known, meant)


def _given(node: Node | None, variables: Environment, labels: GpuLabels) -> Node | None:
    """A tree with what is known from outside."""
    filled = _filled(node, variables) if variables else node
    return marked(filled, labels) if filled is not None and labels else filled


def _filled(node: Node | None, variables: Environment) -> Node | None:
    """A tree in which every scalar that is one `${NAME}` has the variable's value."""
    if isinstance(node, Mapping):
        entries = {
            key: replace(entry, value=_filled(entry.value, variables) or entry.value)
            for key, entry in node.entries.items()
        }
        return replace(node, entries=entries)
    if isinstance(node, Sequence):
        return replace(node, items=tuple(_filled(item, variables) or item for item in node.items))
    if isinstance(node, Scalar) and (name := lone_name(node.text)) in variables:
        value = variables[name]
        return Scalar(value.value, value.value, value.place or node.place)
    return node


def at(node: Node | None, *keys: str | int) -> Node | None:
    """What stands below a node at these keys and positions; None where nothing does."""
    for key in keys:
        if isinstance(node, Mapping) and isinstance(key, str):
            entry = node.entries.get(key)
            node = entry.value if entry else None
        elif isinstance(node, Sequence) and isinstance(key, int):
            node = node.items[key] if -len(node.items) <= key < len(node.items) else None
        else:
            return None
    return None if node is None or is_nothing(node) else node


def items(node: Node | None) -> tuple[Node, ...]:
    """The items of a list; none of anything else."""
    return node.items if isinstance(node, Sequence) else ()


def entries(node: Node | None) -> Iterator[tuple[str, Node]]:
    """The keys and values of a map; none of anything else."""
    if isinstance(node, Mapping):
        for key, entry in node.entries.items():
            yield key, entry.value


def plain(node: Node | None) -> str:
    """A scalar's text, empty for anything else."""
    return node.text if isinstance(node, Scalar) and not is_nothing(node) else ""


def place_of(node: Node | None) -> Place:
    """Where a node stands."""
    return node.place if node is not None else _NONE


def key_place(node: Node | None, key: str) -> Place | None:
    """Where a key of a map stands."""
    if isinstance(node, Mapping) and key in node.entries:
        return node.entries[key].key.place
    return None


def start_of(path: str) -> Place:
    """The first character of a file."""
    return whole_file(path)
