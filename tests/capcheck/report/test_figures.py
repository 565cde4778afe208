"""How figures, limits and edits read."""

import pytest
from capcheck.estimate import Provenance
from capcheck.finding import Verdict
from capcheck.report.document import Alternative, Edit, Gate
from capcheck.report.figures import (
    Figure,
    against,
    brief,
    cell,
    change,
    plural,
    reading,
    saving,
    spoken,
    under_load,
)
from capcheck.report.predicted import Leaf


def leaf(
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    provenance: Provenance = "interpolated",
    basis: str = "",
) -> Leaf:
    return {"value": value, "low": low, "high": high, "provenance": provenance, "basis": basis}


def gate(verdict: Verdict, sense: str, value: float | None, limit: float | None) -> Gate:
    return {
        **leaf(value, value, value),
        "verdict": verdict,
        "label": "p95 latency",
        "limit": limit,
        "sense": sense,
        "unit": "ms",
        "place": None,
    }


UNKNOWN = leaf(None, provenance="unknown", basis="no data")
UNSTABLE = leaf(None, provenance="unknown", basis="unstable: too much")


@pytest.mark.parametrize(
    ("figure", "unit", "long", "short", "column"),
    [
        (leaf(14031.7, 12600, 15600), "ms", "14.0 s (12.6–15.6)", "14.0 s", "14.0 (12.6–15.6)"),
        (leaf(380, 350, 410), "ms", "380 ms (350–410)", "380 ms", "0.38 (0.35–0.41)"),
        (leaf(14031.7, 12600), "ms", "14.0 s (12.6 or more)", "14.0 s", "14.0 (12.6 or more)"),
        (leaf(20.2, 20.2, 20.2, "derived"), "GiB", "20.2 GiB", "20.2 GiB", "20.2"),
        (
            leaf(96.12, 70, 120, "extrapolated"),
            "tok/s",
            "~96.1 tok/s (70.0–120)",
            "~96.1 tok/s",
            "~96.1 (70.0–120)",
        ),
        (leaf(0.6284, 0.6, 0.66, "assumed"), "", "~0.628 (0.600–0.660)", "~0.628", None),
        (leaf(1031.93, 1031.93, 1031.93), "$/month", "$1,032/month", "$1,032/month", "1,032"),
        (leaf(25.55, 25.55, 25.55), "$/month", "$25.55/month", "$25.55/month", "25.55"),
        (UNKNOWN, "ms", "unknown", "unknown", "unknown"),
        (UNSTABLE, "ms", "unstable", "unstable", "unstable"),
    ],
)
def test_readings(figure: Leaf, unit: str, long: str, short: str, column: str | None) -> None:
    assert reading(figure, unit) == long
    assert brief(figure, unit) == short
    assert cell(figure, unit, bounds=True) == (column or long)
    assert cell(figure, unit) == (column or long).split(" ")[0]


@pytest.mark.parametrize(
    ("verdict", "sense", "value", "limit", "expected"),
    [
        ("pass", "max", 8000, 9000, "≤ 9.00 s"),
        ("fail", "max", 9500, 9000, "> 9.00 s"),
        ("borderline", "max", 8600, 9000, "≈ 9.00 s"),
        ("pass", "min", 9500, 9000, "≥ 9.00 s"),
        ("fail", "min", 8000, 9000, "< 9.00 s"),
        ("cannot-predict", "max", None, 9000, "limit 9.00 s"),
        ("fail", "max", None, 9000, "limit 9.00 s"),
        ("pass", "max", None, None, ""),
    ],
)
def test_against(
    verdict: Verdict, sense: str, value: float | None, limit: float | None, expected: str
) -> None:
    assert against(gate(verdict, sense, value, limit)) == expected


def test_against_no_gate() -> None:
    assert against(None) == ""


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        (
            Figure("latency", leaf(14000, 14000, 14000), "ms", gate("fail", "max", 14000, 9000)),
            "latency 14.0 s > 9.00 s",
        ),
        (
            Figure("latency", UNKNOWN, "ms", gate("cannot-predict", "max", None, 9000)),
            "latency unknown, limit 9.00 s",
        ),
        (Figure("latency", leaf(14000, 14000, 14000), "ms", None), "latency 14.0 s"),
    ],
)
def test_spoken(figure: Figure, expected: str) -> None:
    assert spoken(figure) == expected


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        ("/deployments/chat/quant", "fp8", "quant: fp8"),
        (
            "/deployments/a~1b/serving/enforce_eager",
            True,
            "serving.enforce_eager: true",
        ),
        ("/deployments/chat/replicas", 2, "replicas: 2"),
        ("/environments/prod/deployments/chat/gpu", "L4 24GB", "gpu: L4 24GB"),
        ("/quant", "fp8", "quant: fp8"),
    ],
)
def test_change(pointer: str, value: str | int | bool, expected: str) -> None:
    edit: Edit = {"pointer": pointer, "value": value, "previous": None}
    assert change([edit]) == expected
    assert change([edit, edit]) == f"{expected}, {expected}"


@pytest.mark.parametrize(
    ("saved", "expected"),
    [(None, ""), (0.001, "same cost"), (515.96, "−$516/month"), (-12.0, "+$12.00/month")],
)
def test_saving(saved: float | None, expected: str) -> None:
    entry: Alternative = {"saving_usd_month": saved}  # type: ignore[typeddict-item]
    assert saving(entry) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, "0 ways"), (1, "1 way"), (1000, "1,000 ways")])
def test_plural(count: int, expected: str) -> None:
    assert plural(count, "way") == expected


@pytest.mark.parametrize(
    ("headroom", "said"),
    [
        (leaf(0.756, 0.02, 3.05), "limits hold up to 0.756 requests/s (0.0200–3.05), stated 0.200"),
        (
            leaf(0.0, 0.0, 1.17),
            "a lone request may break a limit already: at best they hold up to 1.17 requests/s, "
            "stated 0.200",
        ),
        (leaf(0.0, 0.0, 0.0), "a lone request breaks a limit already"),
        (leaf(None), "decode 100 %"),
    ],
)
def test_the_rate_up_to_which_limits_hold_is_none_where_a_lone_request_breaks_one(headroom, said):
    deployment = {
        "forecast": {"latency_parts_ms": {"decode": 3.0}},
        "resolved": {
            "peak_requests_per_second": {"value": None},
            "requests_per_second": {"value": 0.2},
        },
        "headroom_rps": headroom,
    }
    assert under_load(deployment).removesuffix(" requests/s").endswith(said)
