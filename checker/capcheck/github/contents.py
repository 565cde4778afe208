"""Files of a commit that nobody checked out, read as data."""

from __future__ import annotations

import base64
import binascii

from capcheck.github.client import Client, quoted
from capcheck.github.errors import NotPermittedError, UnreachableError
from capcheck.github.payload import at, number, text
from capcheck.github.pulls import Pull
from capcheck.source.text import MAX_BYTES


def read(client: Client, pull: Pull, path: str, *, sha: str) -> bytes:
    """A regular file at a commit; a larger one than a manifest may be comes back cut, so too large.

    The commits of a fork are in the network of the repository it was forked from, so that no token
    for the fork is needed. Raises GitHubError, NotPermittedError when there is no such file.
    """
    parts = "/".join(map(quoted, path.split("/")))
    entry = client.get(f"{pull.api}/contents/{parts}", ref=sha)
    if at(entry, "type") != "file":
        raise NotPermittedError(f"{path!r} is not a regular file", status=404)
    # Beyond 1 MiB GitHub leaves the content out, and nobody needs it: it is too large.
    if number(entry, "size") > MAX_BYTES:
        return b" " * (MAX_BYTES + 1)
    try:
        return base64.b64decode(text(entry, "content"))
    except (binascii.Error, ValueError):
        raise UnreachableError(f"{path!r}: the content is not base64") from None
