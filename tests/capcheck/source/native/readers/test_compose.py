"""Docker Compose files."""

from __future__ import annotations

from textwrap import dedent

import pytest
from capcheck.source.native.deployment import NativeDeployment
from capcheck.source.native.registry import inspect

from tests.capcheck.source.native.conftest import Found, stated, waiting

SERVICE = """\
services:
  chat:
    image: vllm/vllm-openai:v0.10.0
    command: --model org/model --max-model-len ${LEN:-4096} -tp 2
"""
MANY = """\
x-gpu: &gpu {deploy: {resources: {reservations: {devices: [{count: all, capabilities: [gpu]}]}}}}
services:
  a: {<<: *gpu, image: ollama/ollama, profiles: [x], entrypoint: [sh, -c, "ollama serve"]}
  b: {extends: {service: a}, gpus: [{device_ids: ["0,1"]}], environment: [OLLAMA_NUM_PARALLEL=2]}
  c: {image: "${I:-ollama/ollama}", command: pull m, env_file: [{path: .env}], runtime: nvidia}
models:
  m: {model: ai/m, context_size: 1}
"""


def read(**texts: str) -> dict[str, NativeDeployment]:
    named = {name.replace("__", "/").replace("_", "."): text for name, text in texts.items()}
    inspection = inspect({path: dedent(text) for path, text in named.items()})
    return {deployment.address: deployment for deployment in inspection.deployments}


def service(body: str, command: str = "--model m") -> str:
    lines = "".join(f"    {line}\n" for line in dedent(body).strip().split("\n"))
    head = f"services:\n  s:\n    image: vllm/vllm-openai\n    command: {command}\n"
    return head + lines


def test_a_service_is_read_with_the_place_of_every_fact(found: Found) -> None:
    chat = found(SERVICE, "docker-compose.yml")["services.chat"]
    assert stated(chat) == {
        "backend": "vllm",
        "model": "org/model",
        "tp": 2,
        "max_model_len": 4096,
    }
    assert chat.expect == "ok"
    assert str(chat.facts["model"].place) == "docker-compose.yml:4:22"
    assert chat.facts["max_model_len"].origin == "--max-model-len from LEN"  # type: ignore[union-attr]
    assert chat.settings["engine_version"].value == "0.10.0"


@pytest.mark.parametrize(
    ("body", "gpu", "count"),
    [
        ("deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2}]}}}", None, 2),
        ("deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}", None, "all"),
        (
            "deploy: {resources: {reservations: {devices: "
            "[{device_ids: ['0', '3'], capabilities: [gpu]}]}}}",
            None,
            2,
        ),
        (
            "deploy: {resources: {reservations: {devices: "
            "[{device_ids: ['${IDS:-0,1,2}'], capabilities: [gpu]}]}}}",
            None,
            3,
        ),
        (
            "deploy: {resources: {reservations: {devices: "
            "[{device_ids: ['${ID}'], capabilities: [gpu]}]}}}",
            None,
            None,
        ),
        (
            "deploy: {resources: {reservations: {devices: "
            "[{count: '${N:-all}', capabilities: [gpu]}]}}}",
            None,
            "all",
        ),
        ("gpus: all", None, "all"),
        ("gpus: [{driver: nvidia, count: 4}]", None, 4),
        ("runtime: nvidia", None, "all"),
        ("runtime: nvidia\nenvironment: ['NVIDIA_VISIBLE_DEVICES=0,1']", None, 2),
        ("runtime: nvidia\nenvironment: {NVIDIA_VISIBLE_DEVICES: none}", None, None),
        ("runtime: habana\nenvironment: [HABANA_VISIBLE_DEVICES=all]", "Gaudi", "all"),
        ("devices: [/dev/kfd, /dev/dri]", "AMD", None),
        ("devices: ['nvidia.com/gpu=all']", None, "all"),
        ("devices: ['nvidia.com/gpu=0', 'nvidia.com/gpu=1']", None, 2),
        ("environment: [NVIDIA_VISIBLE_DEVICES=all]", None, None),
    ],
)
def test_the_gpus_of_a_service(
    body: str, gpu: str | None, count: int | str | None, found: Found
) -> None:
    facts = stated(found(service(body))["services.s"])
    assert (facts.get("gpu"), facts.get("gpu_count")) == (gpu, count)


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        ("image: ollama/ollama", {"gpu": "CPU", "gpu_count": 0}),
        ("image: ollama/ollama:rocm", {"gpu": "AMD"}),
        ("image: ollama/ollama:${TAG:-latest}", {}),
        ("image: ollama/ollama\n    devices: [/dev/dri]", {}),
        ("image: opea/vllm-gaudi\n    command: --model m", {"gpu": "Gaudi"}),
        ("image: vllm/vllm-openai-cpu\n    command: m", {"gpu": "CPU", "gpu_count": 0}),
    ],
)
def test_what_an_image_says_of_the_accelerator(
    lines: str, facts: dict[str, object], found: Found
) -> None:
    known = stated(found(f"services:\n  s:\n    {lines}\n")["services.s"])
    assert {name: known[name] for name in ("gpu", "gpu_count") if name in known} == facts


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("serve org/model --max-model-len 1k", {"model": "org/model", "max_model_len": 1000}),
        ("[serve, --model, org/model]", {"model": "org/model"}),
        ("|\n      --model org/model\n      --max-num-seqs 8", {"max_num_seqs": 8}),
        ("|\n      --model org/model \\\n      --max-num-seqs 8", {"max_num_seqs": 8}),
        ("vllm serve org/model --quantization awq", {"quant": "awq"}),
        ('bash -c "sleep 1 && vllm serve org/model"', {"model": "org/model"}),
    ],
)
def test_commands_in_every_form(command: str, expected: dict[str, object], found: Found) -> None:
    known = stated(found(service("restart: always", command))["services.s"])
    assert {name: known.get(name) for name in expected} == expected


def test_a_wrapper_hands_its_arguments_on(found: Found) -> None:
    text = """\
    services:
      s:
        image: ghcr.io/ggml-org/llama.cpp:server-cuda
        entrypoint:
          - /bin/sh
          - -c
          - |
            if [ -n "$$DEBUG" ]; then exec llama-server "$$@"; fi
            exec llama-server "$${OTHER[@]}"
          - --
        command: [-m, /models/m-Q4_K_M.gguf, -c, "${CTX:-8192}"]
    """
    known = stated(found(text)["services.s"])
    assert known["model"] == "/models/m-Q4_K_M.gguf"
    assert known["max_model_len"] == 8192
    assert known["quant"] == "gguf:Q4_K_M"


def test_a_script_starts_the_engine_that_it_is_handed(found: Found) -> None:
    text = """
    services:
      s:
        image: lmsysorg/sglang
        entrypoint: [/bin/bash, /scripts/entry.sh]
        command: python3 -m sglang.launch_server --model-path ${M:-org/m}
      t: {image: rocm/vllm, command: bash}
    """
    read = found(text)
    assert list(read) == ["services.s"]
    assert stated(read["services.s"])["model"] == "org/m"


def test_what_a_variable_without_a_value_hides_is_named(found: Found) -> None:
    one = found(service("restart: always", "--model ${MODEL} $EXTRA"))["services.s"]
    assert waiting(one) == {"model": "unresolved variable MODEL"}
    assert one.expect == "partial"


def test_an_image_that_is_only_a_variable_does_not_name_the_engine(found: Found) -> None:
    assert found("services:\n  s:\n    image: ${VLLM_IMAGE}\n    command: serve\n") == {}
    text = "services:\n  s:\n    image: ${HUB}/vllm-openai:${TAG}\n    command: --model m\n"
    assert stated(found(text)["services.s"])["backend"] == "vllm"


def test_env_files_beside_the_file_are_read() -> None:
    compose = """\
    services:
      s:
        image: ghcr.io/huggingface/text-generation-inference:3.0
        env_file: [./tgi.env, absent.env]
        environment:
          - NUM_SHARD=${SHARDS}
    """
    known = read(
        app__compose_yaml=compose,
        app__tgi_env="# comment\nexport MODEL_ID='org/model' # x\nMAX_TOTAL_TOKENS=2048\n",
        app___env="SHARDS=2\n",
        _env="SHARDS=8\n",
    )["services.s"]
    assert stated(known) == {
        "backend": "tgi",
        "model": "org/model",
        "tp": 2,
        "max_model_len": 2048,
    }
    assert str(known.facts["model"].place) == "app/tgi.env:2:18"


def test_extends_and_overrides_add_layers() -> None:
    base = """\
    services:
      base:
        image: vllm/vllm-openai
        environment: {A: "1"}
        deploy: {resources: {reservations: {devices: [{count: 1, capabilities: [gpu]}]}}}
      chat:
        extends: {service: base}
        command: --model first
    """
    over = "services:\n  chat:\n    command: --model second\n    deploy: {replicas: 3}\n"
    found = read(compose_yaml=base, compose_override_yaml=over)
    assert stated(found["services.chat"]) == {
        "backend": "vllm",
        "model": "second",
        "gpu_count": 1,
        "replicas": 3,
    }
    other = "services:\n  chat:\n    extends: {file: compose.yaml, service: base}\n"
    assert stated(read(compose_yaml=base, other_yaml=other)["services.chat"])["gpu_count"] == 1
    loop = "services:\n  a: {extends: b, image: ollama/ollama}\n  b: {extends: a}\n"
    assert set(read(compose_yaml=loop)) == {"services.a", "services.b"}


def test_an_override_by_itself_is_partial(found: Found) -> None:
    gpu = "deploy: {resources: {reservations: {devices: [{count: 1, capabilities: [gpu]}]}}}"
    known = found(f"services:\n  ollama:\n    {gpu}\n  jellyfin:\n    {gpu}\n")
    assert list(known) == ["services.ollama"]
    assert known["services.ollama"].expect == "partial"
    assert stated(known["services.ollama"]) == {"gpu_count": 1}


def test_anchors_and_merge_keys(found: Found) -> None:
    text = """\
    x-common: &common
      image: vllm/vllm-openai
      gpus: all
    services:
      a:
        <<: *common
        command: [--model, m]
    """
    assert stated(found(text)["services.a"]) == {
        "backend": "vllm",
        "model": "m",
        "gpu_count": "all",
    }


def test_models_are_pulled_by_services_of_the_same_profile(found: Found) -> None:
    text = """\
    services:
      gpu: {image: ollama/ollama, profiles: [gpu]}
      cpu: {image: ollama/ollama, profiles: [cpu]}
      pull-gpu:
        image: ollama/ollama
        profiles: [gpu]
        entrypoint: [/bin/sh, -c, "sleep 3; ollama pull big:70b-instruct-q4_K_M"]
      pull-cpu: {image: ollama/ollama, profiles: [cpu], command: pull small}
    """
    known = found(text)
    assert set(known) == {"services.gpu", "services.cpu"}
    assert stated(known["services.gpu"])["model"] == "big:70b-instruct-q4_K_M"
    assert stated(known["services.gpu"])["quant"] == "gguf:q4_K_M"
    assert stated(known["services.cpu"])["model"] == "small"
    assert known["services.cpu"].settings["profiles"].value == "cpu"


def test_a_pulled_model_for_embeddings_is_not_the_one_that_chats(found: Found) -> None:
    text = """
    services:
      ollama:
        image: ollama/ollama
        entrypoint: [/bin/sh, -c]
        command: |
          ollama serve &
          ollama pull bge-m3
          ollama pull a:7b
          wait
    """
    assert stated(found(text)["services.ollama"])["model"] == "a:7b"


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("image: app-vllm:1, environment: {VLLM_MODEL: m}", None),
        ("image: app-vllm:1, command: --model org/m --dtype auto", "org/m"),
        ("image: 'nvcr.io/nvidia/tensorrt-llm/release:1', command: bash /s.sh", ""),
        ("image: 'rocm/vllm:6', command: org/m --max-model-len 5", "org/m"),
    ],
)
def test_an_image_that_only_its_name_tells(
    service: str, expected: str | None, found: Found
) -> None:
    read = found(f"services: {{a: {{{service}}}}}")
    assert (stated(read["services.a"]).get("model", "") if read else None) == expected


def test_two_pulled_models_leave_it_open_which_one_answers(found: Found) -> None:
    text = """\
    services:
      s:
        image: ollama/ollama
        entrypoint: [/bin/sh, -c]
        command: ["ollama serve & ollama pull a; ollama pull b; wait"]
    """
    assert waiting(found(text)["services.s"]) == {"model": "several models are pulled"}


def test_composes_own_models(found: Found) -> None:
    text = """\
    services:
      app: {image: app, models: [llm]}
    models:
      llm: {model: ai/smollm2:360M-Q4_K_M, context_size: 1024}
    """
    (one,) = found(text).values()
    assert one.address == "models.llm"
    assert stated(one) == {
        "model": "ai/smollm2:360M-Q4_K_M",
        "quant": "gguf:Q4_K_M",
        "max_model_len": 1024,
    }


def test_services_that_serve_no_language_model_are_left_out(found: Found) -> None:
    text = """\
    services:
      db: {image: postgres, command: [postgres]}
      ui: {image: ghcr.io/open-webui/open-webui:main}
      embed: {image: "ghcr.io/huggingface/text-embeddings-inference:1.7", command: --model-id m}
      rank: {image: nvcr.io/nim/nvidia/llama-nemotron-rerank-1b-v2:1}
      ocr: {image: nvcr.io/nim/nvidia/nemotron-ocr-v1:1}
      llm: {image: "nvcr.io/nim/meta/llama3-8b-instruct:1.0.3", gpus: all}
    """
    known = found(text)
    assert list(known) == ["services.llm"]
    assert stated(known["services.llm"])["model"] == "meta/llama3-8b-instruct"


def test_other_files_with_services_are_not_compose() -> None:
    assert inspect({"f.yaml": "services: [a]\n"}).deployments == ()
    assert inspect({"f.yaml": "services: {a: {port: 1}}\n"}).deployments == ()
