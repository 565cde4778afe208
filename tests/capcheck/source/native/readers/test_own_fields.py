"""Custom resources that state facts in fields of their own."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated, waiting

KUBEAI = """\
apiVersion: kubeai.org/v1
kind: Model
metadata: {name: chat}
spec:
  features: [TextGeneration]
  url: hf://org/m-FP8
  engine: VLLM
  args: [--max-model-len=8k, --tensor-parallel-size=2]
  env: {VLLM_USE_V1: "1"}
  minReplicas: 0
  maxReplicas: 3
  resourceProfile: nvidia-gpu-h100:2
"""
KAITO = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: tuned}
data:
  inference_config.yaml: |
    vllm:
      max-model-len: 4096
      gpu-memory-utilization: 0.9
---
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: phi}
resource:
  count: 2
  instanceType: Standard_NC48ads_A100_v4
inference:
  preset: {name: phi-4}
  config: tuned
"""
ROLES = """\
apiVersion: kaito.sh/v1alpha1
kind: MultiRoleInference
metadata: {name: pd}
spec:
  model: {name: org/m}
  roles:
  - {type: prefill, replicas: 2, instanceType: Standard_ND96isr_H100_v5}
  - {type: decode, replicas: 1, instanceType: Standard_Unheard_Of}
"""
NIM = """\
apiVersion: apps.nvidia.com/v1alpha1
kind: NIMCache
metadata: {name: cache}
spec:
  source: {hf: {namespace: org, modelName: m}}
---
apiVersion: apps.nvidia.com/v1alpha1
kind: NIMService
metadata: {name: any}
spec:
  image: {repository: nvcr.io/nim/nvidia/llm-nim, tag: "1.12"}
  storage: {nimCache: {name: cache}}
  env: [{name: NIM_MAX_MODEL_LEN, value: "8192"}]
  nodeSelector: {nvidia.com/gpu.product: NVIDIA-L40S}
  replicas: 3
  scale: {enabled: true, hpa: {minReplicas: 1, maxReplicas: 3}}
  resources: {limits: {nvidia.com/gpu: 4}}
  multiNode: {parallelism: {pipeline: 2, tensor: 4}}
---
apiVersion: apps.nvidia.com/v1alpha1
kind: NIMPipeline
metadata: {name: pipe}
spec:
  services:
  - name: chat
    enabled: true
    spec:
      image: {repository: nvcr.io/nim/meta/llama-3.1-8b-instruct, tag: 1.3.3}
      replicas: 1
      resources: {limits: {nvidia.com/gpu: 1}}
  - name: off
    enabled: false
    spec: {image: {repository: nvcr.io/nim/meta/llama-3.1-70b-instruct, tag: 1.3.3}}
  - name: embedding
    enabled: true
    spec: {image: {repository: nvcr.io/nim/nvidia/nv-embedqa-e5-v5, tag: 1.0.0}}
"""
RUNTIME = """\
apiVersion: production-stack.vllm.ai/v1alpha1
kind: VLLMRuntime
metadata: {name: rt}
spec:
  model: {modelURL: org/m, maxModelLen: 4096, maxNumSeqs: 16}
  vllmConfig:
    tensorParallelSize: 2
    gpuMemoryUtilization: "0.8"
    extraArgs: [--kv-cache-dtype, fp8, --max-num-seqs=8]
  deploymentConfig:
    replicas: 2
    resources: {gpu: "2", gpuType: amd.com/gpu}
    image: {name: vllm/vllm-openai:v0.9.0}
"""
REQUEST = """\
apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeploymentRequest
metadata: {name: plan}
spec:
  model: org/m
  backend: vllm
  workload: {isl: 3000, osl: 500, requestRate: 4}
  sla: {ttft: 200, itl: 20}
  hardware: {gpuSku: h200_sxm, totalGpus: 16, numGpusPerNode: 8}
"""
LLMKUBE = """\
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {name: m}
spec:
  source: hf://org/m-GGUF
  files: [mmproj-F16.gguf, m-Q4_K_M.gguf]
  format: gguf
  quantization: Q4_K_M
  hardware: {accelerator: rocm, gpu: {enabled: true, count: 2, vendor: amd}}
---
apiVersion: inference.llmkube.dev/v1alpha1
kind: InferenceService
metadata: {name: s}
spec:
  modelRef: m
  replicas: 1
  contextSize: 8192
  parallelSlots: 2
  cacheTypeK: q8_0
  extraArgs: [--ctx-size, "16384"]
"""
LLMAZ = """\
apiVersion: llmaz.io/v1alpha1
kind: OpenModel
metadata: {name: m}
spec:
  source: {modelHub: {modelID: org/m}}
  inferenceConfig:
    flavors:
    - {name: a100-80gb, limits: {nvidia.com/gpu: 2}}
    - {name: l40s, limits: {nvidia.com/gpu: 4}}
---
apiVersion: inference.llmaz.io/v1alpha1
kind: Playground
metadata: {name: p}
spec:
  replicas: 3
  modelClaim: {modelName: m}
  elasticConfig: {minReplicas: 1}
  backendRuntimeConfig: {backendName: sglang, args: [--tp-size, "2"]}
"""
NEBARI = """\
apiVersion: llm.nebari.dev/v1alpha1
kind: LLMModel
metadata: {name: n}
spec:
  model: {name: org/m-AWQ, source: huggingface}
  resources: {gpu: {count: 1, type: nvidia}}
  serving: {replicas: 1, tensorParallelism: 1, vllmArgs: [--max-model-len, "8192"]}
  advanced: {vllm: {nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4-SHARED}}}
"""
OME = """\
apiVersion: ome.io/v1beta1
kind: ClusterBaseModel
metadata: {name: base}
spec: {storage: {storageUri: hf://org/m}}
---
apiVersion: ome.io/v1beta1
kind: InferenceService
metadata: {name: pd}
spec:
  model: {name: base}
  engine:
    minReplicas: 2
    leader:
      runner:
        image: lmsysorg/sglang:v0.4
        command: [python3, -m, sglang.launch_server, --tp-size, "16"]
        resources: {limits: {nvidia.com/gpu: 8}}
    worker: {size: 1}
  decoder:
    minReplicas: 1
    runner:
      image: lmsysorg/sglang:v0.4
      command: [python3, -m, sglang.launch_server]
      resources: {limits: {nvidia.com/gpu: 8}}
"""
CASES = {
    "kubeai": (
        KUBEAI,
        {
            "Model/chat": {
                "backend": "vllm",
                "model": "org/m-FP8",
                "quant": "fp8",
                "gpu": "H100",
                "gpu_count": 2,
                "tp": 2,
                "replicas": 0,
                "max_model_len": 8000,
            }
        },
    ),
    "kaito": (
        KAITO,
        {
            "Workspace/phi": {
                "backend": "vllm",
                "model": "phi-4",
                "gpu": "A100-80GB",
                "gpu_count": 4,
                "max_model_len": 4096,
                "gpu_memory_utilization": 0.9,
            }
        },
    ),
    "kaito roles": (
        ROLES,
        {
            "MultiRoleInference/pd#prefill": {
                "backend": "kaito-preset",
                "model": "org/m",
                "gpu": "H100-80GB",
                "gpu_count": 8,
                "replicas": 2,
            },
            "MultiRoleInference/pd#decode": {
                "backend": "kaito-preset",
                "model": "org/m",
                "replicas": 1,
            },
        },
    ),
    "nim": (
        NIM,
        {
            "NIMService/any": {
                "backend": "nim",
                "model": "org/m",
                "gpu": "L40S",
                "gpu_count": 8,
                "tp": 4,
                "pp": 2,
                "replicas": 1,
                "max_model_len": 8192,
            },
            "NIMPipeline/pipe#chat": {
                "backend": "nim",
                "model": "meta/llama-3.1-8b-instruct",
                "gpu_count": 1,
                "replicas": 1,
            },
        },
    ),
    "vllm runtime": (
        RUNTIME,
        {
            "VLLMRuntime/rt": {
                "backend": "vllm",
                "model": "org/m",
                "gpu": "AMD",
                "gpu_count": 2,
                "tp": 2,
                "replicas": 2,
                "max_model_len": 4096,
                "gpu_memory_utilization": 0.8,
                "max_num_seqs": 8,
                "kv_cache_dtype": "fp8",
            }
        },
    ),
    "dynamo request": (
        REQUEST,
        {
            "DynamoGraphDeploymentRequest/plan": {
                "backend": "vllm",
                "model": "org/m",
                "gpu": "H200",
            }
        },
    ),
    "llmkube": (
        LLMKUBE,
        {
            "InferenceService/s": {
                "backend": "llama.cpp",
                "model": "org/m-GGUF/m-Q4_K_M.gguf",
                "quant": "gguf:Q4_K_M",
                "gpu": "AMD",
                "gpu_count": 2,
                "replicas": 1,
                "max_model_len": 16384,
                "max_num_seqs": 2,
                "kv_cache_dtype": "q8_0",
            }
        },
    ),
    "llmaz": (
        LLMAZ,
        {
            "Playground/p": {
                "backend": "sglang",
                "model": "org/m",
                "gpu": "A100-80GB:2|L40S:4",
                "tp": 2,
                "replicas": 1,
            }
        },
    ),
    "nebari": (
        NEBARI,
        {
            "LLMModel/n": {
                "backend": "vllm",
                "model": "org/m-AWQ",
                "quant": "awq",
                "gpu": "L4",
                "gpu_count": 1,
                "tp": 1,
                "replicas": 1,
                "max_model_len": 8192,
            }
        },
    ),
    "ome": (
        OME,
        {
            "InferenceService/pd#engine": {
                "backend": "sglang",
                "model": "org/m",
                "gpu_count": 16,
                "tp": 16,
                "replicas": 2,
            },
            "InferenceService/pd#decoder": {
                "backend": "sglang",
                "model": "org/m",
                "gpu_count": 8,
                "replicas": 1,
            },
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_facts(found: Found, case: str) -> None:
    text, expected = CASES[case]
    read = found(text)
    assert {address: stated(deployment) for address, deployment in read.items()} == expected


def test_expect_follows_from_what_is_missing(found: Found) -> None:
    assert {d.expect for d in found(KUBEAI).values()} == {"ok"}
    assert {d.expect for d in found(REQUEST).values()} == {"partial"}


@pytest.mark.parametrize(
    ("text", "old", "new", "fact"),
    [
        (KAITO, "config: tuned", "config: other", "max_model_len"),
        (LLMAZ, "modelName: m", "modelName: other", "model"),
        (LLMKUBE, "modelRef: m", "modelRef: other", "model"),
        (NIM, "nimCache: {name: cache}", "nimCache: {name: other}", "model"),
        (OME, "model: {name: base}", "model: {name: other}", "model"),
    ],
)
def test_a_reference_that_leads_nowhere_is_unknown(
    found: Found, text: str, old: str, new: str, fact: str
) -> None:
    assert old in text
    deployment = next(iter(found(text.replace(old, new)).values()))
    assert "is not among the files" in waiting(deployment)[fact]
    assert deployment.expect == "partial"


def test_places_are_those_of_the_fields(found: Found) -> None:
    (chat,) = found(KUBEAI).values()
    model = chat.facts["model"]
    assert model.place is not None
    assert (model.place.line, model.place.column) == (6, 13)
    (phi,) = found(KAITO).values()
    length = phi.facts["max_model_len"]
    assert length.place is not None
    assert (length.place.line, length.place.column) == (7, 22)


@pytest.mark.parametrize(
    ("profile", "gpu", "count"),
    [
        ("nvidia-gpu-a100-80gb:4", "A100-80GB", 4),
        ("cpu:2", "CPU", 0),
        ("google-tpu-v5e-2x2:1", "TPU-v5e", 4),
        ("our-own:1", None, 1),
        ("nvidia-gpu-l4", None, None),
    ],
)
def test_resource_profiles(found: Found, profile: str, gpu: str | None, count: int | None) -> None:
    (chat,) = found(KUBEAI.replace("nvidia-gpu-h100:2", profile)).values()
    assert (stated(chat).get("gpu"), stated(chat).get("gpu_count")) == (gpu, count)


def test_a_profile_among_the_files_tells_more(found: Found) -> None:
    values = """\
---
resourceProfiles:
  our-own:
    limits: {nvidia.com/gpu: "2"}
    nodeSelector: {cloud.google.com/gke-accelerator: nvidia-l4}
"""
    (chat,) = found(KUBEAI.replace("nvidia-gpu-h100:2", "our-own:2") + values).values()
    assert (stated(chat)["gpu"], stated(chat)["gpu_count"]) == ("L4", 4)


@pytest.mark.parametrize(
    "text",
    [
        KUBEAI.replace("TextGeneration", "TextEmbedding").replace("VLLM", "Infinity", 1),
        KUBEAI.replace("TextGeneration", "SpeechToText").replace("VLLM", "FasterWhisper", 1),
        "apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata: {name: t}\n"
        "resource: {instanceType: Standard_NC24ads_A100_v4}\ntuning: {preset: {name: phi-4}}\n",
        "apiVersion: kaito.sh/v1beta1\nkind: RAGEngine\nmetadata: {name: r}\nspec: {}\n",
        "apiVersion: production-stack.vllm.ai/v1alpha1\nkind: VLLMRouter\n"
        "metadata: {name: r}\nspec: {replicas: 1}\n",
    ],
)
def test_what_serves_no_model(found: Found, text: str) -> None:
    assert found(text) == {}


def test_the_request_states_its_targets(found: Found) -> None:
    (plan,) = found(REQUEST).values()
    assert {name: fact.value for name, fact in plan.settings.items()} == {
        "ttft_ms": 200.0,
        "itl_ms": 20.0,
        "isl": 3000,
        "osl": 500,
        "request_rate": 4.0,
        "total_gpus": 16,
        "gpus_per_node": 8,
    }


def test_a_kaito_partition_and_an_annotation(found: Found) -> None:
    text = """\
apiVersion: kaito.sh/v1beta1
kind: InferenceSet
metadata:
  name: set
  annotations: {kaito.sh/runtime: transformers}
spec:
  replicas: 2
  template:
    resource: {partition: {mode: mig, profile: 1g.24gb}}
    inference: {preset: {name: phi-4-mini-instruct}}
"""
    (found_set,) = found(text).values()
    assert stated(found_set) == {
        "backend": "kaito-preset",
        "model": "phi-4-mini-instruct",
        "gpu": "MIG-1g.24gb",
        "replicas": 2,
    }
    assert found_set.settings["runtime"].value == "transformers"
    assert found_set.settings["weights"].value == "microsoft/Phi-4-mini-instruct"


def test_a_kaito_workspace_with_a_pod_of_its_own(found: Found) -> None:
    text = """\
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: own}
resource: {instanceType: Standard_NC24ads_A100_v4}
inference:
  template:
    spec:
      containers:
      - name: a
        image: vllm/vllm-openai:v0.9.0
        args: [--model, org/m]
        resources: {requests: {nvidia.com/gpu: 1}}
"""
    (own,) = found(text).values()
    assert stated(own) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu": "A100-80GB",
        "gpu_count": 1,
    }


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("{partition: {mode: accelerator, count: 2}}", {"gpu_count": 2}),
        ("{mig: {profile: 1g.10gb, count: 1}}", {"gpu": "MIG-1g.10gb", "gpu_count": 1}),
        (
            "{labelSelector: {matchLabels: {nvidia.com/gpu.product: NVIDIA-L40S}}}",
            {"gpu": "L40S"},
        ),
    ],
)
def test_kaito_on_nodes_that_are_there(
    found: Found, resource: str, expected: dict[str, object]
) -> None:
    text = f"""\
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {{name: w}}
spec:
  resource: {resource}
  inference: {{preset: {{name: phi-4}}}}
"""
    (workspace,) = found(text).values()
    known = stated(workspace)
    assert {key: known[key] for key in known if key.startswith("gpu")} == expected


@pytest.mark.parametrize(
    ("engine", "url", "args", "facts"),
    [
        ("SGLang", "hf://org/model", "[--context-length=8192]", ("sglang", "org/model", 8192)),
        (
            "LlamaCpp",
            "hf://org/m-GGUF:Q8_0",
            "[--ctx-size, '2048']",
            ("llama.cpp", "org/m-GGUF:Q8_0", 2048),
        ),
    ],
)
def test_every_engine_of_kubeai_that_generates_text(
    engine: str, url: str, args: str, facts: tuple[object, ...], found: Found
) -> None:
    text = (
        "apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {name: m}\nspec:\n"
        f"  features: [TextGeneration]\n  url: {url}\n  engine: {engine}\n  args: {args}\n"
    )
    known = stated(found(text)["Model/m"])
    assert (known["backend"], known["model"], known["max_model_len"]) == facts


def test_a_machine_type_that_is_a_placeholder_leaves_a_workspace_open(found: Found) -> None:
    text = """\
    apiVersion: kaito.sh/v1beta1
    kind: Workspace
    metadata: {name: w}
    resource: {instanceType: <your-sku>}
    inference: {preset: {name: org/model}}
    """
    workspace = found(text)["Workspace/w"]
    assert workspace.expect == "partial"
    assert set(waiting(workspace)) == {"gpu", "gpu_count"}


def test_an_early_service_of_llmaz_says_what_its_own_pods_load(found: Found) -> None:
    text = """\
    apiVersion: inference.llmaz.io/v1alpha1
    kind: Service
    metadata: {name: s}
    spec:
      modelClaims: {models: [{name: elsewhere}]}
      replicas: 1
      workloadTemplate:
        size: 2
        workerTemplate:
          spec:
            containers:
            - name: a
              command: [sglang, serve, --model-path, /models/m, --tp, "2"]
              resources: {limits: {nvidia.com/gpu: 1}}
    """
    facts = stated(found(text)["Service/s"])
    assert (facts["model"], facts["gpu_count"], facts["tp"]) == ("/models/m", 2, 2)
