from __future__ import annotations

import pytest
from capcheck.source.nearest import nearest


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("modle", "model"),
        ("gpus", "gpu"),
        ("replica", "replicas"),
        ("xyz", None),
        ("", None),
        ("model" * 1000, None),
    ],
)
def test_nearest(name: str, found: str | None):
    assert nearest(name, ("model", "gpu", "replicas")) == found
