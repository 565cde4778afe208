"""What a change loosens in the policy itself: base's judges until its owner agrees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from capcheck.compare.model import LimitChange, Scalar
from capcheck.finding import Finding
from capcheck.place import Place
from capcheck.policy.combine import DEFAULT
from capcheck.policy.fields import ALLOWED, LEVELS, NUMERIC
from capcheck.policy.levels import default_level, level_of
from capcheck.policy.model import Policy
from capcheck.rules.catalogue import RULES_BY_ID
from capcheck.source.problems import whole_file


def loosened(base: Policy, head: Policy) -> tuple[LimitChange, ...]:
    """Every demand of base that head does not make; and what head waives or re-prices."""
    return (
        *_fail_on(base, head),
        *_severities(base, head),
        *_limits(base, head),
        *_waivers(base, head),
        *_rules(base, head),
        *_facts(base, head),
    )


def finding(change: LimitChange) -> Finding:
    """Finding limit-loosened about the policy: no verdict of its own, but never unsaid."""
    return Finding(
        rule="limit-loosened",
        severity="warning",
        verdict="pass",
        message=change.message,
        place=change.place,
        fix="change the policy in a pull request of its own, which its owner approves",
        subject=change.pointer[1:].replace("/", "."),
    )


def _fail_on(base: Policy, head: Policy) -> Iterator[LimitChange]:
    before, after = (DEFAULT if one.fail_on is None else one.fail_on for one in (base, head))
    if gone := [word for word in before if word not in after]:
        what = f"{_and(gone)} no longer fails a run"
        yield _change(head, "/fail_on", ", ".join(before), ", ".join(after), what)


def _severities(base: Policy, head: Policy) -> Iterator[LimitChange]:
    """One entry for each pair of levels that rules moved between."""
    moved: dict[tuple[str, str], list[str]] = {}
    for rule in sorted({*RULES_BY_ID, *(one.id for one in base.rules)}):
        default = default_level(rule, base)
        if default is None:
            continue
        before, after = level_of(rule, base, default), level_of(rule, head, default)
        if LEVELS.index(after) < LEVELS.index(before):
            moved.setdefault((before, after), []).append(rule)
    for (was, now), rules in moved.items():
        what = f"severity of {_and(rules)} goes from {was} to {now}"
        yield _change(head, "/severities", was, now, what)


def _limits(base: Policy, head: Policy) -> Iterator[LimitChange]:
    for name, sense in NUMERIC.items():
        before, after = base.limits.get(name), head.limits.get(name)
        if before is None:
            continue
        if after is None or (after > before if sense == "max" else after < before):
            yield _change(head, f"/limits/{name}", before, after, _moved(name, before, after))
    for kind in ALLOWED:
        listed = {one for layer in base.allowed.get(kind, ()) for one in layer}
        now = {one for layer in head.allowed.get(kind, ()) for one in layer}
        added = sorted(now - listed)
        if listed and (added or not now):
            yield _change(
                head,
                f"/limits/allowed_{kind}",
                ", ".join(sorted(listed)),
                ", ".join(sorted(now)) or None,
                f"allowed_{kind} {'now has ' + _and(added) if now else 'was removed'}",
            )
    for environment, pointers in base.require.items():
        gone = [one for one in pointers if one not in head.require.get(environment, ())]
        if gone:
            names = [one[1:].replace("/", ".") for one in gone]
            what = f"{_and(names)} no longer required in {environment}"
            yield _change(head, "/limits/require", _and(names), None, what)
    before, after = base.max_waiver_days, head.max_waiver_days
    if before is not None and (after is None or after > before):
        what = _moved("max_waiver_days", before, after)
        yield _change(head, "/max_waiver_days", before, after, what)


def _waivers(base: Policy, head: Policy) -> Iterator[LimitChange]:
    known = {one.id: one for one in base.waivers}
    for at, one in enumerate(head.waivers):
        was = known.get(one.id)
        same = was is not None and (was.rule, was.scope) == (one.rule, one.scope)
        if was is None or not same or one.expires > was.expires:
            until = None if was is None else f"until {was.expires}"
            yield _change(
                head,
                f"/waivers/{at}",
                until,
                f"until {one.expires}",
                f"waiver {one.id} of {one.rule} {'is new' if was is None else 'was changed'}",
            )


def _rules(base: Policy, head: Policy) -> Iterator[LimitChange]:
    known = {one.id: one for one in head.rules}
    for one in base.rules:
        now = known.get(one.id)
        if now is None or _demand(now) != _demand(one):
            said = "was removed" if now is None else "was changed"
            after = None if now is None else one.id
            yield _change(head, f"/rules/{one.id}", one.id, after, f"rule {one.id} {said}")
    if gone := [name for name in base.plugins if name not in head.plugins]:
        yield _change(head, "/plugins", _and(gone), None, f"plug-in {_and(gone)} was removed")


def _demand(rule: object) -> tuple[object, ...]:
    names = ("severity", "scope", "limit", "op", "value", "required", "allowed")
    return tuple(getattr(rule, name) for name in names)


def _facts(base: Policy, head: Policy) -> Iterator[LimitChange]:
    """Other prices or tables judge once they are merged, whichever way they move."""
    ours, theirs = head.facts, base.facts
    pairs: tuple[tuple[str, object, object], ...] = (
        ("prices", (theirs.prices, theirs.discounts), (ours.prices, ours.discounts)),
        ("registries", theirs.rows, ours.rows),
        ("gpu_labels", theirs.gpu_labels, ours.gpu_labels),
    )
    for name, before, after in pairs:
        if before != after:
            yield _change(head, f"/{name}", "as on base", "changed", f"{name} changed")


def _moved(name: str, before: Scalar, after: Scalar) -> str:
    return (
        f"{name} {before} was removed" if after is None else f"{name} went from {before} to {after}"
    )


def _and(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _change(head: Policy, pointer: str, base: Scalar, after: Scalar, what: str) -> LimitChange:
    return LimitChange(
        deployment="",
        pointer=pointer,
        base=base,
        head=after,
        place=_place(head, pointer),
        message=f"policy: {what}: base's still judges",
    )


def _place(head: Policy, pointer: str) -> Place:
    """The nearest place that head has."""
    while pointer and pointer not in head.places:
        pointer = pointer.rpartition("/")[0]
    if pointer in head.places:
        return head.places[pointer]
    return whole_file(head.sources[0].path if head.sources else "capcheck-policy.yaml")
