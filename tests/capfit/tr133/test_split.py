from collections import Counter
from pathlib import Path

from capfit.tr133.records import Quality, Serial, Throughput, read
from capfit.tr133.split import as_json, split, split_dataset
from hypothesis import given
from hypothesis import strategies as st

PAIRS = [(model, backend) for model in ("a", "b", "c") for backend in ("ollama", "vllm", "tgi")]


def serials(doubled: str) -> list[Serial]:
    pairs = PAIRS + [pair for pair in PAIRS if pair[1] == doubled]
    return [Serial("TR129", model, backend, "FP16", 0.5, 0.9) for model, backend in pairs]


def test_scaling_splits_as_printed():
    """SS2.2: 12 records, 9 and 3: three pairs have two fits, Ollama's of TR129 and TR130."""
    found = split(serials("ollama"))
    assert (len(found.train), len(found.validation)) == (9, 3)


def test_quality_splits_as_printed():
    """SS2.2: 42 records, 37 and 5: thirty quantised scores once, FP16 twice or three times."""
    models = ("gpt2", "llama3.2-1b", "qwen2.5-1.5b", "llama3.2-3b", "phi-2")
    times = (2, 3, 3, 2, 2)
    records = [
        Quality("TR124", model, "transformers", "FP16", 0.5)
        for model, count in zip(models, times, strict=True)
        for _ in range(count)
    ]
    records += [Quality("TR125", f"m{i}", "ollama", "Q8_0", 0.5) for i in range(30)]
    found = split(records)
    assert (len(found.train), len(found.validation)) == (37, 5)
    assert {records[at].quant for at in found.validation} == {"FP16"}


@given(st.lists(st.sampled_from(PAIRS), max_size=60))
def test_every_stratum_trains(pairs: list[tuple[str, str]]):
    records = [Throughput("TR130", model, backend, "FP16", 1.0, 1) for model, backend in pairs]
    found = split(records)
    assert sorted((*found.train, *found.validation)) == list(range(len(records)))
    sizes = Counter(pairs)
    trained = Counter(pairs[at] for at in found.train)
    assert trained == {pair: max(1, size * 8 // 10) for pair, size in sizes.items()}
    assert split(records) == found


def test_the_saved_positions_are_the_split(raw: Path):
    data = read(raw)
    train, validation, splits = split_dataset(data)
    saved = as_json(splits)
    assert (saved["seed"], saved["train_fraction"]) == (42, 0.8)
    positions = saved["categories"]["vram"]
    assert positions["total"] == 45
    assert [data.vram[at] for at in positions["train"]] == train.vram
    assert [data.vram[at] for at in positions["validation"]] == validation.vram
    assert len(validation.vram) == 9
