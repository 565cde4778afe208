"""Which engine a command starts and an image holds."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.programs import calls, calls_in_script, image, repository, tag

from tests.capcheck.source.native.conftest import text_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("vllm serve m", [("vllm", "serve", ["m"])]),
        ("/opt/venv/bin/vllm serve m", [("vllm", "serve", ["m"])]),
        (
            "python3 -m vllm.entrypoints.openai.api_server --model m",
            [("vllm", "serve", ["--model", "m"])],
        ),
        ("python3.11 -u -m sglang.launch_server --tp 2", [("sglang", "serve", ["--tp", "2"])]),
        (
            "python /app/vllm/entrypoints/openai/api_server.py --model m",
            [("vllm", "serve", ["--model", "m"])],
        ),
        ("python3 /usr/local/bin/vllm serve m", [("vllm", "serve", ["m"])]),
        ("exec numactl --cpunodebind=0 vllm serve m", [("vllm", "serve", ["m"])]),
        ("env A=1 vllm serve m", [("vllm", "serve", ["m"])]),
        ("uv run vllm serve m", [("vllm", "serve", ["m"])]),
        (
            "mpirun -n 2 --allow-run-as-root trtllm-llmapi-launch trtllm-serve m",
            [("trtllm", "serve", ["m"])],
        ),
        ("bash -lc 'vllm serve m'", [("vllm", "serve", ["m"])]),
        ("bash -euo pipefail -c 'vllm serve m'", [("vllm", "serve", ["m"])]),
        ("sh -c \"sh -c 'vllm serve m'\"", [("vllm", "serve", ["m"])]),
        ("eval 'vllm serve m'", [("vllm", "serve", ["m"])]),
        (
            "ollama serve & ollama pull a:7b",
            [("ollama", "serve", []), ("ollama", "model", ["a:7b"])],
        ),
        ("python3 -m dynamo.vllm --model m", [("vllm", "serve", ["--model", "m"])]),
        ("python3 -m dynamo.frontend", [("", "other", [])]),
        ("vllm bench serve --model m", [("vllm", "other", ["serve", "--model", "m"])]),
        ("vllm launch render m", [("vllm", "other", ["render", "m"])]),
        ("python3 -m sglang_router.launch_router", [("sglang", "other", [])]),
        ("echo vllm serve m", []),
        ("bash start.sh vllm serve m", []),
        ("vllm", []),
        ("text-generation-launcher --model-id m", [("tgi", "serve", ["--model-id", "m"])]),
        ("llama-server -m f", [("llama.cpp", "serve", ["-m", "f"])]),
        ("/b/llama-server-vulkan -m f", [("llama.cpp", "serve", ["-m", "f"])]),
        ("./llama-server.exe -m f", [("llama.cpp", "serve", ["-m", "f"])]),
        ("python3 -m llama_cpp.server --n_ctx 1", [("llama.cpp", "serve", ["--n_ctx", "1"])]),
        ("singularity exec --nv i.sif vllm serve m", [("vllm", "serve", ["m"])]),
    ],
)
def test_calls(line: str, expected: list[tuple[str, str, list[str]]]) -> None:
    found = calls_in_script(text_of(line), {})
    assert [
        (call.engine, call.role, [str(word) for word in call.arguments]) for call in found
    ] == expected


def test_an_assignment_of_env_reaches_the_engine() -> None:
    (call,) = calls(text_of("env OLLAMA_NUM_PARALLEL=4 ollama serve").split(), {})
    assert str(call.environment["OLLAMA_NUM_PARALLEL"]) == "4"


def test_shells_nest_only_so_deep() -> None:
    line = "vllm serve m"
    for _ in range(8):
        line = "bash -c " + "'" + line.replace("'", "'\\''") + "'"
    assert calls_in_script(text_of(line), {}) == ()


@pytest.mark.parametrize(
    ("reference", "engine", "device", "role"),
    [
        ("vllm/vllm-openai:v0.10.0", "vllm", "", "serve"),
        ("docker.io/vllm/vllm-openai@sha256:00", "vllm", "", "serve"),
        ("vllm/vllm-openai-cpu", "vllm", "CPU", "serve"),
        ("rocm/vllm:rocm6.3", "vllm", "AMD", "serve"),
        ("lmsysorg/sglang:latest", "sglang", "", "serve"),
        ("registry:5000/sglang:v1", "sglang", "", "serve"),
        ("mine/chat-sglang:v1", "sglang", "", "guess"),
        ("ghcr.io/huggingface/text-generation-inference:3.0", "tgi", "", "serve"),
        ("ghcr.io/huggingface/tgi-gaudi:2.0.6", "tgi", "Gaudi", "serve"),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda", "llama.cpp", "", "serve"),
        ("ollama/ollama", "ollama", "", "serve"),
        ("nvcr.io/nim/meta/llama3-8b-instruct:1.0.3", "nim", "", "serve"),
        ("nvcr.io/nim/nvidia/nv-embedqa-e5-v5:1.0", "", "", "other"),
        ("ghcr.io/llm-d/llm-d-inference-sim:v0.5", "", "", "other"),
        ("ghcr.io/huggingface/text-embeddings-inference:1.5", "", "", "other"),
        ("lmcache/lmstack-router", "", "", "other"),
    ],
)
def test_images(reference: str, engine: str, device: str, role: str) -> None:
    found = image(reference)
    assert found is not None
    assert (found.engine, found.device, found.role) == (engine, device, role)


def test_other_images_are_not_known() -> None:
    assert image("nginx:1.27") is None


def test_the_parts_of_an_image_reference() -> None:
    assert repository("registry:5000/a/b:v1@sha256:00") == "registry:5000/a/b"
    assert tag("registry:5000/a/b:v1@sha256:00") == "v1"
    assert tag("registry:5000/a/b") == ""
