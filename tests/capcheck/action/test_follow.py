"""`workflow_run`: a pull request of a fork judged from its files as data, and told."""

import re

import pytest

from tests.capcheck.action.conftest import Action
from tests.capcheck.action.test_pull_request import NAME, chat, headline
from tests.capcheck.github.fake import Trouble, writes

PWNED = "import pathlib; pathlib.Path('pwned').touch()\n"


class Fork:
    """A pull request whose head nobody here checks out."""

    def __init__(self, action: Action) -> None:
        self.action, repository = action, action.repository
        self.base = repository.commit({NAME: chat(), "README.md": "hello"})
        self.head = "a" * 40
        action.fake.open(482, head=self.head, base=self.base, owner="them")
        action.fake.merge_base = self.base
        # What main gets later is not the fork's doing.
        repository.commit({NAME: chat(replicas=2), "later": "yes"})
        action.workflow_run(self.head)

    def change(self, path: str, text: str | bytes | None) -> None:
        self.action.fake.change(482, path, text, sha=self.head)


@pytest.fixture
def fork(action: Action) -> Fork:
    return Fork(action)


def test_the_fork_is_judged_and_told(fork: Fork, capsys: pytest.CaptureFixture[str]) -> None:
    fork.change(NAME, chat(replicas=3))
    fork.change("yaml.py", PWNED)
    action = fork.action
    assert action.step() == 0  # the run that it follows has the verdict
    body = action.comment
    assert body.startswith(f"<!-- capcheck:v1 id=default sha={fork.head} run=101 -->\n")
    assert headline(body) == "### ❌ capcheck: 1 deployment breaks a limit"
    assert "because <code>replicas</code> went from <code>1</code> to <code>3</code>" in body
    assert f"{fork.base[:7]} → {fork.head[:7]}" in body
    assert action.runner.outputs["verdict"] == "fail"
    assert action.runner.outputs["comment-url"]
    # Nothing but the manifest was fetched, and nothing was left behind.
    assert action.fake.count("GET .*/contents/") == 1
    assert not list(action.runner.workspace.rglob("pwned"))
    assert action.repository.git("worktree", "list", at=action.runner.workspace).count("\n") == 0
    assert "::error" not in capsys.readouterr().out


def test_the_script_follows_too(fork: Fork) -> None:
    fork.change(NAME, chat(replicas=3))
    step = fork.action.runner.run(**fork.action.environ)
    assert (step.returncode, step.stderr) == (0, "")
    assert "capcheck: comment written" in step.stdout
    assert headline(fork.action.comment) == "### ❌ capcheck: 1 deployment breaks a limit"


def test_fixed_by_the_fork(fork: Fork) -> None:
    fork.change(NAME, chat(replicas=3))
    action = fork.action
    assert action.step() == 0
    fork.head = action.fake.pulls[482]["head"]["sha"] = "b" * 40
    action.fake.files[482] = []
    fork.change(NAME, chat())
    action.workflow_run(fork.head)
    assert action.step() == 0
    assert headline(action.comment) == "### ✅ capcheck: no deployment changed"
    assert writes(action.fake) == {"POST": 1, "PATCH": 1}


def test_limits_are_those_of_base(fork: Fork) -> None:
    fork.change(NAME, chat(replicas=3, usd=500))
    assert fork.action.step() == 0
    assert headline(fork.action.comment) == "### ❌ capcheck: 1 deployment breaks a limit"
    assert "changes its own limits" in fork.action.comment


def test_removed_renamed_and_new_manifests(fork: Fork) -> None:
    fork.change(NAME, None)
    fork.change("new.capcheck.yaml", chat(replicas=2))
    fork.action.fake.files[482].append(
        {"filename": "b.capcheck.yml", "status": "renamed", "previous_filename": "gone.yaml"}
    )
    other = chat(name="other", usd=20).replace("llama3.2-3b", "llama3.2-1b")
    fork.action.fake.contents[fork.head, "b.capcheck.yml"] = other
    assert fork.action.step() == 0
    assert "(was <code>deploy/chat.capcheck.yaml</code>)" in fork.action.comment
    assert "<code>other</code> (new)" in fork.action.comment


def test_the_head_has_moved_on(fork: Fork, capsys: pytest.CaptureFixture[str]) -> None:
    fork.change(NAME, chat(replicas=3))
    fork.action.fake.pulls[482]["head"]["sha"] = "b" * 40
    assert fork.action.step() == 0
    assert fork.action.fake.comments == []
    assert "No open pull request has this head any more" in capsys.readouterr().out


def test_the_head_moves_on_while_it_is_judged(fork: Fork) -> None:
    fork.change(NAME, chat(replicas=3))
    moved = fork.action.fake.pulls[482]
    fork.action.fake.pulls[482] = {**moved, "head": dict(moved["head"])}
    listed = [moved]
    answer = fork.action.fake.answer

    def later(method: str, path: str, query: dict[str, str], body: object) -> tuple[int, object]:
        if path.endswith("/pulls"):
            return 200, listed
        if path.endswith("/pulls/482"):
            return 200, {**moved, "head": {**moved["head"], "sha": "b" * 40}}
        return answer(method, path, query, body)

    fork.action.fake.answer = later  # type: ignore[method-assign]
    assert fork.action.step() == 0
    assert fork.action.fake.comments == []


def test_another_branch_of_the_same_name_is_not_told(fork: Fork) -> None:
    fork.change(NAME, chat(replicas=3))
    fork.action.workflow_run(fork.head, owner="somebody-else")
    assert fork.action.step() == 0
    assert fork.action.fake.comments == []


@pytest.mark.parametrize(
    "path",
    [
        "../x.capcheck.yaml",
        "/etc/x.capcheck.yaml",
        ".git/x.capcheck.yaml",
        "a/.GIT/x.capcheck.yaml",
        "a\\..\\x.capcheck.yaml",
        "link/x.capcheck.yaml",
    ],
)
def test_no_path_leads_out(action: Action, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    victim = action.runner.temp / "victim"
    victim.mkdir()
    (action.repository.root / "link").symlink_to(victim)
    fork = Fork(action)
    fork.change(path, chat(replicas=3))
    assert action.step() == 0
    assert re.search(
        "was not judged: .* does not lead into the repository", capsys.readouterr().out
    )
    assert list(victim.iterdir()) == []
    assert action.fake.comments == []


def test_a_link_that_becomes_a_file(action: Action) -> None:
    (action.repository.root / "x.capcheck.yaml").symlink_to("README.md")
    fork = Fork(action)
    fork.change("x.capcheck.yaml", chat(name="other", usd=20))
    assert action.step() == 0
    assert "<code>other</code> (new)" in action.comment
    assert (action.repository.root / "README.md").read_text() == "hello"


def test_a_file_too_large(fork: Fork) -> None:
    fork.change(NAME, b"#" * (1 << 20) + b"##")
    assert fork.action.step() == 0
    assert "could not read 1 manifest" in headline(fork.action.comment)
    assert "file-too-large" in fork.action.comment


@pytest.mark.parametrize(
    ("count", "said"), [(201, "more than 200 manifests"), (3000, "3,000 files or more")]
)
def test_too_many_files(
    fork: Fork, capsys: pytest.CaptureFixture[str], count: int, said: str
) -> None:
    for number in range(count):
        fork.change(f"{number}.capcheck.yaml", "")
    assert fork.action.step() == 0
    assert f"was not judged: it changes {said}" in capsys.readouterr().out
    assert fork.action.fake.count("/contents/") == 0


def test_the_config_of_a_model_is_fetched_if_a_manifest_names_it(fork: Fork) -> None:
    fork.change("deploy/mentioned.json", "{}")
    fork.change("deploy/other.json", "{}")
    fork.change(NAME, chat().replace("model: llama3.2-3b", "model_config: mentioned.json"))
    assert fork.action.step() == 0
    assert fork.action.fake.count("/contents/deploy/mentioned.json") == 1
    assert fork.action.fake.count("/contents/deploy/other.json") == 0


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble("/compare/", 404, times=9),
        Trouble("/files", 403, times=9),
        Trouble("/contents/", 404, times=9),
        Trouble("^POST", 403, times=9),
        Trouble("GET .*/pulls", 401, times=9),
    ],
)
def test_what_github_refuses_is_said(
    fork: Fork, capsys: pytest.CaptureFixture[str], trouble: Trouble
) -> None:
    fork.change(NAME, chat(replicas=3))
    fork.action.fake.troubles = [trouble]
    assert fork.action.step() == 0
    assert "title=capcheck%3A comment not posted::" in capsys.readouterr().out
    assert fork.action.fake.comments == []


def test_the_base_is_fetched(fork: Fork) -> None:
    """The checkout is shallow, and of main; the change began earlier."""
    assert (
        fork.action.repository.git("rev-list", "--count", "HEAD", at=fork.action.runner.workspace)
        == "1"
    )
    fork.change(NAME, chat(replicas=3))
    assert fork.action.step() == 0
    assert "later" not in fork.action.comment
    assert len(fork.action.fake.comments) == 1


def test_a_run_without_a_source(fork: Fork, capsys: pytest.CaptureFixture[str]) -> None:
    fork.action.payload["workflow_run"]["head_repository"] = None
    assert fork.action.step() == 0
    assert "::notice title=capcheck%3A no comment::" in capsys.readouterr().out
