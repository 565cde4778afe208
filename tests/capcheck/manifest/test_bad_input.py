"""Every way to get a manifest wrong: the code, the place and the nearest valid name.

`{...}` in a case stands for a whole manifest around a deployment's fields, which then start in
line 4, column 5.
"""

from __future__ import annotations

import pytest
from capcheck.errors import InputError, Problem
from capcheck.manifest.load import load
from capcheck.manifest.referred import OutsideRepositoryError
from capcheck.source.problems import CODES, MAX_PROBLEMS

HEAD = "version: 1\ndeployments:\n  chat:\n"

FILES: dict[str, bytes | OSError] = {
    "deploy/config.json": b'{"hidden_size": 64}',
    "deploy/list.json": b"[1]",
    "deploy/broken.json": b'{\n  "a": 1,\n}',
    "deploy/deep.json": b"[" * 100_000,
    "deploy/digits.json": b'{"a": ' + b"9" * 5_000 + b"}",
    "deploy/latin1.json": b'{\n"a": "\xe9"}',
    "deploy/big.json": b" " * (1 << 21),
    "deploy/secret.json": PermissionError(13, "Permission denied"),
    "outside.json": OutsideRepositoryError("outside.json"),
}


def read_file(path: str) -> bytes:
    found = FILES.get(path, FileNotFoundError(2, "No such file or directory"))
    if isinstance(found, OSError):
        raise found
    return found


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        load(text.encode(), "deploy/m.yaml", read_file=read_file)
    return caught.value.problems


def inside(text: str) -> str:
    """A whole manifest whose only deployment has these fields."""
    return HEAD + "".join(f"    {line}\n" for line in text.splitlines())


# One problem each: text, code, line, column, end column, nearest.
FILE_CASES = [
    ("", "empty-file", 1, 1, 2, None),
    ("# nothing\n", "empty-file", 1, 1, 2, None),
    ("- a\n", "wrong-type", 1, 1, 4, None),
    ("hello\n", "wrong-type", 1, 1, 6, None),
    ("a: [\n", "yaml-syntax", 1, 4, 5, None),
    ("a: 1\n---\nb: 1\n", "multiple-documents", 2, 1, 4, None),
    ("version: 2\ndeployments: 5\nfoo: 1\n", "unsupported-version", 1, 10, 11, None),
    ("version: 1.5\n", "unsupported-version", 1, 10, 13, None),
    ("version: '1'\ndeployments: {a: {model: x}}\n", "wrong-type", 1, 10, 13, "1"),
    ("version: true\ndeployments: {a: {model: x}}\n", "wrong-type", 1, 10, 14, None),
    ("version: [1]\ndeployments: {a: {model: x}}\n", "wrong-type", 1, 10, 13, None),
    ("version: 01\ndeployments: {a: {model: x}}\n", "ambiguous-number", 1, 10, 12, "1"),
    ("deployments: {a: {model: x}}\n", "missing-key", 1, 1, 2, None),
    ("version: 1\n", "missing-key", 1, 1, 2, None),
    ("version: 1\ndeployments:\n", "wrong-type", 2, 1, 12, None),
    ("version: 1\ndeployments: [a]\n", "wrong-type", 2, 14, 17, None),
    ("version: 1\ndeployments: {}\n", "bad-value", 2, 1, 12, None),
    ("version: 1\ndeployments: 012\n", "ambiguous-number", 2, 14, 17, "12"),
    ("version: 1\ndeployments: {a: 3}\n", "wrong-type", 2, 18, 19, None),
    ("version: 1\ndeployments:\n  a:\n", "wrong-type", 3, 3, 4, None),
    ("version: 1\ndeployments: {a: 012}\n", "ambiguous-number", 2, 18, 21, "12"),
    ("version: 1\ndeployments: {a b: {model: x}}\n", "bad-name", 2, 15, 18, "a-b"),
    ("version: 1\ndeployments: {'': {model: x}}\n", "bad-name", 2, 15, 17, None),
    ("version: 1\ndeployments: {-a: {model: x}}\n", "bad-name", 2, 15, 17, "a"),
    ("version: 1\ndeployments: {'ａ': {model: x}}\n", "bad-name", 2, 15, 18, None),  # noqa: RUF001
    (
        f"version: 1\ndeployments: {{{'a' * 101}: {{model: x}}}}\n",
        *("bad-name", 2, 15, 116, "a" * 100),
    ),
    ("version: 1\ndeployments: {1: {model: x}}\n", "key-not-text", 2, 15, 16, '"1"'),
    ("verson: 1\nversion: 1\ndeployments: {a: {model: x}}\n", "unknown-key", 1, 1, 7, "version"),
    (
        "version: 1\nmodel: x\ndeployments: {a: {model: x}}\n",
        *("unknown-key", 2, 1, 6, "deployments.NAME.model"),
    ),
    (
        "version: 1\nisl: 5\ndeployments: {a: {model: x}}\n",
        *("unknown-key", 2, 1, 4, "deployments.NAME.traffic.prompt_tokens"),
    ),
    ("version: 1\nzzz: 5\ndeployments: {a: {model: x}}\n", "unknown-key", 2, 1, 4, None),
    ("version: 1\npolicy: 3\ndeployments: {a: {model: x}}\n", "wrong-type", 2, 9, 10, None),
    ("version: 1\nvars: 3\ndeployments: {a: {model: x}}\n", "wrong-type", 2, 7, 8, None),
    ("version: 1\ndeployments: {a: {model: x, model: y}}\n", "duplicate-key", 2, 29, 34, None),
    ("version: 1\ndeployments: {a: {model: !x y}}\n", "tag-not-allowed", 2, 26, 30, None),
    ("version: 1\ndeployments: {a: *b}\n", "undefined-alias", 2, 18, 20, None),
    ("version: 1\ndeployments: {a: &a {model: *a}}\n", "recursive-alias", 2, 29, 31, None),
    ("version: 1\ndeployments: {a: {<<: x, model: y}}\n", "bad-merge", 2, 23, 24, None),
    (f"version: 1\ndeployments: {'[' * 60}\n", "too-deep", 2, 63, 64, None),
    (f"a: &a [{'x, ' * 999}]\nb: [{'*a, ' * 999}]", "too-many-nodes", 2, 797, 799, None),
    ("version: 1\x00\n", "control-character", 1, 11, 12, None),
]

DEPLOYMENT_CASES = [
    # No model, and what may stand for it.
    ("gpu: L4", "missing-key", 3, 3, 7, None),
    ("architecture: {}\nmodel_config: config.json", "conflict", 5, 19, 30, None),
    # Unknown keys: typing errors, other spellings, other tools' names, names of other maps.
    ("model: x\nmodle: y", "unknown-key", 5, 5, 10, "model"),
    ("model: x\nbackendVersion: y", "unknown-key", 5, 5, 19, "backend_version"),
    ("model: x\ntp: 2", "unknown-key", 5, 5, 7, "serving.tensor_parallel_size"),
    ("model: x\nnum_gpus: 2", "unknown-key", 5, 5, 13, "gpus_per_replica"),
    ("model: x\nengine: vllm", "unknown-key", 5, 5, 11, "backend"),
    ("model: x\nmax-model-len: 5", "unknown-key", 5, 5, 18, "serving.max_model_len"),
    ("model: x\nmaxx_model_len: 5", "unknown-key", 5, 5, 19, "serving.max_model_len"),
    ("model: x\nmin_replicas: 5", "unknown-key", 5, 5, 17, "replicas.min"),
    ("model: x\np95_latency: 5s", "unknown-key", 5, 5, 16, "slo.latency_p95"),
    ("model: x\nslo: {p95_latency: 5s}", "unknown-key", 5, 11, 22, "latency_p95"),
    ("model: x\nslo: {e2el: 5s}", "unknown-key", 5, 11, 15, "latency_p95"),
    ("model: x\nslo: {itl_p99: 5s}", "unknown-key", 5, 11, 18, "tpot_p99"),
    ("model: x\nslo: {ttft_p85: 5s}", "unknown-key", 5, 11, 19, "ttft_p95"),
    ("model: x\nslo: {monthly_usd: 5}", "unknown-key", 5, 11, 22, "budget.monthly_usd"),
    ("model: x\nserving: {isl: 5}", "unknown-key", 5, 15, 18, "traffic.prompt_tokens"),
    ("model: x\ntraffic: {rps: 5}", "unknown-key", 5, 15, 18, "requests_per_second"),
    ("model: x\ntraffic: {prompt_tokens: {mean: 5, p99: 6}}", "unknown-key", 5, 40, 43, "p95"),
    ("model: x\nbudget: {zzz: 5}", "unknown-key", 5, 14, 17, None),
    (f"model: x\n{'k' * 200}: 5", "unknown-key", 5, 5, 205, None),
    ("model: x\n'a\\nb': 5", "unknown-key", 5, 5, 11, None),
    # Names of features to come.
    *(
        (f"model: x\n{name}: y", "not-supported-yet", 5, 5, 5 + len(name), None)
        for name in ("measurements", "environments")
    ),
    ("model: x\nquality: {evidence: f}", "not-supported-yet", 5, 15, 23, None),
    # Text.
    ("model: 7", "wrong-type", 4, 12, 13, '"7"'),
    ("model: true", "wrong-type", 4, 12, 16, '"true"'),
    ("model:", "wrong-type", 4, 5, 10, None),
    ("model: [x]", "wrong-type", 4, 12, 15, None),
    ("model: {a: b}", "wrong-type", 4, 12, 18, None),
    ("model: ''", "bad-value", 4, 12, 14, None),
    ("model: ' x '", "bad-value", 4, 12, 17, "x"),
    ("model: |\n  x", "bad-value", 4, 12, 13, "x"),
    ('model: "a\\tb\\nc"', "bad-value", 4, 12, 21, None),
    (f"model: {'x' * 301}", "bad-value", 4, 12, 313, None),
    ('model: "a\\u0007"', "control-character", 4, 12, 21, None),
    ("model: x\nbackend_version: true", "wrong-type", 5, 22, 26, '"true"'),
    ("model: x\nbackend_version: 1e1", "ambiguous-number", 5, 22, 25, "10"),
    # Words.
    ("model: x\ncapacity_type: on-demnd", "bad-value", 5, 20, 28, "on-demand"),
    ("model: x\ncapacity_type: Spot", "bad-value", 5, 20, 24, "spot"),
    ("model: x\ntraffic: {profile: 3}", "wrong-type", 5, 24, 25, None),
    ("model: x\nserving: {enforce_eager: yes}", "wrong-type", 5, 30, 33, "true"),
    ("model: x\nserving: {enforce_eager: 1}", "wrong-type", 5, 30, 31, None),
    # Numbers.
    ("model: x\nreplicas: 0", "out-of-range", 5, 15, 16, None),
    ("model: x\nreplicas: -1", "out-of-range", 5, 15, 17, None),
    ("model: x\nreplicas: 1.5", "wrong-type", 5, 15, 18, None),
    ("model: x\nreplicas: '2'", "wrong-type", 5, 15, 18, "2"),
    ("model: x\nreplicas: true", "wrong-type", 5, 15, 19, None),
    ("model: x\nreplicas: 10001", "out-of-range", 5, 15, 20, None),
    ("model: x\nreplicas: [1]", "wrong-type", 5, 15, 18, None),
    ("model: x\nreplicas:", "wrong-type", 5, 5, 13, None),
    ("model: x\nreplicas: {max: 2}", "missing-key", 5, 5, 13, None),
    ("model: x\nreplicas: {min: 3, max: 2}", "inconsistent", 5, 29, 30, None),
    ("model: x\nreplicas: {min: 0, max: 0}", "out-of-range", 5, 29, 30, None),
    ("model: x\nreplicas: 1_0", "ambiguous-number", 5, 15, 18, "10"),
    ("model: x\nreplicas: 99999999999999999999", "number-too-large", 5, 15, 35, None),
    ("model: x\nvram_gib: 24GiB", "wrong-type", 5, 15, 20, "24"),
    ("model: x\nvram_gib: 24GB", "wrong-type", 5, 15, 19, "22.3517"),
    ("model: x\nvram_gib: 0", "out-of-range", 5, 15, 16, None),
    ("model: x\nvram_gib: .inf", "number-not-finite", 5, 15, 19, None),
    ("model: x\nbudget: {monthly_usd: $50}", "wrong-type", 5, 27, 30, "50"),
    ("model: x\nbudget: {monthly_usd: -1}", "out-of-range", 5, 27, 29, None),
    ("model: x\nserving: {max_model_len: 8K}", "wrong-type", 5, 30, 32, "8192"),
    ("model: x\nserving: {gpu_memory_utilization: 90}", "out-of-range", 5, 39, 41, "0.9"),
    ("model: x\nserving: {gpu_memory_utilization: 90%}", "wrong-type", 5, 39, 42, "0.9"),
    ("model: x\nserving: {gpu_memory_utilization: 0}", "out-of-range", 5, 39, 40, None),
    ("model: x\ntraffic: {requests_per_second: 0}", "out-of-range", 5, 36, 37, None),
    ("model: x\ntraffic: {requests_per_second: 1e3}", "ambiguous-number", 5, 36, 39, "1000"),
    ("model: x\ntraffic: {requests_per_second: {peak: 2}}", "missing-key", 5, 15, 34, None),
    (
        "model: x\ntraffic: {requests_per_second: {mean: 2, peak: 1.5}}",
        *("inconsistent", 5, 52, 55, None),
    ),
    ("model: x\ntraffic: {prompt_tokens: 1.5}", "wrong-type", 5, 30, 33, None),
    ("model: x\ntraffic: {prompt_tokens: 8k}", "wrong-type", 5, 30, 32, "8000"),
    ("model: x\ntraffic: {prompt_tokens: {mean: 9, p95: 8}}", "inconsistent", 5, 45, 46, None),
    ("model: x\ntraffic: {output_tokens: {mean: 9, max: 8}}", "inconsistent", 5, 45, 46, None),
    (
        "model: x\ntraffic: {output_tokens: {mean: 2, p95: 9, max: 8}}",
        *("inconsistent", 5, 53, 54, None),
    ),
    # Durations.
    ("model: x\nslo: {latency_p95: 3}", "missing-unit", 5, 24, 25, None),
    ("model: x\nslo: {latency_p95: '3'}", "missing-unit", 5, 24, 27, None),
    ("model: x\nslo: {latency_p95: 3 sec}", "bad-value", 5, 24, 29, "3s"),
    ("model: x\nslo: {latency_p95: 0s}", "bad-value", 5, 24, 26, None),
    ("model: x\nslo: {latency_p95: soon}", "bad-value", 5, 24, 28, None),
    ("model: x\nslo: {latency_p95: ~}", "wrong-type", 5, 24, 25, None),
    ("model: x\nslo: {latency_p95: 1:30}", "ambiguous-number", 5, 24, 28, '"1:30"'),
    ("model: x\ntraffic: {agents: 1, think_time: 2}", "missing-unit", 5, 38, 39, None),
    # Maps and lists.
    ("model: x\nslo:", "wrong-type", 5, 5, 8, None),
    ("model: x\nslo: 3s", "wrong-type", 5, 10, 12, None),
    ("model: x\nslo: [latency_p95]", "wrong-type", 5, 10, 23, None),
    ("model: x\narchitecture: llama", "wrong-type", 5, 19, 24, None),
    ("model: x\nalternatives: {gpus: L4}", "wrong-type", 5, 26, 28, "[L4]"),
    ("model: x\nalternatives: {gpus: {L4: 1}}", "wrong-type", 5, 26, 33, None),
    ("model: x\nalternatives: {gpus: []}", "bad-value", 5, 26, 28, None),
    ("model: x\nalternatives: {gpus: [L4, 3]}", "wrong-type", 5, 31, 32, '"3"'),
    ("model: x\nalternatives: {keep: [gpus]}", "bad-value", 5, 27, 31, "gpu"),
    (
        "model: x\nalternatives: {keep: [serving.max_model_len]}",
        *("bad-value", 5, 27, 48, "max_model_len"),
    ),
    # Fields that exclude or need each other.
    ("model: x\ntraffic: {requests_per_second: 1, agents: 2}", "conflict", 5, 47, 48, None),
    ("model: x\ntraffic: {think_time: 2s}", "missing-key", 5, 27, 29, None),
    ("model: x\nquality: {min_score: 0.5}", "missing-key", 5, 26, 29, None),
    ("model: x\nquality: {max_drop: 0.5}", "missing-key", 5, 25, 28, None),
    (
        "model: x\nquality: {benchmark: b, min_score: 0.5, max_drop: 0.1}",
        *("conflict", 5, 55, 58, None),
    ),
    ("model: x\nquality: {benchmark: b, min_score: 60}", "out-of-range", 5, 40, 42, "0.6"),
    # The file that model_config points to.
    ("model_config: missing.json", "path-not-found", 4, 19, 31, None),
    ("model_config: secret.json", "unreadable-file", 4, 19, 30, None),
    ("model_config: ../outside.json", "path-outside-repository", 4, 19, 34, None),
    *(
        (f"model_config: '{path}'", "bad-value", 4, 19, 21 + len(path), None)
        for path in ("/etc/passwd", "~/x.json", "C:/x.json", "a\\b.json")
    ),
    ("model_config: 5", "wrong-type", 4, 19, 20, '"5"'),
]

CONFIG_CASES = [
    ("list.json", "bad-json", 1, 1, None),
    ("broken.json", "bad-json", 3, 1, None),
    ("deep.json", "bad-json", 1, 1, None),
    ("digits.json", "bad-json", 1, 1, None),
    ("latin1.json", "not-utf-8", 2, 7, None),
    ("big.json", "file-too-large", 1, 1, None),
]


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "end_column", "nearest"),
    [*FILE_CASES, *((inside(text), *rest) for text, *rest in DEPLOYMENT_CASES)],
)
def test_one_problem(
    text: str, code: str, line: int, column: int, end_column: int, nearest: str | None
):
    problems = problems_of(text)
    assert [problem.code for problem in problems] == [code]
    place = problems[0].place
    assert (place.line, place.column, place.end_column) == (line, column, end_column)
    assert place.path == "deploy/m.yaml"
    assert problems[0].nearest == nearest


@pytest.mark.parametrize(("name", "code", "line", "column", "nearest"), CONFIG_CASES)
def test_a_problem_in_a_config_file_is_reported_there(
    name: str, code: str, line: int, column: int, nearest: str | None
):
    (problem,) = problems_of(inside(f"model_config: {name}"))
    assert problem.place.path == f"deploy/{name}"
    assert (problem.code, problem.place.line, problem.place.column) == (code, line, column)
    assert problem.nearest == nearest


def test_bytes_that_are_not_utf_8():
    with pytest.raises(InputError) as caught:
        load(b"version: 1 # \xe9", "m.yaml")
    assert [problem.code for problem in caught.value.problems] == ["not-utf-8"]


def test_without_a_reader_no_file_is_read():
    with pytest.raises(InputError) as caught:
        load(inside("model_config: config.json").encode(), "m.yaml")
    (problem,) = caught.value.problems
    assert problem.code == "unreadable-file"
    assert "no files can be read here" in problem.expected


def test_every_code_has_a_case():
    codes = {case[1] for case in (*FILE_CASES, *DEPLOYMENT_CASES, *CONFIG_CASES)}
    of_policies = {"unknown-name", "unknown-rule", "unknown-plugin", "bad-table", "bad-baseline"}
    of_native = {"not-recognised", "needs-rendering", "no-such-address", "ambiguous-address"}
    assert set(CODES) - codes - of_policies - of_native == {
        "too-many-problems",
        "unknown-environment",
    }


def test_all_problems_of_a_file_in_one_run_sorted_by_place():
    text = """\
version: 1
typo: 1
deployments:
  a:
    model: 1e3
    gpu: 4090
    slo: {latency_p95: 3, nope: 1}
    replicas: {min: 3, max: 2}
  b c: {model: x}
  d:
    gpu: L4
    gpu: L4
  e: 5
"""
    found = [
        (problem.code, problem.place.line, problem.place.column) for problem in problems_of(text)
    ]
    assert found == [
        ("unknown-key", 2, 1),
        ("ambiguous-number", 5, 12),
        ("wrong-type", 6, 10),
        ("missing-unit", 7, 24),
        ("unknown-key", 7, 27),
        ("inconsistent", 8, 29),
        ("bad-name", 9, 3),
        ("missing-key", 10, 3),
        ("duplicate-key", 12, 5),
        ("wrong-type", 13, 6),
    ]


def test_a_problem_in_a_shared_map_is_reported_once():
    text = "version: 1\ndeployments:\n  a: &a {model: x, slo: &s {ttft_p95: 3}}\n"
    text += "".join(f"  b{n}: {{<<: *a}}\n  c{n}: {{model: y, slo: *s}}\n" for n in range(50))
    found = [
        (problem.code, problem.place.line, problem.place.column) for problem in problems_of(text)
    ]
    assert found == [("missing-unit", 3, 39)]


def test_the_list_of_problems_ends():
    text = HEAD + "".join(f"    key{n}: 1\n" for n in range(5_000))
    problems = problems_of(text)
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].code == "too-many-problems"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model: x\nslo: {latency_p95: 3}",
            "deploy/m.yaml:5:24: missing-unit: found 3, expected a unit: 3s or 3ms",
        ),
        (
            "model: x\ntp: 2",
            'deploy/m.yaml:5:5: unknown-key: found "tp", expected a field of a deployment; '
            "did you mean 'serving.tensor_parallel_size'?",
        ),
        (
            "model: x\nbudget: {zzz: 2}",
            'deploy/m.yaml:5:14: unknown-key: found "zzz", expected a field of budget: '
            "monthly_usd, max_increase_usd, usd_per_million_tokens",
        ),
        (
            "model: x\nreplicas: all",
            'deploy/m.yaml:5:15: wrong-type: found "all", expected a whole number from 1 to '
            "10,000, or a map of min, max",
        ),
        (
            "model: x\nvram_gib: 24GB",
            'deploy/m.yaml:5:15: wrong-type: found "24GB", expected a number of GiB above 0 and '
            "up to 10,000; did you mean '22.3517'?",
        ),
        (
            "model: x\nmeasurements: vllm serve x",
            'deploy/m.yaml:5:5: not-supported-yet: found "measurements", expected none yet: '
            "the name is reserved for a later release",
        ),
    ],
)
def test_messages(text: str, message: str):
    (problem,) = problems_of(inside(text))
    assert str(problem) == message
