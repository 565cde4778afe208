"""The values of one deployment, as read and free of problems, to a Deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    LatencyLimit,
    QualityLimit,
    Replicas,
    SafetyLimit,
    Serving,
    Skip,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.manifest.expectation_fields import LATENCIES, PERCENTILES, PROFILES
from capcheck.manifest.read import Stated


def build(
    stated: Stated,
    path: str,
    architecture: Mapping[str, object] | None = None,
    environment: str | None = None,
    root: str = "",
) -> Deployment:
    """The deployment. `architecture` is what `model_config` points to, if it is stated.

    `environment` and `root` are those of the Deployment.
    """
    values, places = stated.values, stated.places
    own = _keys_of("", values)
    own.pop("replicas", None)
    for reference in ("from", "command", "vars", "env_files"):
        own.pop(reference, None)
    if own.pop("model_config", None):
        own["architecture"] = architecture
    return Deployment(
        name=stated.name,
        path=path,
        place=stated.place,
        places=places,
        replicas=_replicas(values),
        serving=Serving(**_keys_of("/serving", values)),
        traffic=_traffic(values) if "/traffic" in places else None,
        slo=_slo(values),
        quality=QualityLimit(**_keys_of("/quality", values)) if "/quality" in places else None,
        safety=SafetyLimit(**_keys_of("/safety", values)) if "/safety" in places else None,
        budget=Budget(**_keys_of("/budget", values)),
        alternatives=AlternativesScope(**_keys_of("/alternatives", values)),
        skip=Skip(**_keys_of("/skip", values)) if "/skip" in places else None,
        environment=environment,
        root=root,
        native=stated.native,
        **own,
    )


def _keys_of(parent: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one map, by the last part of their pointers: the dataclasses' own names."""
    split = ((pointer.rpartition("/"), value) for pointer, value in values.items())
    return {name: value for (above, _, name), value in split if above == parent}


def _replicas(values: Mapping[str, Any]) -> Replicas:
    number = values.get("/replicas", 1)
    # Scaled to zero there is nothing to check: the first replica is what must keep the SLOs.
    fewest = max(1, values.get("/replicas/min", number))
    return Replicas(fewest, values.get("/replicas/max", number))


def _traffic(values: Mapping[str, Any]) -> Traffic:
    profile = values.get("/traffic/profile")
    prompt, output = PROFILES[profile] if profile else (None, None)
    rate = "/traffic/requests_per_second"
    return Traffic(
        requests_per_second=values.get(rate, values.get(f"{rate}/mean")),
        peak_requests_per_second=values.get(f"{rate}/peak"),
        agents=values.get("/traffic/agents"),
        think_time_s=values.get("/traffic/think_time", 0.0) / 1000,
        prompt_tokens=_tokens("/traffic/prompt_tokens", values, prompt),
        output_tokens=_tokens("/traffic/output_tokens", values, output),
        profile=profile,
        burstiness=values.get("/traffic/burstiness", 1.0),
        routing=values.get("/traffic/routing", "round-robin"),
        prefix_cache_hit_rate=values.get("/traffic/prefix_cache_hit_rate", 0.0),
    )


def _tokens(pointer: str, values: Mapping[str, Any], preset: int | None) -> Tokens | None:
    mean = values.get(pointer, values.get(f"{pointer}/mean", preset))
    if mean is None:
        return None
    return Tokens(float(mean), values.get(f"{pointer}/p95"), values.get(f"{pointer}/max"))


def _slo(values: Mapping[str, Any]) -> Slo:
    pointers = (
        (metric, percentile, f"/slo/{metric}_p{percentile}")
        for metric in LATENCIES
        for percentile in PERCENTILES
    )
    return Slo(
        latency=tuple(
            LatencyLimit(metric, percentile, values[pointer], pointer)
            for metric, percentile, pointer in pointers
            if pointer in values
        ),
        max_utilisation=values.get("/slo/max_utilisation"),
        min_throughput_tok_s=values.get("/slo/min_throughput_tok_s"),
    )
