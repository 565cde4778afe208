"""From command lines to facts."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.facts import of_config, of_environment, typed
from capcheck.source.native.command.programs import calls_in_script
from capcheck.source.native.container import of_calls
from capcheck.source.native.deployment import Stated, Unknown

from tests.capcheck.source.native.conftest import environment, text_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "vllm serve m --max_model_len 32k -tp=2 -pp 2 --gpu-memory-util .9 --max-num-seq 8",
            {
                "backend": "vllm",
                "model": "m",
                "max_model_len": 32000,
                "tp": 2,
                "pp": 2,
                "gpu_memory_utilization": 0.9,
                "max_num_seqs": 8,
            },
        ),
        (
            "vllm serve m --max-model-len 1K",
            {"backend": "vllm", "model": "m", "max_model_len": 1024},
        ),
        ("vllm serve m --max-model-len auto", {"backend": "vllm", "model": "m"}),
        (
            "vllm serve m --max-model-len 1 --max-model-len 2",
            {"backend": "vllm", "model": "m", "max_model_len": 2},
        ),
        ("vllm serve hf://o/m -q awq", {"backend": "vllm", "model": "o/m", "quant": "awq"}),
        (
            "vllm serve m --load-format bitsandbytes",
            {"backend": "vllm", "model": "m", "quant": "bitsandbytes"},
        ),
        ("vllm serve m --hf-overrides.max_model_len 5", {"backend": "vllm", "model": "m"}),
        (
            "python -m sglang.launch_server --model-path m --tp 2 --context-length 9",
            {"backend": "sglang", "model": "m", "tp": 2, "max_model_len": 9},
        ),
        (
            "text-generation-launcher --model-id m --num-shard 2 --max-total-tokens 9",
            {
                "backend": "tgi",
                "model": "m",
                "tp": 2,
                "max_model_len": 9,
            },
        ),
        (
            "llama-server -hf o/m:Q4_K_M -c 8192 -np 4 -ctk q8_0 -ngl 99",
            {
                "backend": "llama.cpp",
                "model": "o/m:Q4_K_M",
                "max_model_len": 8192,
                "max_num_seqs": 4,
                "kv_cache_dtype": "q8_0",
            },
        ),
        (
            "llama-server --hf-repo o/m --hf-file f.gguf",
            {"backend": "llama.cpp", "model": "o/m/f.gguf"},
        ),
        ("llama-server -hf '*o/m:Q4'", {"backend": "llama.cpp", "model": "*o/m:Q4"}),
        ("llama-server -m /m/f.gguf", {"backend": "llama.cpp", "model": "/m/f.gguf"}),
        (
            "trtllm-serve m --tp_size 2 --max_batch_size 4",
            {"backend": "trtllm", "model": "m", "tp": 2, "max_num_seqs": 4},
        ),
        ("trtllm-serve serve m", {"backend": "trtllm", "model": "m"}),
        ("ollama serve & sleep 1; ollama pull a:7b", {"backend": "ollama", "model": "a:7b"}),
        ("ollama serve & ollama pull a; ollama pull b", {"backend": "ollama"}),
        ("OLLAMA_CONTEXT_LENGTH=4096 ollama serve", {"backend": "ollama", "max_model_len": 4096}),
        ("export OLLAMA_NUM_PARALLEL=2; ollama serve", {"backend": "ollama", "max_num_seqs": 2}),
        (
            "if a; then vllm serve x -tp 2; else vllm serve y -tp 2; fi",
            {"backend": "vllm", "tp": 2},
        ),
        ("vllm serve m --max-model-len $A", {"backend": "vllm", "model": "m"}),
        ("vllm serve --enforce-eager m $EXTRA", {"backend": "vllm", "model": "m"}),
        ("vllm serve s3://$BUCKET/a/b", {"backend": "vllm", "model": "s3://$BUCKET/a/b"}),
        ("vllm serve s3://$BUCKET/$A", {"backend": "vllm"}),
    ],
)
def test_command_lines(line: str, expected: dict[str, object]) -> None:
    sheet = of_calls(calls_in_script(text_of(line), {}))
    assert sheet is not None
    known = {name: fact.value for name, fact in sheet.facts.items() if isinstance(fact, Stated)}
    assert known == expected


def test_a_fact_stands_where_its_value_does() -> None:
    sheet = of_calls(calls_in_script(text_of("vllm serve m \\\n  --max-model-len 4096"), {}))
    assert sheet is not None
    fact = sheet.facts["max_model_len"]
    assert isinstance(fact, Stated)
    assert (fact.place.line, fact.place.column, fact.place.end_column) == (2, 19, 23)
    assert fact.origin == "--max-model-len"


def test_other_flags_are_settings() -> None:
    line = "vllm serve m --dtype half --max-num-batched-tokens 2K --no-enable-prefix-caching"
    sheet = of_calls(calls_in_script(text_of(line), {}))
    assert sheet is not None
    assert {name: stated.value for name, stated in sheet.settings.items()} == {
        "dtype": "half",
        "max_num_batched_tokens": 2048,
        "enable_prefix_caching": "false",
    }


def test_the_memory_fractions_of_other_engines_are_not_that_of_vllm() -> None:
    line = "python -m sglang.launch_server --model-path m --mem-fraction-static 0.8"
    sheet = of_calls(calls_in_script(text_of(line), {}))
    assert sheet is not None
    assert "gpu_memory_utilization" not in sheet.facts
    assert sheet.settings["mem_fraction_static"].value == 0.8


@pytest.mark.parametrize(
    ("engine", "variables", "expected"),
    [
        ("tgi", {"MODEL_ID": "m", "NUM_SHARD": "2"}, {"model": "m", "tp": 2}),
        ("vllm", {"MODEL_ID": "m"}, {}),
        ("llama.cpp", {"LLAMA_ARG_HF_REPO": "o/m:Q8_0"}, {"model": "o/m:Q8_0"}),
        ("nim", {"NIM_MODEL_NAME": "hf://o/m"}, {"model": "o/m"}),
        (
            "nim",
            {"NIM_PASSTHROUGH_ARGS": "--max-model-len 4096 --max-num-seqs 8"},
            {"max_model_len": 4096, "max_num_seqs": 8},
        ),
    ],
)
def test_variables_that_an_engine_reads(
    engine: str, variables: dict[str, str], expected: dict[str, object]
) -> None:
    sheet = of_environment(environment(variables), engine)
    known = {name: fact.value for name, fact in sheet.facts.items() if isinstance(fact, Stated)}
    assert known == expected


def test_a_configuration_file_is_flags_without_dashes() -> None:
    pairs = [
        ("max-model-len", text_of("1k")),
        ("tensor_parallel_size", text_of("2")),
        ("x", text_of("y")),
    ]
    sheet = of_config(pairs, "vllm")
    assert {name: getattr(fact, "value", None) for name, fact in sheet.facts.items()} == {
        "max_model_len": 1000,
        "tp": 2,
    }


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("${MODEL}", "unresolved variable MODEL"),
        ("$MODEL_NAME", "unresolved variable MODEL_NAME"),
        ("{{ .Values.model }}", "a template expression"),
    ],
)
def test_what_others_would_fill_in_is_not_a_value(value: str, reason: str) -> None:
    fact = typed(text_of(value), "text", "--model")
    assert isinstance(fact, Unknown)
    assert fact.reason == reason
    assert fact.place is not None
