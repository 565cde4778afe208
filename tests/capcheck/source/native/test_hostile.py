"""Files from strangers: no crash, no hang, whatever they hold."""

from __future__ import annotations

from textwrap import dedent

import pytest
from capcheck.source.native.registry import inspect
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capcheck.source.native.readers import (
    test_app_template,
    test_dynamo,
    test_kserve,
    test_own_fields,
    test_ray_serve,
    test_skypilot,
)
from tests.capcheck.source.native.readers.test_workloads import deployment

SCRIPT = deployment(
    """\
    containers:
    - name: a
      image: vllm/vllm-openai:v0.10.0
      command: [sh, -c]
      args:
      - |
        export MODEL="${MODEL:-org/m}"
        if [ -n "$X" ]; then A=1; fi
        cat <<EOF > /tmp/f
        x
        EOF
        exec vllm serve $MODEL --max-model-len 1k \\
          --speculative-config '{"a": 1}' "${ARGS[@]}" $(nproc)
    """
)
SEEDS = (
    SCRIPT,
    test_kserve.SERVICE,
    test_kserve.RUNTIME,
    test_kserve.LLM,
    test_dynamo.ALPHA,
    test_dynamo.BETA,
    test_app_template.VALUES,
    *(text for text, _ in test_own_fields.CASES.values()),
    test_ray_serve.SERVICE,
    test_ray_serve.PROGRAM,
    test_skypilot.TASK,
    test_skypilot.DSTACK,
)
FRAGMENTS = (
    "{{ x }}",
    "$(",
    "${",
    "$$",
    "`",
    "'",
    '"',
    "\\",
    "\n",
    "---\n",
    "- ",
    ": ",
    "[",
    "{",
    "&a ",
    "*a",
    "|",
    ">",
    "!!x ",
    "<<: ",
    "\t",
    "null",
    "-1",
    "999999999999999999",
    "é",
    "--",
    "-tp=",
    "1e9",
    "<<EOF",
    "((",
    "))",
    ";;",
    "esac",
    "fi",
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 12))
        text = text[:at] + draw(st.sampled_from(FRAGMENTS)) + text[at + length :]
    return text


@settings(max_examples=300)
@given(mutated())
def test_mutated_files_are_read_or_refused(text: str) -> None:
    for found in inspect({"f.yaml": text}).deployments:
        assert found.address
        assert len(found.facts) == 12


@settings(max_examples=200)
@given(st.text(alphabet="ab $(){}\"'`\\;&|<>#=\n-:@[]", max_size=200))
def test_scripts_of_any_characters_are_read(script: str) -> None:
    body = "".join(f"        {line}\n" for line in script.split("\n"))
    inspect({"f.yaml": SCRIPT.split("        export")[0] + body})


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 7)),
        "---\n".join(
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 5))
            for _ in range(200)
        ),
    ],
    ids=["one document", "many documents"],
)
def test_an_alias_bomb_ends_in_an_error(text: str) -> None:
    inspection = inspect({"f.yaml": text})
    assert "too-many-nodes" in {problem.code for problem in inspection.problems}


def test_a_long_command_ends() -> None:
    words = " ".join(f"--flag-{n} $A" for n in range(20_000))
    text = dedent(SCRIPT).replace("exec vllm serve", f"vllm serve m {words} ; exec vllm serve")
    assert [found.address for found in inspect({"f.yaml": text}).deployments] == ["Deployment/chat"]
