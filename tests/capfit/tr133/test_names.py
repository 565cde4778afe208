import pytest
from capfit.tr133.names import INFERRED_VARIANTS, PRINTED_VARIANTS, model_name, quant_name


@pytest.mark.parametrize(
    ("raw", "model", "quant"),
    [
        ("llama3.2:1b-instruct-q4_K_M", "llama3.2-1b", "Q4_K_M"),  # the five of SS2.3
        ("llama-3.2-1b", "llama3.2-1b", "FP16"),
        ("qwen2.5:1.5b-instruct", "qwen2.5-1.5b", "FP16"),
        ("phi:2.7b-chat-v2", "phi-2", "FP16"),
        ("llama3.1:8b-instruct", "llama3.1-8b", "FP16"),
        ("phi:2.7b-chat-v2-q3_K_S", "phi-2", "Q3_K_S"),
        ("llama3.1:8b-instruct-q8_0", "llama3.1-8b", "Q8_0"),
        ("llama3.2:3b-instruct-q6_K", "llama3.2-3b", "Q6_K"),
        ("qwen2.5:1.5b-instruct-fp16", "qwen2.5-1.5b", "FP16"),
        ("LLaMA-3.2-1B", "llama3.2-1b", "FP16"),
        ("gpt2", "gpt2", "FP16"),
        ("qwen2.5-3b", "qwen2.5-3b", "FP16"),  # its end is no quant
        ("some-other-7b", "some-other-7b", "FP16"),
    ],
)
def test_variants(raw: str, model: str, quant: str):
    assert (model_name(raw), quant_name(raw)) == (model, quant)


def test_there_are_sixteen_variants():
    assert len(PRINTED_VARIANTS) == 5
    assert len(PRINTED_VARIANTS | INFERRED_VARIANTS) == 16
