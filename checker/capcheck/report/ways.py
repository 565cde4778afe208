"""Alternatives, what they trade, and plans for a fleet as JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capcheck.edit.change import Change
from capcheck.predict.economics import Economics
from capcheck.report import document
from capcheck.report.leaves import exact, forecast, gate, leaf, rounded
from capcheck.search.alternative import Alternative, Edit

if TYPE_CHECKING:
    from capcheck.search.fleet import Plan
    from capcheck.search.pareto import Front
    from capcheck.search.relax import Relaxation


def alternative(found: Alternative, path: str) -> document.Alternative:
    """One configuration with its edits, forecast and gates."""
    saving = found.saving_usd_month
    return {
        "edits": edits(found, path),
        "verdict": found.verdict,
        "forecast": forecast(found.forecast),
        "gates": {judged.name: gate(judged) for judged in found.gates},
        "usd_month": rounded(found.usd_month),
        "saving_usd_month": rounded(saving),
        "saving_usd_year": None if saving is None else rounded(12.0 * saving),
        "worse": list(found.worse),
        "needs": list(found.needs),
        "binding": found.binding,
        "refused": found.refused,
    }


def edits(found: Alternative, path: str) -> list[document.Edit]:
    """Its edits with exact values, and the changes of the text at `path` that make them."""
    changes = found.changes or (None,) * len(found.edits)
    return [_edit(edit, change, path) for edit, change in zip(found.edits, changes, strict=True)]


def _edit(edit: Edit, change: Change | None, path: str) -> document.Edit:
    return {
        "pointer": edit.pointer,
        "value": exact(edit.value),
        "previous": exact(edit.previous),
        "path": path,
        "line": change.line if change else None,
        "column": change.column if change else None,
        "end_line": change.end_line if change else None,
        "end_column": change.end_column if change else None,
        "text": change.text if change else None,
    }


def relaxation(found: Relaxation, path: str) -> document.Relaxation:
    """The limit, what it would have to be, and what would pass then."""
    return {
        "gate": found.gate.name,
        "label": found.gate.label,
        "limit": rounded(found.gate.limit) or 0.0,
        "needed": rounded(found.needed) or 0.0,
        "unit": found.gate.unit,
        "text": found.text,
        "edits": edits(found.by, path),
        "usd_month": rounded(found.by.usd_month),
    }


def pareto(found: Front, path: str) -> list[document.FrontPoint]:
    """The front, cheapest first, its knee marked."""
    return [
        {
            "edits": edits(member, path),
            "usd_month": rounded(member.usd_month),
            "quality": leaf(member.forecast.quality.score),
            "latency_p95_ms": leaf(member.forecast.load.latency_ms.p95),
            "knee": index == found.knee,
            "today": not member.edits,
        }
        for index, member in enumerate(found.members)
    ]


def economics(found: Economics) -> document.Economics:
    """Energy and a hosted API beside the bill."""
    return {
        "price_kind": found.price_kind,
        "hours_per_month": found.hours_per_month,
        "power_w": leaf(found.power_w),
        "energy_kwh_month": leaf(found.energy_kwh_month),
        "energy_usd_month": leaf(found.energy_usd_month),
        "energy_j_per_token": leaf(found.energy_j_per_token),
        "api_usd_month": leaf(found.api_usd_month),
        "break_even_rps": leaf(found.break_even_rps),
    }


def plan(found: Plan) -> document.Plan:
    """What to do with every deployment of the fleet."""
    return {
        "budget_usd_month": rounded(found.budget_usd_month),
        "usd_month": rounded(found.usd_month),
        "usd_month_today": rounded(found.usd_month_today),
        "fits": found.fits,
        "choices": [
            {
                "name": one.name,
                "path": one.path,
                "edits": [] if one.by is None else edits(one.by, one.path),
                "usd_month": rounded(one.usd_month),
                "saving_usd_month": None if one.by is None else rounded(one.by.saving_usd_month),
            }
            for one in found.choices
        ],
        "left": list(found.left),
        "could_share": [
            {
                "gpu": one.gpu,
                "deployments": list(one.names),
                "vram_gib": rounded(one.vram_gib) or 0.0,
                "usable_gib": rounded(one.usable_gib) or 0.0,
                "utilisation": rounded(one.utilisation) or 0.0,
            }
            for one in found.could_share
        ],
    }
