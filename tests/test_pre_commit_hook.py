"""The pre-commit hook is offered the files that a directory check finds."""

import re
from pathlib import Path

import pytest
import yaml
from capcheck.manifest.names import is_manifest

HOOKS = Path(__file__).parent.parent / ".pre-commit-hooks.yaml"


@pytest.mark.parametrize(
    "path",
    [
        "capcheck.yaml",
        "capcheck.yml",
        "deploy/capcheck.yaml",
        "deploy/chat.capcheck.yaml",
        "deploy/chat.capcheck.yml",
        "deploy/mycapcheck.yaml",
        "deploy/capcheck.json",
        "capcheck/values.yaml",
        "capcheck.yaml.bak",
    ],
)
def test_files(path: str) -> None:
    (hook,) = yaml.safe_load(HOOKS.read_text())
    assert bool(re.search(hook["files"], path)) is is_manifest(Path(path).name)
