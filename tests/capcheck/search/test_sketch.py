"""A sketch of a family is what its start would have."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from capcheck.judge import judge, start
from capcheck.predict.latency.bounds import unloaded_ms
from capcheck.run import Options, run
from capcheck.search.sketch import lone_ms, sketched
from capcheck.search.space import families

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    "name", ["hobby-ollama-rtx4060", "fails-latency", "vllm-70b-tp4-h100", "fails-vram"]
)
def test_a_sketch_has_the_settings_and_times_of_the_start(context, name):
    path = EXAMPLES / f"{name}.capcheck.yaml"
    options = Options((), datetime(2026, 11, 23, tzinfo=timezone.utc), alternatives=False)
    report = run([str(path)], options).report.deployments[0]
    today = judge(report.resolved.deployment, context)
    space = families(today.resolved, context.registry)
    compared = 0
    for family in space[::23]:
        started = start(family.deployment, context)
        sketch = sketched(family, today.resolved, context.registry)
        assert sketch.engine == started.resolved.engine
        assert sketch.gpu_variants == started.resolved.gpu_variants
        for end in ("value", "slow"):
            full = unloaded_ms(started.resolved, started.unloaded.speed, end=end)
            assert lone_ms(family, today.resolved, context, end=end) == full
            compared += full is not None
    assert compared > 20
