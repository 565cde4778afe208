"""Text from a manifest is hostile: what it may look like in a terminal, in Markdown, in a command.

A model name can hold a newline, an ANSI escape, a right-to-left override, `::error::` or `|`.
"""

from __future__ import annotations

import re
import unicodedata

# Names longer than this are cut wherever people read them; the JSON report has them whole.
NAME_LENGTH = 200
SENTENCE_LENGTH = 500

_TAB = "    "


def plain(text: str) -> str:
    """One line of visible characters: controls, bidi marks and lone surrogates show as escapes."""
    if not text.isprintable():
        text = "".join(map(_visible, text))
    # GitHub's runner also takes its old command form, and that anywhere in a line.
    return text.replace("##[", "## [")


def _visible(character: str) -> str:
    if character == "\t":
        return _TAB
    if character.isprintable():
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


def clip(text: str, length: int = NAME_LENGTH) -> str:
    """At most `length` characters, with an ellipsis when something was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def log_line(line: str) -> str:
    """A line that GitHub's runner does not obey: `::` after any spaces is a workflow command."""
    is_command = line.lstrip().startswith("::")
    return line.replace(":", "\\x3a", 1) if is_command else line


# Entities cannot form Markdown or HTML structure, in a table cell no more than in `<summary>`
# (https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references).
# The zero-width space keeps `@name` from notifying and `#1` from linking.
_MARKDOWN = str.maketrans(
    {character: f"&#{ord(character)};" for character in "&<>`|[]*_~\\$"}
    | {"@": "&#64;&#8203;", "#": "&#35;&#8203;"}
)


def markdown(text: str, length: int = SENTENCE_LENGTH) -> str:
    """Text that renders as itself anywhere in GitHub Markdown, tables and `<summary>` included."""
    escaped = clip(plain(text), length).translate(_MARKDOWN)
    return escaped.replace("://", "&#58;//").replace("www.", "www&#46;")


def code(text: str) -> str:
    """A name in code type; unlike a backtick span it can hold backticks and pipes."""
    return f"<code>{markdown(text, NAME_LENGTH)}</code>"


def fenced(text: str, language: str = "") -> str:
    """A code block; its fence is longer than any run of backticks inside, so nothing ends it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def xml(text: str) -> str:
    """Text in an XML element or attribute, on one line: no markup, nothing that XML forbids."""
    return plain(text).translate(_XML)


def command_data(text: str) -> str:
    """The message of a workflow command; newlines stay newlines, as `%0A`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def command_property(text: str) -> str:
    """A property of a workflow command, such as `title`."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")
