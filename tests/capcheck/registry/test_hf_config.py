"""Counts from an architecture against the counts that the registry's sources publish."""

from collections.abc import Mapping

import pytest
from capcheck.registry.hf_config import ConfigError, from_config
from capcheck.registry.hf_families import FAMILIES, NOT_COUNTED
from capcheck.registry.rows import integer
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()
ROWS = {row["name"]: row for row in REGISTRY.rows("models")}

_MLA = {"qk_nope_head_dim": 128, "v_head_dim": 128, "n_shared_experts": 1}
_MLA_WIDE = {"qk_nope_head_dim": 192, "v_head_dim": 256, "n_shared_experts": 1}

# model_type, fields of the published config that the table has no column for, models.
TYPES: list[tuple[str, dict[str, object], str]] = [
    ("gpt2", {}, "gpt2 gpt2-xl"),
    ("phi", {}, "phi-2"),
    (
        "llama",
        {},
        "tinyllama-1.1b llama2-7b llama2-13b llama2-70b codellama-34b llama3-8b llama3-70b "
        "llama3.1-8b llama3.1-70b llama3.1-405b llama3.2-1b llama3.2-3b llama3.3-70b hermes3-8b "
        "nemotron-70b deepseek-r1-distill-llama-8b deepseek-r1-distill-llama-70b yi-1.5-6b "
        "yi-1.5-9b yi-1.5-34b solar-10.7b falcon3-7b falcon3-10b vicuna-7b smollm2-135m "
        "smollm2-360m smollm2-1.7b aquila-7b codellama-7b",
    ),
    ("llama4", {"interleave_moe_layer_step": 1}, "llama4-scout"),
    (
        "llama4",
        {"interleave_moe_layer_step": 2, "intermediate_size_mlp": 16384},
        "llama4-maverick",
    ),
    (
        "qwen2",
        {},
        "qwen2.5-0.5b qwen2.5-1.5b qwen2.5-3b qwen2.5-7b qwen2.5-14b qwen2.5-32b qwen2.5-72b "
        "qwen2.5-coder-7b qwen2.5-coder-14b qwen2.5-coder-32b qwq-32b qwen2.5-vl-7b "
        "deepseek-r1-distill-qwen-1.5b deepseek-r1-distill-qwen-7b deepseek-r1-distill-qwen-14b "
        "deepseek-r1-distill-qwen-32b kimi-dev-72b qwen2-vl-2b",
    ),
    (
        "qwen3",
        {},
        "qwen3-0.6b qwen3-1.7b qwen3-4b qwen3-4b-instruct-2507 qwen3-8b qwen3-14b qwen3-32b "
        "deepseek-r1-0528-qwen3-8b qwen3-vl-4b qwen3-vl-8b ternary-bonsai-8b",
    ),
    (
        "qwen3_moe",
        {},
        "qwen3-30b-a3b qwen3-30b-a3b-instruct-2507 qwen3-coder-30b qwen3-235b-a22b "
        "qwen3-coder-480b",
    ),
    (
        "mistral",
        {},
        "mistral-7b-v0.1 mistral-7b-v0.2 mistral-7b mistral-nemo-12b mistral-small-24b "
        "mistral-small3.1-24b mistral-small3.2-24b mistral-large-123b zephyr-7b",
    ),
    ("ministral3", {}, "ministral-8b ministral-3-14b ministral-3-8b"),
    ("mixtral", {}, "mixtral-8x7b mixtral-8x22b"),
    ("gemma", {}, "gemma-2b gemma-7b"),
    ("bloom", {}, "bloom-7b1"),
    ("opt", {}, "opt-6.7b"),
    ("gemma2", {}, "gemma2-2b gemma2-9b gemma2-27b"),
    ("gemma3_text", {}, "gemma3-1b gemma3-4b gemma3-12b gemma3-27b"),
    (
        "phi3",
        {},
        "phi3-mini phi3.5-mini phi3-medium phi4 phi4-mini phi4-reasoning phi4-mini-reasoning",
    ),
    ("phimoe", {"attention_bias": True}, "phi3.5-moe"),
    ("deepseek_v3", {**_MLA, "first_k_dense_replace": 3}, "deepseek-v3 deepseek-r1 deepseek-v3.1"),
    (
        "deepseek_v2",
        {**_MLA, "first_k_dense_replace": 1, "n_shared_experts": 2},
        "deepseek-v2-lite",
    ),
    ("deepseek_v2", {**_MLA, "qk_nope_head_dim": 64}, "mistral-small-4-119b"),
    ("kimi_k2", {**_MLA, "first_k_dense_replace": 1}, "kimi-k2 kimi-k2.5"),
    ("glm4_moe_lite", {**_MLA_WIDE, "first_k_dense_replace": 1}, "glm-4.7-flash"),
    ("deepseek_v3", {**_MLA_WIDE, "first_k_dense_replace": 3}, "glm-5"),
    ("gpt_oss", {}, "gpt-oss-20b gpt-oss-120b"),
    ("smollm3", {}, "smollm3-3b"),
    ("granite", {}, "granite3.3-8b granite3.3-2b granite4.1-30b"),
    ("olmo2", {}, "olmo2-7b olmo2-13b olmo2-32b"),
    ("olmo3", {}, "olmo3-7b olmo3-32b"),
    ("olmoe", {}, "olmoe-1b-7b"),
    ("cohere", {}, "command-r-35b command-r-08-2024 aya-expanse-8b aya-expanse-32b"),
    ("cohere2", {}, "command-r7b"),
    ("glm", {"attention_bias": True}, "glm4-9b"),
    ("glm4", {"attention_bias": True}, "glm-4-9b-0414"),
    ("glm4", {}, "glm-4-32b-0414"),
    (
        "glm4_moe",
        {"attention_bias": True, "first_k_dense_replace": 1, "n_shared_experts": 1},
        "glm-4.5-air",
    ),
    (
        "glm4_moe",
        {
            "attention_bias": True,
            "first_k_dense_replace": 3,
            "n_shared_experts": 1,
            "use_qk_norm": True,
        },
        "glm-4.5 glm-4.6",
    ),
    ("minimax_m2", {}, "minimax-m2"),
    ("starcoder2", {}, "starcoder2-3b starcoder2-7b"),
]
CONFIGURED = {
    name: (model_type, extra) for model_type, extra, names in TYPES for name in names.split()
}

# Why a row cannot be checked: its table columns do not say enough.
UNCHECKED = {
    "hybrid with linear-attention or state-space layers": (
        "qwen3-next-80b-a3b qwen3-coder-next-80b qwen3.5-0.8b qwen3.5-2b qwen3.5-4b qwen3.5-9b "
        "qwen3.5-27b qwen3.5-35b-a3b qwen3.5-122b-a10b qwen3.5-397b-a17b qwen3.6-27b "
        "qwen3.6-35b-a3b qwen3.8-27b granite4.0-h-small granite4.0-h-tiny nemotron-3-nano-30b-a3b"
    ),
    "parts that are not counted": (
        "llama3.2-vision-11b gemma3n-e4b gemma4-e2b gemma4-e4b gemma4-26b-a4b gemma4-31b "
        "gemma4-12b deepseek-v3.2 deepseek-v4-flash deepseek-v4-pro"
    ),
    "query or KV heads that differ by layer": "laguna-s-2.1 laguna-xs-2.1 decilm-7b",
    "a type without an entry": "gpt-j-6b",
    "no layers listed": "north-mini-code-1.0 lfm2.5-230m granite4.0-tiny-preview",
    "no feed-forward size listed": (
        "llama1-7b llama1-13b llama1-30b llama1-65b devstral-small-2507 qwen1.5-7b qwen2-0.5b "
        "qwen2-1.5b qwen2-7b qwen2-72b qwen2-57b-a14b deepseek-coder-33b open-llama-3b mpt-7b "
        "falcon-7b internlm-20b dots.llm1 hunyuan-a13b"
    ),
}

# Counts in the table that leave something out or put something in; relative difference.
NOT_EXACT = {
    "phi3.5-moe": 4.0e-6,  # its count has fewer norm biases and no head bias
}


def config_of(name: str) -> dict[str, object]:
    """The config.json fields that a row of models.csv amounts to."""
    row = ROWS[name]
    model_type, extra = CONFIGURED[name]
    return {
        "model_type": model_type,
        "hidden_size": integer(row["hidden_size"]),
        "num_hidden_layers": integer(row["n_layers"]),
        "num_attention_heads": integer(row["n_heads"]),
        "num_key_value_heads": integer(row["n_kv_heads"]),
        "head_dim": integer(row["head_dim"]),
        "vocab_size": integer(row["vocab_size"]),
        "intermediate_size": integer(row["intermediate_size"]),
        "moe_intermediate_size": integer(row["moe_intermediate_size"]),
        "tie_word_embeddings": row["tied_embeddings"] == "yes",
        "max_position_embeddings": integer(row["max_context"]),
        "sliding_window": integer(row["sliding_window"]),
        "attention_chunk_size": integer(row["sliding_window"]),
        "num_experts": integer(row["n_experts"]),
        "num_experts_per_tok": integer(row["experts_per_token"]),
        "kv_lora_rank": integer(row["mla_kv_lora_rank"]),
        "q_lora_rank": integer(row["mla_q_lora_rank"]),
        "qk_rope_head_dim": integer(row["mla_rope_dim"]),
        **extra,
    }


def published_text_parameters(name: str) -> int:
    """The count of the language model alone: without vision tower, draft layer or scales."""
    row = ROWS[name]
    return int(row["params_text"] or row["params"])


def test_every_model_is_checked_or_excused():
    excused = {name for names in UNCHECKED.values() for name in names.split()}
    assert excused.isdisjoint(CONFIGURED)
    assert excused | set(CONFIGURED) == set(ROWS)


@pytest.mark.parametrize("name", CONFIGURED)
def test_parameters(name: str):
    spec = from_config(config_of(name), name=name)
    expected = published_text_parameters(name)
    assert spec.params == pytest.approx(expected, rel=NOT_EXACT.get(name, 0) * 1.01, abs=0.1)


def test_all_but_one_count_are_exact_and_most_equal_the_checkpoints_own():
    specs = {name: from_config(config_of(name), name=name) for name in CONFIGURED}
    exact = [name for name in specs if specs[name].params == published_text_parameters(name)]
    published = [
        name for name in specs if str(specs[name].params) == ROWS[name]["params_published"]
    ]
    assert (len(specs), len(exact), len(published)) == (136, 135, 82)


@pytest.mark.parametrize("name", CONFIGURED)
def test_active_parameters(name: str):
    """Published to three decimals of a billion; GLM-5's and Phi-3.5-MoE's are round figures."""
    spec = from_config(config_of(name), name=name)
    published = int(ROWS[name]["active_params"])
    rounding = {"glm-5": 1.1e9, "phi3.5-moe": 0.05e9}.get(name, 0.0006e9)
    assert spec.active_params == pytest.approx(published, abs=rounding)


# The published figure counts every layer of these: their window is half of their context.
_EVERY_LAYER = {"gemma2-2b", "gemma2-9b", "gemma2-27b"}


@pytest.mark.parametrize("name", CONFIGURED)
def test_kv_cache(name: str):
    spec, row = from_config(config_of(name), name=name), ROWS[name]
    layers = int(row["n_full_attention_layers"]), int(row["n_sliding_layers"])
    assert (spec.n_full_attention_layers, spec.n_sliding_layers) == layers
    published = int(row["kv_bytes_per_token_16bit"])
    assert spec.kv_bytes_per_token_16bit == published // (2 if name in _EVERY_LAYER else 1)
    assert row["attention"].startswith(spec.attention)


LLAMA: dict[str, object] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}


def test_a_models_whole_spec():
    spec = from_config(LLAMA, name="mine")
    known = REGISTRY.model("llama3.1-8b").spec
    differing = {
        field
        for field in known.__dataclass_fields__
        if getattr(spec, field) != getattr(known, field)
    }
    assert differing == {"name", "family", "licence", "hf_repo", "source"}
    assert spec.source == "computed from the architecture given"


def test_what_is_not_stated_takes_the_types_default():
    bare = {key: LLAMA[key] for key in LLAMA if key not in ("model_type", "torch_dtype")}
    assert from_config(bare, name="mine") == from_config(LLAMA, name="mine")
    assert from_config({**LLAMA, "num_key_value_heads": None}, name="mine").attention == "MHA"


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        # tiiuae/falcon-7b: listed as 7.22B, with the tied vocabulary matrix counted twice.
        (
            {
                "model_type": "falcon",
                "hidden_size": 4544,
                "num_hidden_layers": 32,
                "num_attention_heads": 71,
                "vocab_size": 65024,
                "multi_query": True,
            },
            7.22e9 - 65024 * 4544,
        ),
        # mosaicml/mpt-7b: listed as 6.65B.
        (
            {
                "model_type": "mpt",
                "d_model": 4096,
                "n_layers": 32,
                "n_heads": 32,
                "vocab_size": 50432,
            },
            6.65e9,
        ),
        # Qwen/Qwen2-57B-A14B-Instruct: listed as 57.4B.
        (
            {
                "model_type": "qwen2_moe",
                "hidden_size": 3584,
                "intermediate_size": 18944,
                "moe_intermediate_size": 2560,
                "shared_expert_intermediate_size": 20480,
                "num_hidden_layers": 28,
                "num_attention_heads": 28,
                "num_key_value_heads": 4,
                "num_experts": 64,
                "num_experts_per_tok": 8,
                "decoder_sparse_step": 1,
                "vocab_size": 151936,
            },
            57.4e9,
        ),
    ],
    ids=["falcon-7b", "mpt-7b", "qwen2-57b-a14b"],
)
def test_counts_that_are_listed_rounded(config: dict[str, object], parameters: float):
    assert from_config(config, name="m").params == pytest.approx(parameters, rel=1e-3)


def test_a_multimodal_config_is_read_by_its_text_part():
    text = config_of("gemma3-4b")
    config = {
        "model_type": "gemma3",
        "tie_word_embeddings": True,
        "text_config": {key: text[key] for key in text if key != "tie_word_embeddings"},
        "vision_config": {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27},
    }
    spec = from_config(config, name="gemma3-4b")
    assert spec.active_params == published_text_parameters("gemma3-4b")
    assert spec.params == pytest.approx(int(ROWS["gemma3-4b"]["params_published"]), rel=0.003)
    assert spec.source.endswith("vision tower estimated at 0.41B")


def test_an_unknown_type_is_counted_as_a_llama_and_says_so():
    spec = from_config({**LLAMA, "model_type": "house"}, name="mine")
    assert spec.params == from_config(LLAMA, name="mine").params
    assert spec.source.endswith("approximate: model_type house is counted as a Llama")


def test_an_uncountable_type_needs_its_parameter_count():
    hybrid = {**LLAMA, "model_type": "qwen3_next", "full_attention_interval": 4}
    with pytest.raises(ConfigError, match="num_parameters: found nothing") as caught:
        from_config(hybrid, name="mine")
    assert caught.value.field == "num_parameters"
    spec = from_config({**hybrid, "num_parameters": 9 * 10**9}, name="mine")
    assert spec.params == spec.active_params == 9 * 10**9
    assert (spec.n_full_attention_layers, spec.attention) == (8, "hybrid GQA")
    assert spec.kv_bytes_per_token_16bit == 8 * 2 * 8 * 128 * 2


def test_kv_bytes_of_an_uncountable_type_are_unknown_without_its_layers():
    config = {**LLAMA, "model_type": "gemma4", "num_parameters": 9 * 10**9}
    spec = from_config(config, name="mine")
    assert (spec.kv_bytes_per_token_16bit, spec.attention) == (None, "hybrid GQA")


_HALF_SLIDING = ["sliding_attention", "full_attention"] * 16
_GEMMA3: dict[str, object] = {"model_type": "gemma3_text", "sliding_window": 512}


@pytest.mark.parametrize(
    ("stated", "layers"),
    [
        ({}, (32, 0)),
        ({"sliding_window": 4096}, (32, 0)),
        (
            {"layer_types": ["sliding_attention", "full_attention"] * 16, "sliding_window": 9},
            (16, 16),
        ),
        ({"layer_types": ["sliding_attention", "full_attention"] * 16}, (32, 0)),
        ({"layer_types": ["linear_attention", "full_attention"] * 16}, (16, 0)),
        ({"model_type": "mistral", "sliding_window": 4096}, (0, 32)),
        ({"model_type": "mistral", "sliding_window": None}, (32, 0)),
        (_GEMMA3, (5, 27)),
        (
            {"model_type": "gemma3_text", "sliding_window": 512, "sliding_window_pattern": 4},
            (8, 24),
        ),
        (
            {
                "model_type": "qwen2",
                "use_sliding_window": True,
                "sliding_window": 4096,
                "max_window_layers": 28,
            },
            (28, 4),
        ),
        (
            {
                "model_type": "qwen2",
                "use_sliding_window": False,
                "sliding_window": 4096,
                "max_window_layers": 28,
            },
            (32, 0),
        ),
    ],
)
def test_layers_by_what_they_cache(stated: dict[str, object], layers: tuple[int, int]):
    spec = from_config({**LLAMA, **stated}, name="mine")
    assert (spec.n_full_attention_layers, spec.n_sliding_layers) == layers
    assert (spec.sliding_window is None) == (layers[1] == 0)


def _compressed(bits: int, kind: str, inputs: dict[str, int] | None = None) -> dict[str, object]:
    group = {"weights": {"num_bits": bits, "type": kind}, "input_activations": inputs}
    method = {"quant_method": "compressed-tensors", "config_groups": {"group_0": group}}
    return {"quantization_config": method}


@pytest.mark.parametrize(
    ("stated", "quant"),
    [
        ({"torch_dtype": "float16"}, "FP16"),
        ({"torch_dtype": None}, "BF16"),
        ({"dtype": "torch.float32"}, "FP32"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "AWQ"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "GPTQ"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, "GPTQ-INT8"),
        ({"quantization_config": {"quant_method": "fp8"}}, "FP8"),
        (
            {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}},
            "FP8-block",
        ),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "MXFP4"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}, "NVFP4"),
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "NF4"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "BNB-INT8"),
        (_compressed(8, "float"), "FP8"),
        (_compressed(4, "float"), "NVFP4"),
        (_compressed(8, "int", {"num_bits": 8}), "W8A8"),
        (_compressed(8, "int"), "W8A16"),
        (_compressed(4, "int"), "W4A16"),
        ({"quantization_config": {"quant_method": "compressed-tensors"}}, "W4A16"),
    ],
)
def test_native_quant_is_canonical(stated: dict[str, object], quant: str):
    assert from_config({**LLAMA, **stated}, name="mine").native_quant == quant
    assert REGISTRY.quant(quant).spec.name == quant


@pytest.mark.parametrize(
    ("stated", "field", "found"),
    [
        ({"hidden_size": None}, "hidden_size", "nothing"),
        ({"num_hidden_layers": "32"}, "num_hidden_layers", "'32'"),
        ({"num_hidden_layers": 10**6}, "num_hidden_layers", "1000000"),
        ({"vocab_size": 0}, "vocab_size", "0"),
        ({"vocab_size": True}, "vocab_size", "True"),
        ({"num_attention_heads": 31, "num_key_value_heads": None}, "head_dim", "nothing"),
        ({"num_key_value_heads": 7}, "num_key_value_heads", "7"),
        ({"intermediate_size": None}, "intermediate_size", "nothing"),
        ({"tie_word_embeddings": "yes"}, "tie_word_embeddings", "'yes'"),
        ({"kv_lora_rank": 512}, "qk_nope_head_dim", "nothing"),
        ({"num_experts": 8}, "num_experts_per_tok", "nothing"),
        ({"num_experts": 8, "num_experts_per_tok": 9}, "num_experts_per_tok", "9"),
        ({"layer_types": ["full_attention"]}, "layer_types", "['full_attention']"),
        ({"torch_dtype": "int3"}, "torch_dtype", "'int3'"),
        ({"model_type": 3}, "model_type", "3"),
        ({"quantization_config": {}}, "quantization_config.quant_method", "nothing"),
        ({"num_parameters": -1}, "num_parameters", "-1"),
    ],
)
def test_what_cannot_be_names_the_field(stated: dict[str, object], field: str, found: str):
    with pytest.raises(ConfigError) as caught:
        from_config({**LLAMA, **stated}, name="mine")
    assert (caught.value.field, caught.value.found) == (field, found)
    assert caught.value.expected
    assert isinstance(caught.value, ValueError)


def test_no_type_is_both_counted_and_not():
    assert set(FAMILIES).isdisjoint(NOT_COUNTED)


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 200_000),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.lists(st.sampled_from(["full_attention", "sliding_attention", 3, None]), max_size=3),
    st.dictionaries(st.sampled_from(["quant_method", "bits", "model_type"]), st.text(max_size=4)),
)
_FIELDS = st.sampled_from(
    [
        *LLAMA,
        *config_of("deepseek-v3"),
        *("layer_types", "text_config", "vision_config", "quantization_config", "moe_layers"),
        *("num_parameters", "full_attention_interval", "decoder_sparse_step", "mlp_only_layers"),
    ]
)


@given(st.dictionaries(_FIELDS, _VALUES, max_size=6), st.sampled_from([*FAMILIES, *NOT_COUNTED]))
def test_any_config_gives_a_model_or_names_a_field(stated: Mapping[str, object], model_type: str):
    try:
        spec = from_config({**LLAMA, "model_type": model_type, **stated}, name="mine")
    except ConfigError as error:
        field = error.field
    else:
        assert 0 < spec.active_params <= spec.params
        assert (spec.kv_bytes_per_token_16bit or 0) >= 0
        field = "none"
    assert field
