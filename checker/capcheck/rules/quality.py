"""The benchmark score, or its drop against the unquantised reference, against the floor."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement, Limit, hold
from capcheck.rules.rule import Rule

# Fewer items than this and the score's own noise exceeds any tier (20 items: ±20 points).
FEW_ITEMS = 200

RULES = (
    Rule(
        id="quality-below-floor",
        title="The benchmark score is below the floor, or its drop above the limit",
        severity="error",
        gate="quality",
        why="Answers get worse than was agreed.",
        how=(
            "The score on the named benchmark, or what the quant costs of it, as an interval, "
            "against quality.min_score or quality.max_drop. A warning when the limit lies inside."
        ),
        fix="A quant with more bits per weight, or a better model.",
        failing="quality: {benchmark: composite_tr133, min_score: 0.95}",
        passing="quality: {benchmark: composite_tr133, min_score: 0.3}",
    ),
    Rule(
        id="quality-unknown",
        title="The score cannot be predicted",
        severity="error",
        gate="quality",
        why="A floor that nobody checked is not kept.",
        how="The model was not measured on the named benchmark, in no reference format.",
        fix="Name a benchmark that the finding lists, or a model that was measured.",
        failing="quality: {benchmark: gsm8k, min_score: 0.6}",
        passing="quality: {benchmark: composite_tr133, min_score: 0.3}",
    ),
    Rule(
        id="quality-concerning",
        title="The quant costs much quality",
        severity="warning",
        why="Below about 4 bits small models lose more than users forgive.",
        how="The drop against the same model unquantised is in TR133's tiers above 10 points.",
        fix="A quant with more bits per weight.",
        failing="quant: Q2_K\nmodel: llama3.2-3b",
        passing="quant: Q4_K_M\nmodel: llama3.2-3b",
    ),
    Rule(
        id="quant-unproven",
        title="Nobody measured what this quant costs",
        severity="note",
        why="The loss may be nothing or much; no limit guards it here.",
        how=(
            "Neither this model nor another was scored in this format, and the manifest states no "
            "quality limit."
        ),
        fix="Take a format with published scores, or state a quality limit and measure.",
        failing="quant: NF4\nmodel: llama3.1-8b",
        passing="quant: AWQ\nmodel: llama3.1-8b",
    ),
    Rule(
        id="quality-few-items",
        title="The score rests on few items",
        severity="warning",
        why="With 20 items the noise alone is 20 points.",
        how="The benchmark's items behind the score number fewer than 200, and a limit is stated.",
        fix="Name a benchmark with more items, or measure with more.",
        failing="quality: {benchmark: arc_challenge, min_score: 0.2}",
        passing="quality: {benchmark: mmlu, min_score: 0.3}",
    ),
)


def check(case: Case) -> Judgement:
    """Gate `quality`; findings quality-below-floor, quality-unknown, quality-concerning, ..."""
    judgement = hold(case, "quality", list(limits(case)))
    return Judgement(judgement.gates, (*judgement.findings, *_warnings(case)))


def limits(case: Case) -> Iterator[Limit]:
    """Each stated limit of this gate with the figure that it is about."""
    stated, quality = case.deployment.quality, case.forecast.quality
    if stated is None:
        return
    benchmark = stated.benchmark or quality.benchmark or "quality"
    if stated.min_score is not None:
        yield Limit(
            label=benchmark,
            estimate=quality.score,
            limit=stated.min_score,
            sense="min",
            unit="",
            pointer="/quality/min_score",
            rule="quality-below-floor",
            unknown_rule="quality-unknown",
            related=("/quant", "/model"),
            fix="a quant with more bits per weight, or a better model",
        )
    if stated.max_drop is not None:
        yield Limit(
            label=f"drop of {benchmark} by quantisation",
            estimate=quality.drop,
            limit=stated.max_drop,
            sense="max",
            unit="",
            pointer="/quality/max_drop",
            rule="quality-below-floor",
            unknown_rule="quality-unknown",
            related=("/quant", "/model"),
            fix="a quant with more bits per weight",
        )


def _warnings(case: Case) -> Iterator[Finding]:
    quality, deployment = case.forecast.quality, case.deployment
    drop = quality.drop.value
    if quality.tier in ("concerning", "unacceptable") and drop is not None:
        yield Finding(
            rule="quality-concerning",
            severity="warning",
            verdict="pass",
            message=(
                f"{quality.benchmark} drops {100 * drop:.1f} points against the reference of the "
                f"same variant: {quality.tier}"
            ),
            place=deployment.at("/quant", "/model"),
            fix="a quant with more bits per weight",
        )
    if deployment.quality is None and case.resolved.quant and case.resolved.model and drop is None:
        yield Finding(
            rule="quant-unproven",
            severity="note",
            verdict="pass",
            message=f"what {case.resolved.quant.name} costs in quality is not known: "
            f"{quality.drop.basis}",
            place=deployment.at("/quant", "/model"),
            fix="take a format with published scores, or state a quality limit and measure",
        )
    few = quality.n_items is not None and quality.n_items < FEW_ITEMS
    if few and deployment.quality is not None:
        yield Finding(
            rule="quality-few-items",
            severity="warning",
            verdict="pass",
            message=f"the {quality.benchmark} score rests on {quality.n_items} items only",
            place=deployment.at("/quality/benchmark", "/quality"),
        )
