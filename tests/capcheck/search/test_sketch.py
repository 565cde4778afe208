"""A sketch of a member is what its start would have."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from capcheck.judge import judge, start
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.run import Options, run
from capcheck.search.edits import disruption, edits, root_of_edits
from capcheck.search.members import others
from capcheck.search.sketch import sketch
from capcheck.search.space import space

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    "name", ["hobby-ollama-rtx4060", "fails-latency", "vllm-70b-tp4-h100", "fails-vram"]
)
def test_a_sketch_has_the_settings_speed_and_memory_of_the_start(context, name):
    path = EXAMPLES / f"{name}.capcheck.yaml"
    options = Options((), datetime(2026, 11, 23, tzinfo=timezone.utc), alternatives=False)
    report = run([str(path)], options).report.deployments[0]
    today = judge(report.resolved.deployment, context).resolved
    compared = 0
    for family in list(space(today, context))[::23]:
        stated = family.of(today.deployment)
        first = start(stated, context)
        settings = others(first.resolved, first.forecast.memory, context.registry)
        for deployment in (stated, *settings):
            started = start(deployment, context)
            drawn = sketch(family, deployment.serving, today, context)
            resolved, speed = started.resolved, started.unloaded.speed
            assert drawn.resolved.engine == resolved.engine
            assert drawn.resolved.gpu_variants == resolved.gpu_variants
            assert drawn.memory == started.forecast.memory
            assert drawn.copy.fits.verdict == started.gates["vram"].verdict
            named = replace(deployment, replicas=today.deployment.replicas)
            changed = edits(today.deployment, named)
            assert drawn.copy.disruption == disruption(changed, root_of_edits(today.deployment))
            for end in ("value", "slow"):
                full = unloaded_ms(resolved, speed, end=end)
                assert drawn.lone_ms(end=end) == full
                most = saturation_rps(resolved, speed, started.forecast.memory, end=end)
                assert drawn.saturation_rps(end=end) == most
                assert (drawn.most_rps(end=end) or 0.0) >= (most or 0.0) * 0.999
                compared += full is not None
    assert compared > 20
