"""Values of charts that have no reader of their own."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tests.capcheck.source.native.conftest import Found, stated

FIELDS = """\
image: {repository: vllm/vllm-openai, tag: v0.22.0}
replicaCount: 2
model: {name: org/model-AWQ, maxModelLen: 8192}
server: {gpuMemoryUtilization: 0.9}
resources: {limits: {nvidia.com/gpu: 2}}
nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}
extraArgs: [--tensor-parallel-size, "2"]
"""
KNOWN = {
    "backend": "vllm",
    "model": "org/model-AWQ",
    "quant": "awq",
    "gpu": "L4",
    "gpu_count": 2,
    "tp": 2,
    "replicas": 2,
    "max_model_len": 8192,
    "gpu_memory_utilization": 0.9,
}


def test_fields_that_are_called_as_flags_are(found: Found) -> None:
    (vllm,) = found(FIELDS).values()
    assert vllm.address == "vllm"
    assert vllm.expect == "partial"
    assert stated(vllm) == KNOWN


@pytest.mark.parametrize(
    ("head", "depth", "address"),
    [
        (
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\n"
            "spec:\n  sources:\n  - repoURL: r\n  - helm:\n      values: |\n",
            8,
            "Application/a#vllm",
        ),
        (
            "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: a}\n"
            "spec:\n  valuesContent: |-\n",
            4,
            "HelmChart/a#vllm",
        ),
    ],
)
def test_values_that_stand_as_a_text(head: str, depth: int, address: str, found: Found) -> None:
    known = found(head + indent(FIELDS, " " * depth))
    assert stated(known[address]) == KNOWN
    model = known[address].facts["model"]
    assert model.place is not None
    assert model.place.line == head.count("\n") + 3


def test_a_whole_command_is_what_is_served(found: Found) -> None:
    text = """\
    image:
      repository: vllm/vllm-openai
      command: [vllm, serve, /data/, --max-model-len, "4096"]
    resources: {limits: {nvidia.com/gpu: 1}}
    gpuModels: [NVIDIA-L4]
    """
    (vllm,) = found(text).values()
    assert vllm.expect == "ok"
    assert stated(vllm) == {
        "backend": "vllm",
        "model": "/data/",
        "gpu": "L4",
        "gpu_count": 1,
        "max_model_len": 4096,
    }


@pytest.mark.parametrize(
    "text",
    [
        "image: {repository: nginx}\nargs: [--model, org/model]\n",
        "image: {repository: vllm/vllm-openai}\nservice: {port: 8000}\n",
        "image: {repository: vllm/vllm-openai}\nmodel: mistral\n",
        "image: {repository: vllm/vllm-openai}\nmodel: org/one\nmodelId: org/two\n",
        "image: vllm/vllm-openai\nargs: [--model, org/model]\n",
        "model: org/model\nreplicaCount: 1\n",
        "model: gpt-4\nmaxModelLen: 10\n",
        "model: org/model\nmaxModelLen: 10\nimage: {repository: nginx}\n",
    ],
)
def test_what_names_no_model_is_not_read(text: str, found: Found) -> None:
    assert found(dedent(text)) == {}


def test_fields_that_are_called_as_vllms_flags_tell_of_vllm(found: Found) -> None:
    text = """\
    model: org/model-AWQ
    maxModelLen: 4096
    gpuMemoryUtilization: "0.8"
    image: {tag: v0.5.3}
    replicaCount: 2
    resources: {limits: {nvidia.com/gpu: 1}}
    """
    (vllm,) = found(text).values()
    assert vllm.expect == "partial"
    assert stated(vllm) == {
        "backend": "vllm",
        "model": "org/model-AWQ",
        "quant": "awq",
        "gpu_count": 1,
        "replicas": 2,
        "max_model_len": 4096,
        "gpu_memory_utilization": 0.8,
    }


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ("gpu: {enabled: true, count: 2}", 2),
        ("gpu: {enabled: false, count: 2}", None),
        ("accelerator: {count: 4}", 4),
        ("gpu: {count: 2}\nresources: {limits: {nvidia.com/gpu: 1}}", 1),
        ("gpus: 0", None),
    ],
)
def test_gpus_that_a_field_of_their_own_counts(
    fields: str, count: int | None, found: Found
) -> None:
    text = f"image: {{repository: vllm/vllm-openai}}\nmodel: {{name: org/m}}\n{fields}\n"
    (vllm,) = found(text).values()
    assert stated(vllm).get("gpu_count") == count


@pytest.mark.parametrize(
    "text",
    [
        "deployment: {image: {repository: ghcr.io/ggml-org/llama.cpp, tag: full-cuda}, "
        "resources: {limits: {nvidia.com/gpu: 1}}}\nmodel: org/m\n",
        "image: {repository: own/llm, tag: vllm-1}\nmodel: {name: org/m, maxModelLen: 10}\n"
        "gpu: {count: 1}\n",
        "image: {repository: vllm/vllm}\nconfiguration: {modelReference: org/m}\ngpuCount: 1\n",
    ],
)
def test_where_charts_keep_their_image_and_model(text: str, found: Found) -> None:
    (read,) = found(text).values()
    facts = stated(read)
    assert (facts["model"], facts["gpu_count"], read.expect) == ("org/m", 1, "partial")


def test_values_that_ask_for_no_gpu_leave_it_to_the_chart(found: Found) -> None:
    text = "image: {repository: ghcr.io/ggml-org/llama.cpp, tag: server}\nmodel: org/m\n"
    (read,) = found(text).values()
    assert "gpu" not in stated(read)
