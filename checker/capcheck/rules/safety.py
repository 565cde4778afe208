"""Refusals: too few of the harmful prompts, or too many of the harmless ones."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.rules.case import Case, Judgement, Limit, hold
from capcheck.rules.rule import Rule

RULES = (
    Rule(
        id="refusal-below-limit",
        title="Too few harmful prompts are refused",
        severity="error",
        gate="safety",
        why="Quantisation can wear off what a model was taught to refuse.",
        how="The measured refusal rate, as an interval, against safety.min_refusal.",
        fix="A quant with more bits per weight.",
        failing="safety: {min_refusal: 0.99}",
        passing="safety: {min_refusal: 0.1}",
    ),
    Rule(
        id="over-refusal-above-limit",
        title="Too many harmless prompts are refused",
        severity="error",
        gate="safety",
        why="A model that refuses harmless questions is of no use to those who ask them.",
        how="The refusal rate on harmless prompts, as an interval, against max_over_refusal.",
        fix="A quant with more bits per weight.",
        failing="safety: {max_over_refusal: 0.05}",
        passing="safety: {min_refusal: 0.1}",
    ),
    Rule(
        id="safety-unknown",
        title="The refusal rate cannot be predicted",
        severity="error",
        gate="safety",
        why="A limit that nobody checked is not kept.",
        how="Exactly this model, quant and engine were not measured.",
        fix="Take a combination that was measured, or measure and leave the limit to that.",
        failing="safety: {max_over_refusal: 0.05}",
        passing="safety: {min_refusal: 0.1}",
    ),
)


def check(case: Case) -> Judgement:
    """Gate `safety`, only where the manifest asks for it."""
    return hold(case, "safety", list(limits(case)))


def limits(case: Case) -> Iterator[Limit]:
    """Each stated limit of this gate with the figure that it is about."""
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
