"""Every field of a policy file, in one table: its reader and its JSON Schema are made from it."""

from __future__ import annotations

from capcheck.finding import VERDICTS
from capcheck.manifest.kinds import (
    Schema,
    choice,
    day,
    list_of,
    number,
    ratio,
    text,
    usd,
    whole,
)
from capcheck.policy.shapes import Field, ListOf, MapOf, Record, scalar, schema_of

VERSION = 1

LEVELS = ("off", "note", "warning", "error")
OPERATORS = ("<=", ">=", "<", ">", "==", "!=")

# The tables that `registries` may add rows to.
TABLES = ("models", "gpus", "backends")

_ID = r"^[a-z0-9]+(-[a-z0-9]+)*$"
_NAMES = list_of(text("a name"), "names")

# Figures that a policy limits: which way is tighter.
NUMERIC = {
    "monthly_usd": "max",
    "monthly_usd_per_deployment": "max",
    "max_increase_usd": "max",
    "min_vram_headroom": "min",
    "max_utilisation": "max",
}
# What a list of allowed names is about.
ALLOWED = ("gpus", "backends", "quants", "models", "licences")

LIMITS = Record(
    {
        "monthly_usd": Field(usd(), "Most that all deployments of a run may cost a month."),
        "monthly_usd_per_deployment": Field(usd(), "Most that one deployment may cost a month."),
        "max_increase_usd": Field(usd(), "Most that a change may add to one deployment's month."),
        "min_vram_headroom": Field(ratio(), "Least share of the usable memory left free."),
        "max_utilisation": Field(
            ratio(above=True), "Highest utilisation of deployments that state a request rate."
        ),
        "allowed_gpus": Field(_NAMES, "GPUs, by any name of `capcheck list gpus`."),
        "allowed_backends": Field(
            _NAMES, "Engines, each with the versions allowed: `vllm >=0.8,<0.12`."
        ),
        "allowed_quants": Field(_NAMES, "Weight formats."),
        "allowed_models": Field(_NAMES, "Models, or globs of their names."),
        "allowed_licences": Field(_NAMES, "Licences of models, or globs: `apache-2.0`."),
        "require": Field(
            MapOf(list_of(text("a field"), "fields of a deployment"), "an environment, or *"),
            "Fields that deployments must state, by environment; `*` is every one.",
        ),
    }
)

_WHERE = {
    "deployment": Field(text("a glob"), "Glob of deployment names; absent: all."),
    "environment": Field(text("an environment"), "The environment; absent: all."),
}

WAIVER = Record(
    {
        "id": Field(text("an id"), "What reports call it.", required=True),
        "rule": Field(text("a rule's id or a glob"), "What is waived.", required=True),
        **_WHERE,
        "path": Field(text("a glob"), "Glob of manifest paths; absent: all."),
        "reason": Field(text("a sentence"), "Why.", required=True),
        "owner": Field(text("a person or team"), "Who answers for it.", required=True),
        "expires": Field(day(), "The last day on which it applies.", required=True),
    }
)

RULE = Record(
    {
        "limit": Field(
            text("a JSON pointer"),
            "A figure of a deployment in the JSON report: `/forecast/ttft_ms/p99`.",
        ),
        "required": Field(list_of(text("a field"), "fields"), "Fields that must be stated."),
        "allowed": Field(
            MapOf(ListOf(scalar(), "values"), "a field of a deployment"),
            "The values that fields may have, where they are stated.",
        ),
        "op": Field(choice(*OPERATORS), "How the figure must stand to `value`."),
        "value": Field(number(1e15, minimum=-1e15), "What the figure is held against."),
        "message": Field(text("a sentence"), "What a finding says.", required=True),
        "fix": Field(text("a sentence"), "What would help."),
        "severity": Field(choice("error", "warning", "note"), "error unless stated."),
        **_WHERE,
    },
    one_of=("limit", "required", "allowed"),
)

PRICES = Record(
    {
        "captured": Field(day(), "The day that the list is of."),
        "list": Field(
            ListOf(
                Record(
                    {
                        "gpu": Field(text("a GPU name"), "The GPU.", required=True),
                        "usd_per_hour": Field(usd(), "Price of an instance-hour.", required=True),
                        "provider": Field(text("a provider"), "Who is paid.", required=True),
                        "instance_type": Field(text("a name"), "What is rented."),
                        "n_gpus": Field(whole(1024), "GPUs of one instance; 1 unless stated."),
                        "region": Field(text("a region"), "Where; absent: anywhere."),
                    }
                ),
                "prices",
            ),
            "Own prices: they win over the shipped table.",
        ),
        "discounts": Field(
            MapOf(ratio(), "a provider"), "Share taken off a provider's shipped prices."
        ),
        "hosted_api": Field(
            Record(
                {
                    "usd_per_million_input": Field(
                        usd(), "Per million prompt tokens; 0 if absent."
                    ),
                    "usd_per_million_output": Field(
                        usd(), "Per million output tokens.", required=True
                    ),
                }
            ),
            "A hosted API that could do the same work: reports compare with it.",
        ),
    }
)

ALTERNATIVES = Record(
    {
        **{
            name: Field(_NAMES, f"The {name} that the search may propose.")
            for name in ("models", "quants", "backends", "gpus")
        },
        "max_replicas": Field(whole(10_000), "Most replicas that the search may propose."),
    }
)

POLICY = Record(
    {
        "version": Field(whole(VERSION), "Version of this format.", required=True),
        "fail_on": Field(list_of(choice(*VERDICTS), "verdicts"), "Verdicts that make a run fail."),
        "severities": Field(
            MapOf(choice(*LEVELS), "a rule's id or a glob"), "Severity by rule id or glob."
        ),
        "limits": Field(LIMITS, "Limits on every deployment."),
        "gpu_labels": Field(
            MapOf(MapOf(text("a GPU name"), "a label's value", r"^.{1,100}$"), "a node label"),
            "Which GPU a value of a node label means.",
        ),
        "prices": Field(PRICES, "Own prices and discounts."),
        "registries": Field(
            Record({name: Field(text("a path"), f"CSV file of own {name}.") for name in TABLES}),
            "Own rows, in the columns of the shipped tables.",
        ),
        "alternatives": Field(ALTERNATIVES, "What the search may propose."),
        "max_waiver_days": Field(whole(3660), "Most days that a waiver may still have."),
        "waivers": Field(ListOf(WAIVER, "waivers"), "Exceptions, each with its end."),
        "rules": Field(MapOf(RULE, "the id of an own rule", _ID), "Own rules, by id."),
        "plugins": Field(
            list_of(text("an entry point of the group capcheck.rules"), "plug-ins"),
            "Installed packages whose rules apply.",
        ),
    }
)


def schema() -> Schema:
    """The JSON Schema (2020-12) of a policy file, for editors and other programs."""
    whole_file = schema_of(POLICY)
    whole_file["properties"]["version"] = {
        "description": POLICY.fields["version"].description,
        "const": VERSION,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:capcheck:policy:{VERSION}",
        "title": "capcheck policy",
        "description": "What an organisation demands of every deployment.",
        **whole_file,
    }
