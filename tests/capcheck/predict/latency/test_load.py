from dataclasses import dataclass, replace

import pytest
from capcheck.estimate import Estimate, Provenance, exact, unknown
from capcheck.manifest.deployment import Deployment, LatencyLimit, Slo, Tokens, Traffic
from capcheck.place import Place
from capcheck.predict.forecast import Load, Memory
from capcheck.predict.latency.bounds import saturation_rps, unloaded_ms
from capcheck.predict.latency.ends import server_at
from capcheck.predict.latency.headroom import headroom_rps
from capcheck.predict.latency.load import load, not_predicted
from capcheck.registry import tables
from capcheck.registry.specs import BackendSpec
from capcheck.resolution.resolved import Engine, Resolved

ENGINE = Engine(
    tensor_parallel_size=1,
    pipeline_parallel_size=1,
    data_parallel_size=1,
    max_model_len=8192,
    max_num_seqs=64,
    max_num_batched_tokens=2048,
    memory_fraction=0.9,
    kv_cache_dtype="auto",
    kv_bytes_per_element=2.0,
    enable_prefix_caching=True,
    enable_chunked_prefill=False,
    enforce_eager=False,
)
VLLM = BackendSpec("vllm", "vllm", "budget", "continuous", True, "0.11", "test")


@dataclass(frozen=True)
class FakeStep:
    """10 ms alone, one more for every other sequence."""

    def ms(self, sequences: float, context_tokens: float) -> float:
        return 9.0 + sequences


@dataclass(frozen=True)
class FakePrefill:
    """30 ms for 500 tokens."""

    def __call__(self, *, tokens: float, context_tokens: float = 0.0) -> float:
        return 5.0 + tokens / 20.0


@dataclass(frozen=True)
class FakeSpeed:
    """Times of a made-up engine; alone: prefill 30 ms, then 10 ms a token."""

    step: FakeStep = FakeStep()
    prefill: FakePrefill = FakePrefill()
    host_delay_ms: float = 0.0
    stream_low: float = 0.9
    stream_high: float = 1.1
    step_low: float = 0.8
    step_high: float = 1.2
    prefill_low: float = 0.8
    prefill_high: float = 1.2
    step_provenance: Provenance = "interpolated"
    prefill_provenance: Provenance = "extrapolated"

    def prefill_shared_ms(self, *, tokens: float) -> float:
        return 0.0


def memory(tokens: Estimate | None = None) -> Memory:
    size = exact(1.0, "test")
    return Memory(size, size, {}, tokens or exact(1e6, "test"), size)


def resolve_of(
    *,
    replicas: int = 1,
    engine: Engine | None = ENGINE,
    lengths: bool = True,
    slo: Slo | None = None,
    **traffic: float,
) -> Resolved:
    place = Place("capcheck.yaml", 1, 1, 2)
    tokens = {"prompt_tokens": Tokens(500), "output_tokens": Tokens(101)} if lengths else {}
    stated = Deployment("d", "capcheck.yaml", place, traffic=Traffic(**traffic, **tokens))
    return Resolved(
        deployment=stated if slo is None else replace(stated, slo=slo),
        model=None,
        quant=None,
        backend=VLLM,
        gpu=None,
        gpu_variants=(),
        price=None,
        price_variants=(),
        replicas_min=replicas,
        replicas_max=replicas,
        gpus_per_replica=1,
        usable_gib=None,
        reserved_gib=0.0,
        engine=engine,
        origins={},
    )


def replace_slo(resolved: Resolved, slo: Slo) -> Resolved:
    return replace(resolved, deployment=replace(resolved.deployment, slo=slo))


def predict(
    *,
    speed: FakeSpeed | Estimate | None = None,
    kv_tokens: Estimate | None = None,
    **stated: object,
) -> Load:
    return load(resolve_of(**stated), speed or FakeSpeed(), memory(kv_tokens))


def test_one_agent_is_the_single_stream_with_its_own_interval():
    found = predict(agents=1)
    assert found.ttft_ms.p95.value == pytest.approx(30.0)
    assert found.tpot_ms.p95.value == pytest.approx(10.0)
    assert found.tpot_ms.p95.low == pytest.approx(9.0)
    assert found.tpot_ms.p95.high == pytest.approx(11.0)
    assert found.latency_ms.p95.value == pytest.approx(1030.0)
    assert found.throughput_tok_s.value == pytest.approx(101 / 1.030)
    assert found.throughput_tok_s.low < found.throughput_tok_s.value < found.throughput_tok_s.high


def test_provenance_is_the_weakest_of_the_parts():
    assert predict(agents=4).latency_ms.mean.provenance == "extrapolated"
    tokens = exact(1e6, "test", "assumed")
    assert predict(agents=4, kv_tokens=tokens).capacity_tok_s.provenance == "assumed"


@pytest.mark.parametrize(
    "copies", [{"replicas": 4}, {"engine": replace(ENGINE, data_parallel_size=4)}]
)
def test_traffic_is_split_over_copies(copies: dict[str, object]):
    settings = {**copies, "kv_tokens": exact(4e6, "test")}
    settings["routing"] = "random"
    one, four = predict(requests_per_second=3.0), predict(requests_per_second=12.0, **settings)
    assert four.latency_ms.p95.value == pytest.approx(one.latency_ms.p95.value)
    assert four.throughput_tok_s.value == pytest.approx(12.0 * 101)
    assert four.saturation_rps.value == pytest.approx(4 * one.saturation_rps.value)
    assert four.capacity_tok_s.value == pytest.approx(4 * one.capacity_tok_s.value)
    assert four.utilisation.value == pytest.approx(one.utilisation.value)


@pytest.mark.parametrize("end", ["value", "slow"])
@pytest.mark.parametrize(
    ("traffic", "copies", "spread"),
    [
        (Traffic(), 1, 1.0),
        (Traffic(), 2, 0.5),
        (Traffic(), 16, 0.25),
        (Traffic(routing="least-outstanding"), 2, 0.5),
        (Traffic(routing="random"), 4, 1.0),
        (Traffic(burstiness=9.0), 1, 9.0),
        (Traffic(burstiness=9.0, routing="random"), 4, 3.0),
        (Traffic(burstiness=9.0), 3, 3.0),
        (Traffic(burstiness=0.1), 1, 0.1),
    ],
)
def test_routing_and_burstiness_set_how_a_copys_arrivals_vary(
    traffic: Traffic, copies: int, spread: float, end: str
):
    resolved = resolve_of(replicas=copies)
    deployment = replace(resolved.deployment, traffic=traffic)
    server = server_at(end, replace(resolved, deployment=deployment), ENGINE, FakeSpeed(), None)
    assert server.arrival_spread == pytest.approx(spread)


@pytest.mark.parametrize(
    ("gpu", "slots", "share"),
    [("H100 80GB SXM", 64, 0.65), ("H100 80GB SXM", 1, 1.0), ("RTX 3090 24GB", 64, 1.0)],
)
def test_prompts_hide_behind_the_steps_of_data_centre_gpus(gpu, slots, share):
    found = replace(resolve_of(), gpu=tables.load().gpu(gpu).variants[0])
    server = server_at("value", found, replace(ENGINE, max_num_seqs=slots), FakeSpeed(), None)
    assert server.prefill_beside == share


@pytest.mark.parametrize(
    ("backend", "stated", "shares"),
    [("vllm", True, True), ("vllm", False, False), ("sglang", True, False)],
)
def test_prompts_share_steps_only_where_the_engine_mixes_them(backend, stated, shares):
    resolved = replace(resolve_of(), backend=replace(VLLM, name=backend))
    engine = replace(ENGINE, enable_chunked_prefill=stated)
    server = server_at("value", resolved, engine, FakeSpeed(), None)
    assert server.chunked_prefill == shares


def test_bursts_wait_longer_and_turns_shorter():
    few = replace(ENGINE, max_num_seqs=2)
    rate = 0.6 * predict(requests_per_second=1.0, replicas=4, engine=few).saturation_rps.value
    p95 = [
        predict(requests_per_second=rate, replicas=4, engine=few, **traffic).latency_ms.p95.value
        for traffic in ({}, {"routing": "random"}, {"routing": "random", "burstiness": 9.0})
    ]
    assert p95 == sorted(p95)
    assert p95[2] > 1.3 * p95[0]


def test_agents_that_do_not_divide_judge_the_fullest_copy():
    three, two = predict(agents=3, replicas=2), predict(agents=2)
    one = predict(agents=1)
    assert three.latency_ms.p95.value == pytest.approx(two.latency_ms.p95.value)
    assert three.throughput_tok_s.value == pytest.approx(
        two.throughput_tok_s.value + one.throughput_tok_s.value
    )
    idle = predict(agents=1, replicas=3)
    assert idle.throughput_tok_s.value == pytest.approx(one.throughput_tok_s.value)


def test_latency_is_judged_at_the_peak_rate():
    peak = predict(requests_per_second=2.0, peak_requests_per_second=4.0)
    assert peak.latency_ms.p95.value == predict(requests_per_second=4.0).latency_ms.p95.value
    assert peak.throughput_tok_s.value == pytest.approx(2.0 * 101)
    assert "peak" in peak.latency_ms.p95.basis


def test_above_saturation_there_is_no_latency_and_a_reason():
    found = predict(requests_per_second=1000.0)
    for estimate in (found.latency_ms.p95, found.ttft_ms.mean, found.queue_wait_ms.p50):
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert estimate.basis.startswith("unstable: ")
    assert found.saturation_rps.known
    assert found.utilisation.value > 1.0
    assert found.throughput_tok_s.value == found.capacity_tok_s.value


def test_unstable_at_the_slow_end_has_no_upper_bound():
    saturation = predict(requests_per_second=1.0).saturation_rps
    found = predict(requests_per_second=0.9 * saturation.value).latency_ms.p95
    assert saturation.low < 0.9 * saturation.value
    assert found.value is not None
    assert found.low <= found.value
    assert found.high is None
    assert "unstable" in found.basis
    assert not found.basis.startswith("unstable")


def test_lengths_alone_give_capacity():
    found = predict()
    assert found.capacity_tok_s.known
    assert found.saturation_rps.known
    assert not found.latency_ms.p95.known
    assert not found.throughput_tok_s.known
    assert "requests_per_second or agents" in found.utilisation.basis


@pytest.mark.parametrize(
    ("settings", "basis"),
    [
        ({"lengths": False}, "prompt_tokens"),
        ({"engine": None}, "model, backend and GPU"),
        ({"speed": unknown("no such engine was measured")}, "no such engine was measured"),
    ],
)
def test_what_is_missing_is_said(settings: dict[str, object], basis: str):
    found = predict(requests_per_second=1.0, **settings)
    assert found == not_predicted(found.capacity_tok_s.basis)
    assert basis in found.latency_ms.p95.basis


@pytest.mark.parametrize("tokens", [unknown("VRAM is not known"), exact(300.0, "test")])
def test_without_a_known_pool_that_holds_a_request_it_is_assumed_to_be_enough(tokens: Estimate):
    found, roomy = (
        predict(requests_per_second=1.0, kv_tokens=tokens),
        predict(requests_per_second=1.0),
    )
    assert found.latency_ms.p95.value == roomy.latency_ms.p95.value
    assert found.latency_ms.p95.provenance == "assumed"
    assert "as if the KV cache were enough" in found.latency_ms.p95.basis


def test_a_small_pool_lowers_capacity():
    roomy = predict(requests_per_second=1.0)
    tight = predict(requests_per_second=1.0, kv_tokens=exact(3000.0, "test"))
    assert tight.capacity_tok_s.value < roomy.capacity_tok_s.value


def test_a_cached_prefix_needs_no_prefill():
    """Half of 500 tokens at 1/20 ms each, where the engine keeps prefixes."""
    cold = predict(agents=1)
    warm = predict(agents=1, prefix_cache_hit_rate=0.5)
    assert cold.ttft_ms.p95.value - warm.ttft_ms.p95.value == pytest.approx(12.5)
    without = predict(
        agents=1, prefix_cache_hit_rate=0.5, engine=replace(ENGINE, enable_prefix_caching=False)
    )
    assert without.ttft_ms.p95.value == cold.ttft_ms.p95.value


def test_parts_add_up_to_the_mean():
    for found in (predict(requests_per_second=5.0), predict(agents=80)):
        total = sum(found.latency_parts_ms.values())
        assert total == pytest.approx(found.latency_ms.mean.value)
        assert set(found.latency_parts_ms) == {"queue", "host", "prefill", "decode"}


def test_agents_share_what_a_lone_one_gets():
    """TR133's eta(N): per-agent rate over that of one agent."""
    one, many = predict(agents=1), predict(agents=8)
    assert one.scaling_efficiency.value == pytest.approx(1.0)
    assert one.agent_tok_s.value == pytest.approx(one.throughput_tok_s.value)
    assert many.agent_tok_s.value == pytest.approx(many.throughput_tok_s.value / 8)
    assert many.scaling_efficiency.value == pytest.approx(
        many.agent_tok_s.value / one.agent_tok_s.value
    )
    assert not predict(requests_per_second=1.0).scaling_efficiency.known


@pytest.mark.parametrize("end", ["slow", "value", "fast"])
def test_bounds_hold_for_the_whole_load(end: str):
    at = {"slow": "high", "value": "value", "fast": "low"}[end]
    found = predict(requests_per_second=5.0, replicas=2)
    resolved = resolve_of(requests_per_second=5.0, replicas=2)
    ttft, tpot, latency = unloaded_ms(resolved, FakeSpeed(), end=end)
    assert ttft <= getattr(found.ttft_ms.p50, at)
    assert tpot <= getattr(found.tpot_ms.p50, at)
    assert latency <= getattr(found.latency_ms.p50, at)
    rate = saturation_rps(resolved, FakeSpeed(), memory(), end=end)
    other = {"slow": "low", "value": "value", "fast": "high"}[end]
    assert 2 * rate == pytest.approx(getattr(found.saturation_rps, other))


SLO = Slo(latency=(LatencyLimit("latency", 95, 2000.0, "/slo/latency_p95"),))


def test_headroom_is_where_the_limit_is_just_kept():
    resolved = resolve_of(requests_per_second=5.0, slo=SLO)
    found = headroom_rps(resolved, FakeSpeed(), memory())
    assert found.low < found.value < found.high
    below, above = (
        predict(requests_per_second=share * found.value, slo=SLO).latency_ms.p95.value
        for share in (0.97, 1.03)
    )
    assert below < 2000.0 < above
    utilisation = replace(SLO, latency=(), max_utilisation=0.5)
    found = headroom_rps(replace_slo(resolved, utilisation), FakeSpeed(), memory())
    saturation = predict(requests_per_second=5.0).saturation_rps.value
    assert found.value == pytest.approx(0.5 * saturation, rel=0.02)


def test_headroom_is_nothing_where_a_lone_request_is_too_slow():
    tight = Slo(latency=(LatencyLimit("tpot", 95, 5.0, "/slo/tpot_p95"),))
    resolved = resolve_of(requests_per_second=5.0, slo=tight)
    assert headroom_rps(resolved, FakeSpeed(), memory()).value == 0.0


@pytest.mark.parametrize(
    ("settings", "basis"),
    [
        ({"requests_per_second": 1.0}, "needs a limit"),
        ({"agents": 3, "slo": SLO}, "closed loop"),
        ({"requests_per_second": 1.0, "slo": SLO, "lengths": False}, "needs traffic"),
    ],
)
def test_why_there_is_no_headroom(settings: dict[str, object], basis: str):
    found = headroom_rps(resolve_of(**settings), FakeSpeed(), memory())
    assert not found.known
    assert basis in found.basis


def test_goodput_counts_what_keeps_every_limit():
    loose = predict(requests_per_second=5.0, slo=SLO).goodput_rps.value
    tight = predict(
        requests_per_second=5.0,
        slo=Slo(latency=(*SLO.latency, LatencyLimit("ttft", 95, 31.0, "/slo/ttft_p95"))),
    ).goodput_rps.value
    assert 0.0 < tight < loose <= 5.0
