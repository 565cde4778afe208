"""The artifact's `memory` section: fitted laws, the engines' constants, and what both rest on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capfit.data.constants import Constant, sources, tree
from capfit.memory import llama_cpp, transformers, vllm
from capfit.memory.cases import Case, groups
from capfit.memory.intervals import bounds
from capfit.memory.residuals import FIXED, Laws, Residual, residuals
from capfit.speed.section import rounded

_OF_LLAMA_CPP = ("ollama", "llama.cpp", "llamafile")
_AS_VLLM = ("sglang", "tgi", "tensorrt-llm")
_CARRIED = "carried over from vLLM's logs, not measured on this engine"


@dataclass(frozen=True, slots=True)
class Forms:
    """The form of each law: transformers without and with a kernel, llama.cpp, vLLM."""

    eager: transformers.Form = transformers.FORMS[0]
    fused: transformers.FusedForm = transformers.FUSED_FORMS[0]
    buffers: llama_cpp.Form = llama_cpp.FORMS[0]
    startup: vllm.Form = vllm.FORMS[0]


def laws(
    cases: Sequence[Case],
    constants: Mapping[str, Any],
    forms: Forms,
    names: Collection[str] = ("transformers", "llama.cpp", "vllm"),
) -> dict[str, Any]:
    """The fitted laws by backend (all three unless named) with constants, without intervals."""
    backends = constants["backends"]
    found: dict[str, Any] = {name: dict(backends[name]) for name in names}
    if "transformers" in found:
        grown = found["transformers"]
        grown |= transformers.fit(cases, forms.eager)
        grown |= transformers.fit_fused(cases, grown, forms.fused)
    if "llama.cpp" in found:
        found["llama.cpp"] |= llama_cpp.fit(cases, backends["llama.cpp"], forms.buffers)
    if "vllm" in found:
        found["vllm"] |= vllm.fit(cases, backends["vllm"], forms.startup)
    return found


def held_out(
    cases: Sequence[Case], constants: Mapping[str, Any], forms: Forms
) -> list[tuple[Residual, Laws]]:
    """Every measurement by the laws that were fitted without its group, in order of group."""
    found: list[tuple[Residual, Laws]] = []
    every = laws(cases, constants, forms)
    for group in groups(cases):
        mine = [case for case in cases if case.group == group]
        touched = {case.backend for case in mine} & set(every)
        others = [case for case in cases if case.group != group]
        fitted = {**every, **laws(others, constants, forms, touched)}
        found += [(residual, fitted) for residual in residuals(mine, fitted)]
    return found


def intervals(
    found: Iterable[Residual], constants: Mapping[str, Any]
) -> dict[str, dict[str, list[float]]]:
    """The intervals of each law by the name of their key.

    llama.cpp's are no narrower than the stated one: platforms that nobody measured are in it.
    """
    by: dict[tuple[str, str], list[tuple[str, float]]] = {}
    for residual in found:
        key = (residual.case.backend, residual.kind)
        by.setdefault(key, []).append((residual.case.group, residual.off))

    def of(backend: str, kind: str) -> tuple[float, float]:
        return bounds(by.get((backend, kind), ()))

    least, most = constants["backends"]["llama.cpp"]["interval_gib"]

    def in_gib(kind: str) -> list[float]:
        low, high = of("llama.cpp", kind)
        return [min(low, least), max(high, most)]

    return {
        "transformers": {"interval": [math.exp(end) for end in of("transformers", "interval")]},
        "llama.cpp": {kind: in_gib(kind) for kind in ("interval_gib", "interval_gib_unfused")},
        "vllm": {"interval": [math.exp(end) for end in of("vllm", "interval")]},
    }


def section(
    cases: Sequence[Case], rows: Iterable[Constant], forms: Forms | None = None
) -> dict[str, Any]:
    """The whole section. Engines without measurements carry the laws of those that have them."""
    rows = list(rows)
    constants, forms = tree(rows)["memory"], forms or Forms()
    fitted = laws(cases, constants, forms)
    out = held_out(cases, constants, forms)
    found = intervals((residual for residual, _ in out), constants)
    backends: dict[str, Any] = {}
    for name, stated in constants["backends"].items():
        law = dict(stated)
        if name in fitted:
            law |= {**fitted[name], **found[name]}
        elif name in _OF_LLAMA_CPP:
            law |= {"context_gib": fitted["llama.cpp"]["context_gib"], **found["llama.cpp"]}
        elif name in _AS_VLLM:
            law |= _carried(stated, fitted["vllm"])
        stated_sources = sources(rows, f"memory/backends/{name}/")
        said = {key: text for key, text in stated_sources.items() if key not in _PLAIN}
        if family := _family(name):
            law["seen"] = _seen(residual for residual, _ in out if residual.case.backend == family)
        backends[name] = {**law, "evidence": {**said, **_evidence(name, out)}}
    return {"backends": backends}


_PLAIN = ("measured", "basis")


def _family(name: str) -> str | None:
    """The backend whose measurements speak for this one, None where only its law is carried."""
    if name in _AS_VLLM:
        return None
    return "llama.cpp" if name in _OF_LLAMA_CPP else name


def _seen(found: Iterable[Residual]) -> dict[str, list[float]]:
    """The range in which a law interpolates: billions of parameters, least and most."""
    sizes = [residual.case.setting.model.params_b for residual in found]
    return {"params_b": [rounded(min(sizes), 3), rounded(max(sizes), 3)]}


def _carried(stated: Mapping[str, Any], law: Mapping[str, Any]) -> dict[str, Any]:
    newest = law["eras"][-1]
    overheads = {name: size for name, size in newest.items() if name.startswith("overhead")}
    return {
        "eras": [{**overheads, **era} for era in stated["eras"]],
        "streaming_widths": law["streaming_widths"],
        "graphs_gib": law["graphs_gib"],
    }


def _evidence(name: str, out: Iterable[tuple[Residual, Laws]]) -> dict[str, str]:
    """What the fitted numbers rest on: cells, models, and the error on models held out."""
    if name in _AS_VLLM:
        return dict.fromkeys(("streaming_widths", "graphs_gib", "overhead_gib"), _CARRIED)
    family = _family(name)
    mine = [residual for residual, _ in out if residual.case.backend == family]

    def told(kept: Sequence[Residual]) -> str:
        errors = [abs(r.predicted / r.measured - 1.0) for r in kept]
        models = len({r.case.group for r in kept})
        return (
            f"{len(kept)} cells, {models} models; leave one model out: mean error "
            f"{100 * sum(errors) / len(errors):.1f} %, worst {100 * max(errors):.1f} %"
        )

    if family == "transformers":
        with_kernel = [r for r in mine if r.metric == transformers.FUSED_PEAK]
        without = [r for r in mine if r.metric in transformers.EAGER]
        after = [r for r in mine if r.metric == transformers.AFTER_RUN]
        return {
            "logits_copies": f"TR127 6.2 and TR123 8.2, eager attention: {told(without)}",
            "eager_widths": f"as logits_copies: {told(without)}",
            "workspace_gib": f"as logits_copies: {told(without)}",
            "fused_widths": f"Qwen speed benchmark, flash attention: {told(with_kernel)}",
            "interval": f"all of these cells; what stays after a run: {told(after)}",
        }
    if family == "llama.cpp":
        usual = [r for r in mine if r.kind == "interval_gib"]
        unfused = [r for r in mine if r.kind != "interval_gib"]
        return {
            "context_gib": f"device peaks on ROCm and Vulkan, CUDA and Metal logs: {told(usual)}",
            "interval_gib": f"with flash attention: {told(usual)}",
            "interval_gib_unfused": f"without: {told(unfused)}",
        }
    pools = [residual for residual in mine if residual.metric != FIXED]
    return {
        "eras.logits_copies": f"pools of H100 start-up logs: {told(pools)}",
        "eras.overhead_gib": "non-torch memory, median of the logs of an era",
        "eras.overhead_gib_multi_gpu": "the same with tensor parallelism (collectives' buffers)",
        "streaming_widths": "dense models whose vocabulary is small, same logs",
        "graphs_gib": "base and per layer, least squares over models of the same logs, one GPU",
        "interval": "weights, activation and overhead of a model held out, worst log of each",
    }
