"""Refusals: too few of the harmful prompts, or too many of the harmless ones."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.rules.case import Case, Judgement, Limit, hold


def check(case: Case) -> Judgement:
    """Gate `safety`, only where the manifest asks for it."""
    return hold(case, "safety", list(_limits(case)))


def _limits(case: Case) -> Iterator[Limit]:
    stated, safety = case.deployment.safety, case.forecast.safety
    if stated is None:
        return
    if stated.min_refusal is not None:
        yield Limit(
            label="refusal of harmful prompts",
            estimate=safety.refusal,
            limit=stated.min_refusal,
            sense="min",
            unit="",
            pointer="/safety/min_refusal",
            rule="refusal-below-limit",
            unknown_rule="safety-unknown",
            related=("/quant", "/model"),
            fix="a quant with more bits per weight",
        )
    if stated.max_over_refusal is not None:
        yield Limit(
            label="refusal of harmless prompts",
            estimate=safety.over_refusal,
            limit=stated.max_over_refusal,
            sense="max",
            unit="",
            pointer="/safety/max_over_refusal",
            rule="over-refusal-above-limit",
            unknown_rule="safety-unknown",
            related=("/quant", "/model"),
            fix="a quant with more bits per weight",
        )
