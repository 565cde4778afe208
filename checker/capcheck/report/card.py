"""One deployment on a terminal: its figures, each with its limit, and what would be cheaper."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.numbers import amount
from capcheck.report.compared import before
from capcheck.report.document import Alternative, Deployment, Fact
from capcheck.report.escape import NAME_LENGTH
from capcheck.report.figures import (
    Figure,
    against,
    bare,
    brief,
    change,
    headline,
    other_gates,
    reading,
    saving,
    scalar,
    setup,
    under_load,
)
from capcheck.report.pen import COLORS, Pen
from capcheck.report.predicted import Forecast, Leaf, Percentiles
from capcheck.report.trades import trades

ALTERNATIVES_SHOWN = 3


def card(deployment: Deployment, pen: Pen) -> list[str]:
    """Name, verdict and setup on one line; below it a row a figure."""
    verdict = deployment["verdict"]
    name = pen.paint(pen.text(deployment["name"], NAME_LENGTH), "bold")
    word = pen.paint(verdict, COLORS[verdict])
    where = pen.paint(pen.text(f"{deployment['path']}:{deployment['place']['line']}"), "dim")
    what = pen.text(setup(deployment), 3 * NAME_LENGTH)
    first = f"{pen.mark(verdict)} {name}{_change(deployment, pen)}: {word}, {what}  {where}"
    forecast, gates = deployment["forecast"], deployment["gates"]
    rows, reasons = [], set[str]()
    for figure in (*headline(forecast, gates), *other_gates(forecast, gates)):
        note = _note(figure, deployment)
        # One cause leaves many figures unknown; it is said once.
        said = "" if note in reasons else note
        rows.append(_row(figure, before(figure, deployment), said, pen))
        if figure.leaf["value"] is None:
            reasons.add(note)
    return [first, *(f"    {line}" for line in pen.aligned(rows, right=frozenset()))]


def _change(deployment: Deployment, pen: Pen) -> str:
    """` (new)`, ` (was chat in deploy/old.yaml)`; empty for a deployment that kept its name."""
    base = deployment["base"]
    if deployment["change"] == "added":
        return " (new)"
    if base is None or deployment["change"] != "renamed":
        return ""
    file = "" if base["path"] == deployment["path"] else f" in {base['path']}"
    return pen.text(f" (was {base['name']}{file})", NAME_LENGTH)


def _row(figure: Figure, earlier: str, note: str, pen: Pen) -> tuple[str, str, str]:
    gate = figure.gate
    parts = [pen.text(against(gate)), pen.paint(pen.text(note), "dim")]
    if gate is not None and gate["verdict"] != "pass":
        parts.insert(1, pen.paint(gate["verdict"], "bold", COLORS[gate["verdict"]]))
    return (
        pen.text(figure.label),
        pen.text(earlier + reading(figure.leaf, figure.unit)),
        "  ".join(filter(None, parts)),
    )


def _note(figure: Figure, deployment: Deployment) -> str:
    """What a figure needs beside it to be understood; why it is missing when it is."""
    forecast = deployment["forecast"]
    if figure.leaf["value"] is None and figure.label != "throughput":
        return figure.leaf["basis"].removeprefix("unstable: ")
    if figure.label == "throughput":
        return _speeds(forecast)
    if figure.label == "p95 latency":
        return under_load(deployment)
    if figure.label == "quality":
        quality = forecast["quality"]
        tier = f"{quality['tier']} loss by quantisation" if quality["tier"] else ""
        return ", ".join(filter(None, (quality["benchmark"], tier)))
    return ""


def _speeds(forecast: Forecast) -> str:
    """Capacity and one stream, whichever are known; without either, why."""
    speeds = (
        ("capacity", forecast["capacity_tok_s"]),
        ("one stream", forecast["decode_tok_s"]),
    )
    known = [
        f"{label} {reading(leaf, 'tok/s')}" for label, leaf in speeds if leaf["value"] is not None
    ]
    return ", ".join(known) or forecast["throughput_tok_s"]["basis"]


def ways(deployment: Deployment, pen: Pen, *, shown: int = ALTERNATIVES_SHOWN) -> list[str]:
    """The cheapest configurations that pass, as edits; or why there are none."""
    found = deployment["alternatives"]
    name = pen.text(deployment["name"], NAME_LENGTH)
    passes = deployment["verdict"] == "pass"
    lines: list[str] = []
    if found:
        title = f"cheaper than {name} today" if passes else f"{name} would pass with"
        note = f" (cheapest {shown} of {len(found)})" if len(found) > shown else ""
        lines.append(f"{pen.paint(title, 'bold')}{note}:")
        lines += _alternatives(found[:shown], pen)
    elif deployment["nothing_passes"]:
        lines.append(f"{pen.paint(name, 'bold')}: {pen.text(deployment['nothing_passes'])}")
        if deployment["near_misses"]:
            lines.append("nearest misses:")
            lines += _alternatives(deployment["near_misses"][:shown], pen)
    return [*lines, *trades(deployment, pen)]


def _alternatives(found: list[Alternative], pen: Pen) -> list[str]:
    rows = [
        (
            pen.paint(pen.text(change(entry["edits"]), NAME_LENGTH), "cyan"),
            "" if entry["usd_month"] is None else amount(entry["usd_month"], "$/month"),
            pen.text(saving(entry)),
            pen.text(f"p95 {brief(entry['forecast']['latency_ms']['p95'], 'ms')}"),
            pen.text(f"quality {brief(entry['forecast']['quality'], '')}"),
            pen.text(f"VRAM {brief(entry['forecast']['vram_gib'], 'GiB')}"),
            pen.text(_catch(entry)),
        )
        for entry in found
    ]
    return [f"    {line}" for line in pen.aligned(rows, right=frozenset({1, 2}))]


def _catch(entry: Alternative) -> str:
    """What it still lacks, or takes."""
    return ", ".join(
        [*filter(None, [entry["binding"]]), *(f"needs {need}" for need in entry["needs"])]
    )


def details(deployment: Deployment, pen: Pen) -> list[str]:
    """Every figure with its provenance, VRAM by part, and where each setting comes from."""
    forecast, facts = deployment["forecast"], deployment["resolved"]
    parts = ", ".join(
        f"{name.replace('_', ' ')} {bare(size, 'GiB')}"
        for name, size in sorted(forecast["vram_gib"]["parts"].items(), key=lambda part: -part[1])
    )
    lines = [f"VRAM parts, GiB: {pen.text(parts)}"] if parts else []
    evidence = [
        (pen.text(name), pen.text(reading(leaf, unit)), leaf["provenance"], pen.text(leaf["basis"]))
        for name, leaf, unit in _all_figures(forecast)
    ]
    lines += pen.aligned(evidence, right=frozenset())
    settings = [
        (pen.text(name), pen.text(_in_force(fact), NAME_LENGTH), pen.text(fact["origin"]))
        for name, fact in sorted(facts.items())
        if fact["value"] is not None or fact["written"] is not None
    ]
    lines += pen.aligned(settings, right=frozenset()) if settings else []
    return [pen.paint(f"    {line}", "dim") for line in lines]


def _in_force(fact: Fact) -> str:
    unresolved = fact["value"] is None
    return f"{scalar(fact['written'])}, unresolved" if unresolved else scalar(fact["value"])


def _all_figures(forecast: Forecast) -> Iterator[tuple[str, Leaf, str]]:
    yield "VRAM per GPU", forecast["vram_gib"], "GiB"
    yield "usable VRAM", forecast["vram_gib"]["usable"], "GiB"
    yield "KV cache", forecast["kv_cache_tokens"], "tokens"
    yield "sequences at once", forecast["max_concurrent_sequences"], "sequences"
    yield "decode, one stream", forecast["decode_tok_s"], "tok/s"
    yield "prefill", forecast["prefill_tok_s"], "tok/s"
    yield "throughput", forecast["throughput_tok_s"], "tok/s"
    yield "capacity", forecast["capacity_tok_s"], "tok/s"
    yield "saturation", forecast["saturation_rps"], "requests/s"
    yield "goodput", forecast["goodput_rps"], "requests/s"
    yield "utilisation", forecast["utilisation"], ""
    if forecast["loss_rate"]["value"]:
        yield "refused", forecast["loss_rate"], ""
    if forecast["agent_tok_s"]["value"] is not None:
        yield "each agent", forecast["agent_tok_s"], "tok/s"
        yield "of a lone agent's rate", forecast["scaling_efficiency"], ""
    for label, distribution in (
        ("TTFT", forecast["ttft_ms"]),
        ("TPOT", forecast["tpot_ms"]),
        ("latency", forecast["latency_ms"]),
    ):
        yield from _percentiles(label, distribution)
    yield "quality", forecast["quality"], ""
    yield "drop by quantisation", forecast["quality"]["drop"], ""
    yield "cost", forecast["usd_month"], "$/month"
    yield "at this traffic", forecast["usd_per_million_tokens"], "$/M tokens"
    yield "at capacity", forecast["usd_per_million_tokens_at_capacity"], "$/M tokens"


def _percentiles(label: str, distribution: Percentiles) -> Iterator[tuple[str, Leaf, str]]:
    yield f"mean {label}", distribution["mean"], "ms"
    yield f"p50 {label}", distribution["p50"], "ms"
    yield f"p90 {label}", distribution["p90"], "ms"
    yield f"p95 {label}", distribution["p95"], "ms"
    yield f"p99 {label}", distribution["p99"], "ms"
