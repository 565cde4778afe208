"""Does it fit? Device memory of one GPU against what the engine needs to start and serve."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding, Gate
from capcheck.numbers import amount, interval
from capcheck.place import Place
from capcheck.predict.forecast import Memory
from capcheck.rules.case import Case, Judgement, beyond, judge

# TR133 SS10.4: above this share of the usable memory, larger inputs risk running out.
HIGH_SHARE = 0.90


def check(case: Case) -> Judgement:
    """Gate `vram`; findings vram-does-not-fit, vram-unknown, vram-low-headroom, kv-pool-*."""
    memory = case.forecast.memory
    usable_gib = memory.usable.value if memory.usable.low is None else memory.usable.low
    gate = Gate(
        name="vram",
        verdict=(
            "cannot-predict" if usable_gib is None else judge(memory.needed, usable_gib, "max")
        ),
        estimate=memory.needed,
        limit=usable_gib,
        sense="max",
        unit="GiB",
        place=_cause(case),
        label="VRAM per GPU",
    )
    if usable_gib is None or gate.verdict == "cannot-predict":
        return Judgement((gate,), tuple(_unknown(case)))
    findings = (*_fit(case, gate, usable_gib), *_pool_below_traffic(case))
    return Judgement((gate,), findings)


def _unknown(case: Case) -> Iterator[Finding]:
    if "vram" in case.explained:
        return
    memory = case.forecast.memory
    missing = memory.usable if memory.needed.known else memory.needed
    message = f"VRAM cannot be predicted: {missing.basis}"
    place = case.deployment.at("/model", "/gpu")
    yield Finding("vram-unknown", "error", "cannot-predict", message, place, gate="vram")


def _fit(case: Case, gate: Gate, usable_gib: float) -> Iterator[Finding]:
    needed, usable, place = case.forecast.memory.needed, case.forecast.memory.usable, _cause(case)
    if gate.verdict != "pass":
        surely = gate.verdict == "fail"
        yield Finding(
            rule="vram-does-not-fit",
            severity="error" if surely else "warning",
            verdict=gate.verdict,
            message=usable.basis
            if usable_gib == 0
            else (
                f"needs {interval(needed, 'GiB')} per GPU, "
                f"{'more than' if surely else 'perhaps more than'} the "
                f"{amount(usable_gib, 'GiB')} usable ({_largest_parts(case.forecast.memory)})"
            ),
            place=place,
            related=case.deployment.at("/gpu"),
            fix="a smaller quant, a shorter max_model_len, more GPUs per replica or a larger GPU",
            gate="vram",
            beyond=beyond(needed, usable_gib, "max"),
        )
    elif needed.value is not None and needed.value > HIGH_SHARE * usable_gib:
        yield Finding(
            rule="vram-low-headroom",
            severity="warning",
            verdict="pass",
            message=(
                f"needs {100 * needed.value / usable_gib:.0f} % of the "
                f"{amount(usable_gib, 'GiB')} usable per GPU; above {100 * HIGH_SHARE:.0f} % "
                "larger inputs risk running out of memory"
            ),
            place=place,
        )


def _pool_below_traffic(case: Case) -> Iterator[Finding]:
    """The KV pool holds fewer sequences than the stated agents keep in flight."""
    traffic, engine = case.deployment.traffic, case.resolved.engine
    held = case.forecast.memory.max_concurrent_sequences.value
    if traffic is None or traffic.agents is None or engine is None or held is None:
        return
    in_flight = traffic.agents / (case.resolved.replicas_min * engine.data_parallel_size)
    if held < in_flight:
        yield Finding(
            rule="kv-pool-below-concurrency",
            severity="warning",
            verdict="pass",
            message=(
                f"the KV cache holds {held:.0f} full-length sequences, and "
                f"{traffic.agents} agents keep {in_flight:.0f} in flight per replica"
            ),
            place=case.deployment.at("/serving/max_model_len", "/traffic/agents"),
        )


def _cause(case: Case) -> Place:
    """The line to change: the context when all else would fit, else the weights' format."""
    deployment, memory = case.deployment, case.forecast.memory
    without_cache = sum(size for part, size in memory.parts.items() if part != "kv_cache")
    if memory.usable.value is not None and memory.parts and without_cache <= memory.usable.value:
        return deployment.at("/serving/max_model_len", "/gpu", "/quant", "/model")
    return deployment.at("/quant", "/model", "/gpu")


def _largest_parts(memory: Memory) -> str:
    largest = sorted(memory.parts.items(), key=lambda part: -part[1])[:2]
    return ", ".join(f"{name.replace('_', ' ')} {amount(size, 'GiB')}" for name, size in largest)
