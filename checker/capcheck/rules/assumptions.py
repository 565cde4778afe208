"""Defaults that nobody stated and that turn a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="assumed-default-decides",
        title="A setting that nobody stated decides the verdict",
        severity="note",
        why="The default of another release, or one line in the manifest, turns the verdict.",
        how=(
            "A memory, latency or throughput gate does not pass, and the engine's default context "
            "or number of slots, which the manifest leaves out, is behind it."
        ),
        fix="State the setting.",
        failing="gpu: L4 24GB\nbackend: vllm",
        passing="gpu: L4 24GB\nserving: {max_model_len: 8192}",
    ),
)

_OF_LOAD = ("ttft", "tpot", "latency", "utilisation", "throughput")


def check(case: Case) -> Judgement:
    """Finding assumed-default-decides, of each setting that is behind a broken limit."""
    return Judgement((), tuple(_decisive(case)))


def _decisive(case: Case) -> Iterator[Finding]:
    engine, backend = case.resolved.engine, case.resolved.backend
    if engine is None or backend is None:
        return
    if _is_broken(case, "vram") and _fits_without_cache(case):
        yield from _said(case, "max_model_len", engine.max_model_len)
    if backend.batching == "slots" and any(_is_broken(case, name) for name in _OF_LOAD):
        yield from _said(case, "max_num_seqs", engine.max_num_seqs)


def _is_broken(case: Case, name: str) -> bool:
    gate = case.gates.get(name)
    return gate is not None and gate.verdict in ("fail", "borderline")


def _fits_without_cache(case: Case) -> bool:
    memory = case.forecast.memory
    others = sum(size for part, size in memory.parts.items() if part != "kv_cache")
    return bool(memory.parts) and others <= (memory.usable.value or 0.0)


def _said(case: Case, setting: str, value: int) -> Iterator[Finding]:
    origin = case.resolved.origins.get(setting)
    if origin is None or origin.stated:
        return
    yield Finding(
        rule="assumed-default-decides",
        severity="note",
        verdict="pass",
        message=f"{setting} {value:,} ({origin.text}) is behind this verdict and is not stated",
        place=case.deployment.at("/serving", "/backend"),
        fix=f"set serving.{setting}",
        subject=setting,
    )
