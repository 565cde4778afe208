"""`--fail-on`: a list of verdicts as people write it."""

from __future__ import annotations

from capcheck.finding import VERDICTS, Verdict
from capcheck.source.nearest import nearest

DEFAULT_FAIL_ON = "fail,cannot-predict"


class VerdictError(ValueError):
    """A word that is no verdict; the message names the nearest one."""


def parse_verdicts(text: str) -> tuple[Verdict, ...]:
    """`fail, borderline` as verdicts, worst first and each once; empty text is none of them.

    Raises VerdictError.
    """
    words = {word for part in text.split(",") if (word := part.strip())}
    for word in sorted(words.difference(VERDICTS)):
        near = nearest(word.lower(), VERDICTS)
        hint = f"; did you mean {near!r}?" if near else ""
        raise VerdictError(f"found {word!r}, expected a list of {', '.join(VERDICTS)}{hint}")
    return tuple(verdict for verdict in reversed(VERDICTS) if verdict in words)
