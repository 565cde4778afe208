"""Kubernetes objects with pod templates."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from capcheck.source.native.deployment import Stated

from tests.capcheck.source.native.conftest import Found, stated, waiting

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
spec:
  replicas: 2
  template:
    spec:
"""


def deployment(pod: str) -> str:
    return DEPLOYMENT + indent(dedent(pod), "      ")


def test_every_fact_with_its_place(found: Found) -> None:
    text = deployment(
        """\
        nodeSelector:
          cloud.google.com/gke-accelerator: nvidia-l4
        containers:
        - name: engine
          image: vllm/vllm-openai:v0.10.0
          args: [--model=$(MODEL), --max-model-len, "8192"]
          env:
          - name: MODEL
            value: org/Model-7B-AWQ
          resources:
            limits: {nvidia.com/gpu: "1"}
        """
    )
    chat = found(text)["Deployment/chat"]
    assert chat.expect == "ok"
    places = {
        name: (fact.value, fact.place.line, fact.place.column, fact.origin)
        for name, fact in chat.facts.items()
        if isinstance(fact, Stated)
    }
    assert places == {
        "backend": ("vllm", 13, 16, "image"),
        "model": ("org/Model-7B-AWQ", 17, 18, "--model from MODEL"),
        "quant": ("awq", 17, 18, "name of the model"),
        "gpu": ("L4", 10, 43, "label cloud.google.com/gke-accelerator"),
        "gpu_count": (1, 19, 36, "limits nvidia.com/gpu"),
        "replicas": (2, 6, 13, "field replicas"),
        "max_model_len": (8192, 14, 52, "--max-model-len"),
    }
    assert chat.settings["engine_version"].value == "0.10.0"


@pytest.mark.parametrize(
    ("pod", "gpu", "count"),
    [
        ("nodeSelector: {nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3}", "H100-80GB", None),
        ("nodeSelector: {node.kubernetes.io/instance-type: g5.8xlarge}", "A10G", None),
        ("nodeSelector: {workload: gpu}", None, None),
        ("nodeSelector: {cloud.google.com/gke-accelerator: nvidia-new}", None, None),
    ],
)
def test_the_gpu_by_node_label(found: Found, pod: str, gpu: str | None, count: int | None) -> None:
    text = deployment(f"{pod}\ncontainers:\n- {{name: a, image: vllm/vllm-openai, args: [m]}}\n")
    facts = stated(found(text)["Deployment/chat"])
    assert (facts.get("gpu"), facts.get("gpu_count")) == (gpu, count)


def test_affinity_with_several_types_gives_alternatives(found: Found) -> None:
    text = deployment(
        """\
        affinity:
          nodeAffinity:
            requiredDuringSchedulingIgnoredDuringExecution:
              nodeSelectorTerms:
              - matchExpressions:
                - {key: cloud.google.com/gke-accelerator, operator: In, values: [nvidia-l4, nvidia-h100-80gb]}
        containers:
        - {name: a, image: vllm/vllm-openai, args: [m]}
        """  # noqa: E501
    )
    assert stated(found(text)["Deployment/chat"])["gpu"] == "L4|H100-80GB"


@pytest.mark.parametrize(
    ("image", "resource", "gpu", "count"),
    [
        ("vllm/vllm-openai", "{nvidia.com/gpu: 4}", None, 4),
        ("vllm/vllm-openai", "{amd.com/gpu: 2}", "AMD", 2),
        ("vllm/vllm-openai", "{habana.ai/gaudi: 1}", "Gaudi", 1),
        ("vllm/vllm-openai", "{gpu.intel.com/xe: 1}", "Intel", 1),
        ("vllm/vllm-openai", "{nvidia.com/mig-1g.10gb: 1}", "MIG-1g.10gb", 1),
        ("vllm/vllm-openai", "{cpu: 4}", None, None),
        ("vllm/vllm-openai-cpu", "{cpu: 4}", "CPU", 0),
        ("rocm/vllm", "{cpu: 4}", "AMD", None),
        ("ollama/ollama", "{cpu: 4}", "CPU", 0),
        ("ollama/ollama:rocm", "{cpu: 4}", "AMD", None),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda", "{cpu: 4}", None, None),
    ],
)
def test_accelerators_by_resource_and_image(
    found: Found, image: str, resource: str, gpu: str | None, count: int | None
) -> None:
    text = deployment(
        f"containers:\n- {{name: a, image: '{image}', resources: {{limits: {resource}}}}}\n"
    )
    facts = stated(found(text)["Deployment/chat"])
    assert (facts.get("gpu"), facts.get("gpu_count")) == (gpu, count)


def test_a_config_map_of_the_same_file_is_followed(found: Found) -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"
        'data: {MODEL_ID: org/m, MAX_TOTAL_TOKENS: "2048"}\n---\n'
    ) + deployment(
        """\
        containers:
        - name: a
          image: ghcr.io/huggingface/text-generation-inference:3.0
          envFrom: [{configMapRef: {name: settings}}]
          args: [--num-shard, $(SHARDS)]
          env:
          - {name: SHARDS, valueFrom: {secretKeyRef: {name: s, key: k}}}
        """
    )
    chat = found(text)["Deployment/chat"]
    assert stated(chat)["model"] == "org/m"
    assert stated(chat)["max_model_len"] == 2048
    assert waiting(chat) == {"tp": "unresolved variable SHARDS"}
    assert chat.expect == "partial"


def test_two_config_maps_of_one_name_are_not_followed(found: Found) -> None:
    one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {MODEL_ID: org/m}\n---\n"
    pod = """\
    containers:
    - name: a
      image: ghcr.io/huggingface/text-generation-inference:3.0
      envFrom: [{configMapRef: {name: s}}]
    """
    assert "model" not in stated(found(one + one + deployment(pod))["Deployment/chat"])


def test_a_patch_without_image_is_partial(found: Found) -> None:
    text = deployment(
        "containers:\n- {name: vllm, args: [--model=m, --max-num-batched-tokens=1]}\n"
    )
    chat = found(text)["Deployment/chat"]
    assert chat.expect == "partial"
    assert stated(chat)["backend"] == "vllm"


@pytest.mark.parametrize(
    "container",
    [
        "{name: a, image: nginx}",
        "{name: a, image: ghcr.io/llm-d/llm-d-inference-sim, args: [--model, m]}",
        "{name: a, image: vllm/vllm-openai, command: [vllm, launch, render, m]}",
        "{name: a, image: vllm/vllm-openai, command: [sleep, infinity]}",
        "{name: a, image: vllm/vllm-openai, command: [vllm, bench, serve, --model, m]}",
        "{name: a, image: lmsysorg/sglang, command: [python3, -m, sglang_router.launch_router]}",
        "{name: a, image: text-embeddings-inference:1.5, args: [--model-id, m]}",
    ],
)
def test_what_serves_no_model_is_no_deployment(found: Found, container: str) -> None:
    assert found(deployment(f"containers:\n- {container}\n")) == {}


def test_an_unknown_start_script_leaves_the_model_unknown(found: Found) -> None:
    text = deployment("containers:\n- {name: a, image: vllm/vllm-openai, command: [/start.sh]}\n")
    chat = found(text)["Deployment/chat"]
    assert stated(chat) == {"backend": "vllm", "replicas": 2}
    assert waiting(chat) == {"model": "the command '/start.sh' is not known"}


def test_sidecars_are_passed_over_and_hooks_name_the_model(found: Found) -> None:
    text = deployment(
        """\
        containers:
        - {name: proxy, image: envoyproxy/envoy}
        - name: a
          image: ollama/ollama:0.5.1
          lifecycle: {postStart: {exec: {command: [sh, -c, "ollama pull llama3.1:8b-q4_K_M"]}}}
        """
    )
    facts = stated(found(text)["Deployment/chat"])
    assert (facts["model"], facts["quant"]) == ("llama3.1:8b-q4_K_M", "gguf:q4_K_M")


def test_a_leader_worker_set_counts_all_its_pods(found: Found) -> None:
    leader_worker_set = """\
    apiVersion: leaderworkerset.x-k8s.io/v1
    kind: LeaderWorkerSet
    metadata: {name: big}
    spec:
      replicas: 3
      leaderWorkerTemplate:
        size: 2
        leaderTemplate:
          spec:
            containers:
            - name: leader
              image: vllm/vllm-openai:v0.9.0
              command: [sh, -c, "run.sh leader; vllm serve org/m -tp 8 -pp 2"]
              resources: {limits: {nvidia.com/gpu: 8}}
        workerTemplate:
          spec:
            containers:
            - name: worker
              image: vllm/vllm-openai:v0.9.0
              command: [sh, -c, run.sh worker]
              resources: {limits: {nvidia.com/gpu: 8}}
    """
    big = found(leader_worker_set)["LeaderWorkerSet/big"]
    assert stated(big) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu_count": 16,
        "tp": 8,
        "pp": 2,
        "replicas": 3,
    }
    assert big.settings["nodes"].value == 2


def test_a_ray_cluster_fleet_counts_head_and_workers(found: Found) -> None:
    fleet = """\
    apiVersion: orchestration.aibrix.ai/v1alpha1
    kind: RayClusterFleet
    metadata: {name: coder}
    spec:
      replicas: 1
      template:
        spec:
          headGroupSpec:
            template:
              spec:
                containers:
                - name: head
                  image: vllm/vllm-openai:v0.7.1
                  command: [bash, -c, "ray start --head && vllm serve org/m -tp 3"]
                  resources: {limits: {nvidia.com/gpu: 1}}
          workerGroupSpecs:
          - replicas: 2
            template:
              spec:
                containers:
                - {name: worker, image: x, resources: {limits: {nvidia.com/gpu: 1}}}
    """
    assert stated(found(fleet)["RayClusterFleet/coder"])["gpu_count"] == 3


def test_roles_of_an_unknown_kind_are_deployments_of_their_own(found: Found) -> None:
    service = """\
    apiVersion: example.com/v1
    kind: PairService
    metadata: {name: pair}
    spec:
      roles:
      - name: prefill
        replicas: 2
        template:
          spec:
            containers: [{name: a, image: lmsysorg/sglang, args: [--model-path, org/a]}]
      - name: decode
        template:
          spec:
            containers: [{name: a, image: lmsysorg/sglang, args: [--model-path, org/b]}]
    """
    pair = found(service)
    assert stated(pair["PairService/pair#prefill"]) == {
        "backend": "sglang",
        "model": "org/a",
        "replicas": 2,
    }
    assert stated(pair["PairService/pair#decode"]) == {"backend": "sglang", "model": "org/b"}


def test_a_list_is_its_items(found: Found) -> None:
    text = deployment("containers:\n- {name: a, image: vllm/vllm-openai, args: [m]}\n")
    whole = "apiVersion: v1\nkind: List\nitems:\n- " + indent(text, "  ").lstrip()
    assert list(found(whole)) == ["Deployment/chat"]


def test_two_engines_in_one_pod_are_two_deployments(found: Found) -> None:
    text = deployment(
        """\
        containers:
        - {name: chat, image: vllm/vllm-openai, args: [org/chat], resources: {limits: {nvidia.com/gpu: 1}}}
        - {name: proxy, image: nginx}
        - {name: code, image: vllm/vllm-openai, args: [org/code], resources: {limits: {nvidia.com/gpu: 2}}}
        """  # noqa: E501
    )
    known = {address: stated(one) for address, one in found(text).items()}
    assert {address: (facts["model"], facts["gpu_count"]) for address, facts in known.items()} == {
        "Deployment/chat#chat": ("org/chat", 1),
        "Deployment/chat#code": ("org/code", 2),
    }
    assert [facts["replicas"] for facts in known.values()] == [2, 2]


@pytest.mark.parametrize(
    ("ports", "addresses"), [("ports: [{containerPort: 8000}]", {"Job/serve"}), ("", set())]
)
def test_a_job_serves_where_it_has_a_port(ports: str, addresses: set[str], found: Found) -> None:
    text = f"""\
    apiVersion: batch/v1
    kind: Job
    metadata: {{name: serve}}
    spec:
      template:
        spec:
          containers:
          - name: engine
            command: [vllm, serve, org/model]
            image: vllm/vllm-openai
            {ports}
    """
    assert set(found(text)) == addresses


@pytest.mark.parametrize(
    ("replicas", "nodes", "expected"),
    [(2, 2, (1, 16)), (4, 2, (2, 16)), (3, 2, (3, 8)), (2, 1, (2, 8))],
)
def test_a_stateful_set_whose_engine_spans_its_pods(
    replicas: int, nodes: int, expected: tuple[int, int], found: Found
) -> None:
    text = f"""\
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {{name: big}}
    spec:
      replicas: {replicas}
      template:
        spec:
          containers:
          - name: engine
            image: lmsysorg/sglang:v0.5.3
            command: [sglang, serve, --model-path, org/model, --tp-size, "16", --nnodes, "{nodes}"]
            resources: {{limits: {{nvidia.com/gpu: 8}}}}
    """
    facts = stated(found(text)["StatefulSet/big"])
    assert (facts["replicas"], facts["gpu_count"]) == expected


def test_a_storm_service_makes_every_role_for_each_of_its_replicas(found: Found) -> None:
    text = """\
    apiVersion: orchestration.aibrix.ai/v1alpha1
    kind: StormService
    metadata: {name: s}
    spec:
      replicas: 3
      template:
        spec:
          roles:
          - name: prefill
            replicas: 2
            template: {spec: {containers: [{name: e, image: vllm/vllm-openai, args: [m], resources: {limits: {nvidia.com/gpu: 1}}}]}}
          - name: decode
            replicas: 1
            podGroupSize: 2
            template: {spec: {containers: [{name: e, image: vllm/vllm-openai, args: [m], resources: {limits: {nvidia.com/gpu: 4}}}]}}
    """  # noqa: E501
    known = {address: stated(one) for address, one in found(text).items()}
    assert {name: (facts["replicas"], facts["gpu_count"]) for name, facts in known.items()} == {
        "StormService/s#prefill": (6, 1),
        "StormService/s#decode": (3, 8),
    }


@pytest.mark.parametrize(
    ("label", "gpu"),
    [
        ("gpu-type: nvidia-2080ti", "RTX 2080 Ti"),
        ("accelerator: nvidia-tesla-t4", "T4"),
        ("machine.example.com/gpu-name: Tesla-V100", "V100"),
        ("nvidia.com/gpu.product: NVIDIA-GeForce-RTX-5060-Ti", "RTX 5060 Ti"),
        ("gpu.nvidia.com/class: A100_PCIE_80GB", "A100-80GB"),
        ("gpu-type: shiny", None),
        ("gpu-node: l4", None),
        ("accelerator: cuda", None),
    ],
)
def test_labels_of_a_clusters_own_name_the_gpu(label: str, gpu: str | None, found: Found) -> None:
    text = deployment(
        f"nodeSelector: {{'{label.replace(': ', chr(39) + ': ')}}}\n"
        "containers:\n- {name: a, image: vllm/vllm-openai, args: [m]}\n"
    )
    assert stated(found(text)["Deployment/chat"]).get("gpu") == gpu


def test_a_device_flag_says_cpu(found: Found) -> None:
    text = deployment("containers:\n- {name: a, image: vllm/vllm-openai, args: [m, --device, cpu]}")
    facts = stated(found(text)["Deployment/chat"])
    assert (facts["gpu"], facts["gpu_count"]) == ("CPU", 0)


@pytest.mark.parametrize(
    "name", ["<your-model>", "BASE_MODEL_PLACEHOLDER", "REPLACE_ME", "your-org/your-model"]
)
def test_a_placeholder_is_no_model(name: str, found: Found) -> None:
    text = deployment(f"containers:\n- {{name: a, image: vllm/vllm-openai, args: [{name}]}}")
    assert waiting(found(text)["Deployment/chat"]) == {"model": f"{name!r} is a placeholder"}


def test_a_model_of_ones_own_organisation_is_none(found: Found) -> None:
    text = deployment("containers:\n- {name: a, image: vllm/vllm-openai, args: [your-ai/chat-7b]}")
    assert stated(found(text)["Deployment/chat"])["model"] == "your-ai/chat-7b"


def test_embedding_models_that_are_pulled_as_well_are_left_aside(found: Found) -> None:
    text = deployment(
        """\
        initContainers:
        - name: pull
          image: ollama/ollama
          command: [sh, -c, "ollama serve & ollama pull nomic-embed-text && timeout 60 ollama pull qwen3:8b"]
        containers:
        - {name: a, image: ollama/ollama}
        """  # noqa: E501
    )
    assert stated(found(text)["Deployment/chat"])["model"] == "qwen3:8b"


@pytest.mark.parametrize(("resources", "count"), [("limits: {nvidia.com/gpu: 1}", 1), ("", None)])
def test_an_image_named_after_an_engine_is_believed_with_a_gpu(
    resources: str, count: int | None, found: Found
) -> None:
    text = deployment(
        "containers:\n- {name: a, image: own-vllm-chat:1, command: [/entrypoint.sh], "
        f"resources: {{{resources}}}}}\n"
    )
    read = found(text)
    assert ("Deployment/chat" in read) == (count is not None)
    if count:
        chat = read["Deployment/chat"]
        assert (stated(chat)["gpu_count"], chat.expect) == (count, "partial")


@pytest.mark.parametrize(
    "key", ["autoscaling.knative.dev/minScale", "autoscaling.knative.dev/min-scale"]
)
def test_a_knative_service_keeps_its_lowest_scale(key: str, found: Found) -> None:
    text = f"""\
    apiVersion: serving.knative.dev/v1
    kind: Service
    metadata: {{name: chat}}
    spec:
      template:
        metadata: {{annotations: {{{key}: "2"}}}}
        spec:
          nodeSelector: {{run.googleapis.com/accelerator: nvidia-l4}}
          containers:
          - image: vllm/vllm-openai:v0.10.0
            args: [--model, org/m]
            resources: {{limits: {{nvidia.com/gpu: "1"}}}}
    """
    facts = stated(found(text)["Service/chat"])
    assert (facts["gpu"], facts["gpu_count"], facts["replicas"]) == ("L4", 1, 2)
