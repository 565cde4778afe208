"""Flags of the table, and arguments."""

from __future__ import annotations

import pytest
from capcheck.registry.rows import read, several
from capcheck.source.native.command.flags import DATA, engines_with, find, flags_of, parse

from tests.capcheck.source.native.conftest import text_of

TYPES = {"text", "integer", "number", "length", "json", "list", "optional", "switch"}


@pytest.mark.parametrize(
    ("engine", "name", "flag"),
    [
        ("vllm", "--max-model-len", "--max-model-len"),
        ("vllm", "--max_model_len", "--max-model-len"),
        ("vllm", "--max-num-seq", "--max-num-seqs"),
        ("vllm", "--max-num-batched-token", "--max-num-batched-tokens"),
        ("vllm", "--gpu-memory-util", "--gpu-memory-utilization"),
        ("vllm", "--tensor-parallel", "--tensor-parallel-size"),
        ("vllm", "-tp", "--tensor-parallel-size"),
        ("vllm", "-q", "--quantization"),
        ("vllm", "--no-enable-prefix-caching", "--enable-prefix-caching"),
        ("vllm", "--max", None),
        ("vllm", "--not-a-flag", None),
        ("sglang", "--tp", "--tensor-parallel-size"),
        ("sglang", "--model", "--model-path"),
        ("llama.cpp", "-c", "--ctx-size"),
        ("llama.cpp", "-ngl", "--gpu-layers"),
        ("llama.cpp", "--ctx", None),
        ("tgi", "--num-shard", "--num-shard"),
        ("trtllm", "--tp_size", "--tp_size"),
        ("huggingfaceserver", "--max-model-len", "--max_model_len"),
        ("huggingfaceserver", "--gpu-memory-utilization", "--gpu-memory-utilization"),
    ],
)
def test_a_flag_by_name_alias_or_unique_prefix(engine: str, name: str, flag: str | None) -> None:
    found = find(name, engine)
    assert (found.name if found else None) == flag


@pytest.mark.parametrize(
    ("engine", "line", "options", "positional"),
    [
        ("vllm", "m -tp 2", {"--tensor-parallel-size": "2"}, ["m"]),
        ("vllm", "--model=m --enforce-eager", {"--model": "m", "--enforce-eager": ""}, []),
        ("vllm", "--enforce-eager m", {"--enforce-eager": ""}, ["m"]),
        ("vllm", "--served-model-name a b --port 1", {"--served-model-name": "a"}, []),
        ("vllm", "--seed -1 m", {"--seed": "-1"}, ["m"]),
        ("vllm", "--max-model-len", {"--max-model-len": ""}, []),
        ("vllm", "--new-flag x --port 1", {"--new-flag": "x", "--port": "1"}, []),
        ("vllm", "--hf-overrides.rope.factor=4", {"--hf-overrides": "4"}, []),
        ("vllm", "--model= --port=1", {"--model": "", "--port": "1"}, []),
        ("vllm", "-- m", {}, ["m"]),
        ("llama.cpp", "-fa -m f", {"--flash-attn": "", "--model": "f"}, []),
        ("llama.cpp", "-fa on -m f", {"--flash-attn": "on", "--model": "f"}, []),
    ],
)
def test_arguments(engine: str, line: str, options: dict[str, str], positional: list[str]) -> None:
    arguments = parse(text_of(line).split(), engine)
    found = {option.flag.name: str(option.value) for option in arguments.options}
    assert {name: found.get(name) for name in options} == options
    assert [str(word) for word in arguments.positional] == positional


def test_the_engines_that_know_all_flags() -> None:
    assert engines_with(["--max-num-seqs", "--max-num-batched-tokens"]) == ("vllm",)
    assert engines_with(["--mem-fraction-static"]) == ("sglang",)
    assert engines_with(["--nobody-knows-this"]) == ()


def test_the_table_has_known_types_and_no_spelling_twice() -> None:
    spellings: dict[str, set[str]] = {}
    for row in read(DATA / "engine_flags.csv"):
        assert row["type"] in TYPES, row
        assert row["source"], row
        seen = spellings.setdefault(row["engine"], set())
        names = {row["flag"], *several(row["aliases"])}
        assert not names & seen, row
        seen |= names
    assert len(flags_of("vllm")) > 250
