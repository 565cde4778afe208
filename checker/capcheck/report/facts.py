"""The settings in force, as the report's `resolved`: each value with its origin."""

from __future__ import annotations

from capcheck.report.document import Fact, Scalar
from capcheck.resolution.resolved import Engine, Resolved

# `Engine` fields that are settings; the bytes per element only repeat the KV cache's dtype.
ENGINE_FIELDS = (
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "data_parallel_size",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "memory_fraction",
    "kv_cache_dtype",
    "enable_prefix_caching",
    "enable_chunked_prefill",
    "enforce_eager",
    "max_queue",
)

TRAFFIC_FIELDS = (
    "requests_per_second",
    "peak_requests_per_second",
    "agents",
    "prompt_tokens",
    "output_tokens",
)


def facts(resolved: Resolved) -> dict[str, Fact]:
    """One entry per setting; the value of a name that could not be resolved is None."""
    stated = resolved.deployment
    values: dict[str, Scalar] = {
        "model": resolved.model.name if resolved.model else None,
        "quant": resolved.quant.name if resolved.quant else None,
        "backend": resolved.backend.name if resolved.backend else None,
        "backend_version": stated.backend_version,
        "gpu": resolved.gpu.name if resolved.gpu else None,
        "gpus_per_replica": resolved.gpus_per_replica,
        "replicas": resolved.replicas_min,
        "replicas_max": resolved.replicas_max,
        "usd_per_gpu_hour": resolved.price.usd_per_gpu_hour if resolved.price else None,
        **_engine(resolved.engine),
        **_traffic(resolved),
    }
    written: dict[str, Scalar] = {
        "model": stated.model,
        "quant": stated.quant,
        "backend": stated.backend,
        "gpu": stated.gpu,
    }
    return {name: _fact(resolved, name, value, written.get(name)) for name, value in values.items()}


def _fact(resolved: Resolved, name: str, value: Scalar, written: Scalar) -> Fact:
    origin = resolved.origins.get(name)
    if origin is not None:
        return {
            "value": value,
            "origin": origin.text,
            "stated": origin.stated,
            "written": written,
        }
    place = _place_of(resolved, name)
    return {
        "value": value,
        "origin": place or ("not stated" if value is None else "default"),
        "stated": place is not None,
        "written": written,
    }


def _place_of(resolved: Resolved, name: str) -> str | None:
    """Where the manifest states a field that needed no resolving (the traffic)."""
    places = resolved.deployment.places
    for pointer in (f"/traffic/{name}", f"/serving/{name}", f"/{name}"):
        if pointer in places:
            return f"{places[pointer].path}:{places[pointer].line}"
    profile = resolved.deployment.traffic and resolved.deployment.traffic.profile
    return f"profile {profile}" if profile and name in ("prompt_tokens", "output_tokens") else None


def _engine(engine: Engine | None) -> dict[str, Scalar]:
    return {name: None if engine is None else getattr(engine, name) for name in ENGINE_FIELDS}


def _traffic(resolved: Resolved) -> dict[str, Scalar]:
    traffic = resolved.deployment.traffic
    if traffic is None:
        return dict.fromkeys(TRAFFIC_FIELDS)
    return {
        "requests_per_second": traffic.requests_per_second,
        "peak_requests_per_second": traffic.peak_requests_per_second,
        "agents": traffic.agents,
        "prompt_tokens": traffic.prompt_tokens.mean if traffic.prompt_tokens else None,
        "output_tokens": traffic.output_tokens.mean if traffic.output_tokens else None,
    }
