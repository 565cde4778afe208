"""A repository with a policy and a manifest, and what a run says about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from capcheck.report import Document, to_document
from capcheck.run import Options, run

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)

# Passes with room to spare: an 8B model in Ollama on a 24 GB card.
CHAT = """\
version: 1
deployments:
  chat:
    model: llama3.1-8b
    quant: Q4_K_M
    backend: ollama
    gpu: RTX 4090 24GB
    traffic: {requests_per_second: 0.05, profile: chat}
"""

Judge = Callable[..., Document]


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """`judge(policy, manifest, **options)`: the report on a folder that holds both."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)

    def of(policy: str, manifest: str = CHAT, **options: Any) -> Document:
        where = tmp_path / "capcheck-policy.yaml"
        where.unlink(missing_ok=True)
        if policy:
            where.write_text(f"version: 1\n{policy}", "utf-8")
        (tmp_path / "capcheck.yaml").write_text(manifest, "utf-8")
        asked = {"fail_on": None, "now": NOW, "alternatives": False, **options}
        return to_document(run(["capcheck.yaml"], Options(**asked)).report)

    return of


def said(document: Document, *rules: str) -> list[tuple[str, str, str]]:
    """(rule, severity, verdict) of each finding, of these rules if any are named."""
    return [
        (one["rule"], one["severity"], one["verdict"])
        for one in document["findings"]
        if not rules or one["rule"] in rules
    ]
