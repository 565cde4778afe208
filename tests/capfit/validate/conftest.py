from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from capfit.data.tables import Data
from capfit.validate import inputs, record
from capfit.validate.rows import Row

FOLDER = Path("fitting/data")


@pytest.fixture(scope="session")
def data() -> Data:
    """The repository's measurements."""
    return inputs.data(FOLDER)


@pytest.fixture(scope="session")
def committed() -> record.Record:
    """The record of the last `capfit validate`."""
    return record.read()


@pytest.fixture
def row() -> Callable[..., Row]:
    """A row of a time in ms, exact and without interval unless said otherwise."""

    def make(**stated: Any) -> Row:
        fields = {
            "predictor": "TPOT in a benchmark",
            "held_out": "model",
            "backend": "vllm",
            "group": "llama3.1-8b",
            "what": "llama3.1-8b BF16, vllm, L4 24GB",
            "unit": "ms",
            "predicted": 10.0,
            "measured": 10.0,
            "low": None,
            "high": None,
            "baselines": {},
        }
        return Row(**{**fields, **stated})

    return make
