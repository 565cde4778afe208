"""`docker run`: the program inside."""

from __future__ import annotations

import pytest
from capcheck.source.native.command.programs import calls_in_script

from tests.capcheck.source.native.conftest import environment, text_of


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "docker run --rm -it --gpus=all -p8000:8000 --name x vllm/vllm-openai:v0.9 --model m",
            ("vllm", "--model m"),
        ),
        ("podman run -d --net host vllm/vllm-openai vllm serve m", ("vllm", "m")),
        ("docker container run --entrypoint vllm own serve m", ("vllm", "m")),
        ("sudo docker run -e A=1 own/image python -m sglang.launch_server", ("sglang", "")),
        ("docker run ollama/ollama", ("ollama", "")),
        ("docker run postgres:16", None),
        ("docker build .", None),
        ("docker run", None),
        ("docker run --name", None),
        ("docker compose up", None),
        ("docker run ghcr.io/open-webui/open-webui:main vllm serve m", None),
    ],
)
def test_what_is_started(script: str, expected: tuple[str, str] | None) -> None:
    found = calls_in_script(text_of(script), {})
    assert [(call.engine, " ".join(word.value for word in call.arguments)) for call in found] == (
        [expected] if expected else []
    )


def test_variables_of_the_container() -> None:
    script = "docker run -e MODEL=m -e TOKEN -e LOST --env=N=2 vllm/vllm-openai --model x"
    (call,) = calls_in_script(text_of(script), environment({"TOKEN": "t"}))
    assert {name: text.value for name, text in call.environment.items()} == {
        "MODEL": "m",
        "TOKEN": "t",
        "N": "2",
    }
