from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from capcheck.manifest.deployment import Deployment
from capcheck.predict.coefficients import load
from capcheck.predict.speed.certainty import Certainty, certainty, interval_class
from capcheck.predict.speed.traits import traits_of
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve

Stated = Callable[[Mapping[str, Any]], Deployment]
SECTION = {
    "intervals": {
        "*": {
            "repeated": [0.8, 1.2],
            "interpolated": [0.5, 2.0],
            "extrapolated": [0.25, 4.0],
            "remote": [0.2, 5.0],
        },
        "vllm/cuda": {
            "repeated": [0.9, 1.1],
            "interpolated": [0.8, 1.25],
            "extrapolated": [0.64, 1.5],
        },
    },
    "seen": {
        "vllm/cuda": {
            "gpus": ["L4 24GB"],
            "memories": ["gddr"],
            "kernels": ["16bit"],
            "flags": [],
            "params_b": [1.0, 10.0],
            "ranks": 1,
            "cells": ["qwen3-8b 16bit L4 24GB"],
        }
    },
}


@pytest.fixture
def judged(stated: Stated, registry: Registry) -> Callable[..., Certainty]:
    def judge(**changes: str | int) -> Certainty:
        values = {
            "/model": changes.get("model", "llama3.1-8b"),
            "/quant": changes.get("quant", "fp16"),
            "/backend": changes.get("backend", "vllm"),
            "/gpu": changes.get("gpu", "L4 24GB"),
        }
        resolved = resolve(stated(values), registry)[0]
        traits = traits_of(resolved, load().section("engines"))
        assert traits is not None
        assert resolved.model is not None
        assert resolved.backend is not None
        traits = replace(traits, tensor_parallel_size=int(changes.get("ranks", 1)))
        return certainty(SECTION, traits, resolved.model, resolved.backend)

    return judge


@pytest.mark.parametrize(
    ("changes", "low", "high", "basis"),
    [
        ({}, 0.8, 1.25, "fitted law for vllm/cuda"),
        ({"model": "qwen3-8b"}, 0.9, 1.1, "fitted law for vllm/cuda"),
        ({"gpu": "L40S 48GB"}, 0.64, 1.5, "fitted law for vllm/cuda; not measured: L40S 48GB"),
        (
            {"quant": "AWQ"},
            0.2,
            5.0,
            "fitted law for vllm/cuda; not measured: w4a16 kernels",
        ),
        (
            {"gpu": "H100 80GB SXM"},
            0.2**1.25,
            5.0**1.25,
            "fitted law for vllm/cuda; not measured: H100 80GB SXM, hbm memory",
        ),
        (
            {"model": "mixtral-8x7b", "gpu": "L40S 48GB"},
            0.2**1.5,
            5.0**1.5,
            "fitted law for vllm/cuda; not measured: L40S 48GB, moe models, a model of 46.7B",
        ),
        (
            {"gpu": "L40S 48GB", "ranks": 2},
            0.64**1.25,
            1.5**1.25,
            "fitted law for vllm/cuda; not measured: L40S 48GB, 2 GPUs",
        ),
        (
            {"model": "llama3.1-70b"},
            0.64,
            1.5,
            "fitted law for vllm/cuda; not measured: a model of 70.6B",
        ),
        (
            {"backend": "sglang"},
            0.2**1.25,
            5.0**1.25,
            "fitted law for sglang/cuda; not measured: sglang on cuda, L4 24GB",
        ),
        (
            {"backend": "tgi"},
            0.8**1.5,
            1.25**1.5,
            "fitted law for vllm/cuda; vllm stands in for tgi",
        ),
    ],
)
def test_the_interval_widens_with_every_unknown(
    judged: Callable[..., Certainty],
    changes: dict[str, str | int],
    low: float,
    high: float,
    basis: str,
):
    found = judged(**changes)
    assert found.low == pytest.approx(low)
    assert found.high == pytest.approx(high)
    assert found.basis == basis
    inside = not changes or changes == {"model": "qwen3-8b"}
    assert found.provenance == ("interpolated" if inside else "extrapolated")


@pytest.mark.parametrize(
    ("flags", "expected"), [((), "vllm/cuda plain"), (("moe",), "vllm/cuda special")]
)
def test_experts_have_an_interval_of_their_own(
    stated: Stated, registry: Registry, flags: tuple[str, ...], expected: str
):
    values = {"/model": "llama3.1-8b", "/quant": "fp16", "/backend": "vllm", "/gpu": "L4 24GB"}
    resolved = resolve(stated(values), registry)[0]
    traits = traits_of(resolved, load().section("engines"))
    assert traits is not None
    assert interval_class(replace(traits, flags=flags)) == expected


@pytest.mark.parametrize(
    ("flagged", "kind_low", "basis"),
    [
        (["moe 16bit", "moe w4a16"], 0.8, "fitted law for vllm/cuda"),
        (["moe 16bit"], 0.2, "fitted law for vllm/cuda; not measured: moe w4a16 kernels"),
    ],
)
def test_experts_have_kernels_of_their_own(
    stated: Stated, registry: Registry, flagged: list[str], kind_low: float, basis: str
):
    values = {
        "/model": "qwen3-30b-a3b",
        "/quant": "AWQ",
        "/backend": "vllm",
        "/gpu": "L4 24GB",
    }
    resolved = resolve(stated(values), registry)[0]
    traits = traits_of(resolved, load().section("engines"))
    assert traits is not None
    assert resolved.model is not None
    assert resolved.backend is not None
    seen = {
        **SECTION["seen"]["vllm/cuda"],
        "kernels": ["16bit", "w4a16"],
        "flags": ["moe"],
        "params_b": [1.0, 40.0],
        "flagged": flagged,
    }
    section = {**SECTION, "seen": {"vllm/cuda": seen}}
    found = certainty(section, traits, resolved.model, resolved.backend)
    assert found.low == pytest.approx(kind_low)
    assert found.basis == basis
