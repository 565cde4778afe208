"""Ray Serve LLM in a RayService, in an Anyscale service and by itself."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated, waiting

SERVICE = """\
apiVersion: ray.io/v1
kind: RayService
metadata: {name: llm}
spec:
  serveConfigV2: |
    applications:
    - name: app
      import_path: ray.serve.llm:build_openai_app
      args:
        llm_configs:
        - model_loading_config: {model_id: chat, model_source: org/m-FP8}
          accelerator_type: A100
          deployment_config:
            autoscaling_config: {min_replicas: 2, max_replicas: 4}
          engine_kwargs: {tensor_parallel_size: 4, pipeline_parallel_size: 2, max_model_len: 8192}
        - model_loading_config: {model_id: org/small}
          deployment_config: {num_replicas: 1}
  rayClusterConfig:
    headGroupSpec:
      template: {spec: {containers: [{name: head, image: rayproject/ray-llm:2.50}]}}
    workerGroupSpecs:
    - groupName: gpu
      template:
        spec:
          nodeSelector: {cloud.google.com/gke-accelerator: nvidia-a100-80gb}
          containers:
          - name: worker
            image: rayproject/ray-llm:2.50
            resources: {limits: {nvidia.com/gpu: 8}}
"""
PROGRAM = """\
apiVersion: ray.io/v1
kind: RayService
metadata: {name: own}
spec:
  serveConfigV2: |
    applications:
    - name: llm
      import_path: our.vllm.serve:model
      deployments: [{name: V, num_replicas: 1}]
      runtime_env:
        env_vars: {MODEL_ID: org/m, TENSOR_PARALLELISM: "2"}
"""


def test_every_model_of_an_application(found: Found) -> None:
    chat, small = found(SERVICE).values()
    assert chat.address == "RayService/llm#llm_configs[chat]"
    assert stated(chat) == {
        "backend": "vllm",
        "model": "org/m-FP8",
        "quant": "fp8",
        "gpu": "A100-80GB",
        "gpu_count": 8,
        "tp": 4,
        "pp": 2,
        "replicas": 2,
        "max_model_len": 8192,
    }
    assert stated(small) == {
        "backend": "vllm",
        "model": "org/small",
        "gpu": "A100-80GB",
        "replicas": 1,
    }
    length = chat.facts["max_model_len"].place
    assert length is not None
    assert (length.line, length.column) == (15, 94)


def test_a_worker_of_one_gpu_is_one_gpu(found: Found) -> None:
    _, small = found(SERVICE.replace("nvidia.com/gpu: 8", "nvidia.com/gpu: 1")).values()
    assert stated(small)["gpu_count"] == 1


def test_a_program_of_ones_own(found: Found) -> None:
    (own,) = found(PROGRAM).values()
    assert own.address == "RayService/own#llm"
    assert stated(own) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu_count": 2,
        "tp": 2,
        "replicas": 1,
    }
    (hidden,) = found(PROGRAM.replace("MODEL_ID: org/m, ", "")).values()
    assert "our.vllm.serve:model" in waiting(hidden)["model"]
    assert found(PROGRAM.replace("vllm", "other")) == {}


def test_an_anyscale_service(found: Found) -> None:
    text = """\
name: svc
image_uri: anyscale/ray-llm:2.50
applications:
- import_path: ray.serve.llm:build_pd_openai_app
  args:
    prefill_config:
      model_loading_config: {model_id: m, model_source: s3://$BUCKET/models/m}
      accelerator_type: H100
      engine_kwargs: {tensor_parallel_size: 2}
    decode_config: ./configs/decode.yaml
"""
    prefill, decode = found(text).values()
    assert (prefill.address, prefill.role) == ("prefill", "prefill")
    assert stated(prefill) == {
        "backend": "vllm",
        "model": "s3://$BUCKET/models/m",
        "gpu": "H100",
        "gpu_count": 2,
        "tp": 2,
    }
    assert "is not among the files" in waiting(decode)["model"]
    assert decode.expect == "partial"


@pytest.mark.parametrize(
    ("extra", "count"),
    [
        ("placement_group_config: {bundles: [{GPU: 1}, {GPU: 1}, {GPU: 1}]}", 3),
        ("engine_kwargs: {tensor_parallel_size: 2, data_parallel_size: 4}", None),
        ("engine_kwargs: {max_model_len: 8192}", None),
    ],
)
def test_gpus_of_a_replica(found: Found, extra: str, count: int | None) -> None:
    text = f"""\
applications:
- import_path: ray.serve.llm:build_openai_app
  args:
    llm_configs:
    - model_loading_config: {{model_id: org/m}}
      {extra}
"""
    (model,) = found(text).values()
    assert stated(model).get("gpu_count") == count


def test_a_program_of_an_image_for_models_on_known_machines(found: Found) -> None:
    text = """\
name: svc
image_uri: anyscale/ray-llm:2.50.0
compute_config:
  worker_nodes: [{instance_type: g6.12xlarge}, {instance_type: g6.xlarge}]
applications:
- import_path: serve:app
"""
    (app,) = found(text).values()
    assert app.address == "serve:app"
    assert stated(app) == {"backend": "vllm", "gpu": "L4"}
    assert app.expect == "partial"


def test_gpus_of_an_actor(found: Found) -> None:
    options = "num_replicas: 1, ray_actor_options: {num_gpus: 4}"
    text = PROGRAM.replace("num_replicas: 1", options)
    (own,) = found(text.replace(', TENSOR_PARALLELISM: "2"', "")).values()
    assert stated(own)["gpu_count"] == 4
    (named,) = found(text.replace("our.vllm.serve", "our.serve").replace("name: V", "name: VLLM"))
    assert named == "RayService/own#llm"


def test_variables_of_an_anyscale_service(found: Found) -> None:
    text = """\
name: sglang-chat
compute_config:
  worker_nodes: [{required_labels: {ray.io/accelerator-type: L4}, required_resources: {GPU: 4}}]
env_vars: {MODEL_PATH: org/m, TP_SIZE: "4", PP_SIZE: "2"}
applications:
- import_path: serve:app
"""
    (app,) = found(text).values()
    assert stated(app) == {
        "backend": "sglang",
        "model": "org/m",
        "gpu": "L4",
        "gpu_count": 8,
        "tp": 4,
        "pp": 2,
    }


def test_one_model_for_data_parallel_replicas(found: Found) -> None:
    text = """\
applications:
- import_path: ray.serve.llm:build_dp_openai_app
  args:
    llm_config:
      model_loading_config: {model_id: org/m}
      deployment_config: {num_replicas: auto, autoscaling_config: {min_replicas: 1}}
      engine_kwargs: {tensor_parallel_size: 1, data_parallel_size: 2}
      placement_group_config: {bundles: [{GPU: 1}]}
"""
    (model,) = found(text).values()
    assert model.address == "llm_configs[org/m]"
    assert stated(model) == {"backend": "vllm", "model": "org/m", "tp": 1, "replicas": 1}


@pytest.mark.parametrize(
    ("resource", "count"),
    [("aws.amazon.com/neuron: 1", 1), ("aws.amazon.com/neuron: 2", None)],
)
def test_sizes_count_the_cores_of_neuron_devices(
    resource: str, count: int | None, found: Found
) -> None:
    text = f"""\
    {{kind: RayService, apiVersion: ray.io/v1, metadata: {{name: own}}, spec: {{
      serveConfigV2: {{applications: [{{name: llm, import_path: 'our.vllm:app', runtime_env:
        {{env_vars: {{MODEL_ID: org/m, TENSOR_PARALLELISM: "2"}}}}}}]}},
      rayClusterConfig: {{workerGroupSpecs: [{{template: {{spec: {{containers: [
        {{name: w, resources: {{limits: {{{resource}}}}}}}]}}}}}}]}}}}}}
    """
    (read,) = found(text).values()
    facts = stated(read)
    assert (facts["gpu"], facts.get("gpu_count")) == ("Neuron", count)


def test_a_package_of_the_program_tells_its_engine(found: Found) -> None:
    text = """\
    applications:
    - name: chat
      import_path: app:model
      runtime_env: {pip: [llama_cpp_python], env_vars: {MODEL_ID: org/m-GGUF}}
    """
    facts = stated(found(text)["chat"])
    assert (facts["backend"], facts["model"]) == ("llama.cpp", "org/m-GGUF")
