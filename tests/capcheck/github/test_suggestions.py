"""Which fixes become suggestions, and what they say."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest
from capcheck.github.pulls import ChangedFile
from capcheck.github.suggestions import MOST, Suggestion, suggestions
from capcheck.report import to_document
from capcheck.report.document import Document
from capcheck.report.suggestion import Mark, mark_of, patch_block, render
from capcheck.run import Options, run

NAME = "m.capcheck.yaml"
KEEP = "keep: [gpus_per_replica, max_model_len, replicas]"


def deployment(name: str, quant: str = "FP16") -> str:
    return f"""\
  {name}:
    model: llama3.1-8b
    quant: {quant}
    backend: ollama
    gpu: RTX 4060 8GB
    traffic: {{requests_per_second: 0.05, prompt_tokens: 256, output_tokens: 64}}
    alternatives: {{quants: [Q4_K_M], backends: [ollama], gpus: [RTX 4060 8GB], {KEEP}}}
"""


def manifest(*deployments: str) -> str:
    return "version: 1\ndeployments:\n" + "".join(deployments)


def document_of(text: str, folder: Path) -> Document:
    (folder / NAME).write_bytes(text.encode())
    options = Options(fail_on=(), now=datetime(2026, 11, 23, tzinfo=timezone.utc))
    return to_document(run((NAME,), options).report)


def all_of(text: str) -> str:
    """A patch that adds the whole file."""
    lines = text.removesuffix("\n").split("\n")
    return f"@@ -0,0 +1,{len(lines)} @@\n" + "\n".join(f"+{line}" for line in lines)


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Suggestion]]:
    monkeypatch.chdir(tmp_path)

    def offer(
        text: str,
        *,
        patch: str | None = None,
        passes: Callable[[str, str, str], bool] = lambda *_: True,
    ) -> list[Suggestion]:
        return suggestions(
            document_of(text, tmp_path),
            {NAME: text},
            [ChangedFile(NAME, None, False, all_of(text) if patch is None else patch)],
            identity="default",
            passes=passes,
        )

    return offer


def test_one_line(offered: Callable[..., list[Suggestion]]) -> None:
    (one,) = offered(manifest(deployment("a", "'FP16'   # why")))
    assert one.key == (NAME, "a")
    assert (one.comment.path, one.comment.start_line, one.comment.line) == (NAME, None, 5)
    assert "```suggestion\n    quant: 'Q4_K_M'   # why\n```\n" in one.comment.body
    assert mark_of(one.comment.body) == one.mark


def test_what_is_proposed_was_judged(offered: Callable[..., list[Suggestion]]) -> None:
    asked = []

    def passes(path: str, text: str, name: str) -> bool:
        asked.append((path, name))
        assert text == manifest(deployment("a", "Q4_K_M"))
        return False

    assert offered(manifest(deployment("a")), passes=passes) == []
    assert asked == [(NAME, "a")]


def test_the_same_wherever_it_stands(offered: Callable[..., list[Suggestion]]) -> None:
    (one,) = offered(manifest(deployment("a")))
    (moved,) = offered("# moved\n\n" + manifest(deployment("a")))
    (other,) = offered(manifest(deployment("a", '"FP16"')))
    assert one.mark == moved.mark != other.mark
    assert moved.comment.line == one.comment.line + 2


@pytest.mark.parametrize(
    "patch",
    [
        "",
        "@@ -1,3 +1,3 @@\n version: 1\n deployments:\n-  b:\n+  a:",
        "@@ -5 +5 @@\n-    quant: X\n+    quant: moved",
    ],
)
def test_only_on_lines_of_the_diff(offered: Callable[..., list[Suggestion]], patch: str) -> None:
    assert offered(manifest(deployment("a")), patch=patch) == []


def test_not_with_crlf(offered: Callable[..., list[Suggestion]]) -> None:
    assert offered(manifest(deployment("a")).replace("\n", "\r\n")) == []


def test_not_for_what_passes(offered: Callable[..., list[Suggestion]]) -> None:
    assert offered(manifest(deployment("a", "Q4_K_M"))) == []


def test_a_few_at_most_and_the_first_come_first(offered: Callable[..., list[Suggestion]]) -> None:
    found = offered(manifest(*(deployment(f"d{index}") for index in range(MOST + 2))))
    assert [one.key[1] for one in found] == [f"d{index}" for index in range(MOST)]
    assert len({one.mark for one in found}) == MOST


def rewritten(document: Document, edits: Sequence[Mapping[str, object]]) -> Document:
    """The first alternative with other edits."""
    (entry,) = document["deployments"]
    first = {**entry["alternatives"][0], "edits": [{**one, "path": NAME} for one in edits]}
    return {**document, "deployments": [{**entry, "alternatives": [first]}]}  # type: ignore


def edit(line: int, column: int, end_column: int, text: str) -> dict[str, object]:
    return {
        "pointer": "/deployments/a/x",
        "value": "v",
        "previous": "w",
        "line": line,
        "column": column,
        "end_line": line,
        "end_column": end_column,
        "text": text,
    }


@pytest.mark.parametrize(
    ("edits", "lines"),
    [
        pytest.param(
            [edit(5, 12, 16, "FP8"), edit(6, 14, 20, "vllm")],
            (5, 6, "    quant: FP8\n    backend: vllm"),
            id="in-a-row",
        ),
        pytest.param(
            [edit(7, 22, 22, "\n    serving: {max_num_seqs: 4}")],
            (None, 7, "    gpu: RTX 4060 8GB\n    serving: {max_num_seqs: 4}"),
            id="a-new-key",
        ),
        pytest.param([edit(5, 12, 16, "FP8"), edit(7, 10, 22, "L4")], None, id="with-a-gap"),
    ],
)
def test_several_lines_if_they_follow_each_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    edits: list[dict[str, object]],
    lines: tuple[int | None, int, str] | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = manifest(deployment("a"))
    document = rewritten(document_of(text, tmp_path), edits)
    found = suggestions(
        document,
        {NAME: text},
        [ChangedFile(NAME, None, False, all_of(text))],
        identity="default",
        passes=lambda *_: True,
    )
    if lines is None:
        assert found == []
        return
    (one,) = found
    assert (one.comment.start_line, one.comment.line) == lines[:2]
    assert f"```suggestion\n{lines[2]}\n```" in one.comment.body


def test_a_fence_is_longer_than_any_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (entry,) = document_of(manifest(deployment("a")), tmp_path)["deployments"]
    fix, lines = entry["alternatives"][0], ["    quant: Q4_K_M # ````` @everyone", "```"]
    body = render(entry, fix, lines, Mark("default", "0" * 16))
    assert f"\n``````suggestion\n{lines[0]}\n```\n``````\n" in body


@pytest.mark.parametrize(
    "body",
    ["", "hello", "> <!-- capcheck:suggestion id=a fix=0000000000000000 -->\n",
     "<!-- capcheck:suggestion id=a b fix=0000000000000000 -->\n",
     "<!-- capcheck:suggestion id=a fix=00 -->\n"],
)  # fmt: skip
def test_what_is_no_mark(body: str) -> None:
    assert mark_of(body) is None


def test_beside_a_hostile_remark(offered: Callable[..., list[Suggestion]]) -> None:
    remark = "# ```@everyone <img src=x> | ::error::pwned -->"
    (one,) = offered(manifest(deployment("a", f"FP16 {remark}")))
    assert f"\n````suggestion\n    quant: Q4_K_M {remark}\n````\n" in one.comment.body


def test_the_patch_of_a_hostile_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    remark = "# ```@everyone </details>"
    document = document_of(manifest(deployment("a", f"FP16 {remark}")), tmp_path)
    block = patch_block(document["deployments"][0])
    assert "\n\n````diff\n--- a/m.capcheck.yaml\n" in block
    assert f"\n-    quant: FP16 {remark}\n+    quant: Q4_K_M {remark}\n" in block
    assert block.endswith("\n````\n\n</details>")
    assert block.count("````") == 2
