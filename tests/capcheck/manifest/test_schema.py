"""The committed schema and tables are current, and the schema and the loader agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from capcheck.errors import InputError, Problem
from capcheck.manifest.discover import reader_for
from capcheck.manifest.fields import CHILDREN, FIELDS, RESERVED
from capcheck.manifest.kinds import DAY_PATTERN
from capcheck.manifest.load import load
from capcheck.manifest.reference import refreshed
from capcheck.manifest.schema import schema
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[3]
VALIDATOR = Draft202012Validator(schema())

# What JSON Schema can't see: order between numbers, files, paths, and how a number is written.
BEYOND_SCHEMA = {"inconsistent", "ambiguous-number", "number-too-large", "control-character"}

TEXTS = ("x", "llama3.1:8b", "RTX 4090 24GB", "é😀", "a#b: c", "yes", "012", "{", "x" * 300)


def is_accepted_by_schema(manifest: object) -> bool:
    return bool(VALIDATOR.is_valid(manifest))


def codes(manifest: object, text: str | None = None) -> set[str]:
    data = (json.dumps(manifest, ensure_ascii=False) if text is None else text).encode()
    try:
        load(data, "m.yaml", read_file=lambda _: b"{}")
    except InputError as error:
        return {problem.code for problem in error.problems}
    return set()


def test_the_committed_schema_is_current():
    committed = (ROOT / "schemas/manifest.schema.json").read_text("utf-8")
    assert json.loads(committed) == schema(), "run: python -m capcheck.manifest"


def test_the_reference_is_current():
    committed = (ROOT / "docs/manifest.md").read_text("utf-8")
    assert refreshed(committed) == committed, "run: python -m capcheck.manifest"


def test_the_reference_has_every_table():
    committed = (ROOT / "docs/manifest.md").read_text("utf-8")
    for field in FIELDS.values():
        assert f"| `{field.dotted}`" in committed
    for names in RESERVED.values():
        assert all(f"`{name}`" in committed for name in names)
    assert "| `too-many-problems` |" in committed


def test_the_example_of_the_reference_loads():
    example = (ROOT / "docs/manifest.md").read_text("utf-8").split("```yaml\n")[1].split("```")[0]
    assert [one.name for one in load(example.encode(), "m.yaml")] == ["chat"]


def test_it_is_a_schema():
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_examples_are_accepted_by_both(path: Path):
    yaml = pytest.importorskip("yaml")
    assert is_accepted_by_schema(yaml.safe_load(path.read_text("utf-8")))
    assert load(path.read_bytes(), path.as_posix(), read_file=reader_for(ROOT))


def values_of(shape: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a field's own schema accepts."""
    if "enum" in shape:
        return st.sampled_from(shape["enum"])
    if "anyOf" in shape:
        return st.one_of(*map(values_of, shape["anyOf"]))
    if shape["type"] == "boolean":
        return st.booleans()
    if shape["type"] == "array":
        return st.lists(values_of(shape["items"]), min_size=1, max_size=3)
    if "additionalProperties" in shape:
        value = st.integers(-9, 9) | st.booleans() | st.sampled_from(TEXTS)
        return st.dictionaries(st.sampled_from("abc"), value, max_size=3)
    if shape["type"] == "object":
        inner = st.integers(-9, 9) | st.booleans() | st.none() | st.sampled_from(TEXTS)
        return st.dictionaries(st.sampled_from("abc"), inner | st.lists(inner), max_size=3)
    if shape["type"] == "string":
        durations = st.sampled_from(("500ms", "1.5s", "2m", "0.001h"))
        if shape["pattern"] == DAY_PATTERN:
            return st.sampled_from(("2027-03-31", "2028-02-29"))
        return durations if "ms|s" in shape["pattern"] else st.sampled_from(TEXTS)
    if "maximum" not in shape:
        return st.sampled_from((1, 0.25, 12.5))
    low = shape.get("minimum", shape.get("exclusiveMinimum"))
    whole = st.integers(max(low, 1) if "exclusiveMinimum" in shape else low, shape["maximum"])
    if shape["type"] == "integer":
        return whole | whole.map(float)
    return whole | st.sampled_from((0.25, 0.5, 1)).filter(lambda n: low < n <= shape["maximum"])


# What they lead to decides whether the loader takes them, and a schema can't look there.
REFERENCES = ("from", "command", "env_files")


def maps_of(pointer: str) -> st.SearchStrategy[dict[str, Any]]:
    """Maps with any of the fields below `pointer`."""
    children = [one for one in CHILDREN[pointer].values() if one.name not in REFERENCES]
    required = {one.name: field_of(one.pointer) for one in children if one.required}
    optional = {one.name: field_of(one.pointer) for one in children if not one.required}
    return st.fixed_dictionaries(required, optional=optional)


def field_of(pointer: str) -> st.SearchStrategy[Any]:
    kind = FIELDS[pointer].kind
    choices = [values_of(kind.schema)] if kind else []
    if pointer in CHILDREN:
        choices.append(maps_of(pointer))
    return st.one_of(*choices)


def without_conflicts(deployment: dict[str, Any]) -> dict[str, Any]:
    """The deployment with a model, and without what excludes or needs another field."""
    gone = {"model_config"} if "architecture" in deployment else set()
    tidy = {name: value for name, value in deployment.items() if name not in gone}
    for section, unwanted in (("traffic", ("agents", "think_time")), ("quality", ("max_drop",))):
        if isinstance(tidy.get(section), dict):
            kept = {name: value for name, value in tidy[section].items() if name not in unwanted}
            tidy[section] = kept
    if "quality" in tidy:
        tidy["quality"] = {"benchmark": "b", **tidy["quality"]}
    return {"model": "x", **tidy}


DEPLOYMENTS = maps_of("") | maps_of("").map(without_conflicts)
MANIFESTS = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "deployments": st.dictionaries(
            st.sampled_from(("a", "b-1", "llama3.1:8b")), DEPLOYMENTS, min_size=1, max_size=2
        ),
    }
)

JUNK = st.sampled_from(
    (
        None,
        True,
        0,
        1,
        -1,
        2,
        0.5,
        1.5,
        1e9,
        "",
        "x",
        " x",
        "3s",
        "0s",
        "3",
        "L4",
        [],
        ["x"],
        {},
        {"mean": 1},
        {"min": 1, "max": 1},
        {"x": 1},
    )
)
KEYS = st.sampled_from(
    tuple(
        {name for names in CHILDREN.values() for name in names if name not in REFERENCES}
        | {"tp", "zzz", "a b"}
    )
)


def changed(draw: st.DrawFn, value: object) -> object:
    """The value with one change somewhere inside it."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return {**value, key: changed(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        return [changed(draw, value[0]), *value[1:]]
    if isinstance(value, dict):
        what = draw(st.sampled_from(("add", "drop", "replace")))
        if what == "add":
            return {**value, draw(KEYS): draw(JUNK)}
        if what == "drop" and value:
            gone = draw(st.sampled_from(sorted(value)))
            return {key: inner for key, inner in value.items() if key != gone}
    return draw(JUNK)


@st.composite
def mutants(draw: st.DrawFn) -> object:
    """Manifests with a few changes, most of them wrong."""
    manifest: object = draw(MANIFESTS)
    for _ in range(draw(st.integers(0, 3))):
        manifest = changed(draw, manifest)
    return manifest


@given(mutants())
@example({"version": 1, "deployments": {"a": {"model": "x", "replicas": 2.0}}})
@example({"version": True, "deployments": {"a": {"model": "x"}}})
@example({"version": 1.0, "deployments": {"a": {"model": "x"}}})
@example({"version": 1, "deployments": {"a": {"model": "x", "traffic": {"agents": True}}}})
@example({"version": 1, "deployments": {"a": {"model": "x", "slo": {"ttft_p50": "0.0s"}}}})
@example({"version": 1, "deployments": {"a": {"model": "x", "model_config": "c.json"}}})
def test_schema_and_loader_agree(manifest: object):
    found = codes(manifest)
    if not found & BEYOND_SCHEMA:
        assert is_accepted_by_schema(manifest) == (not found)


@given(MANIFESTS)
def test_generated_manifests_load_or_break_a_rule_between_fields(manifest: dict[str, Any]):
    assert codes(manifest) <= {"conflict", "missing-key", "inconsistent"}


def pointers(value: object, at: str = "") -> dict[str, object]:
    """Every value of a deployment by pointer, maps included."""
    found = {at: value}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= pointers(inner, f"{at}/{key}")
    return found


@given(MANIFESTS)
def test_round_trip(manifest: dict[str, Any]):
    """Every stated value arrives where the table says, with the place where it stands."""
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    if codes(manifest, text):
        return
    lines = text.split("\n")
    for deployment in load(text.encode(), "m.yaml", read_file=lambda _: b'{"read": 1}'):
        stated = pointers(manifest["deployments"][deployment.name])
        for pointer, value in stated.items():
            if pointer.startswith("/architecture/"):
                continue
            place = deployment.places[pointer]
            line = lines[place.line - 1]
            shown = line[place.column - 1 : place.end_column - 1]
            if isinstance(value, dict):
                key = pointer.rpartition("/")[2] or deployment.name
                assert shown == json.dumps(key)
            elif isinstance(value, list):
                assert shown == "["
            else:
                assert json.loads(shown) == value
        assert_values(deployment, stated)


def assert_values(deployment: Any, stated: dict[str, object]) -> None:
    direct = ("/serving/", "/quality/", "/safety/", "/budget/")
    for pointer, value in stated.items():
        section, _, name = pointer[1:].rpartition("/")
        if pointer.startswith(direct):
            assert getattr(getattr(deployment, section), name) == value
        elif pointer.startswith("/alternatives/"):
            arrived = getattr(deployment.alternatives, name)
            assert arrived == (tuple(value) if isinstance(value, list) else value)
        elif pointer.startswith("/slo/") and "_p" in name and name[-1].isdigit():
            assert [one.pointer for one in deployment.slo.latency].count(pointer) == 1
        elif section == "" and name in ("model", "quant", "gpu", "provider", "vram_gib"):
            assert getattr(deployment, name) == value
        elif pointer == "/model_config":
            assert deployment.architecture == {"read": 1}
        elif pointer == "/architecture":
            assert deployment.architecture == value


@given(st.data())
def test_no_bytes_raise_anything_but_input_errors(data: st.DataObject):
    """Valid manifests with bytes cut out, doubled or replaced."""
    text = json.dumps(data.draw(MANIFESTS), indent=data.draw(st.sampled_from((None, 1))))
    damaged = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        until = at + data.draw(st.integers(0, 12))
        damaged[at:until] = data.draw(st.binary(max_size=6) | st.sampled_from(SNIPPETS))
    try_to_load(bytes(damaged))


SNIPPETS = (b"&a ", b"*a", b"<<: ", b"1e3", b"012", b"{", b"]", b"\n- ", b"!x ", b"~", b"\t", b"# ")


@given(st.binary() | st.text().map(str.encode))
@example(b"version: 1\ndeployments: &a {x: *a}")
@example(b"version: 1\ndeployments: {<<: {a: {model: x}}}")
@example(b"version: 1\ndeployments: {a: {<<: [{model: x}, {gpu: y}]}}")
def test_arbitrary_bytes_raise_nothing_but_input_errors(data: bytes):
    try_to_load(data)


def try_to_load(data: bytes) -> None:
    problems: tuple[Problem, ...] | None = None
    try:
        deployments = load(data, "m.yaml")
    except InputError as error:
        problems = error.problems
    if problems is None:
        assert deployments
    else:
        assert problems
        assert all(problem.place.line >= 1 and str(problem) for problem in problems)
