"""What follows from the stated fields of a deployment."""

import pytest
from capcheck.manifest.deployment import Traffic


@pytest.mark.parametrize(
    ("traffic", "busiest_rps"),
    [
        (Traffic(requests_per_second=2.0), 2.0),
        (Traffic(requests_per_second=2.0, peak_requests_per_second=5.0), 5.0),
        (Traffic(peak_requests_per_second=5.0), 5.0),
        (Traffic(agents=8), 0.0),
    ],
)
def test_latencies_are_judged_at_the_busiest_rate(traffic: Traffic, busiest_rps: float) -> None:
    assert traffic.busiest_rps == busiest_rps
