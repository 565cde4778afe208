"""Does it fit? Device memory of one GPU against what the engine needs to start and serve."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.finding import Finding, Gate
from capcheck.numbers import amount, interval
from capcheck.place import Place
from capcheck.predict.forecast import Memory
from capcheck.rules.case import Case, Judgement, beyond, judge
from capcheck.rules.rule import Rule

# TR133 SS10.4: above this share of the usable memory, larger inputs risk running out.
HIGH_SHARE = 0.90

# Less is within what drivers differ by.
_NOTICEABLE_GIB = 0.05

RULES = (
    Rule(
        id="vram-does-not-fit",
        title="The deployment needs more memory than the GPU offers",
        severity="error",
        gate="vram",
        why="The server runs out of memory while it loads.",
        how=(
            "Weights, KV cache of one full-length sequence, activation peak and runtime of one "
            "GPU, as an interval, held against the memory that the engine may use. A warning when "
            "that lies inside the interval."
        ),
        fix="A smaller quant, a shorter max_model_len, more GPUs per replica or a larger GPU.",
        failing="quant: BF16\ngpu: RTX 4060 8GB",
        passing="quant: Q4_K_M\ngpu: RTX 4060 8GB",
    ),
    Rule(
        id="kv-pool-below-one-sequence",
        title="The KV pool does not hold one full-length sequence",
        severity="error",
        gate="vram",
        why="Engines with a KV pool refuse to start when one request of max_model_len has no room.",
        how=(
            "As vram-does-not-fit, where weights, activation peak and runtime surely fit by "
            "themselves. A warning when the limit lies inside the interval."
        ),
        fix="A shorter max_model_len, an 8-bit KV cache, a higher memory fraction or more GPUs.",
        failing="gpu: L4 24GB\nserving: {max_model_len: 131072}",
        passing="gpu: L4 24GB\nserving: {max_model_len: 8192}",
    ),
    Rule(
        id="vram-unknown",
        title="The memory need cannot be predicted",
        severity="error",
        gate="vram",
        why="A deployment that nobody checked for memory may not start.",
        how="A fact that the sum needs is missing; the finding names it.",
        fix="State what is missing, such as the model's architecture.",
        failing="quant: Q4_K_M\nmodel: lfm2.5-230m",
        passing="quant: Q4_K_M\nmodel: llama3.1-8b",
    ),
    Rule(
        id="vram-low-headroom",
        title="Little memory is left",
        severity="warning",
        why="Larger inputs than planned risk running out of memory.",
        how="The expected need is above 90 % of what the engine may use (TR133 SS10.4).",
        fix="A smaller quant, a shorter max_model_len or a larger GPU.",
        failing="quant: Q8_0\ngpu: RTX 3080 10GB",
        passing="quant: Q8_0\ngpu: RTX 4090 24GB",
    ),
    Rule(
        id="kv-pool-below-concurrency",
        title="The KV pool holds fewer sequences than clients keep in flight",
        severity="warning",
        why="Requests wait for room, or are preempted and computed twice.",
        how="Full-length sequences that the pool holds, against agents per replica.",
        fix="A shorter max_model_len, an 8-bit KV cache, more replicas or a larger GPU.",
        failing="traffic: {agents: 64, profile: chat}\nserving: {max_model_len: 16384}",
        passing="traffic: {agents: 4, profile: chat}\nserving: {max_model_len: 16384}",
    ),
    Rule(
        id="sampler-warm-up",
        title="The sampler's warm-up may not fit beside the KV pool",
        severity="warning",
        why=(
            "vLLM warms its sampler up with max_num_seqs dummy requests after the pool is "
            "reserved, and crashes when that runs out of memory."
        ),
        how=(
            "The CUDA context and graphs take more than gpu_memory_utilization leaves outside of "
            "weights and pool."
        ),
        fix="Lower gpu_memory_utilization or max_num_seqs.",
        failing="serving: {max_model_len: 8192, gpu_memory_utilization: 0.99}",
        passing="serving: {max_model_len: 8192, gpu_memory_utilization: 0.9}",
    ),
    Rule(
        id="gpu-oversubscribed",
        title="Services on one GPU ask for more than all of it",
        severity="error",
        gate="vram",
        why="Whichever service starts last finds too little free memory and exits.",
        how=(
            "The share of the device that the engine reserves, plus reserved_gib that others hold, "
            "is above the device's memory."
        ),
        fix="Lower the memory fraction, or move a service to another GPU.",
        failing="reserved_gib: 10\nserving: {max_model_len: 4096, gpu_memory_utilization: 0.9}",
        passing="reserved_gib: 10\nserving: {max_model_len: 4096, gpu_memory_utilization: 0.5}",
    ),
)


def check(case: Case) -> Judgement:
    """Gate `vram`; the findings of RULES."""
    gate = gate_of(case.forecast.memory, _cause(case))
    if gate.limit is None or gate.verdict == "cannot-predict":
        return Judgement((gate,), tuple(_unknown(case)))
    fits = gate.verdict != "fail"
    findings = (
        *_fit(case, gate, gate.limit),
        *_pool_below_traffic(case),
        *(_warm_up(case) if fits else ()),
    )
    return Judgement((gate,), findings)


def gate_of(memory: Memory, place: Place) -> Gate:
    """The need held against the least that is usable; the need alone where that is unknown."""
    usable_gib = memory.usable.value if memory.usable.low is None else memory.usable.low
    return Gate(
        name="vram",
        verdict=(
            "cannot-predict" if usable_gib is None else judge(memory.needed, usable_gib, "max")
        ),
        estimate=memory.needed,
        limit=usable_gib,
        sense="max",
        unit="GiB",
        place=place,
        label="VRAM per GPU",
    )


def has_little_left(gate: Gate) -> bool:
    """Whether what fits is expected to need more than HIGH_SHARE of the usable memory."""
    needed = gate.estimate.value if gate.estimate else None
    if gate.verdict != "pass" or needed is None or gate.limit is None:
        return False
    return needed > HIGH_SHARE * gate.limit


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
            rule=_rule_of(case, usable_gib),
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
    elif needed.value is not None and has_little_left(gate):
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


def _rule_of(case: Case, usable_gib: float) -> str:
    """What is short: the share of the device, room for one sequence, or memory at all."""
    memory, backend = case.forecast.memory, case.resolved.backend
    if usable_gib == 0 and case.resolved.reserved_gib:
        return "gpu-oversubscribed"
    high, cache = memory.needed.high, memory.parts.get("kv_cache", 0.0)
    pooled = backend is not None and backend.memory_model == "budget"
    if pooled and high is not None and high - cache <= usable_gib:
        return "kv-pool-below-one-sequence"
    return "vram-does-not-fit"


def _warm_up(case: Case) -> Iterator[Finding]:
    """vLLM reserves its pool first and warms up with what is left outside of its budget.

    SOURCE: reports 14452 and 27508 of vllm-project/vllm: out of memory while warming up sampler.
    """
    resolved, engine, usable = case.resolved, case.resolved.engine, case.forecast.memory.usable
    if engine is None or resolved.usable_gib is None or not usable.value:
        return
    if resolved.backend is None or resolved.backend.name != "vllm" or not engine.memory_fraction:
        return
    asked_gib = engine.memory_fraction * resolved.usable_gib
    short_gib = asked_gib - usable.value
    if short_gib < _NOTICEABLE_GIB:
        return
    yield Finding(
        rule="sampler-warm-up",
        severity="warning",
        verdict="pass",
        message=(
            f"weights and pool take {amount(asked_gib, 'GiB')}, "
            f"{amount(short_gib, 'GiB')} more than CUDA context and graphs leave: the warm-up with "
            f"{engine.max_num_seqs:,} requests may run out of memory"
        ),
        place=case.deployment.at(
            "/serving/gpu_memory_utilization", "/serving/max_num_seqs", "/serving", "/backend"
        ),
        fix="lower gpu_memory_utilization or max_num_seqs",
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
