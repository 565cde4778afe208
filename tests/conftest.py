"""What all tests share.

Golden files say what rendered output must be, byte for byte. `pytest --update-golden` rewrites
them; read the diff before committing it. CI refuses the option.
"""

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A test says what is right, not how fast: a busy machine must not fail it.
settings.register_profile("capcheck", deadline=None)
settings.load_profile("capcheck")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite golden files from today's output"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--update-golden") and os.environ.get("CI"):
        raise pytest.UsageError("--update-golden is for working copies, not for CI")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: text must equal the file `golden/name` beside the test."""

    def check(name: str, text: str) -> None:
        path: Path = request.path.parent / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        # newline="" keeps a stray carriage return visible.
        with path.open(encoding="utf-8", newline="") as file:
            expected = file.read()
        if text != expected:
            diff = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), "golden", "actual", lineterm=""
            )
            pytest.fail(f"{name} differs:\n" + "\n".join(diff), pytrace=False)

    return check
