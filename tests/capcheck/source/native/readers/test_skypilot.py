"""SkyPilot tasks and dstack configurations."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated, waiting

TASK = """\
envs: {MODEL: org/m-AWQ, LENGTH: 8192}
secrets: {HF_TOKEN: null}
resources:
  accelerators: H100:8
  image_id: docker:vllm/vllm-openai:v0.10.0
num_nodes: 2
setup: pip install x
run: |
  vllm serve $MODEL --max-model-len $LENGTH \\
    --tensor-parallel-size $SKYPILOT_NUM_GPUS_PER_NODE \\
    --pipeline-parallel-size $SKYPILOT_NUM_NODES
service:
  replica_policy: {min_replicas: 1, max_replicas: 4, target_qps_per_replica: 2.5}
"""
DSTACK = """\
type: service
name: chat
image: vllm/vllm-openai:v0.10.0
env:
- HF_TOKEN
- MODEL=org/m
commands:
- vllm serve $MODEL --tensor-parallel-size $DSTACK_GPUS_NUM
replicas: 1..4
resources: {gpu: "A100:80GB:2"}
"""


def test_a_service(found: Found) -> None:
    (service,) = found(TASK).values()
    assert service.address == "service"
    assert stated(service) == {
        "backend": "vllm",
        "model": "org/m-AWQ",
        "quant": "awq",
        "gpu": "H100",
        "gpu_count": 16,
        "tp": 8,
        "pp": 2,
        "replicas": 1,
        "max_model_len": 8192,
    }
    assert service.expect == "ok"
    assert service.settings["engine_version"].value == "0.10.0"
    assert service.settings["target_qps"].value == "2.5"


@pytest.mark.parametrize(
    ("accelerators", "gpu", "count", "tp"),
    [
        ("{L4:4, A100:1}", "L4:4|A100:1", None, "$SKYPILOT_NUM_GPUS_PER_NODE"),
        ("{L4: 2, A10G: 2}", "L4:2|A10G:2", 4, 8),
        ("[A100-80GB:2, 'H100:2']", "A100-80GB:2|H100:2", 4, 2),
        ("MI300X", "MI300X", 2, 1),
        ("{H200: 4}", "H200", 8, 4),
        ("tpu-v6e-8", "TPU-v6e", 16, 8),
        ("V100:0.5", None, None, None),
        ("{L4:1, Unheard:1}", None, None, None),
    ],
)
def test_accelerators(
    found: Found, accelerators: str, gpu: str | None, count: int | None, tp: object
) -> None:
    (service,) = found(TASK.replace("H100:8", accelerators)).values()
    known = stated(service)
    assert (known.get("gpu"), known.get("gpu_count")) == (gpu, count)
    if gpu == "L4:2|A10G:2":
        tp = 2
    if gpu is None:
        assert "SKYPILOT_NUM_GPUS_PER_NODE" in waiting(service)["tp"]
    else:
        assert known["tp"] == tp


def test_alternatives_of_resources(found: Found) -> None:
    text = TASK.replace(
        "  accelerators: H100:8\n",
        "  any_of:\n  - {accelerators: 'A100-80GB:4', use_spot: true}\n"
        "  - {accelerators: 'H100:4', infra: aws}\n  - {accelerators: 'H100:4', infra: gcp}\n",
    )
    (service,) = found(text).values()
    assert stated(service)["gpu"] == "A100-80GB:4|H100:4"
    assert service.alternatives == (("A100-80GB", 8), ("H100", 8))


def test_a_machine_type(found: Found) -> None:
    (service,) = found(TASK.replace("accelerators: H100:8", "instance_type: p5.48xlarge")).values()
    assert (stated(service)["gpu"], stated(service)["gpu_count"]) == ("H100-80GB", 16)


def test_a_container_that_the_script_runs(found: Found) -> None:
    text = """\
envs: {MODEL: org/m}
resources: {accelerators: "A100:1"}
run: |
  sudo docker run --gpus all -it --rm -p8080:80 -v ~/d:/d -e HF_TOKEN=$HF_TOKEN \\
    --env NUM_SHARD=1 ghcr.io/huggingface/text-generation-inference:2.0 --model-id $MODEL
"""
    (task,) = found(text).values()
    assert task.address == "task"
    assert stated(task) == {
        "backend": "tgi",
        "model": "org/m",
        "gpu": "A100",
        "gpu_count": 1,
        "tp": 1,
    }


def test_ollama_without_accelerators(found: Found) -> None:
    text = """\
envs: {MODEL: llama2}
resources: {cpus: 4+}
setup: |
  ollama serve &
  ollama pull $MODEL
run: ollama serve
"""
    (task,) = found(text).values()
    assert stated(task) == {"backend": "ollama", "model": "llama2", "gpu": "CPU", "gpu_count": 0}


@pytest.mark.parametrize(
    "text",
    [
        "resources: {accelerators: 'H100:8'}\nrun: python train.py\n",
        "name: x\non: push\njobs: {a: {steps: [{run: vllm serve m}]}}\n",
        "type: dev-environment\nide: vscode\nresources: {gpu: 24GB}\n",
        "type: task\ncommands: [python train.py]\nresources: {gpu: 24GB}\n",
    ],
)
def test_what_serves_no_model(found: Found, text: str) -> None:
    assert found(text) == {}


def test_dstack(found: Found) -> None:
    (service,) = found(DSTACK).values()
    assert service.address == "service chat"
    assert stated(service) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu": "A100-80GB",
        "gpu_count": 2,
        "tp": 2,
        "replicas": 1,
    }
    assert service.expect == "ok"


@pytest.mark.parametrize(
    ("asked", "gpu", "count", "tp"),
    [
        ("24GB", None, 1, 1),
        ("8:H200", "H200", 8, 8),
        ("MI300X:8", "MI300X", 8, 8),
        ("40GB..80GB:2", None, 2, 2),
        ("H100:1..4", "H100", None, "$DSTACK_GPUS_NUM"),
        ("L4,A10G:1", "L4:1|A10G:1", 1, 1),
        ("amd:8", "AMD", 8, 8),
        ("A100:40GB", "A100-40GB", 1, 1),
        ("unheard:1", None, 1, 1),
    ],
)
def test_gpus_of_dstack(
    found: Found, asked: str, gpu: str | None, count: int | None, tp: object
) -> None:
    (service,) = found(DSTACK.replace("A100:80GB:2", asked)).values()
    known = stated(service)
    assert (known.get("gpu"), known.get("gpu_count"), known["tp"]) == (gpu, count, tp)


def test_dstack_with_a_map_and_nodes(found: Found) -> None:
    text = DSTACK.replace(
        '{gpu: "A100:80GB:2"}', "{gpu: {name: [H100, H200], count: 8}}\nnodes: 2"
    ).replace("type: service", "type: task")
    (task,) = found(text).values()
    assert (stated(task)["gpu"], stated(task)["gpu_count"]) == ("H100:8|H200:8", 16)
    assert stated(task)["tp"] == 16


@pytest.mark.parametrize(
    ("gpu", "expected"), [("v5litepod-4", ("TPU-v5e", 4)), ("x9-4", (None, None))]
)
def test_slices_of_dstack(gpu: str, expected: tuple[object, object], found: Found) -> None:
    text = f"type: service\ncommands: [vllm serve m]\nresources: {{gpu: {gpu}}}\n"
    (service,) = found(text).values()
    facts = stated(service)
    assert (facts.get("gpu"), facts.get("gpu_count")) == expected


def test_dstack_with_nothing_but_an_image(found: Found) -> None:
    text = "type: service\nimage: nvcr.io/nim/meta/llama3-8b-instruct:1.0\nresources: {gpu: 24GB}\n"
    (service,) = found(text).values()
    assert stated(service) == {
        "backend": "nim",
        "model": "meta/llama3-8b-instruct",
        "gpu_count": 1,
    }


def test_arithmetic_of_the_counts(found: Found) -> None:
    run = """\
run: |
  TP=$(($SKYPILOT_NUM_GPUS_PER_NODE * $SKYPILOT_NUM_NODES))
  python -m sglang.launch_server --model org/m --tp $TP
"""
    text = TASK[: TASK.index("run: |")].replace("H100:8", "{H100:8, H200:8}") + run
    (task,) = found(text).values()
    assert stated(task)["tp"] == 16
