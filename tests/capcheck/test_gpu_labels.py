"""An organisation's `gpu_labels` in everything that reads native files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from capcheck.cli import cli
from click.testing import CliRunner, Result

from tests.capcheck.conftest import GitRepository
from tests.capcheck.manifest.native.conftest import CHAT

POOL = CHAT.replace("cloud.google.com/gke-accelerator: nvidia-l4", "acme.example/pool: Big")
POOL = POOL.replace("        - --max-num-seqs=${SEQS}\n", "")
MEANS = "version: 1\ngpu_labels: {acme.example/pool: {big: %s, small: L4}}\n"
POLICY = ".github/capcheck-policy.yaml"


@pytest.fixture(autouse=True)
def files(repository: GitRepository) -> GitRepository:
    repository.write({"k8s/chat.yaml": POOL, POLICY: MEANS % "H100 80GB SXM"})
    return repository


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), catch_exceptions=False)


def check(*arguments: str) -> dict[str, Any]:
    options = ("--no-alternatives", "--today", "2026-11-23", "--format", "json")
    found: dict[str, Any] = json.loads(call("check", *options, *arguments).stdout)
    return found


def gpus(document: dict[str, Any]) -> list[str | None]:
    return [one["resolved"]["gpu"]["value"] for one in document["deployments"]]


@pytest.mark.parametrize("path", ["k8s/chat.yaml", ".", "k8s"])
def test_a_label_says_which_gpu_it_is(path: str):
    assert gpus(check(path)) == ["H100 80GB SXM"]


def test_without_the_policy_it_is_not_known():
    Path(POLICY).unlink()
    document = check("k8s/chat.yaml")
    assert "missing-gpu" in [one["rule"] for one in document["deployments"][0]["findings"]]


def test_several_values_of_an_affinity_are_alternatives():
    affinity = (
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: [{matchExpressions: "
        "[{key: acme.example/pool, operator: In, values: [big, small]}]}]}}}"
    )
    Path("k8s/chat.yaml").write_text(
        POOL.replace("nodeSelector: {acme.example/pool: Big}", affinity)
    )
    (deployment,) = json.loads(call("inspect", "--format", "json", "k8s/chat.yaml").stdout)[
        "deployments"
    ]
    assert deployment["facts"]["gpu"]["value"] == "H100 80GB SXM|L4"


def test_inspect_says_where_it_stands_and_takes_a_policy():
    line = call("inspect", "k8s/chat.yaml").stdout.split("\n")[3]
    assert " ".join(line.split()) == (
        "gpu H100 80GB SXM k8s/chat.yaml:10:41 label acme.example/pool"
    )
    Path("other.yaml").write_text(MEANS % "T4")
    result = call("inspect", "--policy", "other.yaml", "--format", "json", "k8s/chat.yaml")
    (deployment,) = json.loads(result.stdout)["deployments"]
    assert deployment["facts"]["gpu"] == {
        "value": "T4",
        "path": "k8s/chat.yaml",
        "line": 10,
        "column": 41,
        "end_column": 44,
        "origin": "label acme.example/pool",
    }


def test_inspect_with_a_broken_policy_is_an_error():
    Path(POLICY).write_text(MEANS % "H1000")
    result = call("inspect", "k8s/chat.yaml", "./k8s/chat.yaml")
    assert result.exit_code == 2
    assert result.stderr.count("unknown-name") == 1


def test_init_does_not_ask_for_what_a_label_says():
    assert "# gpu" not in call("init", "--dry-run").stdout
    Path(POLICY).unlink()
    assert "# gpu: NAME" in call("init", "--dry-run").stdout


MANIFEST = "version: 1\n%sdeployments:\n  mine:\n    from: k8s/chat.yaml\n%s"


def test_a_manifest_that_refers_to_the_file():
    Path("capcheck.yaml").write_text(MANIFEST % ("", ""))
    assert gpus(check("capcheck.yaml")) == ["H100 80GB SXM"]


def test_another_gpu_in_the_manifest_is_drift():
    Path("capcheck.yaml").write_text(MANIFEST % ("", "    gpu: L4\n"))
    (drift,) = [
        one
        for one in check("capcheck.yaml")["deployments"][0]["findings"]
        if one["rule"] == "drift"
    ]
    assert drift["message"] == "gpu is L4 here, and H100 80GB SXM in k8s/chat.yaml:10"
    Path("capcheck.yaml").write_text(MANIFEST % ("", "    gpu: H100\n"))
    rules = [one["rule"] for one in check("capcheck.yaml")["deployments"][0]["findings"]]
    assert "drift" not in rules


def test_the_policy_that_a_manifest_names():
    Path(POLICY).rename("own.yaml")
    Path("capcheck.yaml").write_text(MANIFEST % ("policy: own.yaml\n", ""))
    assert gpus(check("capcheck.yaml")) == ["H100 80GB SXM"]


def test_in_a_pull_request_the_labels_are_those_of_base(files: GitRepository):
    files.commit()
    files.write({POLICY: MEANS % "L4"})
    document = check("k8s/chat.yaml", "--base", "HEAD")
    assert gpus(document) == ["H100 80GB SXM"]
    assert document["deployments"][0]["change"] == "unchanged"
    assert "gpu_labels changed" in json.dumps(document["findings"])


def test_machine_types_of_fields_go_by_the_label_of_instance_types():
    Path(POLICY).write_text(
        "version: 1\ngpu_labels: {node.kubernetes.io/instance-type: {acme.xl: L4}}\n"
    )
    Path("sky.yaml").write_text(
        "resources: {instance_type: acme.xl}\nrun: vllm serve Qwen/Qwen3-8B\n"
    )
    (deployment,) = json.loads(call("inspect", "--format", "json", "sky.yaml").stdout)[
        "deployments"
    ]
    assert [deployment["facts"][name]["value"] for name in ("gpu", "gpu_count")] == ["L4", None]
