"""`defaults:` and `environments:`: what wins, and where it is said to stand."""

from __future__ import annotations

import pytest
from capcheck.errors import InputError
from capcheck.manifest.deployment import Deployment, Replicas
from capcheck.manifest.load import load

MANIFEST = """\
version: 1
defaults:
  backend: vllm
  gpu: L4 24GB
  serving: {max_model_len: 8192, max_num_seqs: 64}
  traffic: {agents: 4, think_time: 1s, profile: chat}
  alternatives: {gpus: [L4 24GB]}
deployments:
  chat:
    model: llama3.1-8b
    serving: {max_num_seqs: 16}
    traffic: {requests_per_second: 2}
  a/b:
    model: qwen2.5-7b
    alternatives: {gpus: [A40 48GB, L40S 48GB]}
environments:
  staging: {}
  prod:
    defaults:
      gpu: H100 80GB SXM
      quant: FP8
    deployments:
      chat:
        replicas: {min: 2, max: 4}
        quant: BF16
        serving: {max_num_seqs: 128}
"""


def deployment(name: str, environment: str | None = None, text: str = MANIFEST) -> Deployment:
    loaded = load(text.encode(), "m.yaml", environment=environment)
    return {one.name: one for one in loaded}[name]


def problems(text: str, environment: str | None = None) -> list[tuple[str, int, int, str | None]]:
    with pytest.raises(InputError) as caught:
        load(text.encode(), "m.yaml", environment=environment)
    return [(x.code, x.place.line, x.place.column, x.nearest) for x in caught.value.problems]


def test_defaults_lie_under_every_deployment_and_maps_are_merged() -> None:
    chat = deployment("chat")
    assert (chat.backend, chat.gpu, chat.quant) == ("vllm", "L4 24GB", None)
    assert (chat.serving.max_model_len, chat.serving.max_num_seqs) == (8192, 16)
    assert chat.replicas == Replicas(1, 1)
    assert chat.environment is None


def test_an_environment_lies_over_the_deployment_and_its_defaults_under_it() -> None:
    chat = deployment("chat", "prod")
    assert (chat.gpu, chat.quant) == ("H100 80GB SXM", "BF16")
    assert chat.serving.max_num_seqs == 128
    assert chat.replicas == Replicas(2, 4)
    assert chat.environment == "prod"
    assert deployment("a/b", "prod").quant == "FP8"
    assert deployment("chat", "staging").gpu == "L4 24GB"


def test_a_list_is_replaced() -> None:
    assert deployment("a/b").alternatives.gpus == ("A40 48GB", "L40S 48GB")


def test_what_excludes_a_default_takes_its_place() -> None:
    chat, other = deployment("chat"), deployment("a/b")
    assert chat.traffic
    assert other.traffic
    assert (chat.traffic.requests_per_second, chat.traffic.agents) == (2, None)
    assert (chat.traffic.profile, chat.traffic.think_time_s) == ("chat", 0.0)
    assert (other.traffic.agents, other.traffic.think_time_s) == (4, 1.0)


@pytest.mark.parametrize(
    ("environment", "pointer", "line", "column"),
    [
        (None, "/gpu", 4, 8),
        (None, "/serving/max_model_len", 5, 28),
        (None, "/serving/max_num_seqs", 11, 29),
        (None, "/serving", 11, 5),
        ("prod", "/gpu", 20, 12),
        ("prod", "/quant", 25, 16),
        ("prod", "/serving/max_model_len", 5, 28),
        ("prod", "/serving/max_num_seqs", 26, 33),
        ("prod", "/replicas/min", 24, 25),
    ],
)
def test_a_place_is_where_the_value_is_written(
    environment: str | None, pointer: str, line: int, column: int
) -> None:
    place = deployment("chat", environment).places[pointer]
    assert (place.line, place.column) == (line, column)


@pytest.mark.parametrize(
    ("environment", "root"),
    [(None, "/deployments/a~1b"), ("prod", "/environments/prod/deployments/a~1b")],
)
def test_changes_are_written_where_they_win(environment: str | None, root: str) -> None:
    assert deployment("a/b", environment).root == root


def test_a_file_without_environments_is_the_same_in_all_of_them() -> None:
    text = "version: 1\ndeployments:\n  chat: {model: llama3.1-8b}\n"
    chat = deployment("chat", "prod", text)
    assert (chat.environment, chat.root) == ("prod", "/deployments/chat")


@pytest.mark.parametrize(
    ("old", "new", "environment", "expected"),
    [
        ("", "", "prdo", ("unknown-environment", 16, 1, "prod")),
        (
            "      chat:\n        rep",
            "      chta:\n        rep",
            None,
            ("unknown-key", 23, 7, "chat"),
        ),
        ("        quant: BF16", "        qunat: BF16", None, ("unknown-key", 25, 9, "quant")),
        ("  staging: {}", "  staging: 3", None, ("wrong-type", 17, 12, None)),
        ("  staging: {}", "  staging: {vars: 3}", None, ("wrong-type", 17, 19, None)),
        ("  staging: {}", "  staging: {default: {}}", None, ("unknown-key", 17, 13, None)),
        ("  backend: vllm", "  backend: 3", None, ("wrong-type", 3, 12, '"3"')),
        ("  backend: vllm", "  engine: vllm", "prod", ("unknown-key", 3, 3, "backend")),
        ("{min: 2, max: 4}", "{min: 5, max: 4}", None, ("inconsistent", 24, 33, None)),
    ],
)
def test_every_layer_is_checked_whichever_is_asked_for(
    old: str, new: str, environment: str | None, expected: tuple[str, int, int, str | None]
) -> None:
    assert old in MANIFEST
    assert problems(MANIFEST.replace(old, new, 1), environment) == [expected]


def test_a_model_may_stand_in_the_defaults() -> None:
    text = "version: 1\ndefaults: {model: llama3.1-8b}\ndeployments:\n  chat: {gpu: L4 24GB}\n"
    assert deployment("chat", text=text).model == "llama3.1-8b"
    assert problems(text.replace("defaults: {model: llama3.1-8b}\n", "")) == [
        ("missing-key", 3, 3, None)
    ]
