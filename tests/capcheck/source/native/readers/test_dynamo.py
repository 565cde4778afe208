"""Dynamo graphs."""

from __future__ import annotations

from tests.capcheck.source.native.conftest import Found, stated

ALPHA = """\
apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: {name: graph}
spec:
  backendFramework: sglang
  envs: [{name: MODEL, value: org/m}]
  services:
    Frontend:
      componentType: frontend
      replicas: 1
      extraPodSpec: {mainContainer: {image: sglang-runtime}}
    decode:
      componentType: worker
      replicas: 2
      multinode: {nodeCount: 2}
      resources: {limits: {gpu: "4"}}
      extraPodSpec:
        mainContainer:
          image: sglang-runtime:my-tag
          command: [sh, -c]
          args: ["python3 -m dynamo.sglang --model-path $MODEL --tp-size 8 --disaggregation-mode decode"]
    prefill:
      componentType: worker
      replicas: 1
      resources: {limits: {gpu: "4"}}
      extraPodSpec:
        mainContainer:
          image: sglang-runtime:my-tag
          args: [python3, -m, dynamo.sglang, --model-path, org/other]
"""  # noqa: E501
BETA = """\
apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeployment
metadata: {name: graph}
spec:
  components:
  - name: Frontend
    type: frontend
    podTemplate:
      spec:
        containers: [{name: main, image: vllm-runtime, args: [python3, -m, dynamo.frontend]}]
  - name: Worker
    type: worker
    replicas: 1
    podTemplate:
      spec:
        containers:
        - name: main
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.3.0
          command: [python3, -m, dynamo.vllm]
          args: [--model, org/m, --max-num-seqs, "512"]
          resources: {limits: {nvidia.com/gpu: "2"}}
"""


def test_every_worker_is_a_deployment(found: Found) -> None:
    graph = found(ALPHA)
    assert list(graph) == [
        "DynamoGraphDeployment/graph#decode",
        "DynamoGraphDeployment/graph#prefill",
    ]
    decode, prefill = graph.values()
    assert stated(decode) == {
        "backend": "sglang",
        "model": "org/m",
        "gpu_count": 8,
        "tp": 8,
        "replicas": 2,
    }
    assert decode.settings["nodes"].value == 2
    assert stated(prefill) == {
        "backend": "sglang",
        "model": "org/other",
        "gpu_count": 4,
        "replicas": 1,
    }


def test_the_newer_schema(found: Found) -> None:
    (worker,) = found(BETA).values()
    assert worker.address == "DynamoGraphDeployment/graph#Worker"
    assert stated(worker) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu_count": 2,
        "replicas": 1,
        "max_num_seqs": 512,
    }
