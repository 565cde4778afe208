"""What can be wrong with a file, and the list that collects it."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.errors import InputError, Problem
from capcheck.place import Place

# Nobody reads more than this, and a hostile file could otherwise hold 100,000 of them.
MAX_PROBLEMS = 1000

CODES = {
    # The file and its text.
    "path-not-found": "No file or directory has this name.",
    "path-outside-repository": "The path, or the link it follows, leads out of the repository.",
    "unreadable-file": "The file exists but can't be read.",
    "file-too-large": "The file is larger than 1 MiB.",
    "not-utf-8": "The file is not UTF-8 text.",
    "control-character": "NUL, another control character, or a line break that is not LF or CRLF.",
    "empty-file": "The file holds no document: nothing, blanks or comments only.",
    # YAML.
    "yaml-syntax": "The text is not YAML.",
    "multiple-documents": "The file holds more than one YAML document.",
    "too-many-nodes": "More than 200,000 keys and values once aliases are expanded.",
    "too-deep": "Maps and lists nest more than 50 levels deep.",
    "undefined-alias": "An alias (`*name`) without an anchor (`&name`) above it.",
    "recursive-alias": "An alias inside the value that it stands for.",
    "tag-not-allowed": "A YAML tag (`!name`); a manifest holds plain data only.",
    "duplicate-key": "The same key twice in one map.",
    "key-not-text": "A key that is not text; quote numbers and words such as `true` and `null`.",
    "bad-merge": "A merge key (`<<`) whose value is neither a map nor a list of maps.",
    "ambiguous-number": "A number that readers of YAML 1.1 and 1.2 understand differently.",
    "number-too-large": "A number beyond 2^53, which not every reader keeps exactly.",
    "number-not-finite": "`.inf` or `.nan`.",
    # The manifest.
    "unsupported-version": "A `version` that this release can't read.",
    "unknown-key": "A key that no field has here; foreign spellings name the right field.",
    "not-supported-yet": "A name reserved for a feature that this release lacks.",
    "missing-key": "A required key is not there.",
    "wrong-type": "Text where a number belongs, a map where text belongs, and so on.",
    "missing-unit": "A duration without its unit.",
    "bad-value": "A value of the right type that the field can't take.",
    "out-of-range": "A number beyond the field's bounds.",
    "bad-name": "A deployment's name with characters that names can't have.",
    "conflict": "Two keys that exclude each other.",
    "inconsistent": "Two values that can't both hold, such as a p95 below its mean.",
    "unknown-environment": "An environment that the manifest does not have, though it has others.",
    # The policy.
    "unknown-name": "A name in a list of what is allowed that no table has.",
    "unknown-rule": "A rule id, or a glob of ids, that no rule has.",
    "unknown-plugin": "A plug-in that is not installed.",
    "bad-table": "A file of own rows that the table can't take.",
    "bad-baseline": "A file that is no recorded baseline.",
    "not-recognised": "No deployment of a form that capcheck reads.",
    "needs-rendering": "A template: what it makes is to be checked, not the template.",
    "no-such-address": "A `from` whose file holds no deployment of this address.",
    "ambiguous-address": "A `from` that more than one deployment of its file matches.",
    "bad-json": "A `model_config` file that is not a JSON object.",
    "too-many-problems": f"More than {MAX_PROBLEMS:,} problems; the rest is not listed.",
}


def whole_file(path: str) -> Place:
    """The place of a problem that no single line of the file has."""
    return Place(path, 1, 1, 2)


def quoted(text: str) -> str:
    """Text as shown in a message: in quotes, on one line, and not longer than 60 characters."""
    shown = text if len(text) <= 60 else f"{text[:59]}…"
    escaped = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)
    return f'"{escaped}"'


class Problems:
    """The problems of one file, in the order they were met, each once."""

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._problems = dict.fromkeys(problems)

    def __bool__(self) -> bool:
        return bool(self._problems)

    def add(
        self, code: str, place: Place, *, found: str, expected: str, nearest: str | None = None
    ) -> None:
        """Note one problem. Raises InputError with all of them when there are too many."""
        assert code in CODES, code  # noqa: S101
        self.extend((Problem(code, place, found, expected, nearest),))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Note several. Raises InputError with all of them when there are too many."""
        for problem in problems:
            self._problems[problem] = None
            if len(self._problems) >= MAX_PROBLEMS:
                found = f"{MAX_PROBLEMS:,} problems up to here"
                last = Problem("too-many-problems", problem.place, found, "fewer")
                self._problems[last] = None
                raise self.error()

    def error(self) -> InputError:
        """The exception that carries every problem noted so far, sorted by place."""
        return InputError(self._problems)
