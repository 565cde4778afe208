"""One context for every search test."""

from __future__ import annotations

from datetime import date

import pytest
from capcheck.judge import Context
from capcheck.predict import coefficients
from capcheck.registry import tables


@pytest.fixture(scope="session")
def context() -> Context:
    return Context(tables.load(), coefficients.load(), date(2026, 11, 23))
