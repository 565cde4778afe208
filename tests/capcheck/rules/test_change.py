"""What a change adds to the bill."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from capcheck.estimate import Estimate, exact, unknown
from capcheck.manifest.deployment import Budget, Deployment
from capcheck.rules.change import cost_increase

from tests.capcheck.rules.conftest import about

Stated = Callable[..., Deployment]


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        (exact(500, "p"), exact(600, "p"), None),
        (exact(900, "p"), exact(500, "p"), None),
        (
            exact(500, "p"),
            exact(600.5, "p"),
            ("error", "fail", "the change adds $100/month, more than $100/month"),
        ),
        (
            exact(500, "p"),
            exact(1000, "p"),
            ("error", "fail", "the change adds $500/month, more than $100/month"),
        ),
        (
            about(500, 450, 550),
            about(600, 540, 660),
            (
                "warning",
                "borderline",
                "the change adds $100/month (90.00–110), perhaps more than $100/month",
            ),
        ),
        (unknown("no price"), exact(1000, "p"), None),
        (exact(1000, "p"), unknown("no price"), None),
    ],
)
def test_an_increase_is_held_against_its_limit(
    stated: Stated, base: Estimate, head: Estimate, expected: tuple[str, str, str] | None
) -> None:
    deployment = stated({"/budget/max_increase_usd": 100.0})
    found = cost_increase(deployment, base=base, head=head)
    told = found and (found.severity, found.verdict, found.message)
    assert told == expected
    if found:
        assert (found.gate, found.subject, found.place.line) == ("budget", "max_increase_usd", 3)


def test_no_limit_no_finding(stated: Stated) -> None:
    assert stated({}).budget == Budget()
    assert cost_increase(stated({}), base=exact(1, "p"), head=exact(9e9, "p")) is None
