import re
from collections.abc import Callable
from datetime import date

import pytest
from capcheck.registry.matches import Miss
from capcheck.registry.names import gpu_key, key, words
from capcheck.registry.rows import several
from capcheck.registry.tables import load

REGISTRY = load()

# TR133 Appendix A: billions of parameters, layers, KV heads, head size.
TR133_MODELS = {
    "qwen2.5-0.5b": (0.49, 24, 2, 64),
    "llama3.2-1b": (1.24, 16, 8, 64),
    "qwen2.5-1.5b": (1.54, 28, 2, 128),
    "phi-2": (2.78, 32, 32, 80),
    "qwen2.5-3b": (3.09, 36, 2, 128),
    "llama3.2-3b": (3.21, 28, 8, 128),
    "llama3.1-8b": (8.03, 32, 8, 128),
}

# TR133 Appendix B: marketed memory, bandwidth where it is right, price per hour.
TR133_GPUS = {
    "RTX 4060 8GB": (8, 272, 0.020),
    "RTX 4060 Ti 8GB": (8, 288, 0.025),
    "RTX 4060 Ti 16GB": (16, 288, 0.030),
    "RTX 4070 12GB": (12, 504, 0.030),
    "RTX 4070 Ti 12GB": (12, 504, 0.035),
    "RTX 4080 12GB": (12, 432, 0.035),  # printed as 556; 192 bits of 18 Gb/s GDDR6 are 432
    "RTX 4080 16GB": (16, 717, 0.045),
    "RTX 4090 24GB": (24, 1008, 0.060),
    "RTX 3090 24GB": (24, 936, 0.040),
    "RTX 3080 10GB": (10, 760, 0.025),
    "A100 40GB": (40, 1555, 1.10),
    "A100 80GB": (80, 2039, 1.60),
    "H100 80GB": (80, 3350, 2.50),  # printed as 3352
    "L4 24GB": (24, 300, 0.50),
    "T4 16GB": (16, 320, 0.35),
}


def test_tables_hold_at_least_what_was_gathered():
    assert len(REGISTRY.rows("models")) >= 149
    assert len(REGISTRY.gpus) >= 134
    assert len(REGISTRY.rows("quants")) >= 56
    assert {spec.name for spec in REGISTRY.backends} >= {
        *("vllm", "sglang", "tgi", "tensorrt-llm", "ollama", "llama.cpp", "transformers"),
    }
    assert len(REGISTRY.rows("prices")) >= 136


@pytest.mark.parametrize("name", TR133_MODELS)
def test_tr133_models(name: str):
    spec = REGISTRY.model(name).spec
    expected = TR133_MODELS[name]
    assert round(spec.params_b, 2) == pytest.approx(expected[0], abs=0.011)
    assert (spec.n_layers, spec.n_kv_heads, spec.head_dim) == expected[1:]


@pytest.mark.parametrize("name", TR133_GPUS)
def test_tr133_gpus(name: str):
    memory_gb, bandwidth_gb_s, _ = TR133_GPUS[name]
    spec = REGISTRY.gpu(name).spec
    assert (spec.memory_gb, spec.bandwidth_gb_s) == (memory_gb, bandwidth_gb_s)


@pytest.mark.parametrize("name", TR133_GPUS)
def test_tr133_prices(name: str):
    prices = {
        price.usd_per_hour
        for spec in REGISTRY.gpu(name).variants
        for price in REGISTRY.prices_of(spec.name)
        if price.provider == "TR133"
    }
    assert prices == {TR133_GPUS[name][2]}


@pytest.mark.parametrize("name", ["FP16", "Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_S", "Q2_K"])
def test_tr133_quants(name: str):
    assert REGISTRY.quant(name).spec.name == name


@pytest.mark.parametrize(
    "table", ["models", "gpus", "quants", "backends", "prices", "ollama_tags", "kv_cache_dtypes"]
)
def test_every_row_has_a_source_and_a_revision_or_date(table: str):
    dated = "captured_as" if table == "prices" else "revision"
    for row in REGISTRY.rows(table):
        assert row["source"], row
        assert row[dated], row


@pytest.mark.parametrize("table", ["models", "gpus", "quants", "backends"])
def test_names_are_unique(table: str):
    names = [row["name"] for row in REGISTRY.rows(table)]
    assert len(names) == len(set(names))


def test_unknown_facts_are_none_not_zero():
    for spec in (*REGISTRY.models, *REGISTRY.gpus, *REGISTRY.quants):
        for field in spec.__dataclass_fields__:
            if field not in ("n_sliding_layers", "n_full_attention_layers"):
                assert getattr(spec, field) != 0 or isinstance(getattr(spec, field), bool), field


def test_models_are_consistent():
    for spec in REGISTRY.models:
        assert spec.active_params <= spec.params, spec.name
        if spec.n_heads and spec.n_kv_heads and not spec.attention.startswith("MLA"):
            assert spec.n_heads % spec.n_kv_heads == 0, spec.name
        if spec.n_layers and not spec.attention.startswith("hybrid") and "vision" not in spec.name:
            cached = (spec.n_full_attention_layers or 0) + spec.n_sliding_layers
            assert cached == spec.n_layers, spec.name
        assert not isinstance(REGISTRY.quant(spec.native_quant), Miss), spec.name
        assert spec.family


def test_usable_memory_says_what_it_rests_on():
    for spec in REGISTRY.gpus:
        assert re.match(
            "as torch reports|derived:|assumed:|shared|unified|appears", spec.usable_basis
        )
        assert spec.memory_class in {"gddr", "hbm", "lpddr", "unified"}, spec.name
        assert spec.architecture, spec.name
        if spec.usable_gib is not None and spec.memory_gb is not None:
            assert 0.87 < spec.usable_gib / spec.memory_gb < 1, spec.name
        if spec.memory_class == "unified":
            assert spec.usable_gib is None


def test_derived_memory_follows_its_rule():
    """Device memory less 0.5 GiB, less 1/16 for ECC on GDDR data-centre cards."""
    assert REGISTRY.gpu("RTX 4080 Laptop 12GB").spec.usable_gib == pytest.approx(
        12282 / 1024 - 0.5, abs=0.01
    )
    assert REGISTRY.gpu("RTX 3090 Ti").spec.usable_gib == 23.5
    assert REGISTRY.gpu("L40").spec.usable_gib == 44.5


def test_block_bits_are_not_above_effective_bits():
    for row in REGISTRY.rows("quants"):
        if row["block_bits_per_weight"] and row["bits_per_weight"]:
            assert float(row["block_bits_per_weight"]) <= float(row["bits_per_weight"]), row["name"]


@pytest.mark.parametrize(
    ("name", "bits", "embedding_bits", "whole_model", "experts_only"),
    [
        ("Q4_K_M", 4.8944, None, True, False),
        ("Q8_0", 8.5008, None, True, False),
        ("Q2_K", 3.1593, None, True, False),
        ("AWQ", 4.156, 16, False, False),
        ("GPTQ", 4.156, 16, False, False),
        ("FP8", 8, 16, False, False),
        ("NF4", 4.5, 16, False, False),
        ("MXFP4", 4.25, 16, False, True),
        ("FP16", 16, None, True, False),
    ],
)
def test_quant_bits(
    name: str, bits: float, embedding_bits: float | None, whole_model: bool, experts_only: bool
):
    spec = REGISTRY.quant(name).spec
    assert (spec.bits_per_weight, spec.embedding_bits) == (bits, embedding_bits)
    assert (spec.whole_model, spec.experts_only) == (whole_model, experts_only)


def test_ollama_tags_name_known_models_and_quants():
    names = {row["name"] for row in REGISTRY.rows("models")}
    for row in REGISTRY.rows("ollama_tags"):
        assert row["model"] in names
        assert not isinstance(REGISTRY.quant(row["default_quant"]), Miss)


def test_prices_are_positive_and_dated_in_iso_or_not_at_all():
    for price in REGISTRY.prices:
        assert price.usd_per_hour > 0
        assert price.n_gpus >= 1
        if price.captured is not None:
            date.fromisoformat(price.captured)
    assert {price.kind for price in REGISTRY.prices} == {
        *("on-demand", "spot", "marketplace", "amortised", "approximate", "fixture"),
    }


def test_every_priced_gpu_is_known_but_one():
    known = {spec.name for spec in REGISTRY.gpus}
    assert {price.gpu for price in REGISTRY.prices} - known == {"B100"}


def _meanings(table: str, normalise: Callable[[str], str]) -> dict[str, set[str]]:
    meant: dict[str, set[str]] = {}
    for row in REGISTRY.rows(table):
        spelled = [row["name"], *several(row["aliases"])]
        for name in spelled:
            meant.setdefault(normalise(name.partition("=")[0]), set()).add(row["name"])
    return meant


@pytest.mark.parametrize(
    ("table", "normalise"),
    [("models", key), ("gpus", gpu_key), ("quants", key), ("backends", key)],
)
def test_every_name_means_one_thing(table: str, normalise: Callable[[str], str]):
    assert {
        name: meant for name, meant in _meanings(table, normalise).items() if len(meant) > 1
    } == {}


def test_shared_gpu_names_are_nobodys_exact_name():
    exact = _meanings("gpus", gpu_key)
    for row in REGISTRY.rows("gpus"):
        for name in several(row["shared_names"]):
            assert gpu_key(name) not in exact, name
            assert len(REGISTRY.gpu(name).variants) > 1, name


def test_ollama_tags_that_read_like_another_models_name_are_these_two():
    models = {key(row["name"]): row["name"] for row in REGISTRY.rows("models")}
    clashes = {
        row["tag"]: (row["model"], models[key(row["tag"])])
        for row in REGISTRY.rows("ollama_tags")
        if models.get(key(row["tag"]), row["model"]) != row["model"]
    }
    assert clashes == {
        "deepseek-r1": ("deepseek-r1-0528-qwen3-8b", "deepseek-r1"),
        "command-r:35b": ("command-r-08-2024", "command-r-35b"),
    }


def test_names_without_words_of_training_mean_one_model():
    """Two models that differ in `-instruct` only would make the shorter name a guess."""
    exact = _meanings("models", key)
    stems = {}
    for row in REGISTRY.rows("models"):
        for name in (row["name"], row["hf_repo"].rpartition("/")[2], *several(row["aliases"])):
            stem = "".join(
                word
                for word in words(name.partition("=")[0])
                if word not in {"instruct", "it", "chat", "base", "hf"}
            )
            stems.setdefault(stem, set()).add(row["name"])
    assert {stem for stem, names in stems.items() if len(names) > 1} <= set(exact)


def test_loading_is_lazy_and_shared():
    assert load() is load()
    assert vars(type(REGISTRY)(REGISTRY.data)) == {
        "data": REGISTRY.data,
        "own": {},
        "discounts": {},
    }
