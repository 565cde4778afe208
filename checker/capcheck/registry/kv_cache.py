"""KV cache data types of each engine, and the bytes that one element takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from capcheck.registry.matches import KvCacheDtypeMatch, Miss
from capcheck.registry.names import Vocabulary, key, nearest, spellings
from capcheck.registry.rows import Row, number, several, text, yes


class KvCacheDtype(NamedTuple):
    """A row of kv_cache_dtypes.csv; block formats count their scales."""

    backend: str
    dtype: str
    aliases: tuple[str, ...]
    bytes_per_element: float | None
    is_default: bool
    needs: str | None
    source: str


def kv_cache_dtype(row: Row) -> KvCacheDtype:
    """One row of kv_cache_dtypes.csv."""
    return KvCacheDtype(
        backend=row["backend"],
        dtype=row["dtype"],
        aliases=several(row["aliases"]),
        bytes_per_element=number(row["bytes_per_element"]),
        is_default=yes(row["default"]),
        needs=text(row["needs"]),
        source=row["source"],
    )


def find_kv_cache_dtype(
    name: str, dtypes: Iterable[KvCacheDtype], *, backend: str
) -> KvCacheDtypeMatch | Miss:
    """The data type that a name means to one engine."""
    offered = [dtype for dtype in dtypes if dtype.backend == backend]
    for spelling in spellings(name):
        for dtype in offered:
            if key(spelling) in {key(known) for known in (dtype.dtype, *dtype.aliases)}:
                return KvCacheDtypeMatch(dtype.dtype, dtype.bytes_per_element, dtype.needs)
    valid = Vocabulary([(dtype.dtype, dtype.dtype) for dtype in offered])
    return Miss("kv_cache_dtype", name, nearest(name, valid))
