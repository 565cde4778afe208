"""KServe's InferenceService, runtimes and LLMInferenceService."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated

SERVICE = """\
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: chat}
spec:
  predictor:
    minReplicas: 0
    maxReplicas: 3
    model:
      modelFormat: {name: vLLM}
      runtime: engine
      storageUri: hf://org/Model-FP8
      args: [--max-model-len=1024]
      resources: {limits: {nvidia.com/gpu: "2"}}
"""
RUNTIME = """\
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: engine}
spec:
  containers:
  - name: kserve-container
    image: vllm/vllm-openai:v0.10.0
    command: [python, -m, vllm.entrypoints.openai.api_server]
    args: [--model=/mnt/models, "--served-model-name={{.Name}}", --max-model-len, "12000", --tensor-parallel-size=2]
"""  # noqa: E501


def test_a_service_whose_runtime_stands_elsewhere(found: Found) -> None:
    chat = found(SERVICE)["InferenceService/chat"]
    assert stated(chat) == {
        "backend": "vllm",
        "model": "org/Model-FP8",
        "quant": "fp8",
        "gpu_count": 2,
        "replicas": 0,
        "max_model_len": 1024,
    }
    assert chat.expect == "ok"
    assert chat.settings["max_replicas"].value == 3


def test_a_runtime_in_the_same_file_is_joined(found: Found) -> None:
    both = found(f"{SERVICE}---\n{RUNTIME}")
    chat = both["InferenceService/chat"]
    assert stated(chat)["tp"] == 2
    assert stated(chat)["max_model_len"] == 1024
    assert stated(chat)["model"] == "org/Model-FP8"
    assert chat.settings["engine_version"].value == "0.10.0"
    assert both["ServingRuntime/engine"].expect == "runtime"


def test_a_runtime_alone_is_an_engine_without_model(found: Found) -> None:
    engine = found(RUNTIME)["ServingRuntime/engine"]
    assert engine.expect == "runtime"
    assert stated(engine)["model"] == "/mnt/models"
    assert stated(engine)["max_model_len"] == 12000


def test_the_same_kind_of_another_group_is_not_read_as_kserve(found: Found) -> None:
    assert found(SERVICE.replace("serving.kserve.io", "example.com")) == {}


def test_workers_multiply_the_gpus(found: Found) -> None:
    multi = SERVICE.replace(
        "    model:\n",
        "    workerSpec: {pipelineParallelSize: 2, tensorParallelSize: 4}\n    model:\n",
    )
    facts = stated(found(multi)["InferenceService/chat"])
    assert (facts["pp"], facts["tp"], facts["gpu_count"]) == (2, 4, 4)


def test_a_predictor_with_containers(found: Found) -> None:
    custom = """\
    apiVersion: serving.kserve.io/v1beta1
    kind: InferenceService
    metadata: {name: own}
    spec:
      predictor:
        containers:
        - {name: c, image: lmsysorg/sglang, args: [--model-path, org/m]}
    """
    assert stated(found(custom)["InferenceService/own"]) == {"backend": "sglang", "model": "org/m"}


LLM = """\
apiVersion: serving.kserve.io/v1alpha1
kind: LLMInferenceService
metadata: {name: big}
spec:
  model: {uri: "pvc://claim", name: org/Big}
  replicas: 1
  parallelism: {data: 16, dataLocal: 8, tensor: 1}
  template:
    containers:
    - name: main
      env:
      - {name: VLLM_ADDITIONAL_ARGS, value: "--gpu-memory-utilization 0.95 --max-model-len 8192"}
      resources: {limits: {nvidia.com/gpu: "8"}}
  worker:
    containers: [{name: main}]
"""


def test_an_llm_inference_service(found: Found) -> None:
    big = found(LLM)["LLMInferenceService/big"]
    assert stated(big) == {
        "backend": "vllm",
        "model": "org/Big",
        "gpu_count": 16,
        "tp": 1,
        "replicas": 1,
        "max_model_len": 8192,
        "gpu_memory_utilization": 0.95,
    }
    assert big.settings["nodes"].value == 2
    assert big.expect == "ok"


def test_the_field_outranks_the_mounted_path(found: Found) -> None:
    service = """\
    apiVersion: serving.kserve.io/v1alpha1
    kind: LLMInferenceService
    metadata: {name: small}
    spec:
      model: {uri: "hf://org/small"}
      template:
        containers:
        - {name: main, command: [sh, -c], args: ["exec vllm serve /mnt/models --max-model-len 10"]}
    """
    facts = stated(found(service)["LLMInferenceService/small"])
    assert (facts["model"], facts["max_model_len"]) == ("org/small", 10)


def test_prefill_is_a_role_of_its_own(found: Found) -> None:
    apart = LLM + "  prefill:\n    replicas: 4\n    parallelism: {tensor: 2}\n"
    roles = found(apart)
    assert list(roles) == ["LLMInferenceService/big#decode", "LLMInferenceService/big#prefill"]
    prefill = stated(roles["LLMInferenceService/big#prefill"])
    assert prefill == {"backend": "vllm", "model": "org/Big", "tp": 2, "replicas": 4}


def test_a_config_is_a_runtime(found: Found) -> None:
    config = LLM.replace("kind: LLMInferenceService", "kind: LLMInferenceServiceConfig")
    assert found(config)["LLMInferenceServiceConfig/big"].expect == "runtime"


def test_a_simulator_is_no_deployment(found: Found) -> None:
    simulated = LLM.replace(
        "    - name: main\n      env",
        "    - name: main\n      image: ghcr.io/llm-d/llm-d-inference-sim\n      env",
    )
    assert found(simulated) == {}


def test_a_runtime_of_ome_with_a_decoder_is_two_engines(found: Found) -> None:
    text = """\
    apiVersion: ome.io/v1beta1
    kind: ClusterServingRuntime
    metadata: {name: r}
    spec:
      engineConfig:
        affinity:
          nodeAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
              nodeSelectorTerms:
              - matchExpressions:
                - {key: node.kubernetes.io/instance-type, operator: In, values: [BM.GPU.B4.8, BM.GPU.H100.8]}
        runner: {name: e, image: lmsysorg/sglang, args: [--tp-size=4], resources: {limits: {nvidia.com/gpu: 4}}}
      decoderConfig:
        runner: {name: d, image: lmsysorg/sglang, args: [--tp-size=8], resources: {limits: {nvidia.com/gpu: 8}}}
      routerConfig:
        runner: {name: r, image: lmsysorg/sglang-router}
    """  # noqa: E501
    known = {address: stated(one) for address, one in found(text).items()}
    assert known == {
        "ClusterServingRuntime/r#engine": {
            "backend": "sglang",
            "gpu": "A100-40GB|H100-80GB",
            "gpu_count": 4,
            "tp": 4,
        },
        "ClusterServingRuntime/r#decoder": {"backend": "sglang", "gpu_count": 8, "tp": 8},
    }


def test_a_runtime_asks_for_no_accelerator_and_says_nothing_of_one(found: Found) -> None:
    text = """\
    apiVersion: serving.kserve.io/v1alpha1
    kind: ServingRuntime
    metadata: {name: r}
    spec: {containers: [{name: kserve-container, image: quay.io/org/ollama-ubi9:1}]}
    """
    assert stated(found(text)["ServingRuntime/r"]) == {"backend": "ollama"}


@pytest.mark.parametrize(
    ("path", "model"),
    [("/mnt/models", "s3://bucket/m"), ("/mnt/models/", "s3://bucket/m"), ("/opt/m", "/opt/m")],
)
def test_the_storage_of_a_container_of_ones_own(path: str, model: str, found: Found) -> None:
    text = (
        "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: chat}\n"
        "spec: {predictor: {containers: [{name: kserve-container, image: own/server:1, "
        "command: [python3, -m, vllm.entrypoints.openai.api_server], "
        f"args: [--model, {path}], env: [{{name: STORAGE_URI, value: 's3://bucket/m'}}]}}]}}}}\n"
    )
    assert stated(found(text)["InferenceService/chat"])["model"] == model


def test_a_service_that_scales_has_its_lowest_number_of_replicas(found: Found) -> None:
    text = (
        "apiVersion: serving.kserve.io/v1alpha2\nkind: LLMInferenceService\n"
        "metadata: {name: chat}\n"
        "spec: {model: {uri: 'hf://org/m'}, scaling: {minReplicas: 2, maxReplicas: 5}}\n"
    )
    chat = found(text)["LLMInferenceService/chat"]
    assert stated(chat)["replicas"] == 2
    assert chat.settings["max_replicas"].value == 5
