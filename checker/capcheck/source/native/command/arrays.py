"""Several words as one text: the value of a shell's array, and of `$@`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from capcheck.source.native.text import Text, joined

# Stands before each element. No file that is read can hold it, and to `str.isspace` it is a blank.
SEPARATOR = "\x1f"


def array(words: Sequence[Text]) -> Text:
    """Words as the value of an array, or of `$@`."""
    return joined(part for word in words for part in (word.standing_at(SEPARATOR), word))


def elements(word: Text) -> Iterator[Text]:
    """The elements of a quoted `"${ARRAY[@]}"`, or the word itself."""
    if SEPARATOR not in word.value:
        yield word
        return
    start = 0
    for match in re.finditer(f"{SEPARATOR}|$", word.value):
        if match.start() > start:
            yield word[start : match.start()]
        start = match.end()
