"""Traffic and limits that a native file states: the SLA and the workload of a request to Dynamo.

Its targets name no percentile. They are judged as the median, the lowest that a manifest can ask
for, and the deployment says so. SOURCE: NVIDIA Dynamo, "DynamoGraphDeploymentRequest Reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from capcheck.manifest.deployment import Observed
from capcheck.source.native.deployment import Fact, NativeDeployment, Stated, Unknown

# The field of each setting. Times are in milliseconds; itl is the time per output token.
TRAFFIC = {
    "isl": "/traffic/prompt_tokens",
    "osl": "/traffic/output_tokens",
    "request_rate": "/traffic/requests_per_second",
    "concurrency": "/traffic/agents",
}
TARGETS = {
    "ttft_ms": "/slo/ttft_p50",
    "itl_ms": "/slo/tpot_p50",
    "e2e_latency_ms": "/slo/latency_p50",
}
# Kinds that ask for a deployment which somebody else plans, and what is planned.
_PLANNED = {"DynamoGraphDeploymentRequest": ("gpu_count", "tp")}
_BY_PLANNER = "Dynamo's profiler decides it"


def expected(settings: Mapping[str, Stated]) -> Iterator[tuple[str, Stated]]:
    """Pointers with what the file states there, in the words of a manifest."""
    for name, pointer in TRAFFIC.items():
        # A rate and a number of users exclude each other.
        if name in settings and not (name == "concurrency" and "request_rate" in settings):
            yield pointer, settings[name]
    for name, pointer in TARGETS.items():
        if name in settings:
            target = settings[name]
            yield pointer, Stated(f"{target.value}ms", target.place, target.origin)


def without_percentile(settings: Mapping[str, Stated]) -> Iterator[Observed]:
    """Observation percentile-assumed for every target."""
    for name, pointer in TARGETS.items():
        if name in settings:
            target = settings[name]
            said = f"{target.origin.removeprefix('field ')} {float(target.value):g} ms"
            judged = f"it is judged as {pointer.rpartition('/')[2]}, the median"
            message = f"{said} names no percentile: {judged}"
            yield Observed("percentile-assumed", message, target.place)


def left_to_planner(found: NativeDeployment) -> Mapping[str, Fact]:
    """Facts that the file leaves to a planner: no default of an engine holds there."""
    return {
        name: Unknown(_BY_PLANNER, found.place)
        for name in _PLANNED.get(found.kind, ())
        if isinstance(found.facts[name], Unknown)
    }
