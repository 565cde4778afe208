"""Native files that no manifest refers to, and manifests made for them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from capcheck.errors import InputError
from capcheck.manifest.load import Entry
from capcheck.manifest.native.draft import draft
from capcheck.manifest.native.facts import stated
from capcheck.manifest.native.names import name_of
from capcheck.place import Place
from capcheck.registry.tables import Registry
from capcheck.resolution.resolve import resolve
from capcheck.source.native import deployment as native
from hypothesis import given
from hypothesis import strategies as st

from tests.capcheck.manifest.native.conftest import CHAT, Repository

PLACE = Place("native.yaml", 1, 1, 2)

COMPOSE = """\
services:
  small:
    image: vllm/vllm-openai:v0.11.0
    command: --model Qwen/Qwen3-0.6B --gpu-memory-utilization 0.6
    x-capcheck:
      gpu: L4
      budget: {monthly_usd: 900}
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1}]}}}
  large:
    image: vllm/vllm-openai:v0.11.0
    command: --model Qwen/Qwen3-8B --gpu-memory-utilization ${SHARE:-0.5}
    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all}]}}}
"""


def blanks(entry: Entry) -> dict[str, str]:
    return {pointer: blank.reason for pointer, blank in entry.stated.native.blanks.items()}


def test_a_native_file_is_checked_as_it_stands(repository: Repository):
    (entry,) = repository.entries("k8s/chat.yaml")
    assert (entry.is_native, entry.address, entry.stated.name) == (True, "Deployment/chat", "chat")
    assert entry.deployment().place.path == "k8s/chat.yaml"
    assert blanks(entry) == {"/serving/max_num_seqs": "unresolved variable SEQS"}


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("vllm/vllm-openai:v0.11.0", "0.11.0"),
        ("vllm/vllm-openai:latest", "latest"),
        ("vllm/vllm-openai", "latest"),
        ("vllm/vllm-openai@sha256:" + 64 * "0", None),
        ("vllm/vllm-openai:${TAG}", None),
        ("vllm/vllm-openai:nightly-abc", None),
    ],
)
def test_the_release_of_an_image(repository: Repository, image: str, version: str | None):
    repository.texts["chat.yaml"] = CHAT.replace("vllm/vllm-openai:v0.11.0", image)
    (entry,) = repository.entries("chat.yaml")
    assert entry.deployment().backend_version == version


def test_services_and_what_is_noted_in_them(repository: Repository):
    repository.write("compose.yaml", COMPOSE)
    small, large = repository.entries("compose.yaml")
    assert (small.stated.name, large.stated.name) == ("small", "large")
    assert small.stated.values["/gpu"] == "L4"
    assert small.stated.places["/gpu"] == Place("compose.yaml", 6, 12, 14)
    assert small.stated.values["/budget/monthly_usd"] == 900
    assert large.stated.values["/serving/gpu_memory_utilization"] == 0.5
    assert blanks(large) == {"/gpus_per_replica": "all GPUs of the machine"}


def test_an_annotation(repository: Repository):
    noted = CHAT.replace(
        "  namespace: prod\n",
        "  annotations:\n    capcheck.dev/check: |\n      slo: {latency_p95: 3s}\n"
        "      serving: {max_model_len: 4096}\n",
    )
    repository.write("chat.yaml", noted)
    (entry,) = repository.entries("chat.yaml")
    assert entry.stated.values["/slo/latency_p95"] == 3000
    assert entry.stated.places["/slo/latency_p95"].line == 7
    assert entry.stated.native.displaced["/serving/max_model_len"].value == 8192


def test_a_note_with_a_mistake_is_an_error_at_its_place(repository: Repository):
    repository.write("compose.yaml", COMPOSE.replace("gpu: L4", "gpus: L4"))
    with pytest.raises(InputError) as caught:
        repository.entries("compose.yaml")
    (problem,) = caught.value.problems
    assert (problem.code, problem.place.line) == ("unknown-key", 6)


def test_a_note_does_not_lead_elsewhere(repository: Repository):
    repository.write("compose.yaml", COMPOSE.replace("gpu: L4", "from: k8s/chat.yaml"))
    with pytest.raises(InputError) as caught:
        repository.entries("compose.yaml")
    assert [one.code for one in caught.value.problems] == ["not-supported-yet"]


@pytest.mark.parametrize(
    ("services", "told"),
    [
        ([("a", 0.6, ""), ("b", 0.5, "")], ["b"]),
        ([("a", 0.4, ""), ("b", 0.4, ""), ("c", 0.4, "")], ["c"]),
        ([("a", 0.5, ""), ("b", 0.5, "")], []),
        ([("a", 0.6, "x"), ("b", 0.5, "y")], []),
        ([("a", 0.6, "x"), ("b", 0.5, "x")], ["b"]),
        ([("a", 0.6, ""), ("b", 0.5, "y")], ["b"]),
    ],
)
def test_shares_of_one_device(
    repository: Repository, services: Sequence[tuple[str, float, str]], told: list[str]
):
    text = "services:\n"
    for name, share, profile in services:
        text += (
            f"  {name}:\n    image: vllm/vllm-openai:v0.11.0\n"
            f"    command: --model Qwen/Qwen3-0.6B --gpu-memory-utilization {share}\n"
            "    deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 1}]}}}\n"
        )
        text += f"    profiles: [{profile}]\n" if profile else ""
    repository.texts["compose.yaml"] = text
    found = repository.entries("compose.yaml")
    assert [
        one.stated.name
        for one in found
        if any(seen.rule == "gpu-shared" for seen in one.stated.native.observed)
    ] == told


@pytest.mark.parametrize(("ids", "is_told"), [(("0", "1"), False), (("0", "0"), True)])
def test_devices_by_their_ids(repository: Repository, ids: tuple[str, str], is_told: bool):
    text = "services:\n"
    for name, device in zip("ab", ids, strict=True):
        text += (
            f"  {name}:\n    image: vllm/vllm-openai:v0.11.0\n"
            "    command: --model Qwen/Qwen3-0.6B --gpu-memory-utilization 0.6\n"
            "    deploy: {resources: {reservations: {devices: "
            f"[{{driver: nvidia, device_ids: ['{device}'], capabilities: [gpu]}}]}}}}}}\n"
        )
    repository.texts["compose.yaml"] = text
    found = repository.entries("compose.yaml")
    assert any(one.stated.native.observed for one in found) is is_told


def of(
    facts: dict[str, object] | None = None,
    settings: dict[str, object] | None = None,
    alternatives: tuple[tuple[str, int], ...] = (),
) -> native.NativeDeployment:
    def put(values: dict[str, object] | None) -> dict[str, native.Stated]:
        return {
            name: native.Stated(value, PLACE, f"--{name}")  # type: ignore[arg-type]
            for name, value in (values or {}).items()
        }

    return native.deployment(
        address="Kind/name",
        kind="Kind",
        place=PLACE,
        facts=put(facts),
        settings=put(settings),
        alternatives=alternatives,
    )


@pytest.mark.parametrize(
    ("facts", "values", "open_"),
    [
        ({"gpu": "AMD"}, {}, {"/gpu": "any accelerator of AMD"}),
        ({"gpu": "L4|A100-80GB"}, {}, {"/gpu": "one of L4, A100-80GB"}),
        (
            {"gpu": "CPU", "gpu_count": 0},
            {},
            {"/gpu": "the processor: no accelerator is asked for"},
        ),
        (
            {"gpu": "MIG-2g.24gb"},
            {},
            {"/gpu": "a MIG slice (2g.24gb): nothing is predicted of a part of a card"},
        ),
        ({"gpu": "TPU-v5e"}, {}, {"/gpu": "a TPU-v5e of Google: nothing is predicted of TPUs"}),
        (
            {"backend": "nim"},
            {},
            {"/backend": "NIM picks TensorRT-LLM, vLLM or SGLang when it starts, by its profile"},
        ),
        (
            {"backend": "huggingfaceserver"},
            {},
            {"/backend": "KServe's server runs vLLM where it can, else Transformers"},
        ),
        ({"gpu_count": "all"}, {}, {"/gpus_per_replica": "all GPUs of the machine"}),
        ({"model": "/models/a"}, {}, {"/model": "what lies at /models/a"}),
        ({"model": "pvc://a/b"}, {}, {"/model": "what lies at pvc://a/b"}),
        ({"model": "/models/a-Q4_K_M.gguf"}, {"/model": "/models/a-Q4_K_M.gguf"}, {}),
        ({"model": "ollama://llama3.2"}, {"/model": "llama3.2"}, {}),
        ({"quant": "gguf:Q4_K_M"}, {"/quant": "Q4_K_M"}, {}),
        ({"quant": "compressed-tensors"}, {}, {}),
        ({"kv_cache_dtype": "auto"}, {}, {}),
        ({"replicas": 3}, {"/replicas": 3}, {}),
        ({"replicas": 0}, {"/replicas/min": 0, "/replicas/max": 1}, {}),
        (
            {"backend": "llama.cpp", "max_model_len": 8192, "max_num_seqs": 4},
            {
                "/backend": "llama.cpp",
                "/serving/max_model_len": 2048,
                "/serving/max_num_seqs": 4,
            },
            {},
        ),
        (
            {"backend": "vllm", "max_model_len": 8192, "max_num_seqs": 4},
            {"/backend": "vllm", "/serving/max_model_len": 8192, "/serving/max_num_seqs": 4},
            {},
        ),
    ],
)
def test_facts_in_the_words_of_a_manifest(
    facts: dict[str, object], values: dict[str, object], open_: dict[str, str]
):
    found = stated(of(facts), "x")
    assert found.values == values
    assert {name: blank.reason for name, blank in found.native.blanks.items()} == open_


def test_values_beyond_a_field_are_open():
    found = stated(of({"tp": 0, "max_model_len": 10**12}), "x")
    assert found.values == {}
    assert set(found.native.blanks) == {
        "/serving/tensor_parallel_size",
        "/serving/max_model_len",
    }


@pytest.mark.parametrize(
    ("settings", "values"),
    [
        ({"max_replicas": 4}, {"/replicas/min": 1, "/replicas/max": 4}),
        ({"enforce_eager": "true"}, {"/replicas": 1, "/serving/enforce_eager": True}),
        ({"dtype": "float32"}, {"/replicas": 1, "/quant": "FP32"}),
        (
            {"chunked_prefill_size": 2048},
            {"/replicas": 1, "/serving/max_num_batched_tokens": 2048},
        ),
        ({"engine_version": "0.10"}, {"/replicas": 1, "/backend_version": "0.10"}),
        (
            {"ttft_ms": 200, "itl_ms": 20.5, "isl": 4000, "osl": 500, "request_rate": 2.5},
            {
                "/replicas": 1,
                "/slo/ttft_p50": 200,
                "/slo/tpot_p50": 20.5,
                "/traffic/prompt_tokens": 4000,
                "/traffic/output_tokens": 500,
                "/traffic/requests_per_second": 2.5,
            },
        ),
        (
            {"e2e_latency_ms": 5000, "concurrency": 8},
            {"/replicas": 1, "/slo/latency_p50": 5000, "/traffic/agents": 8},
        ),
        (
            {"request_rate": 1, "concurrency": 8},
            {"/replicas": 1, "/traffic/requests_per_second": 1},
        ),
    ],
)
def test_settings(settings: dict[str, object], values: dict[str, object]):
    assert stated(of({"replicas": 1}, settings), "x").values == values


@pytest.mark.parametrize(
    ("runtime", "backend"), [({}, "vllm"), ({"runtime": "transformers"}, "transformers")]
)
def test_the_engine_behind_a_preset(runtime: dict[str, object], backend: str):
    found = stated(of({"backend": "kaito-preset"}, runtime), "x")
    assert found.values["/backend"] == backend
    assert found.native.origins["/backend"] == ("--runtime" if runtime else "--backend")


@pytest.mark.parametrize(
    ("machine", "price", "note"),
    [
        ("Standard_NC4as_T4_v3", "azure Standard_NC4as_T4_v3", []),
        (
            "Standard_NC24ads_A100_v4",
            "marketplace",
            ["Standard_NC24ads_A100_v4 has no price in the table: another's is used"],
        ),
    ],
)
def test_a_machine_type_has_its_own_price(
    repository: Repository, registry: Registry, machine: str, price: str, note: list[str]
):
    label = f"node.kubernetes.io/instance-type: {machine}"
    repository.texts["chat.yaml"] = CHAT.replace(
        "cloud.google.com/gke-accelerator: nvidia-l4", label
    )
    (entry,) = repository.entries("chat.yaml")
    resolved, findings = resolve(entry.deployment(), registry)
    assert resolved.origins["usd_per_gpu_hour"].text.startswith(price)
    assert [one.message for one in findings if one.rule == "price-basis"] == note


@pytest.mark.parametrize("gpu", ["AMD", "L4|A100-80GB", "CPU"])
def test_a_part_of_the_name_differs_from_another_card(repository: Repository, gpu: str):
    assert stated(of({"gpu": gpu}), "x").native.blanks["/gpu"].words == gpu
    assert stated(of({"gpu": "MIG-2g.24gb"}), "x").native.blanks["/gpu"].words == ""


REQUEST = """\
apiVersion: nvidia.com/v1beta1
kind: DynamoGraphDeploymentRequest
metadata: {name: sla}
spec:
  model: Qwen/Qwen3-32B
  backend: vllm
  hardware: {gpuSku: h100_sxm}
  workload: {isl: 4000, osl: 500, concurrency: 4}
  sla: {ttft: 600}
"""


def test_a_request_leaves_the_number_of_gpus_to_its_planner(repository: Repository):
    repository.write("k8s/request.yaml", REQUEST)
    (entry,) = repository.entries("k8s/request.yaml")
    assert blanks(entry) == {
        "/gpus_per_replica": "Dynamo's profiler decides it",
        "/serving/tensor_parallel_size": "Dynamo's profiler decides it",
    }
    assert entry.stated.places["/slo/ttft_p50"] == Place("k8s/request.yaml", 9, 15, 18)


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        ("{requests_per_second: 2}", (2, None, 4000)),
        ("{requests_per_second: {mean: 2, peak: 3}}", (2, None, 4000)),
        ("{agents: 9}", (None, 9, 4000)),
        ("{prompt_tokens: {mean: 100, p95: 300}}", (None, 4, 100)),
    ],
)
def test_a_manifests_traffic_takes_the_place_of_a_requests(
    repository: Repository, traffic: str, expected: tuple[int | None, ...]
):
    repository.write("k8s/request.yaml", REQUEST)
    (entry,) = repository.manifest(f"from: ../k8s/request.yaml\ntraffic: {traffic}")
    found = entry.deployment().traffic
    assert found is not None
    assert found.prompt_tokens is not None
    rate, agents, prompt = found.requests_per_second, found.agents, found.prompt_tokens.mean
    assert (rate, agents, prompt) == expected


def test_each_alternative_has_its_number_of_gpus():
    one = of({"gpu": "L4:4|A100:1", "tp": "$SKYPILOT_NUM_GPUS_PER_NODE"})
    found = [stated(one, "x", choice=choice).values for choice in (("L4", 4), ("A100", 1))]
    assert found == [
        {"/gpu": "L4", "/gpus_per_replica": 4, "/serving/tensor_parallel_size": 4},
        {"/gpu": "A100", "/gpus_per_replica": 1, "/serving/tensor_parallel_size": 1},
    ]


@pytest.mark.parametrize(
    ("address", "path", "taken", "name"),
    [
        ("Deployment/chat", "a.yaml", (), "chat"),
        ("Deployment/chat", "a.yaml", ("chat", "chat-2"), "chat-3"),
        ("DynamoGraphDeployment/llama#decode", "a.yaml", (), "llama-decode"),
        ("services.vllm", "compose.yaml", (), "vllm"),
        ("modelSpec[llama3]", "values.yaml", (), "llama3"),
        ("HelmRelease/llm#controllers.main", "a.yaml", (), "llm-main"),
        ("", "deploy/vllm.service", (), "vllm"),
        ("Deployment/a b\n", "a.yaml", (), "a-b"),
    ],
)
def test_names(address: str, path: str, taken: tuple[str, ...], name: str):
    assert name_of(address, path, taken) == name


def test_a_manifest_for_what_was_found(repository: Repository):
    repository.write("compose.yaml", COMPOSE)
    found = (*repository.entries("k8s/chat.yaml"), *repository.entries("compose.yaml"))
    text = draft(found, "ops")
    # What a note in the file says already is not asked for.
    expected = [
        "# traffic: {requests_per_second: 1, prompt_tokens: 512, output_tokens: 256}",
        "# slo: {ttft_p95: 1s, latency_p95: 10s}",
        "# budget: {monthly_usd: 1000}",
    ]
    assert [line.strip() for line in text.splitlines()] == [
        "version: 1",
        "deployments:",
        "chat:",
        "from: ../k8s/chat.yaml#Deployment/chat",
        "# serving: {max_num_seqs: N}  # unresolved variable SEQS",
        *expected,
        "small:",
        "from: ../compose.yaml#services.small",
        *expected[:2],
        "large:",
        "from: ../compose.yaml#services.large",
        "# gpu: NAME  # the file does not say",
        "# gpus_per_replica: N  # all GPUs of the machine",
        *expected,
    ]
    repository.texts["ops/capcheck.yaml"] = text
    again = repository.entries("ops/capcheck.yaml")
    assert [one.stated.values["/serving/max_model_len"] for one in again[:1]] == [8192]
    assert [one.stated.name for one in again] == ["chat", "small", "large"]


@given(st.data())
def test_a_mutated_file_never_crashes(data: st.DataObject):
    text = data.draw(st.sampled_from((CHAT, COMPOSE)))
    at = data.draw(st.integers(0, len(text)))
    junk = data.draw(
        st.sampled_from(("", "\n", ": ", "- ", "${", "{{", "'", "[", "#", "-1", "&a "))
    )
    end = data.draw(st.integers(at, min(len(text), at + 30)))
    repository = Repository()
    repository.texts["compose.yaml"] = text[:at] + junk + text[end:]
    with suppress(InputError):
        for entry in repository.entries("compose.yaml"):
            entry.deployment()
