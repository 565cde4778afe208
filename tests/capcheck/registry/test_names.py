import pytest
from capcheck.registry.names import MAX_LENGTH, Vocabulary, gpu_key, key, nearest, spellings, words
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("llama3.1:8b-instruct-q4_K_M", ("llama3.1", "8b", "instruct", "q4", "k", "m")),
        ("Meta-Llama-3-8B.Q4_K_M.gguf", ("meta", "llama", "3", "8b", "q4", "k", "m", "gguf")),
        ("quantized.w4a16", ("quantized", "w4a16")),
        ("Qwen2.5-0.5B", ("qwen2.5", "0.5b")),
        ("", ()),
        ("模型", ()),
    ],
)
def test_words(text: str, expected: tuple[str, ...]):
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-oss:20b", "GPT OSS 20B"),
        ("Q4_K_M", "q4-k-m"),
        ("llama3.2-3b", "llama-3.2:3b"),
    ],
)
def test_spellings_of_one_name_share_a_key(one: str, other: str):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NVIDIA A100-SXM4-80GB", "A100 80 GB SXM"),
        ("RTX4090", "NVIDIA GeForce RTX 4090"),
        ("A100-80g-sxm", "a100 sxm 80GiB"),
        ("RTX 4080 Mobile", "RTX 4080 Laptop GPU"),
        ("M3 Max 40 cores", "Apple M3 Max 40c"),
        ("RTX PRO 6000 Max-Q", "rtx pro 6000 maxq"),
    ],
)
def test_spellings_of_one_gpu_share_a_key(one: str, other: str):
    assert gpu_key(one) == gpu_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("A10 24GB", "A10G 24GB"), ("L4", "L40"), ("RTX 4080", "RTX 4080 Ti")]
)
def test_different_gpus_have_different_keys(one: str, other: str):
    assert gpu_key(one) != gpu_key(other)


def test_remarks_are_left_out_second():
    assert spellings("H100 80GB (79.18 GiB)") == ("H100 80GB (79.18 GiB)", "H100 80GB  ")


def test_a_text_too_long_for_a_name_has_no_spelling():
    assert spellings("a" * (MAX_LENGTH + 1)) == ()


def test_nearest_names_come_likeliest_first_and_at_most_three():
    valid = Vocabulary([(name, name) for name in ("Q4_K_M", "Q4_K_S", "Q5_K_M", "Q4_0", "AWQ")])
    assert nearest("Q4_K_X", valid) == ("Q4_K_M", "Q4_K_S")
    assert nearest("zzz", valid) == ()
    assert nearest("", valid) == ()


@given(st.text(max_size=60))
def test_keys_of_arbitrary_text_hold_only_letters_and_digits(text: str):
    assert all(char.isalnum() or char == "." for char in key(text))
    assert key(text.upper()) in {key(text), key(text.upper())}
    assert gpu_key(gpu_key(text)) == gpu_key(gpu_key(gpu_key(text)))
