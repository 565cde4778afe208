"""The tables that are about a model's answers, not about a device; and the ones never fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from capfit.data.columns import Role, Row, column
from capfit.data.rows import Sourced


@dataclass(frozen=True, kw_only=True)
class Scored(Sourced):
    """A score of one model in one weight format."""

    model: str = column(role=Role.SUBJECT)
    backend: str | None = column(role=Role.SUBJECT)
    quant: str = column(role=Role.SUBJECT)
    metric: str = column(role=Role.MEASURE)
    value: float = column(role=Role.MEASURE)
    ci_low: float | None = column(role=Role.DETAIL)
    ci_high: float | None = column(role=Role.DETAIL)
    ci_kind: str | None = column(role=Role.DETAIL)
    n_items: int | None = column(role=Role.DETAIL, least=1)


@dataclass(frozen=True, kw_only=True)
class Quality(Scored):
    """A benchmark score. Groups never mix; `method` is how the weights were quantised."""

    table: ClassVar[str] = "quality"
    group: str = column(
        role=Role.SUBJECT,
        allowed=(
            *("composite_tr124", "composite_tr133", "generation", "generation_base"),
            *("generation_delta", "generation_per_task", "generation_phase1", "loglik_benchmark"),
            *("raw_benchmark", "rescored_benchmark", "rescored_benchmark_rerun", "third-party"),
        ),
    )
    variant: str | None = column(
        role=Role.SUBJECT, allowed=("base", "instruct", "base+instruct mixed")
    )
    method: str | None = column(role=Role.SUBJECT)
    baseline_value: float | None = column(role=Role.MEASURE)
    delta: float | None = column(role=Role.MEASURE)
    recovery: float | None = column(role=Role.MEASURE)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class Safety(Scored):
    """Refusal, bias, truthfulness and template stability; deltas are against the baseline quant."""

    table: ClassVar[str] = "safety"
    concurrency: int | None = column(role=Role.SUBJECT, unit="agents", least=1)
    baseline_quant: str | None = column(role=Role.SUBJECT)
    delta: float | None = column(role=Role.MEASURE)
    risk: str | None = column(role=Role.DETAIL)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class QuantFormat(Sourced):
    """Size and divergence of one weight format on one model."""

    table: ClassVar[str] = "quant_formats"
    quant: str = column(role=Role.SUBJECT)
    model: str = column(role=Role.SUBJECT)
    imatrix: str | None = column(role=Role.SUBJECT)
    bits_per_weight: float | None = column(role=Role.MEASURE, unit="bits", least=1, most=33)
    bits_per_weight_kind: str | None = column(role=Role.DETAIL)
    size_gib: float | None = column(role=Role.MEASURE, unit="GiB", least=0)
    perplexity: float | None = column(role=Role.MEASURE, least=1)
    perplexity_se: float | None = column(role=Role.DETAIL, least=0)
    delta_perplexity: float | None = column(role=Role.MEASURE)
    delta_perplexity_se: float | None = column(role=Role.DETAIL, least=0)
    divergence: float | None = column(role=Role.MEASURE, unit="nats (KLD)", least=0)
    divergence_se: float | None = column(role=Role.DETAIL, least=0)
    mean_delta_p_percent: float | None = column(role=Role.MEASURE, unit="percent")
    rms_delta_p_percent: float | None = column(role=Role.MEASURE, unit="percent", least=0)
    notes: str | None = column(role=Role.REMARK)


@dataclass(frozen=True, kw_only=True)
class Tr133Vram(Sourced):
    """TR133 SS4.3's own table of actual against predicted memory. It has no source: never fitted.

    Its "GB" are neither decimal nor binary throughout.
    """

    table: ClassVar[str] = "tr133_vram"
    model: str = column(role=Role.SUBJECT)
    context_tokens: int = column(role=Role.SUBJECT, unit="tokens", least=1)
    claimed_actual_gb: float = column(role=Role.MEASURE, least=0)
    claimed_predicted_gb: float = column(role=Role.MEASURE, least=0)
    claimed_error_gb: float = column(role=Role.MEASURE)
    claimed_error_percent: float = column(role=Role.MEASURE)


@dataclass(frozen=True, kw_only=True)
class Source(Row):
    """What a source id of the other tables stands for."""

    table: ClassVar[str] = "sources"
    source: str = column(role=Role.PROVENANCE)
    collection: str = column(role=Role.PROVENANCE, allowed=("tr", "public"))
    publisher: str = column(role=Role.PROVENANCE)
    what: str | None = column(role=Role.REMARK)
