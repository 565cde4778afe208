"""The rows that speak first: the headline table, the targets, and what is missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capfit.validate.markdown import percent, points, share, signed, table
from capfit.validate.record import ALL, Record
from capfit.validate.targets import Outcome, outcomes

_HEADLINE = (
    *("VRAM peak, eager attention", "VRAM peak, fused attention", "VRAM peak", "KV pool, tokens"),
    *("decode, one stream", "prefill, one prompt"),
    *("output rate, static batch", "TPOT in a benchmark", "TTFT in a benchmark"),
    *("TPOT under load", "TTFT under load"),
    *("total output rate under load", "scaling, eta of N agents"),
    *("latency of an open loop, mean", "latency of an open loop, p95", "quality score"),
)
_STATISTICS = {"mean": "mean", "median": "median", "r2": "R²"}
START, END = "<!-- accuracy: written by `capfit validate` -->", "<!-- end of accuracy -->"


def headline(record: Record) -> str:
    """The table that the README quotes: one line per predictor and what was held out."""
    rows = [
        [
            entry["predictor"] + ("" if entry["backend"] == ALL else f" ({entry['backend']})"),
            entry["held_out"] if entry["held_out"] != "nothing" else "(not fitted)",
            f"{entry['n']:,}",
            str(entry["groups"]),
            error(entry, "median"),
            error(entry, "mean"),
            percent(entry["coverage"]),
            _best_rule(entry),
        ]
        for entry in _headline_entries(record)
    ]
    header = [
        "figure",
        "held out",
        "rows",
        "groups",
        "median",
        "mean",
        "in interval",
        "best simple rule",
    ]
    return table(header, "llrrrrrl", rows)


def _headline_entries(record: Record) -> Iterator[Mapping[str, Any]]:
    for predictor in _HEADLINE:
        for held_out in ("model", "GPU", "nothing"):
            entry = whole(record, predictor, held_out)
            if entry is not None:
                yield entry


def _best_rule(entry: Mapping[str, Any]) -> str:
    """The simple rule with the least median error among those that answer most rows."""
    rules = {
        name: rule for name, rule in entry["baselines"].items() if rule["n"] >= 0.5 * entry["n"]
    }
    if not rules:
        return "–"
    name = min(rules, key=lambda one: rules[one]["median"])
    return f"{name}: median {in_unit(entry, rules[name]['median'])}"


def in_unit(entry: Mapping[str, Any], value: float | None) -> str:
    """An error of an entry, in percent or in points of a score."""
    return points(value) if entry["unit"] == "score" else percent(value)


def error(entry: Mapping[str, Any], statistic: str) -> str:
    """One statistic of an entry."""
    return in_unit(entry, entry[statistic])


def whole(record: Record, predictor: str, held_out: str) -> Mapping[str, Any] | None:
    """The line of all backends together, or of the only one."""
    found = [
        entry
        for entry in record["tables"]
        if (entry["predictor"], entry["held_out"]) == (predictor, held_out)
    ]
    return next((entry for entry in found if entry["backend"] == ALL), found[0] if found else None)


def targets(record: Record) -> str:
    """Every target beside what is measured."""
    rows = [
        [
            one.target.predictor,
            one.target.held_out,
            "all engines" if one.backend == ALL else one.backend,
            f"{_STATISTICS[one.target.statistic]} {_limit(one)}",
            _value(one),
            "reached" if one.reached else "**missed**",
        ]
        for one in outcomes(record)
    ]
    return table(["figure", "held out", "engine", "target", "measured", ""], "lllrrl", rows)


def _limit(one: Outcome) -> str:
    if one.target.statistic == "r2":
        return f"≥ {one.target.limit:g}"
    return f"≤ {one.target.limit:g} {'pp' if one.unit == 'score' else '%'}"


def _value(one: Outcome) -> str:
    if one.target.statistic == "r2":
        return share(one.value)
    return f"{one.value:.2f} pp" if one.unit == "score" else percent(one.value)


def backend(entry: Mapping[str, Any]) -> str:
    """Whose rows an entry is about."""
    if entry["backend"] != ALL:
        return str(entry["backend"])
    return "all formats" if entry["unit"] == "score" else "all engines"


def not_good_yet(record: Record) -> str:
    """What is missed, what would help, and the worst rows."""
    missed = [one for one in outcomes(record) if not one.reached]
    if not missed:
        return "Every target is reached."
    by_need: dict[str, list[Outcome]] = {}
    for one in missed:
        by_need.setdefault(one.target.needs, []).append(one)
    lines = []
    for need, found in by_need.items():
        names = "; ".join(
            f"{one.target.predictor}, {one.target.held_out} held out"
            f"{'' if one.backend == ALL else ', ' + one.backend}: "
            f"{_STATISTICS[one.target.statistic]} {_value(one)} (target {_limit(one)})"
            for one in found
        )
        lines.append(f"* {names}. **Would help:** {need}.")
    return "\n".join(lines) + "\n\n" + _worst(record)


def _worst(record: Record) -> str:
    rows = [
        [entry["predictor"], entry["held_out"], signed(entry["worst"]), entry["worst_what"]]
        for entry in _headline_entries(record)
        if entry["unit"] != "score"
    ]
    return "The worst single rows:\n\n" + table(
        ["figure", "held out", "error", "row"], "llrl", rows
    )


def with_rows(readme: str, record: Record) -> str:
    """The README with the headline rows between its two markers. Raises ValueError without them."""
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the README lacks {START} or {END}")
    return f"{before}{start}\n\n{readme_rows(record)}\n\n{end}{after}"


def readme_rows(record: Record) -> str:
    """The headline table with what it means, good rows and bad ones."""
    missed = sum(not one.reached for one in outcomes(record))
    total = sum(1 for _ in outcomes(record))
    return (
        "Errors on models and GPUs that were kept out of the fit, every row of the "
        "measurements:\n\n"
        f"{headline(record)}\n\n"
        f"{total - missed} of {total} targets are reached; [docs/accuracy.md](docs/accuracy.md) "
        "has all of them, the gate's own errors, the worst rows and what would help. "
        "[docs/tr133.md](docs/tr133.md) goes through the report that these predictors started from."
    )
