"""Values of the app-template chart, and kustomize's own files."""

from __future__ import annotations

from tests.capcheck.source.native.conftest import Found, stated

VALUES = """\
controllers:
  llm:
    replicas: 0
    containers:
      app:
        image: {repository: ghcr.io/ggml-org/llama.cpp, tag: server-intel-b9592}
        args: [-hf, "org/m-GGUF:UD-Q4_K_M", --ctx-size, "262144"]
        env: {LLAMA_ARG_N_PARALLEL: 2, OTHER: {valueFrom: {secretKeyRef: {name: a, key: b}}}}
        resources: {limits: {gpu.intel.com/xe: 1}}
  web:
    containers: {app: {image: {repository: nginx}}}
"""
RELEASE = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: ai}
spec:
  values:
"""


def test_a_release_of_the_chart(found: Found) -> None:
    release = RELEASE + "".join(f"    {line}\n" for line in VALUES.splitlines())
    (llm,) = found(release).values()
    assert llm.address == "HelmRelease/ai#controllers.llm"
    assert stated(llm) == {
        "backend": "llama.cpp",
        "model": "org/m-GGUF:UD-Q4_K_M",
        "quant": "gguf:UD-Q4_K_M",
        "gpu": "Intel",
        "gpu_count": 1,
        "replicas": 0,
        "max_model_len": 262144,
        "max_num_seqs": 2,
    }


def test_the_values_alone(found: Found) -> None:
    assert list(found(VALUES)) == ["controllers.llm"]


def test_a_controller_that_is_off_is_not_deployed(found: Found) -> None:
    assert found(VALUES.replace("replicas: 0", "enabled: false")) == {}


def test_a_kustomization_deploys_nothing_by_itself(found: Found) -> None:
    kustomization = """\
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    images: [{name: placeholder, newName: vllm/vllm-openai, newTag: v0.10.0}]
    """
    (found_one,) = found(kustomization).values()
    assert (found_one.expect, stated(found_one)) == ("none", {"backend": "vllm"})
    assert found("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n") == {}


def test_a_json_patch_is_a_part_of_something(found: Found) -> None:
    patch = """\
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-seqs=128}
    - {op: add, path: /spec/template/spec/containers/0/args/-, value: --max-num-batched-tokens=4096}
    """
    (found_one,) = found(patch).values()
    assert (found_one.address, found_one.expect) == ("JSON6902 patch", "partial")
    assert stated(found_one) == {"backend": "vllm", "max_num_seqs": 128}


def test_two_engines_of_one_controller_are_two_deployments(found: Found) -> None:
    known = found(
        """\
        controllers:
          llm:
            pod: {resourceClaims: [{name: gpu, resourceClaimTemplateName: t}]}
            containers:
              chat:
                image: {repository: ghcr.io/ggml-org/llama.cpp, tag: server-vulkan}
                args: [--model, /models/chat-Q4_K_M.gguf]
              tools:
                image: {repository: ghcr.io/ggml-org/llama.cpp, tag: server-vulkan}
                args: [--model, /models/tools-Q8_0.gguf]
              metrics: {image: {repository: ghcr.io/ggml-org/llama.cpp}}
        """
    )
    assert {address: stated(one)["quant"] for address, one in known.items()} == {
        "controllers.llm.containers.chat": "gguf:Q4_K_M",
        "controllers.llm.containers.tools": "gguf:Q8_0",
    }


def test_values_below_the_key_of_another_chart(found: Found) -> None:
    below = "app-template:\n" + "".join(f"  {line}\n" for line in VALUES.splitlines())
    assert stated(found(below)["controllers.llm"])["gpu"] == "Intel"
