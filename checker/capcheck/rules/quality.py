"""The benchmark score, or its drop against the unquantised reference, against the floor."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding
from capcheck.rules.case import Case, Judgement, Limit, hold

# Fewer items than this and the score's own noise exceeds any tier (20 items: ±20 points).
FEW_ITEMS = 200


def check(case: Case) -> Judgement:
    """Gate `quality`; findings quality-below-floor, quality-unknown, quality-concerning, ..."""
    judgement = hold(case, "quality", list(_limits(case)))
    return Judgement(judgement.gates, (*judgement.findings, *_warnings(case)))


def _limits(case: Case) -> Iterator[Limit]:
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
    few = quality.n_items is not None and quality.n_items < FEW_ITEMS
    if few and deployment.quality is not None:
        yield Finding(
            rule="quality-few-items",
            severity="warning",
            verdict="pass",
            message=f"the {quality.benchmark} score rests on {quality.n_items} items only",
            place=deployment.at("/quality/benchmark", "/quality"),
        )
