import pytest
from capcheck.registry.matches import Miss, ModelMatch
from capcheck.registry.models import find_model, model_names
from capcheck.registry.quants import quant_names
from capcheck.registry.rows import several
from capcheck.registry.tables import load
from hypothesis import given
from hypothesis import strategies as st

REGISTRY = load()
BARE = "registry default of the bare tag"
ASSUMED = "assumed default of the bare tag"


@pytest.mark.parametrize(
    ("text", "name", "quant", "basis"),
    [
        ("llama3.1-8b", "llama3.1-8b", None, ""),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1-8b", None, ""),
        ("META-LLAMA/META-LLAMA-3.1-8B", "llama3.1-8b", None, ""),
        ("someone/Llama-3.1-8B-Instruct-AWQ", "llama3.1-8b", "AWQ", "name suffix"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4", "qwen2.5-7b", "GPTQ", "name suffix"),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "qwen2.5-7b", "GPTQ-INT8", "name suffix"),
        ("nvidia/Llama-3.1-8B-Instruct-FP8", "llama3.1-8b", "FP8", "name suffix"),
        ("amd/Llama-3.1-70B-Instruct-FP8-KV", "llama3.1-70b", "FP8", "name suffix"),
        ("RedHatAI/Llama-3.3-70B-Instruct-fp8-dynamic", "llama3.3-70b", "FP8", "name suffix"),
        ("RedHatAI/Qwen2.5-7B-Instruct-quantized.w8a8", "qwen2.5-7b", "W8A8", "name suffix"),
        ("RedHatAI/gemma-2-9b-it-quantized.w4a16", "gemma2-9b", "W4A16", "name suffix"),
        ("nvidia/DeepSeek-R1-NVFP4", "deepseek-r1", "NVFP4", "name suffix"),
        ("unsloth/phi-4-bnb-4bit", "phi4", "NF4", "name suffix"),
        ("unsloth/Llama-3.2-3B-Instruct-unsloth-bnb-4bit", "llama3.2-3b", "NF4", "name suffix"),
        ("mlx-community/Llama-3.2-3B-Instruct-4bit", "llama3.2-3b", "MLX-4bit", "name suffix"),
        (
            "hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
            "llama3.1-70b",
            "AWQ",
            "name suffix",
        ),
        ("bartowski/Llama-3.2-3B-Instruct-GGUF", "llama3.2-3b", None, ""),
        (
            "hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M",
            "llama3.2-3b",
            "Q4_K_M",
            "name suffix",
        ),
        ("unsloth/gpt-oss-20b-GGUF:MXFP4", "gpt-oss-20b", "MXFP4 (GGUF)", "name suffix"),
        ("openai/gpt-oss-20b", "gpt-oss-20b", None, ""),
        ("meta-llama/Llama-3.1-405B-Instruct-FP8", "llama3.1-405b", "FP8-fbgemm", "name suffix"),
        ("neuralmagic/Meta-Llama-3.1-405B-Instruct-FP8", "llama3.1-405b", "FP8", "name suffix"),
        (
            "x/Qwen3-30B-A3B-Instruct-2507-AWQ-4bit-Q4_K_M-GGUF",
            "qwen3-30b-a3b-instruct-2507",
            "Q4_K_M",
            "name suffix",
        ),
        ("google/gemma-3-27b-it-qat-q4_0-gguf", "gemma3-27b", "Q4_0", "name suffix"),
        ("models/Meta-Llama-3-8B-Instruct.Q4_K_M.gguf", "llama3-8b", "Q4_K_M", "name suffix"),
        ("C:\\models\\Qwen3-8B-Q8_0.gguf", "qwen3-8b", "Q8_0", "name suffix"),
        ("/models/gpt-oss-120b-F16-00001-of-00002.gguf", "gpt-oss-120b", "F16", "name suffix"),
        ("/hub/models--meta-llama--Llama-3.1-8B-Instruct/snapshots/0e9e", "llama3.1-8b", None, ""),
        ("https://huggingface.co/Qwen/Qwen3-8B", "qwen3-8b", None, ""),
        ("Qwen/Qwen3-8B@main", "qwen3-8b", None, ""),
        ("Qwen3.5-27B (dense)", "qwen3.5-27b", None, ""),
        ("llama3.1:8b-instruct-q4_K_M", "llama3.1-8b", "Q4_K_M", "ollama tag"),
        ("llama3.2:1b-instruct-fp16", "llama3.2-1b", "F16", "ollama tag"),
        ("mixtral:8x7b-instruct-v0.1-q4_K_M", "mixtral-8x7b", "Q4_K_M", "ollama tag"),
        ("phi3:14b-medium-4k-instruct-q4_0", "phi3-medium", "Q4_0", "ollama tag"),
        (
            "deepseek-r1:32b-qwen-distill-q4_K_M",
            "deepseek-r1-distill-qwen-32b",
            "Q4_K_M",
            "ollama tag",
        ),
        ("llama3.2", "llama3.2-3b", "Q4_K_M", BARE),
        ("llama3.2:latest", "llama3.2-3b", "Q4_K_M", BARE),
        ("ollama.com/library/llama3.2:1b", "llama3.2-1b", "Q8_0", BARE),
        ("qwen2.5:1.5b", "qwen2.5-1.5b", "Q4_K_M", BARE),
        ("gpt-oss:20b", "gpt-oss-20b", "MXFP4 (GGUF)", BARE),
        ("qwen3:8b", "qwen3-8b", "Q4_K_M", ASSUMED),
        ("command-r:35b", "command-r-08-2024", "Q4_K_M", ASSUMED),
        ("qwen3:4b-instruct", "qwen3-4b-instruct-2507", "Q4_K_M", ASSUMED),
        ("qwen3-4b-base", "qwen3-4b", None, ""),
    ],
)
def test_names(text: str, name: str, quant: str | None, basis: str):
    match = REGISTRY.model(text)
    assert isinstance(match, ModelMatch), match
    assert (match.spec.name, match.quant, match.quant_basis) == (name, quant, basis)


def test_only_a_bare_tags_default_is_ollamas():
    assert REGISTRY.model("llama3.2").quant_is_ollamas
    assert not REGISTRY.model("llama3.2:3b-instruct-q8_0").quant_is_ollamas
    assert not REGISTRY.model("Llama-3.2-3B-Instruct-AWQ").quant_is_ollamas


def test_a_tag_without_a_row_takes_the_models_first_tag_and_says_so():
    match = REGISTRY.model("llama3.1:8b-instruct")
    assert (match.quant, match.quant_basis) == ("Q4_0", BARE)
    assert match.note == "the quant of llama3.1:8b-instruct is taken to be that of llama3.1:8b"


@pytest.mark.parametrize(
    ("text", "quant", "note"),
    [
        (
            "x/Llama-3.1-8B-int4",
            "W4A16",
            "Llama-3.1-8B-int4 is taken to be W4A16: state `quant` to be exact",
        ),
        (
            "bartowski/Qwen3-8B-GGUF",
            None,
            "bartowski/Qwen3-8B-GGUF does not say which of its quants: state `quant`",
        ),
    ],
)
def test_names_that_leave_the_quant_open_say_so(text: str, quant: str | None, note: str):
    match = REGISTRY.model(text)
    assert (match.quant, match.note) == (quant, note)


def test_a_registry_name_that_ollama_gives_to_another_model_is_noted():
    match = REGISTRY.model("deepseek-r1")
    assert (match.spec.name, match.quant) == ("deepseek-r1", None)
    assert match.note == (
        "Ollama's tag deepseek-r1 is deepseek-r1-0528-qwen3-8b; deepseek-r1 is assumed"
    )
    assert REGISTRY.model("deepseek-r1:8b").spec.name == "deepseek-r1-0528-qwen3-8b"


def test_every_name_of_every_row_finds_its_row():
    for row in REGISTRY.rows("models"):
        for name in (row["name"], row["hf_repo"], *several(row["aliases"])):
            match = REGISTRY.model(name.partition("=")[0])
            if isinstance(match, Miss):
                assert match.reason is not None, name
            else:
                assert match.spec.name == row["name"], name
    for row in REGISTRY.rows("ollama_tags"):
        match = REGISTRY.model(row["tag"])
        if isinstance(match, ModelMatch) and row["tag"] != "deepseek-r1":
            assert (match.spec.name, match.quant) == (row["model"], row["default_quant"])


def test_the_order_of_rows_does_not_matter_to_shortened_names():
    rows, tags = REGISTRY.rows("models"), REGISTRY.rows("ollama_tags")
    backwards = model_names(reversed(rows), reversed(tags))
    match = find_model("qwen3-4b-base", backwards, quant_names((), ()))
    assert match.spec.name == "qwen3-4b"


def test_a_known_model_without_a_parameter_count_says_so():
    miss = REGISTRY.model("gemma3n:e4b")
    assert miss == Miss(
        kind="model",
        text="gemma3n:e4b",
        nearest=(),
        reason="gemma3n-e4b is known, but its parameter count is not: give `architecture:`",
    )


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("lama3.2-3b", "llama3.2-3b"),
        ("meta-llama/Llama-3.1-8B-Instrukt", "llama3.1-8b"),
        ("qwen2.5:7", "qwen2.5-7b"),
        ("mistral7", "mistral-7b"),
    ],
)
def test_nearest_model(text: str, nearest: str):
    miss = REGISTRY.model(text)
    assert isinstance(miss, Miss)
    assert miss.reason is None
    assert miss.nearest[0] == nearest
    assert len(miss.nearest) <= 3


@pytest.mark.parametrize(
    "text",
    ["", "  ", "/", ":", "acme/house-model-7b", "a" * 10_000, "awq" * 60, "int4-awq-" * 20, "8b"],
)
def test_what_is_no_model(text: str):
    assert isinstance(REGISTRY.model(text), Miss)


@given(st.text(max_size=250))
def test_look_ups_never_raise(text: str):
    assert isinstance(REGISTRY.model(text), (ModelMatch, Miss))


@given(
    st.lists(
        st.sampled_from(["llama3.1", "8b", "instruct", "awq", "int4", "q4", "k", "m", "gguf", ":"]),
        max_size=12,
    ),
    st.sampled_from(["-", "_", ".", "/", " "]),
)
def test_look_ups_of_plausible_text_never_raise(parts: str, separator: str):
    assert isinstance(REGISTRY.model(separator.join(parts)), (ModelMatch, Miss))


@given(st.sampled_from([spec.name for spec in REGISTRY.models]), st.data())
def test_case_does_not_matter(name: str, data: st.DataObject):
    cased = "".join(data.draw(st.sampled_from([char.lower(), char.upper()])) for char in name)
    assert REGISTRY.model(cased) == REGISTRY.model(name)
