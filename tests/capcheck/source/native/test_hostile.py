"""Files from strangers: no crash, no hang, whatever they hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import dedent

import pytest
from capcheck.source import yaml_tree
from capcheck.source.native import text as texts
from capcheck.source.native.registry import inspect
from capcheck.source.native.tree import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.capcheck.source.native.readers import (
    test_app_template,
    test_charts,
    test_command_lines,
    test_compose,
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
    test_charts.STACK,
    test_charts.LLM_D,
    test_charts.NIM,
    test_charts.OPEA,
    test_charts.KSERVE,
    test_charts.OLLAMA,
    test_charts.CATALOGUE,
    test_compose.SERVICE,
    test_compose.MANY,
    test_command_lines.SWAP,
    test_command_lines.GALLERY,
    *(text for text, _ in test_own_fields.CASES.values()),
    test_ray_serve.SERVICE,
    test_ray_serve.PROGRAM,
    test_skypilot.TASK,
    test_skypilot.DSTACK,
)
PLAIN = (test_command_lines.SCRIPT, test_command_lines.UNIT, "VLLM_MODEL='a'\nMAX_MODEL_LEN=1\n")
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
def mutated(draw: st.DrawFn, seeds: Sequence[str] = SEEDS) -> str:
    text = draw(st.sampled_from(seeds))
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
@given(mutated(PLAIN), st.sampled_from(("f.sh", "f.service", "f.container", "f.env")))
def test_mutated_files_without_a_tree_are_read(text: str, path: str) -> None:
    for found in inspect({path: text, ".env": text, f"{path}.d/a.conf": text}).deployments:
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


def test_a_bomb_of_millions_is_left_at_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else 'x'] * 10)}]\n" for n in range(9)
    )
    seen = []
    parse = yaml_tree.events
    monkeypatch.setattr(
        yaml_tree, "events", lambda text: (seen.append(one) or one for one in parse(text))
    )
    inspection = inspect({"f.yaml": bomb})
    assert [problem.code for problem in inspection.problems] == ["too-many-nodes"]
    # 111,111,111 nodes are written with 100 events; those after the budget are not looked at.
    assert len(seen) < 100


def _services(count: int) -> str:
    one = "{image: vllm/vllm-openai, command: --model a/b}"
    return "services:\n" + "".join(f"  s{n}: {one}\n" for n in range(count))


@pytest.mark.parametrize(
    ("text", "read", "line"),
    [
        (_services(200), 200, None),
        (_services(300), 200, 202),
        (_services(15_000), 0, 2),
        ("".join(f"---\n{_services(1)}" for _ in range(300)), 200, 603),
        (
            "servingEngineSpec:\n  modelSpec:\n"
            + "".join(f"  - {{name: m{n}, modelURL: a/b}}\n" for n in range(15_000)),
            0,
            3,
        ),
        (
            deployment(
                "containers:\n- name: a\n  image: vllm/vllm-openai\n  args: [--model=a/b]\n"
                "  env:\n" + "".join(f"  - {{name: V{n}, value: x}}\n" for n in range(300))
            ),
            1,
            None,
        ),
    ],
)
def test_a_file_holds_so_many_deployments(text: str, read: int, line: int | None) -> None:
    inspection = inspect({"f.yaml": text})
    assert len(inspection.deployments) == read
    found = [(problem.code, problem.place.line) for problem in inspection.problems]
    assert found == ([] if line is None else [("too-many-deployments", line)])


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("f.sh", "docker run --gpus all vllm/vllm-openai --model m{n}\n"),
        ("f.service", "[Service]\nExecStart=vllm serve m{n} \\\n"),
        ("f.env", "VLLM_A{n}=$VLLM_A{before}x\n"),
        ("f.env", "VLLM_A{n}=        {n}        x\n"),
        ("f.yaml", "s{n}: {{image: ollama/ollama, extends: s{before}}}\n"),
        ("f.yaml", "s{n}: {{image: ollama/ollama, command: pull m{n}}}\n"),
        ("g.yaml", "{{{{ if }}}}\n- {{{{{n}\n"),
    ],
)
def test_files_of_many_parts_take_work_by_their_length(
    path: str, unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = 0
    made = texts.Text.__post_init__

    def counting(self: texts.Text) -> None:
        nonlocal work
        work += 1 + len(self.runs)
        made(self)

    monkeypatch.setattr(texts.Text, "__post_init__", counting)

    def spent(count: int) -> int:
        nonlocal work
        work = 0
        parts = [unit.format(n=n, before=n - 1) for n in range(1, count)]
        text = "services:\n  " + "  ".join(parts) if path == "f.yaml" else "".join(parts)
        inspect({path: text})
        return work

    spent(4)
    assert spent(400) < 2.2 * spent(200) + 1000


def test_a_long_command_ends() -> None:
    words = " ".join(f"--flag-{n} $A" for n in range(20_000))
    text = dedent(SCRIPT).replace("exec vllm serve", f"vllm serve m {words} ; exec vllm serve")
    assert [found.address for found in inspect({"f.yaml": text}).deployments] == ["Deployment/chat"]


def _container(inner: str) -> str:
    body = "".join(f"      {line}\n" for line in inner.splitlines())
    return deployment(f"    containers:\n    - name: a\n      image: vllm/vllm-openai\n{body}")


def _lines(line: str, count: int) -> str:
    return "\n".join(line.format(n=n, before=n - 1) for n in range(1, count))


@pytest.mark.parametrize(
    "hostile",
    [
        lambda n: "env:\n" + _lines("- {{name: V{n}, value: 'x$(V{before})'}}", n),
        lambda n: "env:\n" + _lines("- {{name: V{n}, value: '$(V{before})$(V{before})'}}", n),
        lambda n: "args:\n" + _lines("- --model=a{n}", n),
        lambda n: "args:\n" + _lines("- $(V)", n),
        lambda n: "command: [sh, -c]\nargs:\n- |\n" + _lines("  V{n}=x$V{before}", n),
        lambda n: f"args: [&a '{'a' * 90 * n}', {'*a ,' * n}]",
        lambda n: "command: [sh, -c]\nargs:\n- |\n" + _lines("  vllm serve m{n}", n),
    ],
    ids=["chain", "doubling", "arguments", "unresolved", "assignments", "aliases", "lines"],
)
def test_twice_as_much_text_is_at_most_twice_the_work(
    hostile: Callable[[int], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = 0
    made, searched = texts.Text.__post_init__, texts._next

    def counting(self: texts.Text) -> None:
        nonlocal work
        work += 1 + len(self.runs)
        made(self)

    def searching(*arguments: object) -> object:
        nonlocal work
        work += 1
        return searched(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(texts.Text, "__post_init__", counting)
    monkeypatch.setattr(texts, "_next", searching)

    def spent(size: int) -> int:
        nonlocal work
        work = 0
        inspect({"f.yaml": _container(hostile(size))})
        return work

    spent(4)
    assert spent(600) < 2.2 * spent(300) + 100


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: kubeai.org/v1\nkind: Model\nmetadata: {name: a}\n"
        "spec: {url: hf://m, engine: VLLM, resourceProfile: 'x:1'}\n",
        "apiVersion: apps.nvidia.com/v1alpha1\nkind: NIMService\nmetadata: {name: a}\n"
        "spec: {image: {repository: nvcr.io/nim/nvidia/llm-nim}, storage: {nimCache: {name: c}}}\n",
    ],
)
def test_references_are_looked_up_in_an_index(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    monkeypatch.setattr(Document, "name", property(lambda document: names.append("") or "a"))
    assert len(inspect({"f.yaml": "---\n".join([text] * 100)}).deployments) == 100
    assert len(names) < 1000
