"""A pull request from opening to clean again, and everything that may come in between."""

import json
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.capcheck.action.conftest import Action
from tests.capcheck.github.fake import BOT, Trouble, writes

NAME = "deploy/chat.capcheck.yaml"


def chat(*, replicas: int = 1, usd: int = 100, name: str = "chat-prod", latency: str = "9s") -> str:
    return f"""\
version: 1
deployments:
  {name}:
    model: llama3.2-3b
    quant: Q4_K_M
    backend: ollama
    gpu: RTX 4090 24GB
    replicas: {replicas}
    traffic: {{requests_per_second: 0.1, prompt_tokens: 256, output_tokens: 64}}
    slo: {{latency_p95: {latency}}}
    budget: {{monthly_usd: {usd}}}
    alternatives: {{quants: [Q4_K_M], backends: [ollama], gpus: [RTX 4090 24GB]}}
"""


@pytest.fixture
def started(action: Action) -> Action:
    """A repository with one manifest that passes."""
    action.repository.commit({NAME: chat(), "README.md": "hello"})
    return action


def headline(body: str) -> str:
    return body.splitlines()[1]


def seen(action: Action, log: str) -> str:
    """The log and the comments, with the commits' names and the data's versions left out."""
    pages = [f"log\n{log}"]
    pages += [f"comment {entry['id']}\n{entry['body']}" for entry in action.fake.comments]
    text = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", "\n".join(pages))
    text = re.sub(r"coefficients .*? · prices [0-9-]+ · [0-9a-f]{7} → [0-9a-f]{7}", "…", text)
    return re.sub(r"--base [0-9a-f]{7}", "--base COMMIT", text)


def test_from_opening_to_clean_again(
    started: Action, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    """What people see is in `golden/`: the log and the comment after each run."""
    action, repository = started, started.repository
    # Opened with a change that concerns no deployment: nothing is said.
    action.pull_request(repository.branch("change", {"README.md": "hello, world"}))
    assert action.step() == 0
    assert action.fake.comments == []
    said = capsys.readouterr().out
    assert "no comment: nothing to say" in said
    golden("opened.txt", seen(action, said))

    # A deployment breaks its budget: one comment, which names the edit.
    head = repository.commit({NAME: chat(replicas=3)}, on="change")
    action.pull_request(head)
    assert action.step() == 1
    first = action.comment
    golden("first-run.txt", seen(action, capsys.readouterr().out))
    assert first.startswith(f"<!-- capcheck:v1 id=default sha={head} run=102 -->\n")
    assert headline(first) == "### ❌ capcheck: 1 deployment breaks a limit"
    assert "because <code>replicas</code> went from <code>1</code> to <code>3</code>" in first
    assert "**Cheapest fix:** <code>replicas: 1</code>" in first
    assert f"https://github.example/acme/serving/blob/{head}/{NAME}#L8" in first
    assert action.runner.outputs["comment-url"] == action.fake.comments[0]["html_url"]
    assert action.runner.outputs["monthly-usd-delta"] == "87.60"
    assert action.runner.outputs["verdict"] == "fail"
    assert action.runner.summary.startswith("### ❌ capcheck: 1 deployment breaks a limit")

    # The same run again: the comment says all this already.
    assert action.step() == 1
    assert writes(action.fake) == {"POST": 1}
    golden("re-run.txt", seen(action, capsys.readouterr().out))

    # Fixed: the same comment, in one line.
    action.pull_request(repository.commit({NAME: chat()}, on="change"))
    assert action.step() == 0
    assert headline(action.comment) == "### ✅ capcheck: no deployment changed"
    assert writes(action.fake) == {"POST": 1, "PATCH": 1}
    golden("clean-again.txt", seen(action, capsys.readouterr().out))


def test_the_script_on_a_pull_request(started: Action) -> None:
    """What the other tests call as a function, once as the runner calls it."""
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    step = action.runner.run(**action.environ)
    assert (step.returncode, step.stderr) == (1, "")
    assert "capcheck: comment written (https://github.example/" in step.stdout
    assert headline(action.comment) == "### ❌ capcheck: 1 deployment breaks a limit"


@pytest.mark.parametrize("depth", [1, None])
def test_the_base_is_the_one_that_the_merge_was_made_with(
    started: Action, depth: int | None
) -> None:
    """Whatever main got since the branch began is not the pull request's doing."""
    action, repository = started, started.repository
    head = repository.branch("change", {"README.md": "changed"})
    repository.commit({NAME: chat(replicas=2)})
    action.pull_request(head, depth=depth)
    action.payload["pull_request"]["base"]["sha"] = repository.git("rev-parse", "main~1")
    assert action.step() == 0
    assert action.fake.comments == []


@pytest.mark.parametrize("depth", [None, 1])
def test_the_head_itself_is_checked_out(started: Action, depth: int | None) -> None:
    action, repository = started, started.repository
    head = repository.branch("change", {NAME: chat(replicas=3)})
    action.pull_request(head)
    repository.check_out(head, action.runner.workspace, depth=depth)
    assert action.step() == 1
    assert "because <code>replicas</code>" in action.comment


def report(action: Action) -> dict[str, object]:
    text = Path(action.runner.outputs["report"]).read_text(encoding="utf-8")
    found: dict[str, object] = json.loads(text)
    return found


def test_the_base_commit_cannot_be_fetched(
    started: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.repository.git(
        "remote", "set-url", "origin", "file:///nowhere", at=action.runner.workspace
    )
    assert action.step() == 1
    assert "::warning title=capcheck%3A no comparison::" in capsys.readouterr().out
    assert "**No comparison:**" in action.comment
    assert action.runner.outputs["monthly-usd-delta"] == ""


def test_no_repository_at_all(started: Action, capsys: pytest.CaptureFixture[str]) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    (action.runner.workspace / ".git").rename(action.runner.temp / "moved")
    assert action.step() == 1
    assert (
        "::warning title=capcheck%3A no comparison::Nothing was compared" in capsys.readouterr().out
    )


def test_a_base_of_the_workflows_choice(started: Action) -> None:
    action, repository = started, started.repository
    action.inputs["BASE"] = repository.git("rev-parse", "main")
    repository.commit({NAME: chat(replicas=3)})
    action.pull_request(repository.branch("change", {"README.md": "changed"}))
    assert action.step() == 1
    assert "because <code>replicas</code>" in action.comment


def test_no_comparison_is_asked_for(started: Action, capsys: pytest.CaptureFixture[str]) -> None:
    action, repository = started, started.repository
    repository.commit({NAME: chat(replicas=3)})
    action.pull_request(repository.branch("change", {"README.md": "changed"}))
    assert action.step() == 0
    action.inputs["BASE"] = "none"
    assert action.step() == 1
    assert "no comparison" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("files", "code", "said"),
    [
        ({NAME: chat() + "oops: 1\n"}, 2, "could not read 1 manifest"),
        ({NAME: chat().replace("quant:", "quamt:")}, 2, "could not read 1 manifest"),
        ({NAME: "version: 1\ndeployments: [\n"}, 2, "could not read 1 manifest"),
        ({NAME: chat().replace("    quant", "    quant: Q8_0\n    quant")}, 2, "could not read"),
        ({NAME: chat(usd=20)}, 1, "1 deployment breaks a limit"),
        ({NAME: chat(replicas=3, usd=200)}, 1, "1 deployment breaks a limit"),
        ({NAME: None, "a/b.capcheck.yaml": chat()}, 0, "the changed deployment meets its limits"),
        ({NAME: None, "x.capcheck.yaml": chat(replicas=3)}, 1, "1 deployment breaks a limit"),
        ({NAME: None, "y.capcheck.yaml": chat(name="other")}, 0, "the changed deployment meets"),
        ({"new.capcheck.yaml": chat(name="new", usd=20)}, 1, "1 deployment breaks a limit"),
        ({NAME: None}, 3, "no manifest found"),
    ],
)
def test_manifests_that_come_go_and_break(
    started: Action, files: dict[str, str | None], code: int, said: str
) -> None:
    action = started
    action.pull_request(action.repository.branch("change", files))
    assert action.step() == code
    assert said in headline(action.comment)


def test_moved_goalposts(started: Action) -> None:
    action = started
    files: dict[str, str | None] = {NAME: chat(replicas=3, usd=200)}
    action.pull_request(action.repository.branch("change", files))
    assert action.step() == 1
    assert "**This pull request changes its own limits:**" in action.comment.splitlines()[3]
    assert "<code>100</code> → <code>200</code>" in action.comment


def test_a_manifest_that_is_broken_on_base(started: Action) -> None:
    action, repository = started, started.repository
    repository.commit({NAME: "version: 1\ndeployments: [\n"})
    action.pull_request(repository.branch("change", {NAME: chat()}))
    assert action.step() == 0
    assert "(new)" in action.comment


def test_what_base_had_does_not_block(started: Action) -> None:
    action, repository = started, started.repository
    repository.commit({"old.capcheck.yaml": chat(name="old", usd=20)})
    action.pull_request(repository.branch("change", {NAME: chat(replicas=2)}))
    assert action.step() == 0
    assert "Not blocking: 1 already failing on base" in action.comment


@pytest.mark.parametrize(("when", "comments"), [("auto", 0), ("always", 1), ("never", 0)])
def test_when_to_begin(started: Action, when: str, comments: int) -> None:
    action = started
    action.inputs["COMMENT"] = when
    action.pull_request(action.repository.branch("change", {"README.md": "changed"}))
    assert action.step() == 0
    assert len(action.fake.comments) == comments
    assert when != "never" or action.fake.log == []


def test_a_matrix_with_ids(started: Action, capsys: pytest.CaptureFixture[str]) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    for name in ("one", "two"):
        action.inputs["ID"] = name
        assert action.step() == 1
    assert len(action.fake.comments) == 2
    # Without: they are told.
    action.inputs = {"ID": "two", "FAIL_ON": "cannot-predict"}
    assert action.step() == 0
    assert "::warning title=capcheck%3A two jobs%2C one comment::" in capsys.readouterr().out


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize("status", [403, 404])
def test_where_the_token_cannot_write(
    started: Action, capsys: pytest.CaptureFixture[str], fork: bool, status: int
) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}), fork=fork)
    action.fake.troubles = [Trouble("^POST", status, times=9)]
    assert action.step() == 1
    out = capsys.readouterr().out
    (notice,) = re.findall(
        "^::notice title=capcheck%3A comment not posted::(.*)", out, re.MULTILINE
    )
    assert ("docs/forks.md" in notice) is fork
    assert ("pull-requests: write" in notice) is not fork
    assert out.count("::error file=") == 1
    assert "1 deployment breaks a limit" in action.runner.summary
    assert action.runner.outputs["verdict"] == "fail"
    assert action.runner.outputs["comment-url"] == ""


def test_dependabot(started: Action, capsys: pytest.CaptureFixture[str]) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.payload["sender"] = {"login": "dependabot[bot]"}
    action.fake.troubles = [Trouble("^POST", 403, times=9)]
    assert action.step() == 1
    assert "docs/forks.md" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("token", "trouble"),
    [
        ("", []),
        ("wrong", []),
        (None, [Trouble("GET .*/pulls", 401)]),
        (None, [Trouble("GET .*/pulls", 429, {"Retry-After": "3600"})]),
        (None, [Trouble("POST", 422, times=9)]),
        (None, [Trouble("GET .*/comments", 200, message="not a list")]),
    ],
)
def test_the_verdict_stands_whatever_github_says(
    started: Action,
    capsys: pytest.CaptureFixture[str],
    token: str | None,
    trouble: list[Trouble],
) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.fake.troubles = trouble
    if token is not None:
        action.inputs["GITHUB_TOKEN"] = token
    assert action.step() == 1
    out = capsys.readouterr().out
    assert "title=capcheck%3A comment not posted::" in out
    assert action.runner.outputs["verdict"] == "fail"


def test_the_api_is_down_for_a_moment(started: Action) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.fake.troubles = [Trouble("GET .*/pulls", 502)]
    assert action.step() == 1
    assert len(action.fake.comments) == 1


def test_too_long_for_this_server(started: Action) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.fake.max_body = 1500
    assert action.step() == 1
    assert "Too long for this page" in action.comment


def test_the_pull_request_was_closed_meanwhile(
    started: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.fake.pulls[482]["state"] = "closed"
    assert action.step() == 1
    assert action.fake.comments == []
    assert "the pull request is closed" in capsys.readouterr().out


def test_a_newer_commit_was_pushed_meanwhile(started: Action) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.fake.pulls[482]["head"]["sha"] = "f" * 40
    assert action.step() == 1
    assert action.fake.comments == []


def test_an_older_run_finishes_last(started: Action) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    newer = f"<!-- capcheck:v1 id=default sha={'f' * 40} run=999 -->\nnewer"
    action.fake.write(newer, author=BOT)
    assert action.step() == 1
    assert action.comment == newer


@pytest.mark.parametrize("event", ["merge_group", "push", "workflow_dispatch"])
def test_events_without_a_pull_request(started: Action, event: str) -> None:
    action, repository = started, started.repository
    base = repository.git("rev-parse", "main")
    head = repository.commit({NAME: chat(replicas=3)})
    repository.check_out(head, action.runner.workspace)
    action.event, action.sha = event, head
    action.payload = {
        "merge_group": {"base_sha": base, "head_sha": head},
        "before": base,
        "after": head,
    }
    assert action.step() == 1
    assert action.fake.log == []
    compared = event != "workflow_dispatch"
    assert ("**Because** " in action.runner.summary) is compared
    assert action.runner.outputs["monthly-usd-delta"] == ("87.60" if compared else "")


def test_a_new_branch_is_judged_by_itself(started: Action) -> None:
    action = started
    head = action.repository.branch("new", {NAME: chat(replicas=3)})
    action.repository.check_out(head, action.runner.workspace)
    action.event, action.payload = "push", {"before": "0" * 40, "after": head}
    assert action.step() == 1
    assert report(action)["run"]["comparison"] is None  # type: ignore[index]


def test_pull_request_target_is_refused(
    started: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.event = "pull_request_target"
    assert action.step() == 2
    assert "use pull_request" in capsys.readouterr().out


def test_a_report_of_the_workflows_choice(started: Action) -> None:
    action = started
    action.inputs["REPORT_FILE"] = "report.json"
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    assert action.step() == 1
    assert action.runner.outputs["report"] == str(action.runner.workspace / "report.json")
    assert report(action)["verdict"] == "fail"


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("link.json", "is a link, or lies behind one"),
        ("links/report.json", "is a link, or lies behind one"),
        ("../report.json", "leads out of the workspace"),
        ("nowhere/report.json", "there is no directory"),
    ],
)
def test_a_report_that_would_be_written_elsewhere(
    started: Action, capsys: pytest.CaptureFixture[str], file: str, said: str
) -> None:
    action = started
    victim = action.runner.temp / "victim"
    victim.write_text("precious")
    (action.runner.workspace / "link.json").symlink_to(victim)
    (action.runner.workspace / "links").symlink_to(action.runner.temp)
    action.inputs["REPORT_FILE"] = file
    action.pull_request(action.repository.branch("change", {}))
    assert action.step() == 2
    assert said in capsys.readouterr().out
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"COMMENT": "maybe"}, "comment: found 'maybe', expected one of auto, always, never"),
        ({"ID": "a b"}, "id: found 'a b', expected at most 64 letters"),
        ({"ID": "x -->\n@everyone"}, "id: found 'x -->\\n@everyone', expected"),
    ],
)
def test_wrong_inputs(
    started: Action, capsys: pytest.CaptureFixture[str], inputs: dict[str, str], message: str
) -> None:
    started.inputs = inputs
    assert started.step() == 2
    assert (
        f"::error title=capcheck%3A wrong input of the action::{message}" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("evil", "code"),
    [
        ("a|b`c`<img>@everyone\\n::error::pwned\\u202e [x](https://evil.example)", 2),
        ("a|b`c`<img>@everyone ::error::pwned [x](https://evil.example) <!-- capcheck:v1", 1),
    ],
)
def test_hostile_text_in_a_pull_request(
    started: Action, capsys: pytest.CaptureFixture[str], evil: str, code: int
) -> None:
    action = started
    text = chat(replicas=3).replace("model: llama3.2-3b", f'model: "{evil}"')
    action.pull_request(action.repository.branch("change", {NAME: text}))
    assert action.step() == code
    out = capsys.readouterr().out
    assert not re.search("^::error::pwned", out, re.MULTILINE)
    for page in (action.comment, action.runner.summary):
        for danger in ("@everyone", "<img", "https://evil", "\n::error"):
            assert danger not in page


def test_the_token_is_printed_nowhere(started: Action, capsys: pytest.CaptureFixture[str]) -> None:
    action = started
    action.pull_request(action.repository.branch("change", {NAME: chat(replicas=3)}))
    action.inputs["GITHUB_TOKEN"] = secret = "ghs_wrong-and-secret"
    assert action.step() == 1
    out, err = capsys.readouterr()
    everything = [out, err, action.runner.summary, json.dumps(action.runner.outputs)]
    everything += [json.dumps(report(action))]
    assert not [text for text in everything if secret in text]


def test_a_file_that_is_no_text(started: Action) -> None:
    action, repository = started, started.repository
    repository.branch("change", {})
    (repository.root / "latin.capcheck.yaml").write_bytes(b"version: 1 # \xe9\n")
    action.pull_request(repository.commit({}, on="change"))
    assert action.step() == 2
    assert headline(action.comment) == "### ❌ capcheck: could not read 1 manifest"
    assert "not-utf-8" in action.comment


def test_a_link_out_of_the_repository(started: Action, tmp_path: Path) -> None:
    action, repository = started, started.repository
    repository.branch("change", {})
    (tmp_path / "other.yaml").write_text(chat(name="secret"))
    (repository.root / "out.capcheck.yaml").symlink_to(tmp_path / "other.yaml")
    action.pull_request(repository.commit({}, on="change"))
    assert action.step() == 2
    assert "path-outside-repository" in action.comment
    assert "secret" not in action.comment


def test_more_findings_than_annotations(
    started: Action, capsys: pytest.CaptureFixture[str]
) -> None:
    action = started
    files: dict[str, str | None] = {
        f"{number:02}.capcheck.yaml": chat(name=f"chat-{number}", usd=20) for number in range(12)
    }
    action.pull_request(action.repository.branch("change", files))
    assert action.step() == 1
    assert capsys.readouterr().out.count("::error ") == 10
    assert headline(action.comment) == "### ❌ capcheck: 12 deployments break a limit"
    assert "<summary>7 more findings</summary>" in action.comment
    assert all(f"<code>chat-{number}</code>" in action.comment for number in range(12))


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="no time zones in the environment here")
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_a_clock_in_another_time_zone(
    started: Action, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    started.pull_request(started.repository.branch("change", {NAME: chat(replicas=2)}))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        before = time.time()
        assert started.step() == 0
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    run = report(started)["run"]
    created = datetime.fromisoformat(run["created"].replace("Z", "+00:00"))  # type: ignore[index]
    assert abs(created.timestamp() - before) < 60
