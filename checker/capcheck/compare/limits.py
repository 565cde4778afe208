"""Limits that a change loosens: base's judge until somebody who owns them agrees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from capcheck.compare.model import LimitChange, Scalar
from capcheck.finding import Finding
from capcheck.manifest.expectation_fields import LATENCIES, PERCENTILES
from capcheck.manifest.load import Entry
from capcheck.search.edits import root_of

# By pointer: the gate, and whether the figure must stay below ("max") or above ("min").
LIMITS = {
    "/slo/max_utilisation": ("utilisation", "max"),
    "/slo/min_throughput_tok_s": ("throughput", "min"),
    "/quality/min_score": ("quality", "min"),
    "/quality/max_drop": ("quality", "max"),
    "/safety/min_refusal": ("safety", "min"),
    "/safety/max_over_refusal": ("safety", "max"),
    "/budget/monthly_usd": ("budget", "max"),
    "/budget/max_increase_usd": ("budget", "max"),
    "/budget/usd_per_million_tokens": ("budget", "max"),
}
BENCHMARK = "/quality/benchmark"
QUALITY = (BENCHMARK, "/quality/min_score", "/quality/max_drop")
SKIPPED = "/skip/rules"
SKIP = (SKIPPED, "/skip/reason", "/skip/expires")


def loosened(base: Entry, head: Entry) -> tuple[LimitChange, ...]:
    """The limits of base that head does not keep: raised, lowered, moved, removed or skipped."""
    found = [_change(pointer, near, base, head) for pointer, near in _not_kept(base, head)]
    return (*found, *_skips_more(base, head))


def restored(changes: tuple[LimitChange, ...], base: Entry, head: Entry) -> tuple[str, ...]:
    """The pointers, from the deployment, at which base's value judges.

    A benchmark and its limit go together: a score of one says nothing about another.
    """
    root = root_of(head.stated.name)
    own = [change.pointer.removeprefix(root) for change in changes]
    if any(pointer in QUALITY for pointer in own) and _benchmarks(base, head):
        own += [pointer for pointer in QUALITY if pointer not in own]
    if SKIPPED in own:
        own += [pointer for pointer in SKIP if pointer not in own]
    return tuple(own)


def finding(change: LimitChange) -> Finding:
    """Finding limit-loosened: no verdict of its own, but never unsaid."""
    *_, section, name = change.pointer.split("/")
    metric = name.rpartition("_p")[0]
    known = LIMITS.get(f"/{section}/{name}")
    gate = metric if section == "slo" and metric in LATENCIES else known[0] if known else None
    return Finding(
        rule="limit-loosened",
        severity="warning",
        verdict="pass",
        message=change.message,
        place=change.place,
        fix="loosen limits in a change of their own, which their owner approves",
        gate=gate,
        subject=name,
    )


def _not_kept(base: Entry, head: Entry) -> Iterator[tuple[str, str]]:
    """Each limit that is not kept, and the one of head that stands nearest."""
    ours, theirs = head.stated.values, base.stated.values
    for metric in LATENCIES:
        for percentile in PERCENTILES:
            pointer = f"/slo/{metric}_p{percentile}"
            if pointer in theirs and not _keeps_latency(metric, percentile, theirs[pointer], ours):
                yield pointer, pointer if pointer in ours else _other_percentile(metric, ours)
    moved = theirs.get(BENCHMARK) != ours.get(BENCHMARK)
    for pointer, (_, sense) in LIMITS.items():
        if pointer in theirs:
            kept = pointer in ours and not (moved and pointer in QUALITY)
            if not kept or _admits_more(ours[pointer], theirs[pointer], sense):
                yield pointer, pointer


def _keeps_latency(metric: str, percentile: int, limit_ms: float, ours: dict[str, Any]) -> bool:
    """At most that long at this percentile or a higher one: p99 within 3 s keeps p95 within 3 s."""
    return any(
        ours.get(f"/slo/{metric}_p{other}", float("inf")) <= limit_ms
        for other in PERCENTILES
        if other >= percentile
    )


def _other_percentile(metric: str, ours: dict[str, Any]) -> str:
    stated = [f"/slo/{metric}_p{other}" for other in reversed(PERCENTILES)]
    return next((pointer for pointer in stated if pointer in ours), "")


def _admits_more(ours: float, theirs: float, sense: str) -> bool:
    return ours > theirs if sense == "max" else ours < theirs


def _skips_more(base: Entry, head: Entry) -> Iterator[LimitChange]:
    """A rule that base does not skip, or not for so long."""
    ours, theirs, expires = head.stated.values, base.stated.values, "/skip/expires"
    if SKIPPED not in ours:
        return
    more = [rule for rule in ours[SKIPPED] if rule not in theirs.get(SKIPPED, ())]
    if not more and ours[expires] <= theirs[expires]:
        return
    until = f" until {ours[expires]}"
    yield LimitChange(
        deployment=head.stated.name,
        pointer=root_of(head.stated.name) + SKIPPED,
        base=base.stated.written.get(SKIPPED),
        head=head.stated.written[SKIPPED],
        place=head.stated.places[SKIPPED if more else expires],
        message=f"skip now covers {', '.join(more or ours[SKIPPED])}{until}: it counts as on base",
    )


def _change(pointer: str, near: str, base: Entry, head: Entry) -> LimitChange:
    before = base.stated.written[pointer]
    after: Scalar = head.stated.written.get(pointer)
    stated, field = head.stated, pointer[1:].replace("/", ".")
    if near != pointer and near:
        what = f"{field} {before} gave way to {near[1:].replace('/', '.')} {stated.written[near]}"
    elif after is None:
        what = f"{field} {before} was removed"
    elif pointer in QUALITY and (moved := _benchmarks(base, head)):
        what = f"{field} moved from {before} on {moved[0]} to {after} on {moved[1]}"
    else:
        what = f"{field} was loosened from {before} to {after}"
    return LimitChange(
        deployment=stated.name,
        pointer=root_of(stated.name) + pointer,
        base=before,
        head=after,
        place=stated.places.get(near, stated.place),
        message=f"{what}: base's {before} still judges",
    )


def _benchmarks(base: Entry, head: Entry) -> tuple[str, str] | None:
    before, after = (one.stated.values.get(BENCHMARK, "none") for one in (base, head))
    return None if before == after else (before, after)
