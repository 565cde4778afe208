"""Policy files: what can be read, what is wrong and where, and the schema that says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from capcheck import schemas
from capcheck.errors import InputError
from capcheck.policy.fields import schema
from capcheck.policy.load import load
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "policy" / "capcheck-policy.yaml"
WAIVER = "{id: a, rule: price-stale, reason: r, owner: o, expires: '2027-01-01'}"


def wrong(text: str, **files: bytes) -> list[str]:
    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]

    with pytest.raises(InputError) as caught:
        load(text.encode(), "p.yaml", read_file=read)
    return [
        f"{one.place.path}:{one.place.line}:{one.place.column}: {one.code}"
        + (f" -> {one.nearest}" if one.nearest else "")
        for one in caught.value.problems
    ]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[]", ["p.yaml:1:1: wrong-type"]),
        ("fail_on: [fail]", ["p.yaml:1:1: missing-key"]),
        ("version: 2", ["p.yaml:1:10: out-of-range"]),
        ("version: 1\nlimts: {}", ["p.yaml:2:1: unknown-key -> limits"]),
        ("version: 1\nlimits: {monthly: 3}", ["p.yaml:2:10: unknown-key -> monthly_usd"]),
        ("version: 1\nlimits: {monthly_usd: $3}", ["p.yaml:2:23: wrong-type -> 3"]),
        ("version: 1\nlimits: {min_vram_headroom: 10}", ["p.yaml:2:29: out-of-range -> 0.1"]),
        ("version: 1\nlimits: {allowed_gpus: L4}", ["p.yaml:2:24: wrong-type"]),
        ("version: 1\nlimits: {allowed_gpus: [L44]}", ["p.yaml:2:25: unknown-name -> L4 24GB"]),
        ("version: 1\nlimits: {allowed_backends: [vlm]}", ["p.yaml:2:29: unknown-name -> vllm"]),
        ("version: 1\nlimits: {allowed_backends: [vllm ~0.8]}", ["p.yaml:2:29: unknown-name"]),
        (
            "version: 1\nlimits: {require: {prod: [slo.latensy_p95]}}",
            ["p.yaml:2:27: unknown-key -> slo.latency_p95"],
        ),
        ("version: 1\nseverities: {price-stale: eror}", ["p.yaml:2:27: bad-value -> error"]),
        ("version: 1\nseverities: {price-stale: off}", []),
        ("version: 1\nfail_on: [fial]", ["p.yaml:2:11: bad-value -> fail"]),
        ("version: 1\nwaivers: [{id: a}]", ["p.yaml:2:11: missing-key"] * 4),
        (f"version: 1\nwaivers: [{WAIVER}, {WAIVER}]", ["p.yaml:2:88: duplicate-key"]),
        (
            f"version: 1\nwaivers: [{WAIVER.replace('2027-01-01', '2027-02-30')}]",
            ["p.yaml:2:68: bad-value"],
        ),
        ("version: 1\nrules: {own: {message: m}}", ["p.yaml:2:9: missing-key"]),
        (
            "version: 1\nrules: {own: {message: m, limit: /forecast/vram_gib}}",
            ["p.yaml:2:9: missing-key"],
        ),
        (
            "version: 1\nrules: {own: {message: m, limit: /forecast/x, op: '<', value: 1}}",
            ["p.yaml:2:34: bad-value"],
        ),
        (
            "version: 1\nrules: {own: {message: m, limit: /name, op: '<', value: 1}}",
            ["p.yaml:2:34: bad-value"],
        ),
        (
            "version: 1\nrules: {own: {message: m, allowed: {slo.latency_p95: [1s]}}}",
            ["p.yaml:2:37: bad-value"],
        ),
        ("version: 1\nrules: {Own: {message: m, required: [slo]}}", ["p.yaml:2:9: bad-name"]),
        (
            "version: 1\nprices: {list: [{gpu: L4, usd_per_hour: 1, provider: a}]}",
            ["p.yaml:2:1: missing-key"],
        ),
        ("version: 1\nregistries: {models: own.csv}", ["p.yaml:2:22: unreadable-file"]),
        ("version: 1\n<<: {a: &a [*a]}", ["p.yaml:2:13: recursive-alias"]),
    ],
)
def test_what_is_wrong_is_told_at_its_place(text: str, problems: list[str]) -> None:
    if not problems:
        load(text.encode(), "p.yaml")
        return
    assert wrong(text) == problems


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        (b"nme\nx\n", ["own.csv:1:1: bad-table"]),
        (b"name,params\nx\n", ["own.csv:2:1: bad-table"]),
        (b"name,params\nx,many\n", ["own.csv:2:1: bad-table"]),
        (b"name,params\ngpt2,5\n", ["own.csv:2:1: bad-table"]),
        (b"name,params\nx,5\nx,6\n", ["own.csv:3:1: bad-table"]),
        (b"\xff", ["own.csv:1:1: not-utf-8"]),
    ],
)
def test_own_tables_are_held_against_the_shipped_ones(table: bytes, problems: list[str]) -> None:
    assert wrong("version: 1\nregistries: {models: own.csv}", **{"own.csv": table}) == problems


def test_the_schema_is_the_table_of_fields() -> None:
    assert json.loads(schemas.text("policy")) == schema(), "run: python -m capcheck.policy"
    Draft202012Validator.check_schema(schema())


def test_the_example_is_valid_and_uses_every_key() -> None:
    values = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    assert list(Draft202012Validator(schema()).iter_errors(values)) == []
    assert set(schema()["properties"]) - set(values) == {"plugins"}
    assert set(schema()["properties"]["limits"]["properties"]) == set(values["limits"])


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8) | st.sampled_from(list(schema()["properties"])), inner
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(schema()["properties"])), JSON))
def test_no_input_is_a_crash(values: dict[str, Any]) -> None:
    problems = []
    try:
        load(json.dumps({**values, "version": 1}).encode(), "p.yaml")
    except InputError as error:
        problems += error.problems
    assert all(one.place.path == "p.yaml" for one in problems)
