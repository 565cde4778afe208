"""Every test runs on libyaml and on PyYAML's own parser: the results must be the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest
from capcheck.errors import InputError
from capcheck.place import Place
from capcheck.source import parser, yaml_tree
from capcheck.source.nodes import Mapping, Node, Scalar, Sequence
from capcheck.source.yaml_tree import MAX_DEPTH, MAX_NODES, parse, read, read_parts
from hypothesis import example, given
from hypothesis import strategies as st

CPARSER = pytest.importorskip("yaml._yaml").CParser


@pytest.fixture(params=[CPARSER, parser.PythonParser], ids=["libyaml", "python"])
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml_tree, "events", partial(parser.events, parser=request.param))


def plain(node: Node) -> object:
    if isinstance(node, Mapping):
        return {name: plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return node.value


def value_of(text: str) -> object:
    return plain(parse(text.encode(), "m"))


def problems_of(text: str | bytes) -> list[tuple[str, int, int]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(one.code, one.place.line, one.place.column) for one in read(data, "m")[1]]


def spans(text: str) -> list[tuple[str, int, int, int]]:
    """(text, line, column, end column) of every scalar, keys included, in file order."""

    def walk(node: Node) -> Iterator[tuple[str, int, int, int]]:
        if isinstance(node, Scalar):
            place = node.place
            yield node.text, place.line, place.column, place.end_column
        elif isinstance(node, Mapping):
            for entry in node.entries.values():
                yield from walk(entry.key)
                yield from walk(entry.value)
        else:
            for item in node.items:
                yield from walk(item)

    return list(walk(parse(text.encode(), "m")))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, 2.5, ~, true]\n", {"a": 1, "b": ["x", 2.5, None, True]}),
        ("a: on\nb: no\nc: 2024-01-01\n", {"a": "on", "b": "no", "c": "2024-01-01"}),
        ("a: '012'\nb: \"1e3\"\n", {"a": "012", "b": "1e3"}),
        ("on: 1\nyes: 2\n", {"on": 1, "yes": 2}),
        ("a: |\n  x\n  y\nb: >-\n  f\n  g\n", {"a": "x\ny\n", "b": "f g"}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n", {"a": 1}),
        ("a:\t1\t# comment\n", {"a": 1}),
        ("[1,\t2]", [1, 2]),
        (
            '{\n\t"a":\t1,\n\t"b":[true,null,-2.5],"c":"x\\/y"}',
            {"a": 1, "b": [True, None, -2.5], "c": "x/y"},
        ),
        ('{"a":1,"b":{"c":"d"}}', {"a": 1, "b": {"c": "d"}}),
        ("? a\n: 1\n", {"a": 1}),
        ("a: &x 1\nb: *x\n", {"a": 1, "b": 1}),
        ("a: &x {k: 1}\nb: [*x, *x]\n", {"a": {"k": 1}, "b": [{"k": 1}, {"k": 1}]}),
        ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
        ("&k a: 1\n*k : 2\nb: 3\n", None),
        ("12", 12),
        ("text", "text"),
    ],
)
@pytest.mark.usefixtures("both")
def test_values(text: str, value: object):
    if value is None:
        assert problems_of(text) == [("duplicate-key", 2, 1)]
    else:
        assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("b: &b {x: 1, y: 2}\nd: {<<: *b, y: 3}\n", {"x": 1, "y": 3}),
        ("b: &b {x: 1, y: 2}\nd: {y: 3, <<: *b}\n", {"x": 1, "y": 3}),
        ("b: [&b {x: 1}, &c {x: 2, z: 3}]\nd: {<<: [*b, *c]}\n", {"x": 1, "z": 3}),
        ("b: &b {x: {p: 1}}\nd: {<<: *b, x: {q: 2}}\n", {"x": {"q": 2}}),
        ("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nd: {<<: *b}\n", {"x": 1, "y": 2}),
        ("d: {<<: {x: 1}}\n", {"x": 1}),
        ("d: {<<: []}\n", {}),
    ],
)
@pytest.mark.usefixtures("both")
def test_merge_keys(text: str, value: object):
    assert value_of(text)["d"] == value


@pytest.mark.usefixtures("both")
def test_a_merged_entry_keeps_its_place():
    tree = parse(b"b: &b\n  x: 1\nd:\n  <<: *b\n", "m")
    assert tree.entries["d"].value.entries["x"].value.place == Place("m", 2, 6, 7)


@pytest.mark.usefixtures("both")
def test_an_alias_stands_where_it_is_written():
    tree = parse(b"a: &x {k: 1}\nb:   *x\n", "m")
    alias = tree.entries["b"].value
    assert alias.place == Place("m", 2, 6, 8)
    assert alias.entries["k"].value.place == Place("m", 1, 11, 12)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a: 1\n", [("a", 1, 1, 2), ("1", 1, 4, 5)]),
        (
            "é😀: '😀' # 😀\nb: x\n",
            [("é😀", 1, 1, 3), ("😀", 1, 5, 8), ("b", 2, 1, 2), ("x", 2, 4, 5)],
        ),
        (
            "a: 😀\r\nb: {c: 🜁, d: é}\r\n",
            [
                ("a", 1, 1, 2),
                ("😀", 1, 4, 5),
                ("b", 2, 1, 2),
                ("c", 2, 5, 6),
                ("🜁", 2, 8, 9),
                ("d", 2, 11, 12),
                ("é", 2, 14, 15),
            ],
        ),
        ("\ufeffa: 1\n", [("a", 1, 1, 2), ("1", 1, 4, 5)]),
        ("a:\t1\n", [("a", 1, 1, 2), ("1", 1, 4, 5)]),
        ('{\n\t"a":\t1}', [("a", 2, 2, 5), ("1", 2, 7, 8)]),
        ("a:\n- 👩‍👩‍👧 x\n", [("a", 1, 1, 2), ("👩‍👩‍👧 x", 2, 3, 10)]),
        ("a:\nb: ''\n", [("a", 1, 1, 2), ("", 1, 1, 2), ("b", 2, 1, 2), ("", 2, 4, 6)]),
        (
            'a: "x\n  y"\nb: p\n  q\n',
            [("a", 1, 1, 2), ("x y", 1, 4, 6), ("b", 3, 1, 2), ("p q", 3, 4, 5)],
        ),
        ("a: |  # why\n  x\n", [("a", 1, 1, 2), ("x\n", 1, 4, 12)]),
    ],
)
@pytest.mark.usefixtures("both")
def test_places_are_in_code_points(text: str, places: list[tuple[str, int, int, int]]):
    assert spans(text) == places


@pytest.mark.usefixtures("both")
def test_places_of_maps_and_lists_end_with_their_first_line():
    tree = parse("a: {x: 😀,\n  y: 2}\nb:\n  c: 1   \n  d: 2\ne: [1, 2]\n".encode(), "m")
    assert [entry.value.place for entry in tree.entries.values()] == [
        Place("m", 1, 4, 10),
        Place("m", 4, 3, 7),
        Place("m", 6, 4, 10),
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", [("empty-file", 1, 1)]),
        (" \n\n", [("empty-file", 1, 1)]),
        ("# nothing\n", [("empty-file", 1, 1)]),
        ("---\n", [("empty-file", 1, 1)]),
        ("null\n", [("empty-file", 1, 1)]),
        ("a: 1\n---\nb: 2\n", [("multiple-documents", 2, 1)]),
        ("a: 1\n...\n---\n", [("multiple-documents", 3, 1)]),
        ("a: [1\n", [("yaml-syntax", 1, 5)]),
        ("a: [1\n\n\n\n", [("yaml-syntax", 1, 5)]),
        ("a: b: c\n", [("yaml-syntax", 1, 5)]),
        ("a: 'x\n", [("yaml-syntax", 1, 5)]),
        ("a: 1\n b: 2\n", [("yaml-syntax", 2, 3)]),
        ("a: @x\n", [("yaml-syntax", 1, 4)]),
        ("a: %x\n", [("yaml-syntax", 1, 4)]),
        ("a: }\n", [("yaml-syntax", 1, 4)]),
        ("a: '\\x'\nb: \"\\", [("yaml-syntax", 2, 5)]),
        ("a: *b\n", [("undefined-alias", 1, 4)]),
        ("a: &a [*a]\n", [("recursive-alias", 1, 8)]),
        ("a: &a {b: {c: *a}}\n", [("recursive-alias", 1, 15)]),
        ("a: &a 1\nb: &a [*a]\n", [("recursive-alias", 2, 8)]),
        ("a: !!str 5\n", [("tag-not-allowed", 1, 4)]),
        ("a: !!python/object/apply:os.system [ls]\n", [("tag-not-allowed", 1, 4)]),
        ("a: ! 5\nb: !x {c: 1}\n", [("tag-not-allowed", 1, 4), ("tag-not-allowed", 2, 4)]),
        ("a: 1\nb: 2\na: 3\na: 4\n", [("duplicate-key", 3, 1), ("duplicate-key", 4, 1)]),
        ("x: {a: 1, 'a': 2}\n", [("duplicate-key", 1, 11)]),
        ("<<: {a: 1}\n<<: {b: 1}\n", [("duplicate-key", 2, 1)]),
        (
            "1: a\ntrue: b\n~: c\n",
            [("key-not-text", 1, 1), ("key-not-text", 2, 1), ("key-not-text", 3, 1)],
        ),
        ("? [a]\n: 1\n? {b: 1}\n: 2\n", [("key-not-text", 1, 3), ("key-not-text", 3, 3)]),
        ("012: a\n", [("ambiguous-number", 1, 1)]),
        (
            "a: 012\nb: [1e3, 0x1]\n",
            [("ambiguous-number", 1, 4), ("ambiguous-number", 2, 5), ("ambiguous-number", 2, 10)],
        ),
        ("a: .inf\n", [("number-not-finite", 1, 4)]),
        (f"a: {'9' * 5000}\n", [("number-too-large", 1, 4)]),
        ('a: "\\0"\nb: "\\x1b[31m"\n', [("control-character", 1, 4), ("control-character", 2, 4)]),
        ("<<: 3\n", [("bad-merge", 1, 5)]),
        ("<<: [3, {a: 1}, [b]]\n", [("bad-merge", 1, 6), ("bad-merge", 1, 17)]),
        ("<<: 012\n", [("ambiguous-number", 1, 5)]),
        ("a: 012\nb: 'x\n", [("ambiguous-number", 1, 4), ("yaml-syntax", 2, 5)]),
    ],
)
@pytest.mark.usefixtures("both")
def test_problems(text: str, problems: list[tuple[str, int, int]]):
    assert problems_of(text) == problems


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("base: &base 1\nb: *bsae\n", "base"),
        ("1: a\n", '"1"'),
        ("b: 012\n", "12"),
        ("[a]: 1\n", None),
        ("~: 1\n", '"~"'),
    ],
)
@pytest.mark.usefixtures("both")
def test_nearest(text: str, nearest: str | None):
    (problem,) = read(text.encode(), "m")[1]
    assert problem.nearest == nearest


@pytest.mark.usefixtures("both")
def test_parse_raises_what_read_returns():
    with pytest.raises(InputError) as caught:
        parse(b"a: 012\na: 1\n", "m")
    assert caught.value.problems == read(b"a: 012\na: 1\n", "m")[1]


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


def bomb(levels: int, width: int) -> str:
    """Aliases of aliases: `width ** levels` nodes in a few hundred bytes."""
    lines = [f"a0: &a0 [{'x, ' * width}]"]
    lines += [f"a{n}: &a{n} [{f'*a{n - 1}, ' * width}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (nested(MAX_DEPTH + 1), "too-deep"),
        (nested(100_000), "too-deep"),
        ("[" * 500_000, "too-deep"),
        ("{a: " * 100_000, "too-deep"),
        ("- " * 100_000, "too-deep"),
        ("\n".join("  " * level + "a:" for level in range(500)), "too-deep"),
        (f"a: &a {nested(30)}\nb: {'[' * 20}*a{']' * 20}\n", "too-deep"),
        (
            "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{x: *a{n - 1}}}" for n in range(1, 60))]),
            "too-deep",
        ),
        (bomb(9, 9), "too-many-nodes"),
        (bomb(30, 1000), "too-many-nodes"),
        ("a: &a [" + "x, " * 1000 + "]\nb: [" + "*a, " * 1000 + "]", "too-many-nodes"),
        (
            "a: &a {"
            + ", ".join(f"k{n}: 1" for n in range(1000))
            + "}\nb: ["
            + "{<<: *a}, " * 1000
            + "]",
            "too-many-nodes",
        ),
        (
            "\n".join(
                [
                    "m0: &m0 {x: 1}",
                    *(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, 40)),
                ]
            ),
            "too-many-nodes",
        ),
    ],
)
@pytest.mark.usefixtures("both")
def test_budget(text: str, code: str):
    tree, problems = read(text.encode(), "m")
    assert tree is None
    assert [problem.code for problem in problems] == [code]


@pytest.mark.usefixtures("both")
def test_a_bomb_is_counted_not_built():
    """It would have 9 ** 9 nodes. The count must end where the budget does: on the sixth line."""
    assert problems_of(bomb(9, 9)) == [("too-many-nodes", 6, 15)]


@pytest.mark.usefixtures("both")
def test_the_budget_itself_is_accepted():
    """1,000 nodes in the anchored list, 198 aliases to it, and 4 around them leave room for 996."""
    text = "a: &a [" + "x, " * 999 + "]\nb: [" + "*a, " * 198 + "y, " * 996
    assert MAX_NODES == 1_000 + 198 * 1_000 + 4 + 996
    assert problems_of(f"{text}]") == []
    assert problems_of(f"{text}z]") == [("too-many-nodes", 2, len(text) - text.index("b:") + 1)]
    assert problems_of(nested(MAX_DEPTH)) == []


def outcome(text: str, parse_with: object) -> object:
    """The tree, and the codes of its problems with their places."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_tree, "events", partial(parser.events, parser=parse_with))
        tree, problems = read(text.encode(), "m")
    return tree, [(one.code, one.place) for one in problems]


SNIPPETS = st.sampled_from(
    (
        *(
            "a",
            "b: ",
            ": ",
            "- ",
            "? ",
            ", ",
            "\n",
            "\n  ",
            "\n    ",
            " ",
            "\t",
            "[",
            "]",
            "{",
            "}",
        ),
        *("'", '"', "\\", "&x ", "*x", "!t ", "# c", "|\n  ", ">-\n ", "---\n", "...\n", "<<: "),
        *("12", "0.5", "012", "true", "~", "😀", "é", "%", "@", "%YAML 1.2\n", "key: value\n"),
    )
)


@given(st.lists(SNIPPETS, max_size=25).map("".join))
@example("a: 1\nb:")
@example("- ")
@example("? ")
def test_both_parsers_read_alike_what_they_accept(text: str):
    """They disagree on some broken text and on tabs in odd places: then one of them refuses."""
    one, other = outcome(text, CPARSER), outcome(text, parser.PythonParser)
    if one[0] is not None and other[0] is not None:
        assert one == other


@given(st.binary() | st.text().map(str.encode) | st.lists(SNIPPETS).map("".join).map(str.encode))
@example(b"\xef\xbb\xbf\xef\xbb\xbf")
@example(b'"\\ud800"')
@example(b"%TAG ! tag:x\n---\n!y z")
def test_any_bytes_end_in_a_tree_or_in_problems_with_a_place(data: bytes):
    tree, problems = read(data, "m")
    assert tree is not None or problems
    lines = data.split(b"\n")
    for problem in problems:
        place = problem.place
        assert 1 <= place.line <= len(lines)
        assert 1 <= place.column < place.end_column


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(
        st.characters(
            min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cc", "Cs", "Zl", "Zp"]
        )
    ),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
    max_leaves=10,
)


@given(JSON.filter(lambda value: value is not None), st.sampled_from((None, 2, "\t")))
def test_json_is_yaml(value: object, indent: int | str | None):
    for separators in ((",", ":"), None):
        for as_ascii in (True, False):
            text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=as_ascii)
            assert value_of(text) == value


def codes(text: str) -> list[list[str]]:
    return [[problem.code for problem in part.problems] for part in read_parts(text, "m")]


def test_every_document_of_a_file_is_read_by_itself():
    text = "# head\n---\na: 1\n---\nb: [\n---\nc: 3\n--- # nothing\n---\n"
    parts = read_parts(text, "m")
    assert [part.tree is not None for part in parts] == [True, False, True]
    assert [part.place.line for part in parts] == [2, 4, 6]
    assert codes(text) == [[], ["yaml-syntax"], []]
    last = parts[2].tree
    assert isinstance(last, Mapping)
    assert last.entries["c"].value.place == Place("m", 7, 4, 5)
    assert parts[1].problems[0].place.line in (5, 6)


def test_documents_share_the_budget_of_nodes():
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
        for before, name in ("ab", "bc", "cd")
    )
    assert codes(bomb) == [[]]
    assert codes("---\n".join([bomb] * 30))[-1] == ["too-many-nodes"]
    assert len(codes("---\n".join([bomb] * 300))) < 30
