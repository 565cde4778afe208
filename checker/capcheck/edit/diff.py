"""Changes of a file as a unified diff that `git apply` takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capcheck.edit.change import Change, Rewrite, rewrites

# As `git diff` shows.
CONTEXT = 3


def unified(text: str, changes: Sequence[Change], path: str) -> str:
    """The diff, paths from the current directory; empty without changes."""
    lines = text.splitlines(keepends=True)
    found = [_trimmed(one, lines) for one in rewrites(text, changes)]
    hunks = "".join(_hunks([one for one in found if one.first <= one.last or one.lines], lines))
    if not hunks:
        return ""
    old, new = (_name(f"{side}/{path.replace(chr(92), '/')}") for side in "ab")
    return f"--- {old}\n+++ {new}\n{hunks}"


def _trimmed(rewrite: Rewrite, lines: Sequence[str]) -> Rewrite:
    """Without the lines that stay as they are at its ends; `last` < `first` inserts only."""
    first, last, new = rewrite.first, rewrite.last, list(rewrite.lines)
    while first <= last and new and lines[first - 1] == new[0]:
        first, new = first + 1, new[1:]
    while first <= last and new and lines[last - 1] == new[-1]:
        last, new = last - 1, new[:-1]
    return Rewrite(first, last, tuple(new))


def _hunks(rewrites: Sequence[Rewrite], lines: Sequence[str]) -> Iterator[str]:
    """Hunks with context; those whose contexts touch are one."""
    shift, cluster = 0, list[Rewrite]()
    for index, one in enumerate(rewrites):
        cluster.append(one)
        following = rewrites[index + 1] if index + 1 < len(rewrites) else None
        if following is None or following.first - CONTEXT > one.last + CONTEXT + 1:
            hunk, grown = _hunk(cluster, lines, shift)
            yield hunk
            shift, cluster = shift + grown, []


def _hunk(cluster: Sequence[Rewrite], lines: Sequence[str], shift: int) -> tuple[str, int]:
    start = max(1, cluster[0].first - CONTEXT)
    end = min(len(lines), cluster[-1].last + CONTEXT)
    body, position = list[str](), start
    for one in cluster:
        body += [_line(" ", line) for line in lines[position - 1 : one.first - 1]]
        body += [_line("-", line) for line in lines[one.first - 1 : one.last]]
        body += [_line("+", line) for line in one.lines]
        position = one.last + 1
    body += [_line(" ", line) for line in lines[position - 1 : end]]
    grown = sum(len(one.lines) - (one.last - one.first + 1) for one in cluster)
    old = end - start + 1
    header = f"@@ -{start},{old} +{start + shift},{old + grown} @@\n"
    return header + "".join(body), grown


def _line(mark: str, line: str) -> str:
    return mark + line if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _name(path: str) -> str:
    """A path as git writes it: in quotes and escaped where it could be misread."""
    if path.isprintable() and not set(path) & set('"\\'):
        # A tab ends a name that has spaces.
        return f"{path}\t" if " " in path else path
    escaped = "".join(
        f"\\{character}"
        if character in '"\\'
        else character
        if character.isprintable()
        else "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in path
    )
    return f'"{escaped}"'
