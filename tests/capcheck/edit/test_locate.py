"""Edits as changes of a text: what stands around them stays, whatever the style."""

from __future__ import annotations

from functools import partial

import pytest
from capcheck.edit import layout as laid_out
from capcheck.edit.change import apply
from capcheck.edit.layout import layout
from capcheck.edit.locate import NotEditableError, changes
from capcheck.search.alternative import Edit, Scalar
from capcheck.source import nodes, parser, yaml_tree
from hypothesis import given
from hypothesis import strategies as st

CPARSER = pytest.importorskip("yaml._yaml").CParser

HEAD = "version: 1\ndeployments:\n"


@pytest.fixture(params=[CPARSER, parser.PythonParser], ids=["libyaml", "python"], autouse=True)
def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(laid_out, "events", partial(parser.events, parser=request.param))


def edited(text: str, edits: dict[str, Scalar], name: str = "a") -> str:
    """The text with values written at pointers below one deployment."""
    made = changes(
        layout(text),
        [Edit(f"/deployments/{name}{pointer}", value, None) for pointer, value in edits.items()],
    )
    return apply(text, made)


def plain(node: nodes.Node) -> object:
    if isinstance(node, nodes.Mapping):
        return {name: plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, nodes.Sequence):
        return [plain(item) for item in node.items]
    return node.value


def value_of(text: str) -> object:
    return plain(yaml_tree.parse(text.encode(), "m"))


@pytest.mark.parametrize(
    ("before", "edits", "after"),
    [
        pytest.param(
            "  a:\n    quant: FP16   # 漢字\n",
            {"/quant": "FP8"},
            "  a:\n    quant: FP8   # 漢字\n",
            id="comment",
        ),
        pytest.param(
            "  a:\n    quant: 'FP16'\n",
            {"/quant": "it's"},
            "  a:\n    quant: 'it''s'\n",
            id="single",
        ),
        pytest.param(
            '  a: {"quant":"FP16", gpu: L4}\n',
            {"/quant": "FP8", "/gpu": "RTX 4090 24GB"},
            '  a: {"quant":"FP8", gpu: RTX 4090 24GB}\n',
            id="double-in-flow",
        ),
        pytest.param(
            "  a: {model: x, gpu: L4}\n",
            {"/model": "llama3.1:8b", "/gpu": "A, B"},
            '  a: {model: "llama3.1:8b", gpu: "A, B"}\n',
            id="quotes-where-flow-needs-them",
        ),
        pytest.param(
            "  a:\n    model: x\n",
            {"/model": "llama3.1:8b"},
            "  a:\n    model: llama3.1:8b\n",
            id="colon-in-block",
        ),
        pytest.param(
            "  a:\n    backend_version: 0.9.0\n",
            {"/backend_version": "0.10"},
            '  a:\n    backend_version: "0.10"\n',
            id="a-version-is-text",
        ),
        pytest.param(
            "  a:\n    model: >-  # long\n      meta\n      llama\n\n    # gpu next\n    gpu: L4\n",
            {"/model": "phi-2"},
            "  a:\n    model: phi-2\n\n    # gpu next\n    gpu: L4\n",
            id="block-scalar",
        ),
        pytest.param(
            '  a:\n    gpu: "RTX\n      4090"  # one\n    quant: Q8\n      _0\n',
            {"/gpu": "L4", "/quant": "FP8"},
            '  a:\n    gpu: "L4"  # one\n    quant: FP8\n',
            id="over-lines",
        ),
        pytest.param(
            "  a:\n    serving:\n        max_num_seqs: 4  # few\n    slo: {x: 1}\n",
            {"/serving/tensor_parallel_size": 2},
            "  a:\n    serving:\n        max_num_seqs: 4  # few\n        tensor_parallel_size: 2\n"
            "    slo: {x: 1}\n",
            id="new-key-in-block",
        ),
        pytest.param(
            "  a:\n    serving: {max_model_len: 512}  # s\n",
            {"/serving/max_num_seqs": 8},
            "  a:\n    serving: {max_model_len: 512, max_num_seqs: 8}  # s\n",
            id="new-key-in-flow",
        ),
        pytest.param(
            "  a:\n    serving: {}\n",
            {"/serving/max_num_seqs": 8},
            "  a:\n    serving: {max_num_seqs: 8}\n",
            id="new-key-in-empty-map",
        ),
        pytest.param(
            '  a: {\n    "model": "x",\n    "gpu": "L4"\n  }\n',
            {"/quant": "FP8"},
            '  a: {\n    "model": "x",\n    "quant": "FP8",\n    "gpu": "L4"\n  }\n',
            id="as-json",
        ),
        pytest.param(
            "  a:\n    model: x\n    gpu: L4\n    slo:\n       latency_p95: 3s\n",
            {"/serving/max_num_seqs": 8, "/serving/max_model_len": 512},
            "  a:\n    model: x\n    gpu: L4\n    serving:\n       max_num_seqs: 8\n"
            "       max_model_len: 512\n    slo:\n       latency_p95: 3s\n",
            id="new-section-in-block",
        ),
        pytest.param(
            "  a:\n    gpu: L4\n    slo: {latency_p95: 3s}\n",
            {"/serving/max_num_seqs": 8, "/quant": "FP8", "/serving/max_model_len": 512},
            "  a:\n    gpu: L4\n    serving: {max_num_seqs: 8, max_model_len: 512}\n"
            "    slo: {latency_p95: 3s}\n    quant: FP8\n",
            id="new-section-beside-flow",
        ),
        pytest.param(
            "  a: {gpu: L4}\n",
            {"/serving/max_num_seqs": 8, "/serving/max_model_len": 512},
            "  a: {gpu: L4, serving: {max_num_seqs: 8, max_model_len: 512}}\n",
            id="new-section-in-flow",
        ),
        pytest.param(
            "  a:\r\n    gpu: L4\r\n    slo: {latency_p95: 3s}\r\n",
            {"/replicas": 3},
            "  a:\r\n    gpu: L4\r\n    slo: {latency_p95: 3s}\r\n    replicas: 3\r\n",
            id="crlf",
        ),
        pytest.param("  a:\n    gpu: L4", {"/gpu": "T4"}, "  a:\n    gpu: T4", id="no-line-end"),
        pytest.param(
            "  a:\n    model: x", {"/gpu": "T4"}, "  a:\n    model: x\n    gpu: T4", id="new-at-end"
        ),
        pytest.param(
            "  b: &q {quant: FP16}\n  a:\n    <<: *q\n    gpu: L4\n",
            {"/quant": "FP8"},
            "  b: &q {quant: FP16}\n  a:\n    <<: *q\n    quant: FP8\n    gpu: L4\n",
            id="over-a-merged-value",
        ),
        pytest.param(
            "  b: {quant: &q FP16}\n  a: {quant: *q }\n",
            {"/quant": "FP8"},
            "  b: {quant: &q FP16}\n  a: {quant: FP8 }\n",
            id="an-alias",
        ),
        pytest.param(
            "  a:\n    quant: &mine   FP16\n",
            {"/quant": "FP8"},
            "  a:\n    quant: &mine   FP8\n",
            id="an-anchor-nobody-uses",
        ),
        pytest.param(
            "  a:\n    replicas: {min: 1, max: 2}\n    usd_per_gpu_hour: 0.7\n",
            {"/replicas/min": 2, "/replicas/max": 3, "/usd_per_gpu_hour": 0.00001},
            "  a:\n    replicas: {min: 2, max: 3}\n    usd_per_gpu_hour: 0.00001\n",
            id="numbers",
        ),
    ],
)
def test_edits(before: str, edits: dict[str, Scalar], after: str) -> None:
    assert edited(HEAD + before, edits) == HEAD + after


def test_an_escaped_name() -> None:
    text = HEAD + "  a/b~c: {gpu: L4}\n"
    assert edited(text, {"/gpu": "T4"}, name="a~1b~0c") == text.replace("L4", "T4")


@pytest.mark.parametrize(
    ("text", "pointer", "why"),
    [
        (
            "  b: {quant: *q}\n",
            "/quant",
            "deployments.a.quant is the anchor &q, which line 4 shares",
        ),
        ("  b: *m\n", "/gpu", "deployments.a is the anchor &m, which line 4 shares"),
        ("  b: {<<: *m}\n", "/gpu", "deployments.a is the anchor &m, which line 4 shares"),
        ("  b: {serving: *s}\n", "/serving/x", "deployments.a.serving is the anchor &s, which li"),
    ],
)
def test_what_others_share_is_refused(text: str, pointer: str, why: str) -> None:
    anchored = HEAD + "  a: &m {quant: &q FP16, gpu: L4, serving: &s {x: 1}}\n" + text
    with pytest.raises(NotEditableError, match=why):
        edited(anchored, {pointer: "FP8"})


@pytest.mark.parametrize(
    ("text", "pointer", "why"),
    [
        ("  a: *b\n", "/gpu", r"deployments.a is the alias \*b, which others share"),
        ("  a: {<<: *b}\n", "/serving/y", "serving is merged into deployments.a, and shared"),
        ("  a: {<<: [*b]}\n", "/serving/y", "serving is merged into deployments.a, and shared"),
        ("  a: {serving: {x: 1}}\n", "/serving", "deployments.a.serving is a map"),
        ("  a: {serving: 1}\n", "/serving/x", "deployments.a.serving is not a map"),
        ("  c: {gpu: L4}\n", "/gpu", "deployments has no a in this file"),
    ],
)
def test_what_cannot_be_written_is_refused(text: str, pointer: str, why: str) -> None:
    with pytest.raises(NotEditableError, match=why):
        edited(HEAD + "  b: &b {gpu: L4, serving: {x: 1}}\n" + text, {pointer: "FP8"})


NAMES = ("model", "quant", "backend", "replicas", "gpu", "slo", "serving", "notes")
WORDS = st.sampled_from(
    ["L4", "RTX 4090 24GB", "8", "0.10", "yes", "a: b", "it's", 'a "b"', "#1", "x # y", "a, b",
     "{}", "漢字", "-", "? x", "a:b", "1e3", "~", "null", "*a", "&a", "!t", "%x", "@y",
     "a\\n", "[", "é "]
)  # fmt: skip
VALUES = st.one_of(WORDS, st.integers(0, 10**6), st.booleans(), st.floats(0, 1e6))
STYLES = st.sampled_from(["", "'", '"'])
GAPS = st.sampled_from(["", "  # why", "\n    # a remark", "\n"])


def _scalar(word: str, style: str) -> str:
    if style == "'":
        return "'" + word.replace("'", "''") + "'"
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """Two deployments in block or flow style, with any quotes, comments and line ends."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    lines = ["version: 1  # one", "deployments:"]
    for name in ("a", "b"):
        keys = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
        own = {}
        for key in keys:
            style = draw(STYLES)
            value = _scalar(draw(WORDS), style) if style else "plain"
            if key in ("serving", "slo"):
                inner = draw(st.sampled_from(["{one: 1}", "{ one: 1, two: 2 }", "{}", "block"]))
                value = inner
            own[key] = value
        if draw(st.booleans()):
            flow = ", ".join(f"{k}: {'{x: 1}' if v == 'block' else v}" for k, v in own.items())
            lines.append(f"  {name}: {{{flow}}}{draw(st.sampled_from(['', ' # end']))}")
            continue
        lines.append(f"  {name}:")
        for key, value in own.items():
            if value == "block":
                lines += [f"    {key}:", "      one: 1", "      two: 2  # two"]
            else:
                lines += f"    {key}: {value}{draw(GAPS)}".split("\n")
    return newline.join(lines) + draw(st.sampled_from(["", newline, newline * 3]))


POINTERS = st.sampled_from(
    ["/model", "/quant", "/gpu", "/replicas", "/backend", "/serving/one", "/serving/max_num_seqs",
     "/slo/two", "/serving/max_model_len"]
)  # fmt: skip


@given(text=manifests(), edits=st.dictionaries(POINTERS, VALUES, min_size=1))
def test_nothing_else_changes(text: str, edits: dict[str, Scalar]) -> None:
    """Read again, the text has the new values and is otherwise as it was; twice is as once."""
    expected = value_of(text)
    for pointer, value in edits.items():
        _, *sections, key = pointer.split("/")
        inner = expected["deployments"]["a"]
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
    after = edited(text, edits)
    assert value_of(after) == expected
    assert edited(after, edits) == after
    for remark in ("# one", "# why", "# a remark", "# end", "# two"):
        assert after.count(remark) == text.count(remark)
    assert ("\r" in after) == ("\r" in text)
    kept = [line for line in text.split("\n") if line.strip().startswith("#")]
    assert [line for line in after.split("\n") if line.strip().startswith("#")] == kept
