"""A policy file's bytes to a Policy, or to everything that is wrong with the file."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from capcheck.finding import VERDICTS
from capcheck.manifest.deployment import Deployment, QualityLimit, Serving, Traffic
from capcheck.manifest.fields import FIELDS
from capcheck.manifest.referred import ReadFile
from capcheck.policy.fields import ALLOWED, NUMERIC, POLICY, TABLES
from capcheck.policy.figures import is_figure
from capcheck.policy.model import Facts, OwnRule, Policy, PolicyWaiver, Scope, Source
from capcheck.policy.names import canonical
from capcheck.policy.shapes import Reading, escaped
from capcheck.policy.table_files import table_rows
from capcheck.registry import tables
from capcheck.registry.matches import Miss
from capcheck.registry.rows import Row
from capcheck.registry.tables import Registry, with_facts
from capcheck.source import yaml_tree
from capcheck.source.nearest import nearest
from capcheck.source.problems import Problems, quoted


def load(data: bytes, path: str, *, read_file: ReadFile | None = None) -> Policy:
    """The policy of one file. `path` is as it is shown; `read_file` reads own tables beside it.

    Raises InputError with every problem of the file.
    """
    tree, found = yaml_tree.read(data, path)
    problems = Problems(found)
    if tree is None:
        raise problems.error()
    reading = Reading(problems)
    values = reading.read(POLICY, tree)
    if problems:
        raise problems.error()
    policy = _policy(values, path, reading, read_file)
    if problems:
        raise problems.error()
    digest = hashlib.sha256(data).hexdigest()
    return replace(_named(policy, reading), sources=(Source(path, digest),))


def pointers_of(names: tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """`slo.latency_p95` as `/slo/latency_p95`."""
    return tuple(f"/{name.replace('.', '/')}" for name in names)


def _named(policy: Policy, reading: Reading) -> Policy:
    """With the registry's own names. Raises InputError for those that it does not know."""
    registry = with_facts(tables.load(), policy.facts)
    allowed = {
        kind: tuple(
            canonical(
                kind,
                names,
                registry,
                pointer=f"/limits/allowed_{kind}",
                places=reading.places,
                problems=reading.problems,
            )
            for names in layers
        )
        for kind, layers in policy.allowed.items()
    }
    for at, row in enumerate(policy.facts.prices):
        _check_gpu(row["gpu"], f"/prices/list/{at}/gpu", registry, reading)
    for (label, _), gpu in policy.facts.gpu_labels.items():
        _check_gpu(gpu, f"/gpu_labels/{escaped(label)}", registry, reading)
    if reading.problems:
        raise reading.problems.error()
    return replace(policy, allowed=allowed)


def _check_gpu(name: str, pointer: str, registry: Registry, reading: Reading) -> None:
    meant = registry.gpu(name)
    if isinstance(meant, Miss):
        reading.problems.add(
            "unknown-name",
            reading.places[pointer],
            found=quoted(name),
            expected="a name of `capcheck list gpus`",
            nearest=next(iter(meant.nearest), None),
        )


def _policy(
    values: dict[str, Any], path: str, reading: Reading, read_file: ReadFile | None
) -> Policy:
    limits = values.get("limits", {})
    require = limits.get("require", {})
    for environment, names in require.items():
        _check_fields(names, f"/limits/require/{escaped(environment)}", reading)
    stated = values.get("fail_on")
    waivers = values.get("waivers", ())
    _check_unique(waivers, reading)
    return Policy(
        fail_on=None
        if stated is None
        else tuple(verdict for verdict in reversed(VERDICTS) if verdict in stated),
        severities=(values["severities"],) if "severities" in values else (),
        limits={name: limits[name] for name in NUMERIC if name in limits},
        allowed={
            kind: (tuple(limits[f"allowed_{kind}"]),)
            for kind in ALLOWED
            if f"allowed_{kind}" in limits
        },
        require={environment: pointers_of(names) for environment, names in require.items()},
        alternatives=values.get("alternatives", {}),
        facts=_facts(values, path, reading, read_file),
        max_waiver_days=values.get("max_waiver_days"),
        waivers=tuple(_waiver(one, at, reading) for at, one in enumerate(waivers)),
        rules=tuple(_rule(name, one, reading) for name, one in values.get("rules", {}).items()),
        plugins=tuple(values.get("plugins", ())),
        places=reading.places,
    )


def _waiver(one: dict[str, Any], at: int, reading: Reading) -> PolicyWaiver:
    return PolicyWaiver(
        id=one["id"],
        rule=one["rule"],
        scope=_scope(one),
        reason=one["reason"],
        owner=one["owner"],
        expires=one["expires"],
        place=reading.places[f"/waivers/{at}/expires"],
    )


def _scope(one: dict[str, Any]) -> Scope:
    return Scope(one.get("deployment"), one.get("path"), one.get("environment"))


def _rule(name: str, one: dict[str, Any], reading: Reading) -> OwnRule:
    pointer = f"/rules/{escaped(name)}"
    place = reading.places[pointer]
    if "limit" in one:
        missing = [key for key in ("op", "value") if key not in one]
        if missing:
            reading.problems.add(
                "missing-key", place, found=f"limit without {missing[0]}", expected=missing[0]
            )
        _check_figure(one["limit"], f"{pointer}/limit", reading)
    _check_fields(one.get("required", ()), f"{pointer}/required", reading)
    allowed = one.get("allowed", {})
    for field in allowed:
        at = f"{pointer}/allowed/{escaped(field)}"
        if not _check_field(field, at, reading):
            continue
        if not _is_setting(field):
            reading.problems.add(
                "bad-value",
                reading.places[at],
                found=quoted(field),
                expected="a field with one plain value, such as region or serving.max_model_len",
            )
    return OwnRule(
        id=name,
        message=one["message"],
        severity=one.get("severity", "error"),
        scope=_scope(one),
        place=place,
        fix=one.get("fix"),
        limit=one.get("limit"),
        op=one.get("op", "<="),
        value=one.get("value", 0.0),
        required=pointers_of(one.get("required", ())),
        allowed={pointers_of([field])[0]: tuple(known) for field, known in allowed.items()},
    )


def _check_figure(pointer: str, at: str, reading: Reading) -> None:
    if not is_figure(pointer):
        reading.problems.add(
            "bad-value",
            reading.places[at],
            found=quoted(pointer),
            expected="a JSON pointer to a number of a deployment in the report, below /forecast, "
            "/gates or /resolved",
        )


def _check_fields(names: Any, pointer: str, reading: Reading) -> None:  # noqa: ANN401
    for at, name in enumerate(names):
        _check_field(name, f"{pointer}/{at}", reading)


def _is_setting(name: str) -> bool:
    """Whether a Deployment has the field as it is written: no unit, no list, no map."""
    section, _, inner = name.partition(".")
    owner = {"": Deployment, "serving": Serving, "traffic": Traffic, "quality": QualityLimit}
    of = owner.get(section if inner else "")
    plain = ("str | None", "int | None", "float | None", "bool | None", "str")
    return of is not None and any(
        one.name == (inner or section) and one.type in plain for one in fields(of)
    )


def _check_field(name: str, pointer: str, reading: Reading) -> bool:
    known = {field.dotted for field in FIELDS.values()}
    if name not in known:
        reading.problems.add(
            "unknown-key",
            reading.places[pointer],
            found=quoted(name),
            expected="a field of a deployment, such as slo.latency_p95",
            nearest=nearest(name, known),
        )
    return name in known


def _check_unique(waivers: Any, reading: Reading) -> None:  # noqa: ANN401
    seen: set[str] = set()
    for at, one in enumerate(waivers):
        if one["id"] in seen:
            reading.problems.add(
                "duplicate-key",
                reading.places[f"/waivers/{at}/id"],
                found=quoted(one["id"]),
                expected="an id that no other waiver has",
            )
        seen.add(one["id"])


def _facts(
    values: dict[str, Any], path: str, reading: Reading, read_file: ReadFile | None
) -> Facts:
    stated = values.get("prices", {})
    if "list" in stated and "captured" not in stated:
        reading.problems.add(
            "missing-key",
            reading.places["/prices"],
            found="a list without captured",
            expected="captured: the day that it is of",
        )
    labels = values.get("gpu_labels", {})
    return Facts(
        rows=_tables(values.get("registries", {}), path, reading, read_file),
        prices=tuple(
            _price(one, str(stated.get("captured", "")), path) for one in stated.get("list", ())
        ),
        discounts=stated.get("discounts", {}),
        hosted_api=_hosted(stated.get("hosted_api")),
        gpu_labels={
            (label, value.lower()): gpu
            for label, meanings in labels.items()
            for value, gpu in meanings.items()
        },
    )


def _hosted(stated: dict[str, float] | None) -> tuple[float | None, float] | None:
    if stated is None:
        return None
    return stated.get("usd_per_million_input"), stated["usd_per_million_output"]


def _price(one: dict[str, Any], captured: str, path: str) -> Row:
    """In the columns of prices.csv."""
    return {
        "provider": one["provider"],
        "instance_type": one.get("instance_type", ""),
        "gpu": one["gpu"],
        "n_gpus": str(one.get("n_gpus", 1)),
        "usd_per_hour": repr(float(one["usd_per_hour"])),
        "region": one.get("region", ""),
        "captured": captured,
        "kind": "policy",
        "source": path,
    }


def _tables(
    stated: Mapping[str, str], path: str, reading: Reading, read_file: ReadFile | None
) -> dict[str, tuple[Row, ...]]:
    found: dict[str, tuple[Row, ...]] = {}
    for table in TABLES:
        if table in stated:
            beside = posixpath.join(posixpath.dirname(path), stated[table])
            place = reading.places[f"/registries/{table}"]
            found[table] = table_rows(table, beside, place, reading.problems, read_file)
    return found
