"""Two policies at once: whoever comes second may only tighten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from capcheck.finding import VERDICTS, Verdict
from capcheck.policy.fields import NUMERIC
from capcheck.policy.model import Facts, Policy, PolicyWaiver
from capcheck.registry.rows import Row
from capcheck.verdicts import DEFAULT_FAIL_ON, parse_verdicts

DEFAULT = parse_verdicts(DEFAULT_FAIL_ON)


def tightened(authority: Policy, other: Policy) -> Policy:
    """The authority's policy, with what the other demands besides.

    Facts, and the search's alternatives where both state some, are the authority's; so are
    waivers. Only the other's places are added, where its demand is the one that counts.
    """
    limits, places = dict(authority.limits), {**other.places, **authority.places}
    for name, sense in NUMERIC.items():
        if name in other.limits and _is_tighter(other.limits[name], limits.get(name), sense):
            limits[name] = other.limits[name]
            places[f"/limits/{name}"] = other.places[f"/limits/{name}"]
    kinds = (*authority.allowed, *(kind for kind in other.allowed if kind not in authority.allowed))
    known = {rule.id for rule in authority.rules}
    days = [one.max_waiver_days for one in (authority, other) if one.max_waiver_days is not None]
    return replace(
        authority,
        sources=(*authority.sources, *other.sources),
        fail_on=failing(authority, other),
        severities=(*(authority.severities or ({},)), *other.severities),
        limits=limits,
        allowed={
            kind: tuple(
                dict.fromkeys((*authority.allowed.get(kind, ()), *other.allowed.get(kind, ())))
            )
            for kind in kinds
        },
        require=_both(authority.require, other.require),
        alternatives={**other.alternatives, **authority.alternatives},
        max_waiver_days=min(days) if days else None,
        rules=(*authority.rules, *(rule for rule in other.rules if rule.id not in known)),
        plugins=tuple(dict.fromkeys((*authority.plugins, *other.plugins))),
        places=places,
    )


def judging(base: Policy, head: Policy) -> Policy:
    """The policy of a pull request: base's, tightened by head; base's waivers that head keeps.

    `sources` are head's, as long as there is one: it is what will judge once this is merged.
    """
    both = tightened(base, head)
    kept = {one.id: one for one in head.waivers}
    waivers = tuple(_shorter(one, kept[one.id]) for one in base.waivers if one.id in kept)
    return replace(both, waivers=waivers, sources=base.sources or head.sources)


def merged(*facts: Facts) -> Facts:
    """The facts of several policies: the first row of a name, discount of a provider and so on."""
    rows: dict[str, dict[str, Row]] = {}
    for one in facts:
        for table, stated in one.rows.items():
            for row in stated:
                rows.setdefault(table, {}).setdefault(row["name"], row)
    discounts: dict[str, float] = {}
    labels: dict[tuple[str, str], str] = {}
    for one in reversed(facts):
        discounts.update(one.discounts)
        labels.update(one.gpu_labels)
    return Facts(
        rows={table: tuple(named.values()) for table, named in rows.items()},
        prices=_each_once(price for one in facts for price in one.prices),
        discounts=discounts,
        gpu_labels=labels,
        hosted_api=next((one.hosted_api for one in facts if one.hosted_api is not None), None),
    )


def failing(*policies: Policy) -> tuple[Verdict, ...] | None:
    """The verdicts that fail a run: what any of them says; the first is silent for the default."""
    authority, *others = policies
    if all(one.fail_on is None for one in policies):
        return None
    words = set(DEFAULT if authority.fail_on is None else authority.fail_on)
    for one in others:
        words |= set(one.fail_on or ())
    return tuple(verdict for verdict in reversed(VERDICTS) if verdict in words)


def _each_once(rows: Iterable[Row]) -> tuple[Row, ...]:
    found: list[Row] = []
    for row in rows:
        if row not in found:
            found.append(row)
    return tuple(found)


def _is_tighter(value: float, than: float | None, sense: str) -> bool:
    return than is None or (value < than if sense == "max" else value > than)


def _both(
    one: Mapping[str, tuple[str, ...]], other: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(dict.fromkeys((*one.get(name, ()), *other.get(name, ()))))
        for name in (*one, *(name for name in other if name not in one))
    }


def _shorter(base: PolicyWaiver, head: PolicyWaiver) -> PolicyWaiver:
    return replace(base, expires=min(base.expires, head.expires), place=head.place)
