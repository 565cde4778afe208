"""A few measurements of a card, a machine or a benchmark lower the error on its other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from capcheck.predict import coefficients
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.memory.device import memory
from capcheck.registry.tables import load as registry
from capcheck.resolution.resolve import resolve
from capfit.data.constants import Constant, tree
from capfit.data.rows import Decode, Prefill, Serving
from capfit.data.tables import read
from capfit.memory.cases import cases
from capfit.memory.llama_cpp import measured
from capfit.memory.section import Forms
from capfit.memory.section import laws as laws_of_memory
from capfit.quality.drops import CLASSES
from capfit.quality.section import section as quality_section
from capfit.quality.validate import divergences, drops
from capfit.refit import quality, speed
from capfit.refit.blend import blend, with_classes
from capfit.refit.load import load
from capfit.refit.measurement import Measurement
from capfit.refit.rows import Own, deployment_of
from capfit.speed.covariance import covariances
from capfit.speed.joint import Joint
from capfit.speed.points import points
from capfit.speed.section import laws

FOLDER = Path(__file__).parents[3] / "fitting" / "data"
OWN = 5


@lru_cache(maxsize=1)
def data():
    return read(FOLDER)


@lru_cache(maxsize=1)
def joint() -> Joint:
    tables = (Decode, Prefill, Serving)
    return Joint(points(cell for table in tables for cell in data().cells(table).kept))


def errors(rows: Sequence[Measurement], known: Coefficients) -> float:
    return fmean(abs(row.predicted(known) / row.measured - 1.0) for row in rows)


def before_and_after(
    own: Sequence[Measurement], rest: Sequence[Measurement], prior: Coefficients
) -> tuple[float, float]:
    """Mean errors on the rest, by the prior and by what own rows make of it."""
    found = blend(own[0].touched, own, prior)
    return errors(rest, prior), errors(rest, with_classes(prior, {found.touched: found.entry()}))


def with_sections(sections: dict[str, object]) -> Coefficients:
    shipped = coefficients.load()
    merged = {
        name: {**shipped.sections[name], **section} if name in sections else section
        for name, section in {**shipped.sections, **sections}.items()
    }
    return replace(shipped, sections=merged)


def unseen(gpu: str) -> Coefficients:
    """The speed laws of a fit that never met the card, and what it leaves open of it."""
    theta = joint().fit(without=np.array([point.gpu.name == gpu for point in joint().points]))
    open_to = covariances(joint(), theta)
    found = laws(joint(), theta)
    for name, classes in open_to.items():
        found[name]["prior_covariance"] = classes
    return with_sections(found)


def decode_rows(gpu: str, backend: str, prior: Coefficients) -> list[Measurement]:
    """The clean rates of one stream of an engine on a card."""
    found = []
    for cell in data().cells(Decode).kept:
        setting = cell.setting
        subject = (setting.gpu.name, setting.backend.name, setting.n_gpus, cell.metric)
        if subject != (gpu, backend, 1, "decode_tok_s"):
            continue
        row = Own(
            line=1,
            model=setting.model.name,
            quant=setting.quant.name,
            backend=backend,
            backend_version=setting.version,
            gpu=gpu,
            prompt_tokens=setting.prompt_tokens or 1.0,
            output_tokens=setting.output_tokens,
            metric="decode_tok_s",
            value=cell.value,
        )
        resolved, _ = resolve(deployment_of(row, FOLDER), registry())
        measurement = speed.measurement(row, resolved, prior)
        if measurement is not None and measurement.predicted(prior) > 0:
            found.append(measurement)
    return found


CARDS = (
    ("A100 80GB SXM", "vllm"),
    ("H20 96GB", "sglang"),
    ("Apple M3 Max 40c", "llama.cpp"),
)


def test_five_rows_of_a_card_that_the_fit_never_met_improve_its_other_rows():
    found = {}
    for gpu, backend in CARDS:
        prior = unseen(gpu)
        rows = decode_rows(gpu, backend, prior)
        mine = {int(i) for i in np.linspace(0, len(rows) - 1, OWN)}
        own = [row for i, row in enumerate(rows) if i in mine]
        rest = [row for i, row in enumerate(rows) if i not in mine]
        found[gpu] = before_and_after(own, rest, prior)
    assert all(after < before for before, after in found.values()), found
    assert fmean(a for _, a in found.values()) < 0.75 * fmean(b for b, _ in found.values())


def test_the_covariance_of_a_new_card_is_more_than_its_diagonal():
    for section, classes in covariances(joint(), joint().fit(iterations=5)).items():
        assert "vllm/cuda ada" in classes
        for matrix in map(np.array, classes.values()):
            assert np.allclose(matrix, matrix.T)
            assert np.linalg.eigvalsh(matrix).min() > 0
        if section == "decode":
            assert max(abs(matrix[0][1]) for matrix in classes.values()) > 0.05


def test_own_peaks_teach_an_engines_overhead_that_no_log_showed(tmp_path: Path):
    """Without the device peaks of one machine, llama.cpp's context is not known."""
    known = [case for case in cases(data()) if case.setting.source != "strixhalo_lhl"]
    constants = tree(data().rows(Constant))["memory"]
    law = laws_of_memory(known, constants, Forms())["llama.cpp"]
    assert law["context_gib"] == 0.0
    backends = coefficients.load().section("memory")["backends"]
    backends = {**backends, "llama.cpp": {**backends["llama.cpp"], **law}}
    prior = with_sections({"memory": {"backends": backends}})
    peaks = [
        case
        for case, metric, _ in measured(cases(data()))
        if metric == "device_peak_gib" and case.setting.condition("flash_attention")
    ]
    assert len(peaks) == 6
    table = tmp_path / "mine.csv"
    lines = [
        f"{case.setting.model.name},{case.setting.quant.name},llama.cpp,{case.setting.gpu.name},"
        f"{case.engine.max_model_len},vram_gib,{case.figures['device_peak_gib']}"
        for case in peaks
    ]
    table.write_text(
        "\n".join(["model,quant,backend,gpu,max_model_len,metric,value", *lines]) + "\n", "utf-8"
    )
    rows = load(table, registry(), prior)
    found = blend(rows[0].touched, rows, prior)
    assert found.touched == f"memory llama.cpp {peaks[0].setting.gpu.name}"
    assert found.after < found.before
    assert 0.2 < found.shift["overhead_gib"] < 0.5


def test_own_scores_move_a_formats_drop_towards_the_models_it_was_measured_on():
    """AWQ and its like, first known as Q4_K_M alone: five models speak for the other ten."""
    every = drops(data())
    others = [drop for drop in every if drop.kind != "4-bit weights"]
    constants = tree(data().rows(Constant))["quality"]
    constants = {**constants, "alike": {**constants["alike"], "AWQ": "Q4_K_M"}}
    prior = with_sections({"quality": quality_section(others, divergences(data()), constants)})
    assert CLASSES["4-bit weights"][0] == "AWQ"
    rows = []
    for drop in every:
        if drop.kind == "4-bit weights":
            row = Own(
                line=1,
                model=drop.model.name,
                quant="AWQ",
                backend="vllm",
                reference=drop.reference,
                n_items=drop.items,
                metric="score",
                value=drop.score,
            )
            resolved, _ = resolve(deployment_of(row, FOLDER), registry())
            measurement = quality.measurement(row, resolved, prior)
            assert measurement is not None
            rows.append(measurement)
    folds = [
        before_and_after(rows[i::3], [r for r in rows if r not in rows[i::3]], prior)
        for i in range(3)
    ]
    assert len(rows) == 15
    assert fmean(after for _, after in folds) <= fmean(before for before, _ in folds)


@pytest.mark.parametrize("version", ["0.11.0", "0.19.0"])
def test_own_kv_pools_move_what_an_engine_holds_beside_them(tmp_path: Path, version: str):
    prior = coefficients.load()
    name = "memory vllm RTX 4090 24GB"
    entry = {"shift": {"overhead_gib": 0.8}, "rows": 1, "cells": [], "interval": [1.0, 1.0]}
    truth = with_classes(prior, {name: entry})
    lines = ["model,quant,backend,backend_version,gpu,max_model_len,metric,value"]
    for model in ("llama3.1-8b", "qwen2.5-7b", "llama3.2-3b", "qwen2.5-3b", "mistral-7b"):
        row = Own(
            line=1,
            model=model,
            quant="FP16",
            backend="vllm",
            backend_version=version,
            gpu="RTX 4090",
            max_model_len=4096,
            metric="kv_cache_tokens",
            value=1.0,
        )
        resolved, _ = resolve(deployment_of(row, tmp_path), registry())
        tokens = memory(resolved, truth).kv_cache_tokens.value
        lines.append(f"{model},FP16,vllm,{version},RTX 4090,4096,kv_cache_tokens,{tokens}")
    table = tmp_path / "mine.csv"
    table.write_text("\n".join(lines) + "\n", "utf-8")
    rows = load(table, registry(), prior)
    found = blend(name, rows, prior)
    assert {row.touched for row in rows} == {name}
    assert found.shift["overhead_gib"] == pytest.approx(0.8, rel=0.1)
    assert found.after < 0.3 * found.before
    after = memory(rows[0].resolved, with_classes(prior, {name: found.entry()}))
    assert after.kv_cache_tokens.value == pytest.approx(rows[0].row.value, rel=0.03)
    assert "refit with 5 measurements of yours on RTX 4090 24GB" in after.needed.basis
