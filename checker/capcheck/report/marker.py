"""The first line of capcheck's comment: whose it is, and how new.

`<!-- capcheck:v1 id=default sha=3f2a91c… run=17123456789 -->`; an id holds no space, so that `prod`
is never found inside another.
"""

from __future__ import annotations

import re

from capcheck.records import dataclass

DEFAULT_ID = "default"
ID_PATTERN = r"[A-Za-z0-9._-]{1,64}"

_LINE = re.compile(
    rf"\A<!-- capcheck:v1 id=(?P<id>{ID_PATTERN}) sha=(?P<sha>[0-9a-f]{{40,64}}|none) "
    r"run=(?P<run>[0-9]{1,20}) -->\r?\n"
)


@dataclass(frozen=True, slots=True)
class Marker:
    """`id` separates the comments of a matrix; `run` grows from one workflow run to the next."""

    id: str = DEFAULT_ID
    sha: str | None = None
    run: int = 0

    def __str__(self) -> str:
        return f"<!-- capcheck:v1 id={self.id} sha={self.sha or 'none'} run={self.run} -->"


def split(body: str) -> tuple[Marker | None, str]:
    """A comment's marker and the text below it; None, and all the text, when it has no marker.

    The text has LF line ends and none at its end: GitHub stores either.
    """
    found = _LINE.match(body)
    text = body[found.end() :] if found else body
    text = text.replace("\r\n", "\n").rstrip()
    if found is None:
        return None, text
    sha = None if found["sha"] == "none" else found["sha"]
    return Marker(found["id"], sha, int(found["run"])), text
