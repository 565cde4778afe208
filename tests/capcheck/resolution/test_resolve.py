"""From a stated deployment to what is in force: specs, settings, origins, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.resolution.resolved import Resolved

Build = Callable[[Mapping[str, Any]], Deployment]
Values = dict[str, Any]

VLLM: Values = {"/model": "llama3.1-8b", "/backend": "vllm", "/gpu": "L4"}
OLLAMA: Values = {"/model": "llama3.2:3b", "/backend": "ollama", "/gpu": "RTX 4060 8GB"}


def said(deployment: Deployment, findings: tuple[Finding, ...]) -> list[tuple[str, str, str, str]]:
    """(rule, severity, verdict, pointer); no pointer where the deployment's name is meant."""
    pointers = {place: pointer for pointer, place in deployment.places.items()}
    return [
        (found.rule, found.severity, found.verdict, pointers.get(found.place, ""))
        for found in findings
    ]


def origins(resolved: Resolved) -> dict[str, str]:
    return {name: origin.text for name, origin in resolved.origins.items()}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (VLLM, []),
        (OLLAMA, []),
        (
            VLLM | {"/model": "lama3.1-8b"},
            [("unknown-model", "error", "cannot-predict", "/model")],
        ),
        ({"/backend": "vllm", "/gpu": "L4"}, [("missing-model", "error", "cannot-predict", "")]),
        (VLLM | {"/gpu": "L5"}, [("unknown-gpu", "error", "cannot-predict", "/gpu")]),
        (
            {"/model": "phi-2", "/backend": "vllm"},
            [("missing-gpu", "error", "cannot-predict", "")],
        ),
        (
            VLLM | {"/backend": "vlm"},
            [("unknown-backend", "error", "cannot-predict", "/backend")],
        ),
        (
            VLLM | {"/backend": "exllamav3"},
            [("unknown-backend", "error", "cannot-predict", "/backend")],
        ),
        (
            {"/model": "phi-2", "/gpu": "L4"},
            [("missing-backend", "error", "cannot-predict", "")],
        ),
        (VLLM | {"/quant": "q9_x"}, [("unknown-quant", "error", "cannot-predict", "/quant")]),
        # An unknown GPU has no price either: one cause, one finding, budget or not.
        (
            VLLM | {"/gpu": "L5", "/budget/monthly_usd": 100},
            [("unknown-gpu", "error", "cannot-predict", "/gpu")],
        ),
        (VLLM | {"/gpu": "A10G"}, [("unknown-price", "note", "pass", "/gpu")]),
        (
            VLLM | {"/gpu": "A10G", "/budget/monthly_usd": 100},
            [("unknown-price", "error", "cannot-predict", "/gpu")],
        ),
        (VLLM | {"/gpu": "A10G", "/usd_per_gpu_hour": 1.5, "/budget/monthly_usd": 100}, []),
        (
            VLLM | {"/provider": "nosuchcloud", "/budget/monthly_usd": 100},
            [("unknown-price", "error", "cannot-predict", "/provider")],
        ),
        (VLLM | {"/gpu": "A100 80GB"}, [("ambiguous-gpu", "note", "pass", "/gpu")]),
        (VLLM | {"/gpu": "A100 80GB SXM"}, []),
        (
            OLLAMA | {"/gpu": "Apple M2 Max 38c", "/usd_per_gpu_hour": 0.02},
            [("unknown-vram", "error", "cannot-predict", "/gpu")],
        ),
        (OLLAMA | {"/gpu": "Apple M2 Max 38c", "/usd_per_gpu_hour": 0.02, "/vram_gib": 48}, []),
        (
            VLLM | {"/backend_version": "latest"},
            [("backend-version-unpinned", "note", "pass", "/backend_version")],
        ),
        (VLLM | {"/backend_version": "v0.11.2"}, []),
        (
            VLLM | {"/model": "granite4.1-30b"},
            [("missing-max-model-len", "error", "cannot-predict", "/model")],
        ),
        (VLLM | {"/model": "qwen2-7b", "/serving/max_model_len": 4096}, []),
        (
            VLLM | {"/model": "Qwen/Qwen2.5-7B-Instruct-AWQ", "/quant": "fp8"},
            [("quant-contradicts-name", "warning", "pass", "/quant")],
        ),
        (VLLM | {"/model": "Qwen/Qwen2.5-7B-Instruct-AWQ", "/quant": "awq"}, []),
        # A bare tag's quant is only what `ollama pull` takes by default: no contradiction.
        (OLLAMA | {"/quant": "Q8_0"}, []),
        (
            OLLAMA | {"/model": "llama3.2:3b-instruct-q4_K_M", "/quant": "Q8_0"},
            [("quant-contradicts-name", "warning", "pass", "/quant")],
        ),
        (VLLM | {"/gpu": "2x L4"}, []),
        (OLLAMA | {"/serving/tensor_parallel_size": 1}, []),
        (
            VLLM | {"/gpu": "2x L4", "/gpus_per_replica": 4},
            [("gpu-count-contradicts", "warning", "pass", "/gpus_per_replica")],
        ),
        (
            VLLM | {"/serving/kv_cache_dtype": "fp17"},
            [("unknown-kv-cache-dtype", "error", "cannot-predict", "/serving/kv_cache_dtype")],
        ),
        (
            OLLAMA | {"/serving/tensor_parallel_size": 2},
            [("setting-ignored", "warning", "pass", "/serving/tensor_parallel_size")],
        ),
        (
            VLLM | {"/serving/mem_fraction_static": 0.8},
            [("setting-ignored", "warning", "pass", "/serving/mem_fraction_static")],
        ),
    ],
)
def test_findings(
    stated: Build, registry: Registry, values: Values, expected: list[tuple[str, str, str, str]]
):
    deployment = stated(values)
    _, findings = resolve(deployment, registry)
    assert said(deployment, findings) == expected


CONFIG = {
    "hidden_size": 2048,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "intermediate_size": 8192,
    "vocab_size": 32000,
    "max_position_embeddings": 4096,
    "torch_dtype": "float16",
}


@pytest.mark.parametrize("name", ["acme/tiny-1b", "llama3.1-8b", None])
def test_an_inline_architecture_wins_over_the_registry(
    stated: Build, registry: Registry, name: str | None
):
    values = {"/architecture": CONFIG, "/backend": "vllm", "/gpu": "L4"}
    resolved, findings = resolve(stated(values | ({"/model": name} if name else {})), registry)
    assert findings == ()
    assert resolved.model is not None
    assert resolved.model.name == (name or "chat (inline)")
    assert (resolved.model.n_layers, resolved.model.n_kv_heads) == (24, 4)
    assert resolved.quant is not None
    assert resolved.quant.name == "FP16"
    assert resolved.engine is not None
    assert resolved.engine.max_model_len == 4096
    assert origins(resolved)["model"] == "capcheck.yaml:3"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"hidden_size": 2048}, "architecture: num_"),
        (CONFIG | {"hidden_size": -1}, "architecture: hidden_size: found -1"),
        ({}, "architecture: "),
    ],
)
def test_an_architecture_that_does_not_describe_a_model(
    stated: Build, registry: Registry, config: Values, message: str
):
    deployment = stated({"/architecture": config, "/backend": "vllm", "/gpu": "L4"})
    resolved, findings = resolve(deployment, registry)
    assert said(deployment, findings) == [
        ("incomplete-architecture", "error", "cannot-predict", "/architecture")
    ]
    assert findings[0].message.startswith(message)
    assert resolved.model is None


def test_everything_unknown_is_said_once_each(stated: Build, registry: Registry):
    deployment = stated(
        {"/model": "no-such", "/quant": "no-such", "/backend": "no-such", "/gpu": "no-such"}
    )
    resolved, findings = resolve(deployment, registry)
    assert [found.rule for found in findings] == [
        "unknown-model",
        "unknown-quant",
        "unknown-backend",
        "unknown-gpu",
    ]
    assert (resolved.model, resolved.quant, resolved.backend, resolved.gpu) == (None,) * 4
    assert resolved.engine is None
    assert resolved.gpus_per_replica == 1


@pytest.mark.parametrize(
    ("values", "message", "fix"),
    [
        (
            VLLM | {"/backend": "vlm"},
            "backend 'vlm' is not in the registry; did you mean vllm?",
            "use a name of `capcheck list backends`",
        ),
        (
            OLLAMA | {"/serving/tensor_parallel_size": 2},
            "ollama has no tensor_parallel_size: 2 has no effect",
            "use gpus_per_replica: ollama splits layers over them",
        ),
        (
            VLLM | {"/serving/mem_fraction_static": 0.8},
            "vllm has no mem_fraction_static: 0.8 has no effect",
            "use gpu_memory_utilization (--gpu-memory-utilization), which is another share: "
            "do not copy it",
        ),
        (
            OLLAMA | {"/serving/gpu_memory_utilization": 0.8},
            "ollama has no gpu_memory_utilization: 0.8 has no effect",
            "remove it: ollama takes what model and context need",
        ),
        (
            VLLM | {"/gpu": "A100 80GB"},
            "A100 80GB may be A100 80GB SXM (assumed) or A100 80GB PCIe: write the one you have; "
            "intervals span them all",
            "write gpu: A100 80GB SXM",
        ),
        (
            VLLM | {"/model": "Qwen/Qwen2.5-7B-Instruct-AWQ", "/quant": "fp8"},
            "quant says FP8, but the name Qwen/Qwen2.5-7B-Instruct-AWQ says AWQ; FP8 is assumed",
            "remove quant, or write quant: AWQ",
        ),
    ],
)
def test_messages(stated: Build, registry: Registry, values: Values, message: str, fix: str):
    _, findings = resolve(stated(values), registry)
    assert [(found.message, found.fix) for found in findings] == [(message, fix)]


@pytest.mark.parametrize(
    ("values", "quant", "origin"),
    [
        (VLLM, "BF16", "checkpoint"),
        (VLLM | {"/quant": "fp16"}, "FP16", "capcheck.yaml:6"),
        (VLLM | {"/model": "gpt-oss-20b"}, "MXFP4", "checkpoint"),
        (VLLM | {"/model": "Qwen/Qwen2.5-7B-Instruct-AWQ"}, "AWQ", "name suffix"),
        (OLLAMA, "Q4_K_M", "registry default of the bare tag"),
        (OLLAMA | {"/model": "llama3.2:1b"}, "Q8_0", "registry default of the bare tag"),
        (OLLAMA | {"/model": "llama3.2-1b"}, "Q8_0", "default of the tag llama3.2:1b"),
        (OLLAMA | {"/model": "llama3.1:8b-instruct-q5_K_M"}, "Q5_K_M", "model tag"),
        (OLLAMA | {"/quant": "FP16"}, "F16", "capcheck.yaml:6"),
        # What a bare tag pulls is Ollama's business alone.
        (VLLM | {"/model": "llama3.2:1b"}, "BF16", "checkpoint"),
        (VLLM | {"/backend": "llama.cpp"}, "BF16 (GGUF)", "checkpoint"),
    ],
)
def test_quant(stated: Build, registry: Registry, values: Values, quant: str, origin: str):
    resolved, _ = resolve(stated(values), registry)
    assert resolved.quant is not None
    assert (resolved.quant.name, origins(resolved)["quant"]) == (quant, origin)


@pytest.mark.parametrize(
    ("values", "gpus", "origin"),
    [
        (VLLM, 1, "tensor x pipeline x data parallel size"),
        (
            VLLM | {"/serving/tensor_parallel_size": 4, "/serving/pipeline_parallel_size": 2},
            8,
            None,
        ),
        (VLLM | {"/serving/data_parallel_size": 2}, 2, None),
        (VLLM | {"/gpus_per_replica": 4}, 4, "capcheck.yaml:6"),
        (VLLM | {"/gpu": "2x L4"}, 2, "capcheck.yaml:5"),
        (VLLM | {"/gpu": "2x L4", "/gpus_per_replica": 4}, 4, "capcheck.yaml:6"),
        # Ollama has no tensor parallelism, but two GPUs are meant: its layers are split over them.
        (OLLAMA | {"/serving/tensor_parallel_size": 2}, 2, None),
    ],
)
def test_gpus_per_replica(
    stated: Build, registry: Registry, values: Values, gpus: int, origin: str | None
):
    resolved, _ = resolve(stated(values), registry)
    assert resolved.gpus_per_replica == gpus
    assert origin in (None, origins(resolved)["gpus_per_replica"])


@pytest.mark.parametrize(
    ("values", "usable", "reserved"),
    [
        (VLLM, 22.16, 0.0),
        (VLLM | {"/vram_gib": 20}, 20, 0.0),
        (VLLM | {"/reserved_gib": 1.5}, 22.16, 1.5),
        (VLLM | {"/gpu": "nonsense", "/vram_gib": 20}, 20, 0.0),
    ],
)
def test_memory(stated: Build, registry: Registry, values: Values, usable: float, reserved: float):
    resolved, _ = resolve(stated(values), registry)
    assert (resolved.usable_gib, resolved.reserved_gib) == (usable, reserved)


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        ({}, 1, 1),
        ({"/replicas": 3}, 3, 3),
        ({"/replicas/min": 0, "/replicas/max": 4}, 1, 4),
        ({"/replicas/min": 2, "/replicas/max": 4}, 2, 4),
    ],
)
def test_replicas(stated: Build, registry: Registry, values: Values, least: int, most: int):
    resolved, _ = resolve(stated(VLLM | values), registry)
    assert (resolved.replicas_min, resolved.replicas_max) == (least, most)


def test_a_stated_price(stated: Build, registry: Registry):
    values = VLLM | {"/usd_per_gpu_hour": 0.81, "/provider": "ours"}
    resolved, _ = resolve(stated(values), registry)
    assert resolved.price is not None
    assert resolved.price.usd_per_gpu_hour == 0.81
    assert (resolved.price.kind, resolved.price.provider) == ("stated", "ours")
    assert resolved.price_variants == (resolved.price,)
    assert resolved.origins["usd_per_gpu_hour"].stated


def test_an_ambiguous_gpu_keeps_its_variants(stated: Build, registry: Registry):
    resolved, _ = resolve(stated(VLLM | {"/gpu": "A100 80GB"}), registry)
    assert [gpu.name for gpu in resolved.gpu_variants] == ["A100 80GB SXM", "A100 80GB PCIe"]
    assert resolved.gpu is resolved.gpu_variants[0]


def test_a_version_in_the_backends_name_is_in_force(stated: Build, registry: Registry):
    resolved, findings = resolve(stated(VLLM | {"/backend": "vllm 0.19.1"}), registry)
    assert findings == ()
    assert resolved.deployment.backend_version == "0.19.1"
    assert resolved.engine is not None
    assert resolved.engine.memory_fraction == 0.90
    assert origins(resolved)["memory_fraction"] == "default of vllm 0.19.1"


def test_origins(stated: Build, registry: Registry):
    values = VLLM | {"/serving/max_model_len": 8192, "/serving/enforce_eager": True}
    resolved, _ = resolve(stated(values), registry)
    found = origins(resolved)
    assert found["model"] == "capcheck.yaml:3"
    assert found["backend"] == "capcheck.yaml:4"
    assert found["gpu"] == "capcheck.yaml:5"
    assert found["max_model_len"] == "capcheck.yaml:6"
    assert found["enforce_eager"] == "capcheck.yaml:7"
    assert found["max_num_seqs"] == "default of vllm 0.33.0"
    assert found["backend_version"] == "not stated: newest known, 0.33.0"
    assert found["replicas"] == "default"
    stated_ones = {name for name, origin in resolved.origins.items() if origin.stated}
    assert stated_ones == {"model", "backend", "gpu", "max_model_len", "enforce_eager"}


def test_every_backend_on_every_gpu_resolves(stated: Build, registry: Registry):
    for backend in registry.backends:
        for gpu in registry.gpus:
            values = {"/model": "llama3.1-8b", "/backend": backend.name, "/gpu": gpu.name}
            resolved, _ = resolve(stated(values), registry)
            assert resolved.engine is not None
            assert resolved.engine.max_model_len >= 2048
            assert resolved.engine.max_num_seqs >= 1
            fraction = resolved.engine.memory_fraction
            assert fraction is None or 0.0 <= fraction <= 1.0
            assert (resolved.engine.kv_cache_tokens is None) is (backend.memory_model != "allocate")


def test_every_model_resolves_with_its_own_quant(stated: Build, registry: Registry):
    for model in registry.models:
        for backend in ("vllm", "ollama", "llama.cpp"):
            values = {"/model": model.name, "/backend": backend, "/gpu": "H200 141GB SXM"}
            resolved, findings = resolve(stated(values), registry)
            assert resolved.model == model
            blocking = {found.rule for found in findings if found.severity == "error"}
            assert blocking <= {"missing-max-model-len", "missing-quant"}
            assert (resolved.quant is None) is ("missing-quant" in blocking)
