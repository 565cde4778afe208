"""Runs against another commit, from files on disk to the document, in real repositories."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
from capcheck.errors import InputError
from capcheck.report import Document, to_document
from capcheck.run import Options, run
from capcheck.schemas import text as schema_text
from jsonschema import Draft202012Validator

from tests.capcheck.conftest import GitRepository

NOW = datetime(2026, 9, 1, tzinfo=timezone.utc)
SHAPE = Draft202012Validator(json.loads(schema_text("report")))

# Two replicas at a dollar an hour: $1,460 a month, whatever the coefficients say.
CHAT = """\
version: 1
deployments:
  chat:
    model: llama3.2-1b
    quant: Q8_0
    backend: ollama
    gpu: RTX 4090 24GB
    usd_per_gpu_hour: 1
    replicas: 2
    budget: {monthly_usd: 2000}
"""
DEAR = CHAT.replace("replicas: 2", "replicas: 3")
BROKE = CHAT.replace("monthly_usd: 2000", "monthly_usd: 1000")
INVALID = CHAT.replace("replicas:", "replicsa:")
FILE = "deploy/chat.capcheck.yaml"


def against(base: str, *paths: str) -> Document:
    options = Options(("fail", "cannot-predict"), NOW, alternatives=False, base=base)
    document = to_document(run(paths or (".",), options).report)
    SHAPE.validate(document)
    return document


def verdicts(document: Document) -> tuple[str, int, list[tuple[str, str | None, str, bool]]]:
    return (
        document["verdict"],
        document["exit_code"],
        [
            (one["name"], one["change"], one["verdict"], one["blocking"])
            for one in document["deployments"]
        ],
    )


def test_an_edit_that_breaks_a_limit(repository: GitRepository) -> None:
    sha = repository.commit({FILE: CHAT})
    repository.write({FILE: DEAR})
    document = against("HEAD")
    assert verdicts(document) == ("fail", 1, [("chat", "modified", "fail", True)])
    assert document["run"]["base"] == document["run"]["head"] == sha
    assert document["run"]["comparison"] == "compared"
    (deployment,) = document["deployments"]
    place = {"path": FILE, "line": 9, "column": 15, "end_column": 16}
    replicas = {"pointer": "/deployments/chat/replicas", "base": 2, "head": 3, "place": place}
    assert deployment["edits"] == [replicas]
    message = "replicas 2 → 3 raises cost from $1,460/month to $2,190/month"
    cause = {**replicas, "gate": "budget", "message": message}
    assert deployment["cause"] == cause
    (found,) = deployment["findings"]
    assert found.items() >= {**place, "change": "new", "cause": cause, "gate": "budget"}.items()
    assert found["fingerprint"] == "cost-over-budget/chat/monthly_usd"
    assert found["related"] == {"path": FILE, "line": 10, "column": 27, "end_column": 31}
    assert deployment["usd_month_delta"] == 730.0
    assert document["usd_month"]["base"] is not None
    assert document["usd_month"]["base"]["value"] == 1460.0
    assert document["usd_month"]["delta"] == 730.0
    counts = {"changed": 1, "new_findings": 1, "fixed_findings": 0, "failing_on_base": 0}
    assert document["counts"].items() >= counts.items()


def test_nothing_changed(repository: GitRepository) -> None:
    repository.commit({FILE: CHAT})
    document = against("HEAD")
    assert verdicts(document) == ("pass", 0, [("chat", "unchanged", "pass", False)])
    assert document["usd_month"]["delta"] == 0.0
    assert (document["fixed"], document["removed"], document["limits_changed"]) == ([], [], [])


def test_only_the_text_changed(repository: GitRepository) -> None:
    repository.commit({FILE: CHAT})
    commented = CHAT.replace("    quant", "    # eight bits\n    quant").replace("Q8_0", '"Q8_0"')
    repository.write({FILE: commented})
    assert against("HEAD")["deployments"][0]["change"] == "unchanged"


def test_what_failed_before_does_not_block(repository: GitRepository) -> None:
    repository.commit({FILE: BROKE, "other.capcheck.yaml": CHAT})
    repository.write({"other.capcheck.yaml": CHAT.replace("Q8_0", "Q4_K_M")})
    document = against("HEAD")
    assert verdicts(document) == (
        "pass",
        0,
        [("chat", "unchanged", "fail", False), ("chat", "modified", "pass", False)],
    )
    assert document["counts"]["failing_on_base"] == 1
    assert document["deployments"][0]["findings"][0]["change"] == "unchanged"
    prints = [found["fingerprint"] for found in document["findings"]]
    assert len(set(prints)) == len(prints)


def test_failing_and_made_worse(repository: GitRepository) -> None:
    repository.commit({FILE: BROKE})
    repository.write({FILE: BROKE.replace("replicas: 2", "replicas: 4")})
    document = against("HEAD")
    assert verdicts(document) == ("fail", 1, [("chat", "modified", "fail", True)])
    assert document["findings"][0]["change"] == "worse"


def test_failing_and_made_better_but_not_good(repository: GitRepository) -> None:
    repository.commit({FILE: BROKE.replace("replicas: 2", "replicas: 4")})
    repository.write({FILE: BROKE})
    document = against("HEAD")
    assert verdicts(document) == ("pass", 0, [("chat", "modified", "fail", False)])
    assert document["findings"][0]["change"] == "unchanged"
    assert document["findings"][0]["cause"] is None


def test_mended(repository: GitRepository) -> None:
    repository.commit({FILE: DEAR})
    repository.write({FILE: CHAT})
    document = against("HEAD")
    assert verdicts(document) == ("pass", 0, [("chat", "modified", "pass", False)])
    (fixed,) = document["fixed"]
    assert fixed["fingerprint"] == "cost-over-budget/chat/monthly_usd"
    assert fixed["path"] == FILE


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (
            "    budget: {monthly_usd: 3000}\n",
            "budget.monthly_usd was loosened from 2000 to 3000: base's 2000 still judges",
        ),
        ("", "budget.monthly_usd 2000 was removed: base's 2000 still judges"),
    ],
)
def test_who_moves_the_goalposts_is_judged_by_the_old_ones(
    repository: GitRepository, limit: str, said: str
) -> None:
    repository.commit({FILE: CHAT})
    repository.write({FILE: DEAR.replace("    budget: {monthly_usd: 2000}\n", limit)})
    document = against("HEAD")
    assert verdicts(document) == ("fail", 1, [("chat", "modified", "fail", True)])
    (moved,) = document["limits_changed"]
    assert moved["message"] == said
    assert moved["pointer"] == "/deployments/chat/budget/monthly_usd"
    assert document["deployments"][0]["gates"]["budget"]["limit"] == 2000
    by_rule = {found["rule"]: found for found in document["findings"]}
    assert by_rule["limit-loosened"].items() >= {"verdict": "pass", "severity": "warning"}.items()
    assert by_rule["limit-loosened"]["line"] == (10 if limit else 3)
    assert by_rule["cost-over-budget"]["cause"] is not None
    assert by_rule["cost-over-budget"]["cause"]["pointer"] == "/deployments/chat/replicas"


def test_moving_a_limit_that_nothing_needs_is_said_and_passes(repository: GitRepository) -> None:
    repository.commit({FILE: CHAT})
    repository.write({FILE: CHAT.replace("2000", "9000")})
    document = against("HEAD")
    assert verdicts(document) == ("pass", 0, [("chat", "modified", "pass", False)])
    assert len(document["limits_changed"]) == 1


def test_a_tighter_limit_judges_at_once_and_is_the_cause(repository: GitRepository) -> None:
    repository.commit({FILE: CHAT})
    repository.write({FILE: BROKE})
    document = against("HEAD")
    assert verdicts(document) == ("fail", 1, [("chat", "modified", "fail", True)])
    assert document["limits_changed"] == []
    cause = document["deployments"][0]["cause"]
    assert cause is not None
    assert cause["message"] == (
        "budget.monthly_usd 2000 → 1000 moves the limit on cost from $2,000/month to $1,000/month"
    )


def test_added_and_judged_by_its_own_limits(repository: GitRepository) -> None:
    repository.commit({"README": "x\n"})
    repository.write({FILE: BROKE})
    document = against("HEAD")
    assert verdicts(document) == ("fail", 1, [("chat", "added", "fail", True)])
    (deployment,) = document["deployments"]
    assert (deployment["base"], deployment["edits"]) == (None, [])
    assert deployment["usd_month_delta"] == document["usd_month"]["delta"] == 1460.0


@pytest.mark.parametrize("paths", [(), ("deploy",), (FILE, "other.capcheck.yaml")])
def test_removed(repository: GitRepository, paths: tuple[str, ...]) -> None:
    repository.commit({FILE: CHAT, "other.capcheck.yaml": CHAT})
    (repository.root / FILE).unlink()
    document = against("HEAD", *paths)
    assert document["removed"] == [{"name": "chat", "path": FILE, "usd_month": 1460.0}]
    assert document["problems"] == []
    assert document["usd_month"]["delta"] == -1460.0
    # Nothing left is nothing checked, as without a base.
    assert document["exit_code"] == (3 if paths == ("deploy",) else 0)


def test_one_deployment_of_a_file_removed(repository: GitRepository) -> None:
    two = CHAT + CHAT.partition("deployments:\n")[2].replace("chat:", "rerank:")
    repository.commit({FILE: two})
    repository.write({FILE: CHAT})
    document = against("HEAD")
    assert [one["name"] for one in document["removed"]] == ["rerank"]
    assert verdicts(document)[2] == [("chat", "unchanged", "pass", False)]


@pytest.mark.parametrize("asked", [".", "new", "new/service.capcheck.yaml"])
def test_a_moved_file_is_still_the_same_deployment(repository: GitRepository, asked: str) -> None:
    repository.commit({FILE: CHAT})
    (repository.root / FILE).unlink()
    repository.write({"new/service.capcheck.yaml": DEAR.replace("2000", "5000")})
    document = against("HEAD", asked)
    assert verdicts(document) == ("fail", 1, [("chat", "renamed", "fail", True)])
    base = document["deployments"][0]["base"]
    assert base is not None
    assert (base["name"], base["path"]) == ("chat", FILE)
    assert document["removed"] == []
    assert len(document["limits_changed"]) == 1


def test_a_renamed_deployment_keeps_its_limits(repository: GitRepository) -> None:
    repository.commit({FILE: CHAT})
    repository.write({FILE: DEAR.replace("chat:", "talk:").replace("2000", "5000")})
    document = against("HEAD")
    assert verdicts(document) == ("fail", 1, [("talk", "renamed", "fail", True)])
    assert [one["pointer"] for one in document["limits_changed"]] == [
        "/deployments/talk/budget/monthly_usd"
    ]


def test_a_copy_is_an_addition(repository: GitRepository) -> None:
    repository.commit({FILE: CHAT})
    repository.write({"copy.capcheck.yaml": CHAT})
    changes = {one["path"]: one["change"] for one in against("HEAD")["deployments"]}
    assert changes == {FILE: "unchanged", "copy.capcheck.yaml": "added"}


@pytest.mark.parametrize("reference", ["origin/main", "0" * 40, "--help", ""])
def test_without_that_commit_everything_counts(repository: GitRepository, reference: str) -> None:
    repository.commit({FILE: BROKE})
    document = against(reference)
    assert verdicts(document) == ("fail", 1, [("chat", None, "fail", True)])
    assert document["run"]["base"] is None
    said = document["run"]["comparison"]
    assert said is not None
    assert said.startswith(f'"{reference}" is not a commit of this checkout, so nothing was ')


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(CHAT)
    with pytest.raises(InputError) as caught:
        against("HEAD", "a.yaml")
    (problem,) = caught.value.problems
    assert problem.code == "no-repository"
    assert "not a git repository" in problem.found


@pytest.mark.parametrize(
    ("base", "head", "code", "change", "on_base"),
    [
        (INVALID, CHAT, 0, ["added"], []),
        (CHAT, INVALID, 2, [], [False]),
        (INVALID, INVALID, 2, [], [True]),
        (b"\xff", CHAT, 0, ["added"], []),
    ],
)
def test_manifests_that_cannot_be_read(
    repository: GitRepository,
    base: str | bytes,
    head: str,
    code: int,
    change: list[str],
    on_base: list[bool],
) -> None:
    repository.commit({FILE: base})
    repository.write({FILE: head})
    document = against("HEAD")
    assert document["exit_code"] == code
    assert [one["change"] for one in document["deployments"]] == change
    assert [problem["on_base"] for problem in document["problems"]] == on_base
    assert document["removed"] == []


def test_files_that_a_manifest_refers_to_are_those_of_base(repository: GitRepository) -> None:
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 2048,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "intermediate_size": 8192,
        "vocab_size": 128256,
        "model_type": "llama",
        "torch_dtype": "bfloat16",
        "max_position_embeddings": 8192,
    }
    manifest = CHAT.replace("model: llama3.2-1b", "model_config: config.json")
    repository.commit({FILE: manifest, "deploy/config.json": json.dumps(config)})
    repository.write({"deploy/config.json": json.dumps({**config, "num_hidden_layers": 32})})
    (deployment,) = against("HEAD")["deployments"]
    assert deployment["change"] == "modified"
    (edit,) = deployment["edits"]
    assert edit["pointer"] == "/deployments/chat/model_config"
    assert str(edit["base"]).startswith("config.json (sha256 ")
    assert edit["base"] != edit["head"]
    assert deployment["base"] is not None
    before, after = (
        one["forecast"]["vram_gib"]["parts"]["weights"] for one in (deployment["base"], deployment)
    )
    assert before < after


def test_from_a_folder_below_the_root_and_with_absolute_paths(
    repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({FILE: CHAT, "gone/a.capcheck.yaml": CHAT})
    repository.write({FILE: DEAR})
    (repository.root / "gone/a.capcheck.yaml").unlink()
    monkeypatch.chdir(repository.root / "deploy")
    assert against("HEAD")["deployments"][0]["change"] == "modified"
    document = against("HEAD", str(repository.root))
    assert document["deployments"][0]["change"] == "modified"
    assert document["removed"][0]["path"] == "../gone/a.capcheck.yaml"
    monkeypatch.chdir("/")
    assert against("HEAD", str(repository.root / FILE))["deployments"][0]["change"] == "modified"


def test_a_link_is_read_where_it_leads_on_base(repository: GitRepository) -> None:
    repository.write({"real.yaml": CHAT})
    (repository.root / "link.capcheck.yaml").symlink_to("real.yaml")
    repository.commit()
    repository.write({"real.yaml": DEAR})
    (deployment,) = against("HEAD")["deployments"]
    assert (deployment["path"], deployment["change"]) == ("link.capcheck.yaml", "modified")


def test_a_link_out_of_the_repository_on_base_is_not_followed(
    repository: GitRepository, tmp_path: Path
) -> None:
    (tmp_path / "secret.yaml").write_text(CHAT)
    link = repository.root / "a.capcheck.yaml"
    link.symlink_to("../secret.yaml")
    repository.commit()
    link.unlink()
    repository.write({"a.capcheck.yaml": CHAT})
    assert against("HEAD")["deployments"][0]["change"] == "added"


def test_a_manifest_of_another_repository_has_no_base(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit({FILE: CHAT})
    (tmp_path / "else.yaml").write_text(BROKE)
    changes = {
        one["path"]: (one["change"], one["blocking"])
        for one in against("HEAD", FILE, str(tmp_path / "else.yaml"))["deployments"]
    }
    assert changes == {
        FILE: ("unchanged", False),
        (tmp_path / "else.yaml").as_posix(): ("added", True),
    }


def test_money_adds_up(repository: GitRepository) -> None:
    """What each deployment adds, less what went away, is what the fleet adds."""
    repository.commit({FILE: CHAT, "a.capcheck.yaml": CHAT, "b.capcheck.yaml": DEAR})
    (repository.root / "b.capcheck.yaml").unlink()
    larger = CHAT.replace("replicas: 2", "replicas: 5").replace("llama3.2-1b", "llama3.2-3b")
    repository.write({FILE: DEAR, "c.capcheck.yaml": larger.replace("chat:", "summarise:")})
    document = against("HEAD")
    added = sum(one["usd_month_delta"] or 0.0 for one in document["deployments"])
    gone = sum(one["usd_month"] or 0.0 for one in document["removed"])
    assert len(document["removed"]) == 1
    assert document["usd_month"]["delta"] == pytest.approx(added - gone)
