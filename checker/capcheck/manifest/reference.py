"""The tables of docs/manifest.md, from the table of fields and the list of codes."""

from __future__ import annotations

from capcheck.manifest.fields import CHILDREN, FIELDS, RESERVED
from capcheck.source.problems import CODES

_BEGIN = "<!-- {name}: written by `python -m capcheck.manifest` -->"
_END = "<!-- end of {name} -->"


def refreshed(document: str) -> str:
    """The document with each table between its marks brought up to date; the marks must exist."""
    for name, table in (("fields", _fields()), ("reserved", _reserved()), ("codes", _codes())):
        begin, end = _BEGIN.format(name=name), _END.format(name=name)
        before, _, rest = document.partition(f"{begin}\n")
        after = rest.partition(end)[2]
        document = f"{before}{begin}\n{table}{end}{after}"
    return document


def _table(*rows: tuple[str, ...]) -> str:
    header, *body = rows
    lines = (header, ("---",) * len(header), *body)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _fields() -> str:
    return _table(
        ("field", "value", "meaning", "default"),
        *(
            (
                f"`{field.dotted}`" + (" (required)" if field.required else ""),
                _value(pointer),
                field.description,
                field.default,
            )
            for pointer, field in FIELDS.items()
        ),
    )


def _value(pointer: str) -> str:
    kind = FIELDS[pointer].kind
    either = (kind.expected if kind else "", "a map" if pointer in CHILDREN else "")
    return " or ".join(part for part in either if part)


def _reserved() -> str:
    places = {
        "file": "the file",
        "environment": "an environment",
        "": "a deployment",
        "/quality": "`quality`",
    }
    return _table(
        ("in", "names"),
        *((places[level], ", ".join(f"`{n}`" for n in names)) for level, names in RESERVED.items()),
    )


def _codes() -> str:
    return _table(("code", "meaning"), *((f"`{code}`", text) for code, text in CODES.items()))
