"""A repository of files in memory, and what is stated in one of them."""

from __future__ import annotations

from textwrap import dedent

import pytest
from capcheck.errors import InputError
from capcheck.manifest.load import Entry, entries

CHAT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: chat
  namespace: prod
spec:
  replicas: 2
  template:
    spec:
      nodeSelector: {cloud.google.com/gke-accelerator: nvidia-l4}
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.11.0
        args:
        - --model=meta-llama/Llama-3.1-8B-Instruct
        - --max-model-len=8192
        - --max-num-seqs=${SEQS}
        resources: {limits: {nvidia.com/gpu: "1"}}
"""


class Repository:
    """Files by path."""

    def __init__(self, **texts: str) -> None:
        self.texts = {"k8s/chat.yaml": CHAT, **texts}

    def read(self, path: str) -> bytes:
        if path not in self.texts:
            raise FileNotFoundError(path)
        return self.texts[path].encode()

    def write(self, path: str, text: str) -> None:
        self.texts[path] = dedent(text)

    def entries(self, path: str, environment: str | None = None) -> tuple[Entry, ...]:
        return entries(self.read(path), path, read_file=self.read, environment=environment)

    def manifest(self, fields: str, environment: str | None = None) -> tuple[Entry, ...]:
        """The deployments of a manifest whose only entry has these fields."""
        inner = "".join(f"    {line}\n" for line in dedent(fields).strip().split("\n"))
        self.texts["ops/capcheck.yaml"] = f"version: 1\ndeployments:\n  chat:\n{inner}"
        return self.entries("ops/capcheck.yaml", environment)

    def problems(self, fields: str) -> list[tuple[str, int]]:
        """Codes and lines of everything that is wrong with such a manifest."""
        with pytest.raises(InputError) as caught:
            self.manifest(fields)
        return [(one.code, one.place.line) for one in caught.value.problems]


@pytest.fixture
def repository() -> Repository:
    return Repository()
