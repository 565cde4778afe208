"""docs/accuracy.md and the README's rows, from the record alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capfit.validate.gate import FACTORS
from capfit.validate.headline import (
    backend,
    error,
    headline,
    in_unit,
    not_good_yet,
    targets,
    whole,
)
from capfit.validate.markdown import factor, percent, points, share, signed, table
from capfit.validate.record import Record

COMMAND = "capfit validate"

# The order of the page; a predictor that is not listed comes last.
_ORDER = (
    *("VRAM peak, eager attention", "VRAM after prefill", "VRAM peak, fused attention"),
    *("VRAM peak", "VRAM at start-up", "KV pool, tokens", "KV pool, GiB"),
    "VRAM before the KV pool",
    *("decode, one stream", "cost per million tokens, one stream", "prefill, one prompt"),
    *("decode step of a batch", "output rate, static batch"),
    *("TPOT, law alone", "TTFT, law alone"),
    *("TPOT in a benchmark", "TTFT in a benchmark"),
    *("TPOT under load", "TTFT under load", "total output rate under load"),
    "scaling, eta of N agents",
    *("latency of an open loop, mean", "latency of an open loop, p95"),
    *("latency of a closed loop, mean", "quality score"),
)
_GATED = (
    *("decode, one stream", "prefill, one prompt", "output rate, static batch"),
    *("TPOT in a benchmark", "TTFT in a benchmark"),
    *("TPOT under load", "TTFT under load", "total output rate under load"),
)
_HELD_OUT = {
    "model": "model",
    "GPU": "GPU",
    "concurrency": "number of sequences",
    "nothing": "nothing was fitted to these rows",
}


def accuracy(record: Record) -> str:
    """The whole page."""
    parts = [
        "# Accuracy",
        _introduction(),
        "## In short",
        headline(record),
        _outcomes_of_memory(record),
        "## Targets",
        targets(record),
        "## Where we are not good yet, and what data would help",
        not_good_yet(record),
        "## How often a gate is wrong",
        _gates(record),
        "## Beside simpler rules",
        _rules(record),
        "## All figures",
        _full(record),
        "## Pictures",
        _pictures(),
        "## Latency under load against simulation",
        _simulation(record),
        "## What this page stands on",
        _provenance(record),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _introduction() -> str:
    return (
        f"Written by `{COMMAND}` from the measurements in `fitting/data`; nothing here is typed by "
        "hand.\n\n"
        "A figure of this page is never one that its own fit has seen. To predict a row, "
        "everything "
        "that shares its group is removed, the coefficients are fitted again, and only then the "
        "row "
        "is predicted:\n\n"
        "* **model**: all models of one shape, so that fine-tunes of one model do not vouch for "
        "each other (a shape carries the shortest name of its models: llama1-7b stands for the "
        "7B models of Llama 1, Llama 2 and what was tuned from them);\n"
        "* **GPU**: one GPU product with everything measured on it;\n"
        "* **concurrency**: one number of sequences of one source.\n\n"
        'The rows "under load" go one step further: the artifact is fitted without the group, '
        "and the checker then predicts the whole deployment from it as it would for a user "
        "(speed, KV pool, queue): a closed loop that has settled. Published benchmarks start their "
        'clients together and end after a few rounds; the rows "in a benchmark" replay that with '
        "the same predicted times of steps and prompts. Interval ends come from the errors on the "
        "other groups.\n\n"
        "*Mean* is the mean of absolute percentage errors (MAPE), *median* theirs, *bias* the mean "
        "signed error (+ is too high), R² that of the values as TR133 computes it. *In interval* "
        "is "
        "the share of measurements inside their 90 % interval, *width* the interval's upper end "
        "over its lower one. Rows are distinct configurations, not repeats of one. The priors of "
        "the speed fit were chosen on these same hold-outs, which makes them slightly optimistic."
    )


def _outcomes_of_memory(record: Record) -> str:
    found = record["memory_outcomes"]
    refused = sum(
        n for _, outcome, _, n in found["counts"] if outcome in ("oom", "no-memory", "spill")
    )
    wrong = found["false_fits"]
    total = sum(n for *_, n in found["counts"])
    ran = total - refused
    text = (
        f"Memory, with the model held out: of {refused} configurations that ran out of memory (or "
        f"spilled into the host's), {len(wrong)} would have been called a fit; of {ran} that ran, "
        f"{len(found['false_fails'])} would have been refused."
    )
    if wrong:
        text += " Called a fit and ran out: " + "; ".join(wrong) + "."
    return text


def _gates(record: Record) -> str:
    limits = ", ".join(f"{one:g}" for one in FACTORS)
    text = (
        f"For every held-out row, limits are set at {limits} times the measured value (floors: the "
        "measured rate over these), so that it is known whether each is kept. *False pass* is the "
        "share of limits truly missed that pass, *false fail* the share of those truly kept that "
        "fail, *borderline* the share of all answers that say neither. Beside them a gate without "
        "an interval (the prediction alone), and one that asks for a flat 25 % to spare. Aims: "
        "false pass at most 2 %, false fail at most 7 %."
    )
    rows = [
        [
            entry["predictor"],
            entry["held_out"],
            backend(entry),
            f"{entry['n']:,}",
            _aimed(entry["false_pass"], 2.0),
            _aimed(entry["false_fail"], 7.0),
            percent(entry["borderline"]),
            f"{percent(entry['point_false_pass'])} / {percent(entry['point_false_fail'])}",
            f"{percent(entry['margin_false_pass'])} / {percent(entry['margin_false_fail'])}",
        ]
        for predictor in _GATED
        for entry in record["gates"]
        if entry["predictor"] == predictor and entry["held_out"] in ("model", "GPU")
    ]
    header = [
        *("figure", "held out", "engine", "limits", "false pass", "false fail", "borderline"),
        *("no interval: pass / fail", "25 % margin: pass / fail"),
    ]
    return f"{text}\n\n" + table(header, "lllrrrrrr", rows)


def _aimed(value: float, limit: float) -> str:
    return percent(value) if round(value, 1) <= limit else f"**{percent(value)}**"


def _rules(record: Record) -> str:
    text = (
        "*TR133* is its own form with the coefficients it printed, *refitted* with coefficients "
        "fitted to the same training groups as ours, *bandwidth ratio* scales the median of the "
        "engine's other groups by weight bytes over memory bandwidth, *class mean* answers the "
        "median (memory, scaling: the mean) of the same figure on other groups. A rule "
        "is judged on the rows it can answer."
    )
    rows = []
    for entry in _whole_entries(record):
        for name, rule in entry["baselines"].items():
            rows.append(
                [
                    entry["predictor"],
                    entry["held_out"],
                    name,
                    f"{rule['n']:,} of {entry['n']:,}",
                    f"{in_unit(entry, rule['median'])} / {error(entry, 'median')}",
                    f"{in_unit(entry, rule['mean'])} / {error(entry, 'mean')}",
                    f"{share(rule['r2'])} / {share(entry['r2'])}",
                ]
            )
    header = [
        "figure",
        "held out",
        "rule",
        "rows",
        "median: rule / ours",
        "mean: rule / ours",
        "R²: rule / ours",
    ]
    return f"{text}\n\n" + table(header, "lllrrrr", rows)


def _whole_entries(record: Record) -> Iterator[Mapping[str, Any]]:
    for predictor in _predictors(record):
        for held_out in _HELD_OUT:
            entry = whole(record, predictor, held_out)
            if entry is not None:
                yield entry


def _predictors(record: Record) -> list[str]:
    names = dict.fromkeys(entry["predictor"] for entry in record["tables"])
    return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


def _full(record: Record) -> str:
    parts = []
    for held_out, label in _HELD_OUT.items():
        rows = [
            [
                entry["predictor"],
                backend(entry),
                f"{entry['n']:,}",
                str(entry["groups"]),
                error(entry, "mean"),
                error(entry, "median"),
                _signed(entry, "bias"),
                share(entry["r2"]),
                _signed(entry, "worst"),
                percent(entry["coverage"]),
                points(entry["width"]) if entry["unit"] == "score" else factor(entry["width"]),
            ]
            for predictor in _predictors(record)
            for entry in record["tables"]
            if (entry["predictor"], entry["held_out"]) == (predictor, held_out)
        ]
        if rows:
            header = [
                *("figure", "engine", "rows", "groups", "mean", "median", "bias", "R²", "worst"),
                *("in interval", "width"),
            ]
            title = f"### Held out: {label}" if held_out != "nothing" else "### Nothing fitted"
            parts.append(f"{title}\n\n" + table(header, "llrrrrrrrrr", rows))
    return "\n\n".join(parts)


def _signed(entry: Mapping[str, Any], statistic: str) -> str:
    value = entry[statistic]
    return f"{value:+.1f} pp" if entry["unit"] == "score" else signed(value)


PICTURES = (
    ("predicted", "Predicted against measured, each point with its model held out"),
    ("by-gpu", "One stream: predicted over measured, each GPU held out"),
    ("by-model", "One stream: predicted over measured, each model held out"),
    ("coverage", "Share of measurements inside their 90 % interval"),
    ("gates", "Errors of the gate beside simpler gates"),
)


def _pictures() -> str:
    return "\n\n".join(f"![{text}](accuracy/{name}.png)" for name, text in PICTURES)


def _simulation(record: Record) -> str:
    text = (
        "The analytic batch server against a discrete-event simulation of the same server, on two "
        "seeded sets of points (loads 0.1 to 0.95, slots 1 to 256, prompts 64 to 8192, outputs 16 "
        "to 1024 tokens, fixed to exponential-like, chunked or not, KV-limited or not, open and "
        'closed). The model was developed against the first set. Errors of p95; "> 10 % low" '
        "counts points beyond what the simulation's own confidence interval leaves open. Aims for "
        "p95 up to load 0.9: median 5 %, worst 15 %; beyond, never more than 10 % low. "
        "[latency.md](latency.md) says how it works."
    )
    rows = [
        [
            one["group"],
            one["set_name"],
            f"{_METRICS[one['metric']]} {one['part']}",
            str(one["count"]),
            percent(one["median"]),
            percent(one["ninetieth"]),
            f"{one['lowest']:+.0f} %",
            f"{one['highest']:+.0f} %",
            f"{100 * one['low_share']:.0f} %",
        ]
        for one in record["simulation"]
        if one["part"] == "p95"
    ]
    header = ["points", "set", "figure", "n", "median", "90th", "lowest", "highest", "> 10 % low"]
    picture = "![Analytic over simulated p95](accuracy/simulation.png)"
    return f"{text}\n\n{table(header, 'lllrrrrrr', rows)}\n\n{picture}"


_METRICS = {"ttft_ms": "TTFT", "tpot_ms": "TPOT", "latency_ms": "latency"}


def _provenance(record: Record) -> str:
    lines = [f"* {name}: `{digest}`" for name, digest in record["hashes"].items()]
    return (
        f"`{COMMAND}` recomputes everything (minutes), writes the record, this page, its pictures, "
        "the README's rows and [tr133.md](tr133.md). "
        f"`{COMMAND} --check` recomputes and fails on any difference; `{COMMAND} --check --fast` "
        "does so for the hashes and a few groups, as the tests do. SHA-256 of\n\n"
        + "\n".join(lines)
    )
