"""Can this engine load these weights, and keep this KV cache, on this GPU at all?"""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.registry import engine_defaults
from capcheck.registry.specs import BackendSpec, GpuSpec, QuantSpec
from capcheck.registry.support import CacheSupport, Support, kv_cache, weights
from capcheck.registry.versions import parse
from capcheck.resolution.resolved import Resolved
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="backend-unsupported-on-gpu",
        title="The engine does not run on this GPU",
        severity="error",
        gate="support",
        why="The container would start, find no kernel for the device and crash in a loop.",
        how="The support matrix is looked up by engine, version and the GPU's architecture.",
        fix="Take another engine or a newer GPU; the finding names what works.",
        failing='backend_version: "0.33.0"\ngpu: V100 16GB SXM2',
        passing='backend_version: "0.33.0"\ngpu: L4 24GB',
    ),
    Rule(
        id="quant-not-loadable",
        title="The engine cannot load this weight format",
        severity="error",
        gate="support",
        why="The server would refuse the checkpoint at start-up.",
        how="The support matrix is looked up by format, engine, version and GPU.",
        fix="Take a format that the engine loads, or the engine that loads this one.",
        failing="quant: AWQ\nbackend: ollama",
        passing="quant: Q4_K_M\nbackend: ollama",
    ),
    Rule(
        id="quant-without-speedup",
        title="The weight format saves memory but no time",
        severity="warning",
        why="Who quantises for speed gets none here, and pays in quality.",
        how="The support matrix lists formats whose kernels are no faster than 16 bit.",
        fix="Keep it for the memory, or take a format with faster kernels.",
        failing="quant: FP8\ngpu: A100 80GB SXM",
        passing="quant: FP8\ngpu: L4 24GB",
    ),
    Rule(
        id="quant-converted",
        title="The GPU runs the weight format in another one",
        severity="warning",
        why="Speed and memory are those of the format that really runs.",
        how=(
            "The support matrix lists formats that a GPU has no units for and the engine converts. "
            "A note when the manifest leaves the format to the checkpoint."
        ),
        fix="Take a GPU with native support, or a format that this GPU has units for.",
        failing="quant: BF16\ngpu: T4 16GB",
        passing="quant: BF16\ngpu: L4 24GB",
    ),
    Rule(
        id="quant-support-unknown",
        title="Nobody says whether the engine loads this weight format",
        severity="warning",
        why="The forecast assumes that it loads; a refusal at start-up would be a surprise.",
        how="No row of the support matrix answers for this format, engine and GPU.",
        fix="Try it once before relying on the forecast.",
        failing="quant: W8A8\nbackend: tgi",
        passing="quant: AWQ\nbackend: tgi",
    ),
    Rule(
        id="kv-cache-dtype-unsupported",
        title="The engine has no KV cache of this type on this GPU",
        severity="error",
        gate="support",
        why="The server would refuse the setting at start-up.",
        how="The KV cache table is looked up by type, engine and GPU.",
        fix="Take a type that the finding names, or leave kv_cache_dtype out.",
        failing="serving: {max_model_len: 8192, kv_cache_dtype: q8_0}\nbackend: vllm",
        passing="serving: {max_model_len: 8192, kv_cache_dtype: fp8}\nbackend: vllm",
    ),
    Rule(
        id="kv-cache-dtype-unverified",
        title="Nobody says whether the engine has this KV cache type on this GPU",
        severity="warning",
        why="The forecast assumes that it works; a refusal at start-up would be a surprise.",
        how="No row of the KV cache table answers for this type, engine and GPU.",
        fix="Try it once, or leave kv_cache_dtype out.",
        failing="serving: {max_model_len: 8192, kv_cache_dtype: fp8_e4m3fn}\nbackend: tgi",
        passing="serving: {max_model_len: 8192, kv_cache_dtype: auto}\nbackend: tgi",
    ),
)


def check(resolved: Resolved) -> Iterator[Finding]:
    """Look the deployment up in the support matrix.

    Findings backend-unsupported-on-gpu, quant-not-loadable, quant-without-speedup, quant-converted,
    quant-support-unknown, kv-cache-dtype-unsupported, kv-cache-dtype-unverified.
    """
    quant, backend, gpu = resolved.quant, resolved.backend, resolved.gpu
    if backend is None or gpu is None:
        return
    if quant is not None:
        version = parse(resolved.deployment.backend_version)
        answer = weights(quant=quant, backend=backend, gpu=gpu, version=version)
        yield from _weights(resolved, answer, quant, backend, gpu)
        if answer.about_engine:
            return
    dtype = _cache_type(resolved, backend)
    if dtype is not None:
        answer_for_cache = kv_cache(dtype=dtype, backend=backend, gpu=gpu)
        yield from _cache(resolved, answer_for_cache, dtype, backend, gpu)


def _weights(
    resolved: Resolved, answer: Support, quant: QuantSpec, backend: BackendSpec, gpu: GpuSpec
) -> Iterator[Finding]:
    deployment = resolved.deployment
    place, device = deployment.at("/quant", "/model"), _named(gpu)
    match answer.level:
        case "loads":
            return
        case "does-not-load" if answer.about_engine:
            yield Finding(
                rule="backend-unsupported-on-gpu",
                severity="error",
                verdict="fail",
                message=f"{backend.name} does not run on {device}: {answer.reason}",
                place=deployment.at("/backend"),
                related=deployment.at("/gpu"),
                fix=answer.fix,
            )
        case "does-not-load":
            yield Finding(
                rule="quant-not-loadable",
                severity="error",
                verdict="fail",
                message=f"{backend.name} does not load {quant.name} on {device}: {answer.reason}",
                place=place,
                related=deployment.at("/backend"),
                fix=answer.fix,
            )
        case "loads-without-gain":
            yield Finding(
                rule="quant-without-speedup",
                severity="warning",
                verdict="pass",
                message=f"{quant.name} loads but speeds nothing up on {device}: {answer.reason}",
                place=place,
                fix=answer.fix,
            )
        case "loads-converted":
            stated = "/quant" in deployment.places
            yield Finding(
                rule="quant-converted",
                severity="warning" if stated else "note",
                verdict="pass",
                message=f"{quant.name} does not run as such on {device}: {answer.reason}",
                place=place,
                fix=answer.fix,
            )
        case "unknown":
            yield Finding(
                rule="quant-support-unknown",
                severity="warning",
                verdict="pass",
                message=f"{answer.reason}: try it once before relying on this forecast",
                place=place,
                related=deployment.at("/backend"),
            )


def _cache(
    resolved: Resolved, answer: CacheSupport, dtype: str, backend: BackendSpec, gpu: GpuSpec
) -> Iterator[Finding]:
    place = resolved.deployment.at("/serving/kv_cache_dtype", "/backend")
    if answer.level == "does-not-load":
        yield Finding(
            rule="kv-cache-dtype-unsupported",
            severity="error",
            verdict="fail",
            message=(f"{backend.name} has no {dtype} KV cache on {_named(gpu)}: {answer.reason}"),
            place=place,
            related=resolved.deployment.at("/gpu"),
            fix=answer.fix,
        )
    elif answer.level == "unknown":
        yield Finding(
            rule="kv-cache-dtype-unverified",
            severity="warning",
            verdict="pass",
            message=f"a {dtype} KV cache with {backend.name}: {answer.reason}",
            place=place,
            related=resolved.deployment.at("/gpu"),
        )


def _cache_type(resolved: Resolved, backend: BackendSpec) -> str | None:
    """The KV-cache type in force, or the stated one when not all settings could be resolved."""
    if resolved.engine is not None:
        return resolved.engine.kv_cache_dtype
    settable = engine_defaults.flag(backend.name, "kv_cache_dtype")
    return resolved.deployment.serving.kv_cache_dtype if settable else None


def _named(gpu: GpuSpec) -> str:
    if gpu.compute_capability is None:
        return gpu.name
    return f"{gpu.name} (compute capability {gpu.compute_capability})"
