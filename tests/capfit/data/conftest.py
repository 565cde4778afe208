"""The repository's own tables and registry, and rows with only what a test is about."""

from pathlib import Path

import pytest
from capcheck.registry.tables import load as load_registry
from capfit.data.names import Names
from capfit.data.rows import Decode, Memory, Prefill, Serving
from capfit.data.tables import Data, read

FOLDER = Path(__file__).parents[3] / "fitting" / "data"
LAPTOP = "RTX 4080 Laptop 12GB"


@pytest.fixture(scope="session")
def data() -> Data:
    return read(FOLDER)


@pytest.fixture(scope="session")
def names() -> Names:
    return Names(load_registry())


def _row(row, **given):
    common = {
        "line": 2,
        "collection": "tr",
        "source": "TR000",
        "location": "table 1",
        "backend": "ollama",
        "model": "llama3.2-3b",
        "quant": "Q4_K_M",
        "gpu": LAPTOP,
        "n_gpus": 1,
        "tensor_parallel_size": 1,
    }
    return row(**(common | given))


def decode(value: float, **given) -> Decode:
    asked = {"arrival": "single", "concurrency": 1, "metric": "decode_tok_s", "value": value}
    return _row(Decode, **(asked | given))


def prefill(value: float, **given) -> Prefill:
    asked = {"arrival": "single", "concurrency": 1, "metric": "prefill_ms", "value": value}
    return _row(Prefill, **(asked | {"prompt_tokens": 2048.0} | given))


def serving(value: float, **given) -> Serving:
    asked = {"arrival": "static", "metric": "total_output_tok_s", "value": value}
    return _row(Serving, **(asked | given))


def memory(value: float | None, **given) -> Memory:
    asked = {"metric": "device_peak_gib", "value_gib": value, "outcome": "fits"}
    return _row(Memory, **(asked | given))
