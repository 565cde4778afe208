"""The kinds of value that a field can take: what to write, how it is read, and its JSON Schema.

None resolves names: an unknown model or GPU is a finding of its deployment, not a file's error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from capcheck import units
from capcheck.records import dataclass
from capcheck.source.nearest import nearest
from capcheck.source.nodes import Mapping, Node, Scalar, Sequence

Schema = dict[str, Any]

MAX_TEXT = 300
MAX_COMMAND = 10_000
# One line, no blank at either end.
TEXT_PATTERN = r"^\S(.*\S)?$"
_TEXT = re.compile(TEXT_PATTERN)

DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

_FLAG_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


class RejectedError(ValueError):
    """A value that its field can't take."""

    def __init__(self, code: str, expected: str, nearest: str | None = None) -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected
        self.nearest = nearest


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value.

    `expected` says what to write, in messages and in the reference. `read` turns a node into the
    value of capcheck.manifest.deployment, or raises RejectedError; of a list, it reads one item.
    """

    expected: str
    schema: Schema
    read: Callable[[Node], Any]
    is_list: bool = False


def text(what: str) -> Kind:
    """A name on one line. `what` is a noun with its article: `a GPU name`."""

    def read(node: Node) -> str:
        value = _value(node, what)
        if not isinstance(value, str):
            raise RejectedError("wrong-type", f"{what} (text)", _in_quotes(node))
        if len(value) > MAX_TEXT or not _TEXT.fullmatch(value):
            stripped = value.strip()
            raise RejectedError(
                "bad-value",
                f"{what} on one line of at most {MAX_TEXT} characters, no blanks around it",
                stripped if len(stripped) <= MAX_TEXT and _TEXT.fullmatch(stripped) else None,
            )
        return value

    return Kind(what, {"type": "string", "pattern": TEXT_PATTERN, "maxLength": MAX_TEXT}, read)


# A manifest's own `policy:`.
POLICY_PATH = text("a path relative to the manifest")


def version() -> Kind:
    """A version, taken as written: `0.10` stays 0.10 even without quotes."""
    written = text("a version such as 0.11.0")

    def read(node: Node) -> str:
        number = isinstance(node, Scalar) and _is_number(node.value)
        return node.text if number and isinstance(node, Scalar) else str(written.read(node))

    return Kind(written.expected, {"anyOf": [written.schema, {"type": "number"}]}, read)


def choice(*words: str, expected: str = "") -> Kind:
    """One of several words; `expected` describes them where they are too many to list."""
    expected = expected or f"one of {', '.join(words)}"

    def read(node: Node) -> str:
        value = _value(node, expected)
        if not isinstance(value, str):
            raise RejectedError("wrong-type", expected)
        if value not in words:
            raise RejectedError("bad-value", expected, nearest(value.lower(), words))
        return value

    return Kind(expected, {"enum": list(words)}, read)


def number(
    maximum: float,
    *,
    minimum: float = 0,
    above: bool = False,
    unit: str = "",
    is_whole: bool = False,
) -> Kind:
    """A number from `minimum` to `maximum`; `above` excludes the minimum itself.

    A large maximum only keeps absurd values out. `unit` is that of the field's name.
    """
    noun = "a whole number" if is_whole else "a number"
    of_unit = f" of {unit}" if unit and unit != "ratio" else ""
    lower = f"above {minimum:,} and up to" if above else f"from {minimum:,} to"
    expected = f"{noun}{of_unit} {lower} {maximum:,}"

    def read(node: Node) -> int | float:
        value = _value(node, expected)
        if isinstance(value, str):
            raise RejectedError("wrong-type", expected, units.bare_number(value, unit))
        if value is None or isinstance(value, bool):
            raise RejectedError("wrong-type", expected)
        if is_whole and not float(value).is_integer():
            raise RejectedError("wrong-type", expected)
        if not minimum <= value <= maximum or (above and value == minimum):
            percent = unit == "ratio" and 1 < value <= 100
            raise RejectedError(
                "out-of-range",
                expected,
                units.bare_number(f"{value}%", "ratio") if percent else None,
            )
        return int(value) if is_whole else value

    schema = {
        "type": "integer" if is_whole else "number",
        "exclusiveMinimum" if above else "minimum": minimum,
        "maximum": maximum,
    }
    return Kind(expected, schema, read)


def whole(maximum: int, *, minimum: int = 1, unit: str = "") -> Kind:
    """A whole number, at least 1 unless told otherwise."""
    return number(maximum, minimum=minimum, unit=unit, is_whole=True)


def ratio(*, above: bool = False) -> Kind:
    """A share from 0 to 1."""
    return number(1, above=above, unit="ratio")


def usd() -> Kind:
    """An amount of US dollars."""
    return number(1_000_000_000, unit="USD")


def flag() -> Kind:
    """true or false."""
    expected = "true or false"

    def read(node: Node) -> bool:
        value = _value(node, expected)
        if not isinstance(value, bool):
            raise RejectedError("wrong-type", expected, _FLAG_WORDS.get(str(value).lower()))
        return value

    return Kind(expected, {"type": "boolean"}, read)


def duration() -> Kind:
    """A duration with its unit, read as milliseconds."""
    expected = "a duration with its unit (ms, s, m or h), such as 500ms or 1.5s"

    def read(node: Node) -> float:
        value = _value(node, expected)
        if _is_number(value) or (isinstance(value, str) and re.fullmatch(r"[0-9.]{1,20}", value)):
            raise RejectedError("missing-unit", f"a unit: {value}s or {value}ms")
        if not isinstance(value, str):
            raise RejectedError("wrong-type", expected)
        milliseconds = units.duration_ms(value)
        if milliseconds is None:
            raise RejectedError("bad-value", expected, units.nearest_duration(value))
        return milliseconds

    return Kind(expected, {"type": "string", "pattern": units.DURATION_PATTERN}, read)


def day() -> Kind:
    """A day of the calendar."""
    expected = "a day such as 2027-03-31"

    def read(node: Node) -> date:
        value = _value(node, expected)
        if not isinstance(value, str):
            raise RejectedError("wrong-type", expected)
        try:
            if re.fullmatch(DAY_PATTERN, value):
                return date.fromisoformat(value)
        except ValueError as error:  # 2027-02-30
            raise RejectedError("bad-value", expected) from error
        raise RejectedError("bad-value", expected)

    return Kind(expected, {"type": "string", "pattern": DAY_PATTERN}, read)


def list_of(item: Kind, what: str) -> Kind:
    """A list of at least one value of one kind."""
    schema = {"type": "array", "items": item.schema, "minItems": 1}
    return Kind(f"a list of {what}", schema, item.read, is_list=True)


def one_or_more(what: str) -> Kind:
    """One text or a list of at least one, as a tuple. A single text may span lines."""
    expected = f"a {what}, or a list of them"

    def read(node: Node) -> tuple[str, ...]:
        items = node.items if isinstance(node, Sequence) else (node,)
        found = [_item(item, expected) for item in items]
        if not found:
            raise RejectedError("bad-value", expected)
        return tuple(found)

    one = {"type": "string", "minLength": 1, "maxLength": MAX_COMMAND}
    word = {"anyOf": [one, {"type": "number"}]}
    schema = {"anyOf": [one, {"type": "array", "items": word, "minItems": 1}]}
    return Kind(expected, schema, read)


def _item(node: Node, expected: str) -> str:
    """Numbers among the words of a command line are words too."""
    if not isinstance(node, Scalar) or node.value is None or isinstance(node.value, bool):
        raise RejectedError("wrong-type", expected)
    if not node.text.strip() or len(node.text) > MAX_COMMAND:
        raise RejectedError("bad-value", expected)
    return node.text


def variables() -> Kind:
    """A map from names of variables to their values, taken as written."""
    expected = "a map from names of variables to values"

    def read(node: Node) -> dict[str, str]:
        if not isinstance(node, Mapping):
            raise RejectedError("wrong-type", expected)
        found = {}
        for name, entry in node.entries.items():
            if not isinstance(entry.value, Scalar) or entry.value.value is None:
                raise RejectedError("wrong-type", expected)
            found[name] = entry.value.text
        return found

    value = {"type": ["string", "number", "boolean"]}
    return Kind(expected, {"type": "object", "additionalProperties": value}, read)


def tree(what: str) -> Kind:
    """A map with keys of its own, such as those of a Hugging Face config.json."""

    def read(node: Node) -> object:
        if not isinstance(node, Mapping):
            raise RejectedError("wrong-type", what)
        return _plain(node)

    return Kind(what, {"type": "object"}, read)


def _value(node: Node, expected: str) -> str | int | float | bool | None:
    if not isinstance(node, Scalar):
        raise RejectedError("wrong-type", expected)
    return node.value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_quotes(node: Node) -> str | None:
    return f'"{node.text}"' if isinstance(node, Scalar) and node.text else None


def _plain(node: Node) -> object:
    """As plain Python values. At most 50 levels deep, 200,000 nodes: the reader saw to that."""
    if isinstance(node, Mapping):
        return {name: _plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [_plain(item) for item in node.items]
    return node.value
