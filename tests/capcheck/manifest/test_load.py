from __future__ import annotations

import json

import pytest
from capcheck.manifest.deployment import (
    AlternativesScope,
    Budget,
    Deployment,
    LatencyLimit,
    QualityLimit,
    Replicas,
    SafetyLimit,
    Serving,
    Slo,
    Tokens,
    Traffic,
)
from capcheck.manifest.load import load
from capcheck.place import Place

FULL = """\
# yaml-language-server: $schema=../schemas/manifest.schema.json
version: 1
deployments:
  chat:
    model: meta-llama/Llama-3.1-8B-Instruct
    quant: FP8
    backend: vllm
    backend_version: 0.10
    replicas: {min: 0, max: 4}
    gpu: L4
    gpus_per_replica: 2
    vram_gib: 22.5
    reserved_gib: 0
    usd_per_gpu_hour: 0.71
    provider: gcp
    instance_type: g2-standard-24
    region: us-central1
    capacity_type: spot
    serving:
      tensor_parallel_size: 2
      pipeline_parallel_size: 1
      data_parallel_size: 1
      max_model_len: 8192
      max_num_seqs: 64
      max_num_batched_tokens: 4096.0
      gpu_memory_utilization: 0.9
      mem_fraction_static: 0.8
      kv_cache_free_gpu_memory_fraction: 0.7
      cuda_memory_fraction: 1
      kv_cache_dtype: fp8
      enable_prefix_caching: true
      enable_chunked_prefill: false
      enforce_eager: False
    traffic:
      requests_per_second: {mean: 0.5, peak: 2}
      profile: rag
      prompt_tokens: {mean: 900.5, p95: 2000, max: 8000}
    slo:
      latency_p99: 1m
      ttft_p95: 500ms
      tpot_p50: 0.05s
      max_utilisation: 0.7
      min_throughput_tok_s: 100
    quality: {benchmark: mmlu, max_drop: 0.03}
    safety: {min_refusal: 0.9, max_over_refusal: 0.1}
    budget: {monthly_usd: 500, max_increase_usd: 0, usd_per_million_tokens: 0.5}
    alternatives:
      models: [a, b]
      quants: [FP8]
      backends: [vllm]
      gpus: [L4, "A10"]
      max_replicas: 8
      keep: [gpu, max_model_len]
"""


def only(text: str, **options: object) -> Deployment:
    (deployment,) = load(text.encode(), "m.yaml", **options)  # type: ignore[arg-type]
    return deployment


def of(fields: str) -> Deployment:
    lines = "".join(f"    {line}\n" for line in fields.splitlines())
    return only(f"version: 1\ndeployments:\n  a:\n    model: x\n{lines}")


def test_every_field():
    assert only(FULL) == Deployment(
        name="chat",
        path="m.yaml",
        place=Place("m.yaml", 4, 3, 7),
        model="meta-llama/Llama-3.1-8B-Instruct",
        quant="FP8",
        backend="vllm",
        backend_version="0.10",
        replicas=Replicas(1, 4),
        gpu="L4",
        gpus_per_replica=2,
        vram_gib=22.5,
        reserved_gib=0,
        usd_per_gpu_hour=0.71,
        provider="gcp",
        instance_type="g2-standard-24",
        region="us-central1",
        capacity_type="spot",
        serving=Serving(
            tensor_parallel_size=2,
            pipeline_parallel_size=1,
            data_parallel_size=1,
            max_model_len=8192,
            max_num_seqs=64,
            max_num_batched_tokens=4096,
            gpu_memory_utilization=0.9,
            mem_fraction_static=0.8,
            kv_cache_free_gpu_memory_fraction=0.7,
            cuda_memory_fraction=1,
            kv_cache_dtype="fp8",
            enable_prefix_caching=True,
            enable_chunked_prefill=False,
            enforce_eager=False,
        ),
        traffic=Traffic(
            requests_per_second=0.5,
            peak_requests_per_second=2,
            prompt_tokens=Tokens(900.5, 2000, 8000),
            output_tokens=Tokens(512),
            profile="rag",
        ),
        slo=Slo(
            (
                LatencyLimit("ttft", 95, 500.0, "/slo/ttft_p95"),
                LatencyLimit("tpot", 50, 50.0, "/slo/tpot_p50"),
                LatencyLimit("latency", 99, 60_000.0, "/slo/latency_p99"),
            ),
            max_utilisation=0.7,
            min_throughput_tok_s=100,
        ),
        quality=QualityLimit("mmlu", max_drop=0.03),
        safety=SafetyLimit(0.9, 0.1),
        budget=Budget(500, 0, 0.5),
        alternatives=AlternativesScope(
            ("a", "b"), ("FP8",), ("vllm",), ("L4", "A10"), 8, ("gpu", "max_model_len")
        ),
    )


def test_what_is_not_stated_is_none():
    assert of("") == Deployment(name="a", path="m.yaml", place=Place("m.yaml", 3, 3, 4), model="x")


def test_whole_numbers_are_integers_even_when_written_with_a_point():
    batched = only(FULL).serving.max_num_batched_tokens
    assert batched == 4096
    assert isinstance(batched, int)


@pytest.mark.parametrize(
    ("pointer", "line", "column", "end_column"),
    [
        ("", 4, 3, 7),
        ("/model", 5, 12, 44),
        ("/backend_version", 8, 22, 26),
        ("/replicas", 9, 5, 13),
        ("/replicas/max", 9, 29, 30),
        ("/serving", 19, 5, 12),
        ("/serving/max_model_len", 23, 22, 26),
        ("/traffic", 34, 5, 12),
        ("/traffic/requests_per_second", 35, 7, 26),
        ("/traffic/requests_per_second/peak", 35, 46, 47),
        ("/slo", 38, 5, 8),
        ("/slo/ttft_p95", 40, 17, 22),
        ("/quality/max_drop", 44, 42, 46),
        ("/alternatives/gpus", 51, 13, 24),
        ("/alternatives/gpus/1", 51, 18, 23),
    ],
)
def test_places(pointer: str, line: int, column: int, end_column: int):
    assert only(FULL).places[pointer] == Place("m.yaml", line, column, end_column)


def test_places_hold_the_stated_fields_and_no_others():
    assert sorted(of("gpu: L4\nslo: {ttft_p50: 1s}").places) == [
        *("", "/gpu", "/model", "/slo", "/slo/ttft_p50"),
    ]


def test_places_inside_an_architecture():
    places = of("architecture:\n  hidden_size: 64\n  a/b~c: 1").places
    assert places["/architecture"] == Place("m.yaml", 5, 5, 17)
    assert places["/architecture/hidden_size"] == Place("m.yaml", 6, 20, 22)
    assert places["/architecture/a~1b~0c"] == Place("m.yaml", 7, 14, 15)


@pytest.mark.parametrize(
    ("traffic", "prompt", "output"),
    [
        ("{profile: chat}", Tokens(512), Tokens(256)),
        ("{profile: generate}", Tokens(1024), Tokens(1024)),
        ("{profile: rag}", Tokens(4096), Tokens(512)),
        ("{profile: long}", Tokens(10240), Tokens(1536)),
        ("{profile: chat, output_tokens: 7}", Tokens(512), Tokens(7)),
        ("{profile: chat, prompt_tokens: {mean: 7, max: 9}}", Tokens(7, None, 9), Tokens(256)),
        ("{prompt_tokens: 7}", Tokens(7), None),
        ("{}", None, None),
    ],
)
def test_token_lengths(traffic: str, prompt: Tokens | None, output: Tokens | None):
    found = of(f"traffic: {traffic}").traffic
    assert found is not None
    assert (found.prompt_tokens, found.output_tokens) == (prompt, output)


@pytest.mark.parametrize(
    ("text", "replicas"),
    [
        ("", Replicas(1, 1)),
        ("replicas: 3", Replicas(3, 3)),
        ("replicas: {min: 2, max: 5}", Replicas(2, 5)),
        ("replicas: {min: 0, max: 1}", Replicas(1, 1)),
    ],
)
def test_replicas(text: str, replicas: Replicas):
    assert of(text).replicas == replicas


def test_burstiness_and_routing():
    traffic = of("traffic: {requests_per_second: 8, burstiness: 4, routing: random}").traffic
    assert traffic == Traffic(requests_per_second=8, burstiness=4, routing="random")


def test_prefix_cache_hit_rate():
    traffic = of("traffic: {agents: 8, prefix_cache_hit_rate: 0.6}").traffic
    assert traffic == Traffic(agents=8, prefix_cache_hit_rate=0.6)


def test_agents_with_think_time():
    assert of("traffic: {agents: 8, think_time: 1.5s}").traffic == Traffic(
        agents=8, think_time_s=1.5
    )


@pytest.mark.parametrize(
    ("written", "version"),
    [("0.10", "0.10"), ("'0.10'", "0.10"), ("0.11.0", "0.11.0"), ("1", "1"), ("v0.9", "v0.9")],
)
def test_a_version_is_taken_as_written(written: str, version: str):
    assert of(f"backend_version: {written}").backend_version == version


def test_merge_keys_share_settings_and_keep_places():
    text = """\
version: 1
deployments:
  a: &a
    model: x
    gpu: L4
    slo: {ttft_p95: 1s}
  b:
    <<: *a
    gpu: A10
"""
    first, second = load(text.encode(), "m.yaml")
    assert (second.model, second.gpu, second.slo) == ("x", "A10", first.slo)
    assert second.at("/model") == Place("m.yaml", 4, 12, 13)
    assert second.at("/gpu") == Place("m.yaml", 9, 10, 13)


def test_json():
    manifest = {"version": 1, "deployments": {"a": {"model": "x", "slo": {"ttft_p95": "1s"}}}}
    for text in (json.dumps(manifest), json.dumps(manifest, indent="\t")):
        deployment = only(text)
        assert deployment.model == "x"
        assert deployment.slo.latency[0].limit_ms == 1000


def test_crlf_and_byte_order_mark():
    windows = "\ufeff" + FULL.replace("\n", "\r\n")
    assert only(windows) == only(FULL)
    assert only(windows).places == only(FULL).places


def test_a_thousand_deployments():
    fields = FULL.split("  chat:\n")[1]
    text = "version: 1\ndeployments:\n" + "".join(f"  d{n}:\n{fields}" for n in range(500))
    text += "".join(
        f"  e{n}: {{model: x, gpu: L4, traffic: {{agents: {n + 1}}}}}\n" for n in range(500)
    )
    deployments = load(text.encode(), "m.yaml")
    assert [one.name for one in deployments] == [
        *(f"d{n}" for n in range(500)),
        *(f"e{n}" for n in range(500)),
    ]
    assert deployments[499].serving == only(FULL).serving
    assert deployments[499].at("/model").line == 3 + 499 * 50 + 1
    assert deployments[999].traffic == Traffic(agents=500)


CONFIG = b'{"hidden_size": 64, "rms_norm_eps": 1e-05, "limit": [0.0, Infinity]}'


@pytest.mark.parametrize(
    ("manifest", "written", "read"),
    [
        ("m.yaml", "config.json", "config.json"),
        ("deploy/prod/m.yaml", "config.json", "deploy/prod/config.json"),
        ("deploy/prod/m.yaml", "../models/./config.json", "deploy/models/config.json"),
        ("/abs/m.yaml", "../config.json", "/config.json"),
    ],
)
def test_model_config(manifest: str, written: str, read: str):
    asked = []

    def read_file(path: str) -> bytes:
        asked.append(path)
        return CONFIG

    both = "".join(f"  {name}: {{model_config: {written}}}\n" for name in "ab")
    text = f"version: 1\ndeployments:\n{both}"
    first, second = load(text.encode(), manifest, read_file=read_file)
    assert asked == [read]
    assert first.architecture == {"hidden_size": 64, "rms_norm_eps": 1e-05, "limit": [0.0, None]}
    assert second.architecture == first.architecture
    assert first.at("/model_config").line == 3


def test_inline_architecture():
    text = "architecture: {hidden_size: 64, text_config: {layers: [1, a, ~]}, tie: true}"
    assert of(text).architecture == {
        "hidden_size": 64,
        "text_config": {"layers": [1, "a", None]},
        "tie": True,
    }


@pytest.mark.parametrize(
    "name", ["a", "0", "llama3.1:8b", "team/chat@prod", "A-b_c+d.e", "a" * 100]
)
def test_names(name: str):
    assert only(f'version: 1\ndeployments: {{"{name}": {{model: x}}}}\n').name == name
