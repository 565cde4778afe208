"""What the formats for people show of a deployment, and in which words."""

from __future__ import annotations

from collections.abc import Iterable

from capcheck.estimate import Estimate, Provenance
from capcheck.finding import Severity, Verdict
from capcheck.numbers import amount, digits, interval
from capcheck.records import dataclass
from capcheck.report.document import (
    Alternative,
    Choice,
    Deployment,
    Document,
    Edit,
    Finding,
    Gate,
    LimitChange,
    NamedFinding,
    Relaxation,
    Scalar,
    Spot,
)
from capcheck.report.predicted import Forecast, Leaf

WORDS: dict[Verdict, str] = {
    "pass": "passes",
    "borderline": "is borderline",
    "cannot-predict": "cannot be predicted",
    "fail": "fails",
}

# Evidence too weak to show without a mark.
_WEAK: tuple[Provenance, ...] = ("extrapolated", "assumed")


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with the gate that held it against a limit, if any did."""

    label: str
    leaf: Leaf
    unit: str
    gate: Gate | None


def headline(forecast: Forecast, gates: dict[str, Gate]) -> tuple[Figure, ...]:
    """VRAM, throughput, p95 latency, quality and cost: the figures that every deployment has."""
    shown = (
        ("VRAM per GPU", forecast["vram_gib"], "GiB", "vram"),
        ("throughput", forecast["throughput_tok_s"], "tok/s", "throughput"),
        ("p95 latency", forecast["latency_ms"]["p95"], "ms", "latency"),
        ("quality", forecast["quality"], "", "quality"),
        ("cost", forecast["usd_month"], "$/month", "budget"),
    )
    return tuple(
        Figure(label, leaf, unit, _gate_of(leaf, gates.get(gate)))
        for label, leaf, unit, gate in shown
    )


def under_load(deployment: Deployment) -> str:
    """Where the time goes, and up to which rate the stated limits hold."""
    forecast, facts = deployment["forecast"], deployment["resolved"]
    parts = forecast["latency_parts_ms"]
    total = sum(parts.values())
    shares = [
        f"{name} {100 * part / total:.0f} %"
        for name, part in sorted(parts.items(), key=lambda part: -part[1])
        if part >= 0.01 * total
    ]
    notes = [", ".join(shares)] if total > 0 else []
    headroom = deployment["headroom_rps"]
    peak, mean = (facts[f"{name}requests_per_second"]["value"] for name in ("peak_", ""))
    stated = mean if peak is None else peak
    if headroom["value"] is not None and isinstance(stated, int | float):
        notes.append(_held(headroom, stated))
    return "; ".join(notes)


def _held(headroom: Leaf, stated: float) -> str:
    """Up to which rate the limits hold: none where a lone request breaks one already."""
    asked, most = f"stated {amount(stated, 'requests/s')}", headroom["high"]
    if headroom["value"]:
        return f"limits hold up to {reading(headroom, 'requests/s')}, {asked}"
    if most:
        rate = amount(most, "requests/s")
        return f"a lone request may break a limit already: at best they hold up to {rate}, {asked}"
    return "a lone request breaks a limit already"


def other_gates(forecast: Forecast, gates: dict[str, Gate]) -> tuple[Figure, ...]:
    """The gated figures that `headline` does not show: TTFT, another percentile, a quality drop."""
    shown = [figure.gate for figure in headline(forecast, gates)]
    return tuple(
        Figure(gate["label"], gate, gate["unit"], gate)
        for _, gate in sorted(gates.items())
        if gate["limit"] is not None and gate not in shown
    )


def _gate_of(leaf: Leaf, gate: Gate | None) -> Gate | None:
    """A gate may look at another figure of the same kind: p99 instead of p95, cost at most."""
    if gate is None or gate["limit"] is None:
        return None
    same = all(gate[key] == leaf[key] for key in ("value", "low", "high", "basis"))
    return gate if same else None


def estimate(leaf: Leaf) -> Estimate:
    """The leaf as the predictors know it."""
    return Estimate(leaf["value"], leaf["low"], leaf["high"], leaf["provenance"], leaf["basis"])


def is_weak(leaf: Leaf) -> bool:
    """Whether the figure rests on an extrapolation or an assumption, shown as `~`."""
    return leaf["provenance"] in _WEAK


def reading(leaf: Leaf, unit: str) -> str:
    """`14.0 s (12.6–15.6)`, `~96.1 tok/s (70.0–120)`, `unstable`, `unknown`."""
    return _unknown(leaf) or ("~" if is_weak(leaf) else "") + interval(estimate(leaf), unit)


def brief(leaf: Leaf, unit: str) -> str:
    """A reading without its interval."""
    if leaf["value"] is None:
        return _unknown(leaf)
    return ("~" if is_weak(leaf) else "") + amount(leaf["value"], unit)


def cell(leaf: Leaf, unit: str, *, bounds: bool = False) -> str:
    """A reading for a column whose header has the unit; latencies are in seconds there."""
    if word := _unknown(leaf):
        return word
    value = bare(leaf["value"], unit)
    text = ("~" if is_weak(leaf) else "") + value
    if not bounds:
        return text
    low = bare(leaf["low"], unit) or value
    high = bare(leaf["high"], unit)
    if low == value == high:
        return text
    return f"{text} ({low}–{high})" if high else f"{text} ({low} or more)"


def bare(value: float | None, unit: str) -> str:
    """The digits alone, milliseconds as seconds; empty for None."""
    if value is None:
        return ""
    return digits(value / 1000, "s") if unit == "ms" else digits(value, unit)


def _unknown(leaf: Leaf) -> str:
    if leaf["value"] is not None:
        return ""
    return "unstable" if leaf["basis"].startswith("unstable") else "unknown"


def relation(gate: Gate) -> str:
    """How the value stands to the limit: `≤`, `>`, `≈` (the limit lies in the interval), ..."""
    below = gate["sense"] == "max"
    signs: dict[Verdict, str] = {
        "pass": "≤" if below else "≥",
        "borderline": "≈",
        "fail": ">" if below else "<",
        "cannot-predict": "limit",
    }
    return "limit" if gate["value"] is None else signs[gate["verdict"]]


def against(gate: Gate | None) -> str:
    """`> 9.00 s`, `≥ 0.600`, `limit 3.00 s`: the limit after the reading; empty without one."""
    if gate is None or gate["limit"] is None:
        return ""
    return f"{relation(gate)} {amount(gate['limit'], gate['unit'])}"


def spoken(figure: Figure, before: str = "") -> str:
    """`p95 latency 14.0 s (12.6–15.6) > 9.00 s`, `p95 latency unknown, limit 9.00 s`."""
    limit = against(figure.gate)
    separator = ", " if limit.startswith("limit") else " " if limit else ""
    return f"{figure.label} {before}{reading(figure.leaf, figure.unit)}{separator}{limit}"


def gate_of(found: Finding, deployment: Deployment) -> Gate | None:
    """The gate that decided as this finding says: both point at the same place."""
    for gate in deployment["gates"].values():
        place = gate["place"]
        if place is not None and gate["verdict"] == found["verdict"]:
            related = found["related"]
            if same_span(place, found) or (related is not None and same_span(place, related)):
                return gate
    return None


def limit_spot(found: Finding, deployment: Deployment) -> Spot | None:
    """Where the broken limit is stated, when the finding itself points at the cause."""
    gate, related = gate_of(found, deployment), found["related"]
    if gate is None or gate["place"] is None or related is None or same_span(found, related):
        return None
    return related if same_span(gate["place"], related) else None


def same_span(one: Spot, other: Spot) -> bool:
    """Whether two things stand at the same place; either may be more than a place."""
    keys = ("path", "line", "column", "end_column")
    return all(one.get(key) == other.get(key) for key in keys)


def owners(document: Document) -> dict[tuple[str, str], Deployment]:
    """Deployments by path and name, to find the one that a finding of the run is about."""
    return {(entry["path"], entry["name"]): entry for entry in document["deployments"]}


def about(one: NamedFinding | LimitChange) -> str:
    """The deployment that something is said of; the run has no name."""
    return one["deployment"] or "all deployments"


def setup(deployment: Deployment) -> str:
    """`llama3.2-3b Q4_K_M on ollama, 2 × RTX 4080 12GB`, as far as it is known."""
    facts = deployment["resolved"]
    model, quant, backend, gpu = (
        str(facts[name]["value"] or facts[name]["written"] or "")
        for name in ("model", "quant", "backend", "gpu")
    )
    per_replica, least, most = (
        facts[name]["value"] for name in ("gpus_per_replica", "replicas", "replicas_max")
    )
    replicas = f"{least}" if least == most else f"{least}–{most}"
    machines = f"{replicas} × " if per_replica == 1 else f"{replicas} × {per_replica} × "
    weights = " ".join(filter(None, (model or "unknown model", quant)))
    return f"{weights} on {backend or 'unknown backend'}, {machines}{gpu or 'unknown GPU'}"


def change(edits: Iterable[Edit]) -> str:
    """`quant: fp8, replicas: 1`: the edits as one would type them."""
    return ", ".join(map(_one_change, edits)) or "nothing to change"


def relaxed(found: Relaxation) -> str:
    """`with p95 latency ≤ 3.40 s this passes: replicas: 2, $61.00/month`."""
    price = "" if found["usd_month"] is None else f", {amount(found['usd_month'], '$/month')}"
    if not found["edits"]:
        return f"{found['text']} it passes as it is{price}"
    return f"{found['text']} this passes: {change(found['edits'])}{price}"


def _one_change(edit: Edit) -> str:
    return f"{field_of(edit['pointer'])}: {scalar(edit['value'])}"


def field_of(pointer: str) -> str:
    """`serving.max_model_len`: the part of a JSON pointer that is inside the deployment."""
    steps = pointer.split("/")
    # /environments/prod/deployments/NAME/serving/max_model_len: a reader needs the last part.
    if steps[1:2] == ["environments"]:
        steps = steps[2:]
    inside = steps[3:] if steps[1:2] == ["deployments"] and len(steps) > 3 else steps[1:]
    return ".".join(step.replace("~1", "/").replace("~0", "~") for step in inside)


def scalar(value: Scalar) -> str:
    """A setting as one would type it in YAML."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def money(delta: float, *, sign: bool = True) -> str:
    """`+$4,216/month`, `−$516/month`."""
    text = amount(abs(delta), "$/month")
    return f"{'−' if delta < 0 else '+'}{text}" if sign else text


def saving(alternative: Alternative | Choice) -> str:
    """`same cost`, `−$516/month`, `+$12.00/month`; empty when either cost is unknown."""
    saved = alternative["saving_usd_month"]
    if saved is None:
        return ""
    if abs(saved) < 0.005:
        return "same cost"
    return money(-saved)


def word(found: Finding) -> Verdict | Severity:
    """What a finding is called: its verdict when it has a say in one, else its severity."""
    return found["severity"] if found["verdict"] == "pass" else found["verdict"]


def plural(count: int, noun: str) -> str:
    """`1 deployment`, `1,000 deployments`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
