"""Helm values of the charts that are known."""

from __future__ import annotations

import pytest

from tests.capcheck.source.native.conftest import Found, stated, waiting

STACK = """\
servingEngineSpec:
  modelSpec:
    - name: chat
      repository: vllm/vllm-openai
      modelURL: hf://org/model-AWQ
      replicaCount: 2
      requestGPU: 1
      nodeSelectorTerms:
        - matchExpressions:
            - {key: nvidia.com/gpu.product, operator: In, values: [NVIDIA-L4]}
      vllmConfig:
        maxModelLen: 4096
        tensorParallelSize: 1
        gpuMemoryUtilization: 0.8
        extraArgs: ["--max-num-seqs", "32", "--max-model-len=8192"]
    - {name: off, enabled: false, modelURL: other}
    - {name: hidden, modelURL: "{{ .Values.missing }}", raySpec: {enabled: true}, requestGPU: 2}
"""
LLM_D = """\
modelArtifacts:
  name: org/model
  uri: 'hf://{{ .Values.modelArtifacts.name }}'
decode:
  replicas: 1
  parallelism: {tensor: 4}
  containers:
    - name: vllm
      image: ghcr.io/llm-d/llm-d-cuda:v0.3
      modelCommand: vllmServe
      args: [--max-model-len, "1024"]
      resources: {limits: {nvidia.com/gpu: "4"}}
  acceleratorTypes: {labelKey: nvidia.com/gpu.product, labelValues: [NVIDIA-L4]}
prefill:
  create: false
  containers: [{name: vllm, image: ghcr.io/llm-d/llm-d-cuda, modelCommand: vllmServe}]
"""
NIM = """\
image: {repository: nvcr.io/nim/meta/llama3-8b-instruct, tag: 1.0.3}
resources: {limits: {nvidia.com/gpu: 1}}
autoscaling: {enabled: true, minReplicas: 2}
nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}
env: [{name: NIM_MAX_MODEL_LEN, value: "4096"}]
"""
OPEA = """\
vllm:
  enabled: true
  accelDevice: gaudi
  image: {repository: opea/vllm-gaudi}
  LLM_MODEL_ID: org/model
  extraCmdArgs: [--tensor-parallel-size, "2"]
  resources: {limits: {habana.ai/gaudi: 2}}
tgi:
  enabled: false
  image: {repository: ghcr.io/huggingface/text-generation-inference}
  LLM_MODEL_ID: other
"""
KSERVE = """\
deploymentMode: RawDeployment
model: {uri: "oci://quay.io/org/cars:m-8b", args: ["--max-model-len=2048"]}
multiNode: {pipelineParallelSize: 2, tensorParallelSize: 1}
resources: {limits: {nvidia.com/gpu: "1"}}
"""
OLLAMA = """\
replicaCount: 1
ollama:
  gpu: {enabled: true, type: amd, number: 2}
  models: {pull: [llama3.2:3b], run: [llama3.2:3b]}
extraEnv: [{name: OLLAMA_NUM_PARALLEL, value: "4"}]
"""
CATALOGUE = """\
catalog:
  a:
    enabled: true
    features: [TextGeneration]
    url: ollama://gemma2:2b
    engine: OLlama
    resourceProfile: cpu:2
    minReplicas: 1
  b: {enabled: false, url: "hf://org/b", engine: VLLM}
"""


@pytest.mark.parametrize(
    ("text", "address", "facts"),
    [
        (
            STACK,
            "modelSpec[chat]",
            {
                "backend": "vllm",
                "model": "org/model-AWQ",
                "quant": "awq",
                "gpu": "L4",
                "gpu_count": 1,
                "tp": 1,
                "replicas": 2,
                "max_model_len": 8192,
                "gpu_memory_utilization": 0.8,
                "max_num_seqs": 32,
            },
        ),
        (
            LLM_D,
            "decode",
            {
                "backend": "vllm",
                "model": "org/model",
                "gpu": "L4",
                "gpu_count": 4,
                "tp": 4,
                "replicas": 1,
                "max_model_len": 1024,
            },
        ),
        (
            NIM,
            "nim-llm",
            {
                "backend": "nim",
                "model": "meta/llama3-8b-instruct",
                "gpu": "L4",
                "gpu_count": 1,
                "replicas": 2,
                "max_model_len": 4096,
            },
        ),
        (
            OPEA,
            "vllm",
            {"backend": "vllm", "model": "org/model", "gpu": "Gaudi", "gpu_count": 2, "tp": 2},
        ),
        (
            KSERVE,
            "vllm-kserve",
            {
                "backend": "vllm",
                "model": "oci://quay.io/org/cars:m-8b",
                "gpu_count": 2,
                "tp": 1,
                "pp": 2,
                "max_model_len": 2048,
            },
        ),
        (
            OLLAMA,
            "ollama",
            {
                "backend": "ollama",
                "model": "llama3.2:3b",
                "gpu": "AMD",
                "gpu_count": 2,
                "replicas": 1,
                "max_num_seqs": 4,
            },
        ),
        (
            CATALOGUE,
            "catalog.a",
            {
                "backend": "ollama",
                "model": "gemma2:2b",
                "gpu": "CPU",
                "gpu_count": 0,
                "replicas": 1,
            },
        ),
    ],
    ids=["production-stack", "llm-d", "nim", "opea", "kserve", "ollama", "kubeai"],
)
def test_every_chart_alone_in_a_release_and_below_a_key(
    text: str, address: str, facts: dict[str, object], found: Found
) -> None:
    alone = found(text)
    assert stated(alone[address]) == facts
    assert alone[address].expect == "ok"
    body = "".join(f"    {line}\n" for line in text.splitlines())
    head = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r}\nspec:\n"
    assert stated(found(f"{head}  values:\n{body}")[f"HelmRelease/r#{address}"]) == facts
    below = found(text if text is OPEA else "parent:\n" + body)
    assert facts in [stated(deployment) for deployment in below.values()]


def test_entries_that_are_off_are_left_out_and_hidden_values_are_unknown(found: Found) -> None:
    known = found(STACK)
    assert set(known) == {"modelSpec[chat]", "modelSpec[hidden]"}
    assert set(waiting(known["modelSpec[hidden]"])) == {"model", "gpu_count"}
    assert known["modelSpec[hidden]"].expect == "partial"
    assert set(found(LLM_D)) == {"decode"}
    assert set(found(OPEA)) == {"vllm"}
    assert found("servingEngineSpec: {enableEngine: false, modelSpec: [{modelURL: m}]}") == {}


def test_a_role_over_several_nodes_counts_all_of_them(found: Found) -> None:
    several = "multinode: true\n" + LLM_D.replace("tensor: 4", "tensor: 4, data: 2, dataLocal: 1")
    assert stated(found(several)["decode"])["gpu_count"] == 8


def test_a_nim_by_its_model_alone(found: Found) -> None:
    one = found("model: {name: meta/llama3-8b-instruct, ngcAPISecret: ngc-api}\n")["nim-llm"]
    assert stated(one) == {"backend": "nim", "model": "meta/llama3-8b-instruct"}


def test_a_catalogue_without_an_enabled_entry_deploys_nothing(found: Found) -> None:
    (one,) = found(CATALOGUE.replace("enabled: true", "enabled: false")).values()
    assert (one.address, one.expect, stated(one)) == ("catalog.*", "none", {})


def test_a_kserve_chart_without_resources_leaves_them_to_the_chart(found: Found) -> None:
    text = 'deploymentMode: RawDeployment\nmodel: {uri: "oci://quay.io/org/cars:m"}\n'
    assert found(text)["vllm-kserve"].expect == "partial"


@pytest.mark.parametrize(
    ("values", "facts"),
    [
        ("gpu: {enabled: false}", {"gpu": "CPU", "gpu_count": 0}),
        ("gpu: {enabled: true}", {}),
        (
            "gpu: {enabled: true, mig: {enabled: true, devices: {1g.10gb: 2}}}",
            {"gpu": "MIG-1g.10gb", "gpu_count": 2},
        ),
        ("models: [a]", {"model": "a"}),
        ("models: {pull: [a, b]}", {}),
        ("models: {create: [{name: a, template: FROM b}]}", {}),
    ],
)
def test_the_gpus_and_models_of_the_ollama_chart(
    values: str, facts: dict[str, object], found: Found
) -> None:
    assert stated(found(f"ollama:\n  {values}\n")["ollama"]) == {"backend": "ollama", **facts}


@pytest.mark.parametrize(
    "text",
    [
        "image: {repository: nginx}\nreplicaCount: 1\n",
        "image: {repository: vllm/vllm-openai}\nreplicaCount: 1\n",
        "model: {uri: x}\n",
        "ollama: {enabled: true}\n",
        "catalog: {a: {url: x}}\n",
    ],
)
def test_values_of_other_charts_are_not_recognised(text: str, found: Found) -> None:
    assert found(text) == {}


def test_a_template_keeps_only_its_engine(found: Found) -> None:
    text = """\
    {{- if .Values.enabled }}
    kind: Deployment
    spec:
      containers:
        - image: "vllm/vllm-openai:{{ .Values.tag }}"
          args: {{ toYaml .Values.args }}
    {{- end }}
    """
    one = found(text)["Deployment"]
    assert one.expect == "template"
    assert stated(one) == {"backend": "vllm"}
    by_command = text.replace("vllm/vllm-openai", "{{ .Values.image }}").replace(
        "args: {{ toYaml .Values.args }}", 'command:\n          - "/bin/vllm"\n          - serve'
    )
    assert stated(found(by_command)["Deployment"]) == {"backend": "vllm"}


def test_a_ray_cluster_of_the_stack_is_one_replica_of_all_its_gpus(found: Found) -> None:
    text = """\
    servingEngineSpec:
      modelSpec:
      - name: big
        repository: vllm/vllm-openai
        modelURL: org/model
        replicaCount: 3
        requestGPU: 2
        raySpec: {enabled: true, headNode: {requestGPU: 1}}
    """
    facts = stated(found(text)["modelSpec[big]"])
    assert (facts["replicas"], facts["gpu_count"]) == (1, 7)


def test_an_image_of_the_stack_that_is_built_for_the_processor(found: Found) -> None:
    text = """\
    servingEngineSpec:
      modelSpec: [{name: a, repository: example.com/vllm-cpu-only, modelURL: m, requestGPU: 0}]
    """
    facts = stated(found(text)["modelSpec[a]"])
    assert (facts["gpu"], facts["gpu_count"]) == ("CPU", 0)


def test_the_accelerator_of_llm_d_outranks_what_an_image_is_built_for(found: Found) -> None:
    text = """\
    modelArtifacts: {name: org/model, uri: "hf://org/model"}
    accelerator: {type: intel-gaudi}
    decode: {containers: [{name: vllm, image: "intel/vllm:1", modelCommand: vllmServe}]}
    """
    assert stated(found(text)["decode"])["gpu"] == "Gaudi"


def test_a_models_container_alone_is_of_a_kserve_chart(found: Found) -> None:
    plain = found("model: {uri: 'oci://quay.io/org/m:1'}")["vllm-kserve"]
    assert (plain.expect, stated(plain)["model"]) == ("partial", "oci://quay.io/org/m:1")
    text = """\
    model: {name: org/m, uri: 'oci://quay.io/org/m:1'}
    vllm:
      replicaCount: 2
      additionalArguments: [--max-model-len=2000]
      resources: {limits: {nvidia.com/gpu: '1'}}
    """
    assert stated(found(text)["llm-d-kserve"]) == {
        "backend": "vllm",
        "model": "oci://quay.io/org/m:1",
        "gpu_count": 1,
        "replicas": 2,
        "max_model_len": 2000,
    }


AI_ON_EKS = """\
model: org/m
modelParameters: {maxModelLen: 1024, pipelineParallelSize: 2, tensorParallelSize: 4}
inference:
  framework: FRAMEWORK
  accelerator: gpu
  modelServer:
    image: {repository: vllm/vllm-openai, tag: latest}
    deployment:
      replicas: 3
      instanceType: g6.24xlarge
      resources:
        gpu: {limits: {nvidia.com/gpu: 4}}
        neuron: {limits: {aws.amazon.com/neuron: 2}}
"""


def test_parameters_of_a_chart_are_the_engines_flags(found: Found) -> None:
    assert stated(found(AI_ON_EKS.replace("FRAMEWORK", "lws-vllm"))["inference"]) == {
        "backend": "vllm",
        "model": "org/m",
        "gpu": "L4",
        "gpu_count": 8,
        "tp": 4,
        "pp": 2,
        "replicas": 3,
        "max_model_len": 1024,
    }
    of_ray = AI_ON_EKS.replace("FRAMEWORK", "ray-vllm").replace(
        "accelerator: gpu", "accelerator: neuron"
    )
    neuron = stated(found(of_ray.replace("g6.24xlarge", ""))["inference"])
    assert (neuron["gpu"], neuron["gpu_count"]) == ("Neuron", 2)
    llama = stated(found(AI_ON_EKS.replace("FRAMEWORK", "llama-cpp"))["inference"])
    assert (llama["backend"], llama["gpu"], llama["gpu_count"]) == ("llama.cpp", "CPU", 0)
    assert found(AI_ON_EKS.replace("FRAMEWORK", "diffusers")) == {}
    bare = AI_ON_EKS.replace("FRAMEWORK", "vllm").partition("    deployment:")[0]
    assert found(bare)["inference"].expect == "partial"


def test_a_model_service_of_llm_d_has_the_charts_fields(found: Found) -> None:
    text = """\
    apiVersion: llm-d.ai/v1alpha1
    kind: ModelService
    metadata: {name: chat}
    spec:
      baseConfigMapRef: {name: base}
      modelArtifacts: {uri: hf://org/m}
      decode: {replicas: 2, parallelism: {tensor: 4}, containers: [{name: vllm, args: [--max-model-len, "100"]}]}
      prefill: {replicas: 1, containers: [{name: vllm}]}
    """  # noqa: E501
    read = found(text)
    assert stated(read["ModelService/chat#decode"]) == {
        "backend": "vllm",
        "model": "org/m",
        "tp": 4,
        "replicas": 2,
        "max_model_len": 100,
    }
    assert read["ModelService/chat#prefill"].expect == "partial"
