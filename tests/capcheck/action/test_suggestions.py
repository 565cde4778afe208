"""Suggestions on the lines of a pull request, run after run."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.capcheck.action.conftest import Action
from tests.capcheck.github.fake import BOT, Trouble, writes

NAME = "deploy/chat.capcheck.yaml"

ONLY = (
    "alternatives: {quants: [Q4_K_M], backends: [ollama], gpus: [RTX 4090 24GB], max_replicas: 1}"
)


def chat(*, quant: str = "'Q4_K_M'", more: str = "", usd: int = 100) -> str:
    return f"""\
version: 1
deployments:
  chat-prod:
    model: llama3.1-8b
    quant: {quant}  # a remark, ``` and all
    backend: ollama
    gpu: RTX 4060 8GB
    replicas: 1{more}
    traffic: {{requests_per_second: 0.05, prompt_tokens: 256, output_tokens: 64}}
    slo: {{latency_p95: 20s}}
    budget: {{monthly_usd: {usd}}}
    {ONLY.replace("RTX 4090 24GB", "RTX 4060 8GB")}
"""


def without_figures(body: str) -> str:
    """With `N` for what the next fit of the coefficients may change."""
    mark, said, *lines = body.split("\n")
    return "\n".join((mark, re.sub(r"(?<![\w.&#])\d+(\.\d+)?(?!\w)", "N", said), *lines))


@pytest.fixture
def started(action: Action) -> Action:
    """A repository with one manifest that passes; suggestions are asked for."""
    action.repository.commit({NAME: chat()})
    action.inputs["SUGGESTIONS"] = "true"
    return action


def push(
    action: Action, text: str, *, first: bool = False, patch: str | None = None, name: str = NAME
) -> None:
    """A new head; GitHub's diff of it is git's."""
    repository = action.repository
    if first:
        head = repository.branch("change", {name: text})
    else:
        head = repository.commit({name: text}, on="change")
    diff = repository.git("diff", "main...change", "--", name)
    action.fake.files.clear()
    shown = "@@" + diff.partition("@@")[2] if diff else ""
    action.fake.change(482, name, text, sha=head, patch=shown if patch is None else patch)
    action.pull_request(head)


def test_from_a_suggestion_to_its_end(
    started: Action, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    action, fake = started, started.fake
    push(action, chat(quant="'FP16'"), first=True)
    assert action.step() == 1
    (entry,) = fake.review_comments
    golden("suggestion.md", without_figures(entry["body"]))
    said = capsys.readouterr().out
    assert "capcheck: 1 suggestion on the lines of the diff\n" in said
    assert (entry["path"], entry["line"], entry["side"]) == (NAME, 5, "RIGHT")
    assert "start_line" not in entry
    assert f"One click: [suggestion]({entry['html_url']})" in action.comment
    assert "git apply" not in action.comment

    # The same again: nothing is written twice.
    before = writes(fake)
    assert action.step() == 1
    assert writes(fake) == before

    # Pushed to, and still broken in the same way: the suggestion stays.
    push(action, chat(quant="'FP16'", usd=90))
    assert action.step() == 1
    assert [one["id"] for one in fake.review_comments] == [entry["id"]]

    # Taken: what GitHub writes then is what was suggested, and passes.
    suggested = entry["body"].split("suggestion\n")[1].split("\n````")[0]
    lines = chat(quant="'FP16'", usd=90).split("\n")
    lines[4] = suggested
    assert "\n".join(lines) == chat(usd=90)
    push(action, "\n".join(lines))
    assert action.step() == 0
    assert fake.review_comments == []


NATIVE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
  annotations:
    capcheck.dev/check: |
      traffic: {requests_per_second: 0.1, profile: chat}
      alternatives: {keep: [model, quant, backend, gpu, gpus_per_replica]}
spec:
  template:
    spec:
      nodeSelector: {cloud.google.com/gke-accelerator: nvidia-l4}
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.11.0
        args:
        - --model=meta-llama/Llama-3.1-8B-Instruct
        - --max-model-len=8192  # a remark
        - --max-num-seqs=256
        resources: {limits: {nvidia.com/gpu: "1"}}
"""
LONGER = NATIVE.replace("=8192 ", "=131072 ")


def test_a_native_file_is_annotated_and_mended_on_its_own_line(
    action: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    action.repository.commit({"k8s/chat.yaml": NATIVE})
    action.inputs["SUGGESTIONS"] = "true"
    push(action, LONGER, first=True, name="k8s/chat.yaml")
    assert action.step() == 1
    assert "::error file=k8s/chat.yaml,line=18,endLine=18,col=27," in capsys.readouterr().out
    (entry,) = action.fake.review_comments
    assert (entry["path"], entry["line"]) == ("k8s/chat.yaml", 18)
    suggested = entry["body"].split("suggestion\n")[1].split("\n```")[0]
    assert re.fullmatch(r"        - --max-model-len=\d+  # a remark", suggested)
    assert "What the native files leave open" in action.comment
    push(action, LONGER.replace(LONGER.split("\n")[17], suggested), name="k8s/chat.yaml")
    assert action.step() == 0
    assert action.fake.review_comments == []


def test_what_was_answered_stays(started: Action) -> None:
    action, fake = started, started.fake
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    fake.review_comments.append(
        {"id": 7, "body": "why?", "user": {"login": "a"}, "in_reply_to_id": 1}
    )
    push(action, chat())
    assert action.step() == 0
    assert [one["id"] for one in fake.review_comments] == [1, 7]


def test_others_comments_are_left_alone(started: Action) -> None:
    action, fake = started, started.fake
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    mine = fake.review_comments[0]["body"]
    quoted = {"id": 8, "body": mine, "user": {"login": "mallory"}}
    other = {"id": 9, "body": mine.replace("id=default", "id=other"), "user": {"login": BOT}}
    fake.review_comments += [quoted, other]
    push(action, chat())
    assert action.step() == 0
    assert [one["id"] for one in fake.review_comments] == [8, 9]


def test_outside_of_the_diff_there_is_a_patch_that_applies(
    started: Action, golden: Callable[[str, str], None], tmp_path: Path
) -> None:
    action = started
    push(action, chat(quant="FP16"), first=True, patch="@@ -11 +11 @@\n-a\n+b")
    assert action.step() == 1
    assert action.fake.review_comments == []
    comment = action.comment
    patch = comment.split("```diff\n")[1].split("````\n")[0].removesuffix("`")
    golden("patch.diff", patch)
    workspace = action.runner.workspace
    subprocess.run(["git", "apply", "-"], cwd=workspace, input=patch, text=True, check=True)
    assert (workspace / NAME).read_text() == chat(quant="Q4_K_M")


def test_a_merge_that_moved_the_lines(started: Action) -> None:
    """The lines that were judged are not those of the diff: nothing is put on the wrong ones."""
    action, repository = started, started.repository
    head = repository.branch("change", {NAME: chat(quant="FP16")})
    diff = repository.git("diff", "main...change", "--", NAME)
    repository.commit({NAME: "# moved\n# on\n" + chat()})
    action.fake.change(482, NAME, "", sha=head, patch="@@" + diff.partition("@@")[2])
    action.pull_request(head)
    assert action.step() == 1
    assert action.fake.review_comments == []
    assert "git apply" in action.comment


def test_a_loosened_limit_still_judges_the_fix(started: Action) -> None:
    """What is suggested passes by base's limits, not by those that the change would like."""
    action = started
    push(action, chat(quant="FP16", usd=100_000), first=True)
    assert action.step() == 1
    (entry,) = action.fake.review_comments
    assert "Re-checked with the change applied" in entry["body"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_that_may_not_write(
    started: Action, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    action = started
    action.fake.troubles = [Trouble("^POST", status, times=9)]
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    said = capsys.readouterr().out
    assert said.count("::notice title=capcheck%3A comment not posted::") == 1


def test_a_line_that_github_refuses(started: Action) -> None:
    action = started
    action.fake.troubles = [Trouble("^POST .*pulls", 422, message="must be part of the diff")]
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    assert "git apply" in action.comment


def test_github_out_of_order(started: Action, capsys: pytest.CaptureFixture[str]) -> None:
    action = started
    action.fake.troubles = [Trouble("GET .*pulls/482/files", 500, times=99)]
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    assert "capcheck%3A no suggestions" in capsys.readouterr().out


@pytest.mark.parametrize("inputs", [{"SUGGESTIONS": "false"}, {"SUGGESTIONS": ""}])
def test_not_asked_for(started: Action, inputs: dict[str, str]) -> None:
    action = started
    action.inputs.update(inputs)
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    assert action.fake.review_comments == []
    assert not action.fake.count("pulls/482/(files|comments)")


def test_a_newer_commit_is_left_to_its_own_run(started: Action) -> None:
    action = started
    push(action, chat(quant="FP16"), first=True)
    action.fake.pulls[482]["head"]["sha"] = "f" * 40
    assert action.step() == 1
    assert action.fake.review_comments == []


def test_sarif(started: Action) -> None:
    action = started
    action.inputs["SARIF_FILE"] = "out.sarif"
    push(action, chat(quant="FP16"), first=True)
    assert action.step() == 1
    path = action.runner.workspace / "out.sarif"
    assert action.runner.outputs["sarif"] == str(path)
    assert '"version": "2.1.0"' in path.read_text()
