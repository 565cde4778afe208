"""What a terminal says beside the alternatives: what they give up, what is just out of reach."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.numbers import amount
from capcheck.report.document import Alternative, Deployment, Economics, FrontPoint, Plan
from capcheck.report.escape import NAME_LENGTH
from capcheck.report.figures import brief, change, plural, reading, relaxed, saving
from capcheck.report.pen import Pen

# Of a front so many are shown; all of them are in the JSON report and in the picture.
FRONT_SHOWN = 8


def trades(deployment: Deployment, pen: Pen) -> Iterator[str]:
    """One line a statement, indented as the alternatives are; none without anything to say."""
    found = deployment["alternatives"]
    if found and found[0]["worse"]:
        yield pen.text(f"    the first gives up: {', '.join(found[0]['worse'])}")
    if found and (found[0]["saving_usd_year"] or 0.0) >= 1.0:
        yield pen.text(f"    the first saves ${found[0]['saving_usd_year']:,.0f}/year")
    for limit in deployment["relaxations"]:
        yield pen.text(f"    {relaxed(limit)}", 3 * NAME_LENGTH)
    if deployment["likely"] is not None:
        yield pen.text(f"    not surely: {_one(deployment['likely'])}", 3 * NAME_LENGTH)
    yield from _front(deployment["pareto"], pen)
    if deployment["why_not"]:
        yield "    why not for less:"
        yield from (
            pen.text(f"        {change(one['edits'])}: {one['binding']}", 3 * NAME_LENGTH)
            for one in deployment["why_not"]
        )
    if deployment["economics"] is not None:
        yield from _beside_the_bill(deployment["economics"], pen)


def _one(entry: Alternative) -> str:
    price = "" if entry["usd_month"] is None else f", {amount(entry['usd_month'], '$/month')}"
    why = f" ({entry['binding']})" if entry["binding"] else ""
    return f"{change(entry['edits'])}{price}{why}"


def _front(points: list[FrontPoint], pen: Pen) -> Iterator[str]:
    if len(points) < 2:
        return
    kept = [one for i, one in enumerate(points) if i < FRONT_SHOWN or one["knee"] or one["today"]]
    which = "" if len(kept) == len(points) else f" (the cheapest {FRONT_SHOWN} and the knee)"
    yield pen.text(
        f"    {plural(len(points), 'way')} that no other beats in cost, quality and p95{which}:"
    )
    rows = [
        (
            pen.text(change(point["edits"]) if point["edits"] else "as it is", NAME_LENGTH),
            "" if point["usd_month"] is None else amount(point["usd_month"], "$/month"),
            pen.text(f"p95 {brief(point['latency_p95_ms'], 'ms')}"),
            pen.text(f"quality {brief(point['quality'], '')}"),
            ", ".join(("knee",) * point["knee"] + ("today",) * point["today"]),
        )
        for point in kept
    ]
    yield from (f"        {line}" for line in pen.aligned(rows, right=frozenset({1})))


def _beside_the_bill(found: Economics, pen: Pen) -> Iterator[str]:
    kind = found["price_kind"] or "unknown"
    yield pen.text(f"    price: {kind}, {found['hours_per_month']:g} hours per month")
    rows = (
        ("energy", found["energy_kwh_month"], "kWh/month"),
        ("energy cost", found["energy_usd_month"], "$/month"),
        ("energy per output token", found["energy_j_per_token"], "J"),
        ("hosted API for the same", found["api_usd_month"], "$/month"),
        ("cheaper than the API from", found["break_even_rps"], "requests/s"),
    )
    for label, leaf, unit in rows:
        if leaf["value"] is not None:
            yield pen.text(f"    {label}: {reading(leaf, unit)}")
    if found["api_usd_month"]["value"] is not None and found["break_even_rps"]["value"] is None:
        yield pen.text(f"    cheaper than the API: {found['break_even_rps']['basis']}")


def planned(plan: Plan, pen: Pen) -> list[str]:
    """The plan for the fleet: what to change, what it costs, what may share a GPU.

    Of no deployments nothing is said.
    """
    if not plan["choices"]:
        return []
    lines = [pen.paint("all deployments", "bold") + ":"]
    for choice in plan["choices"]:
        if choice["edits"]:
            saved = saving(choice)
            price = f" ({saved})" if saved else ""
            what = f"{choice['name']}: {change(choice['edits'])}{price}"
            lines.append(pen.text(f"    {what}", 3 * NAME_LENGTH))
    if len(lines) == 1:
        lines.append("    nothing to change")
    lines += [pen.text(f"    nothing passes for {name}", NAME_LENGTH) for name in plan["left"]]
    if plan["usd_month"] is not None and plan["usd_month_today"] is not None:
        total = amount(plan["usd_month"], "$/month")
        today = amount(plan["usd_month_today"], "$/month")
        line = f"    {total} in all, {today} today"
        if plan["budget_usd_month"] is not None:
            word = "within" if plan["fits"] else "above"
            line += f"; {word} the budget of {amount(plan['budget_usd_month'], '$/month')}"
        lines.append(pen.text(line))
    for one in plan["could_share"]:
        names = " and ".join(one["deployments"])
        lines.append(
            pen.text(
                f"    note: {names} might share one {one['gpu']}: "
                f"{amount(one['vram_gib'], 'GiB')} of {amount(one['usable_gib'], 'GiB')}, "
                f"busy {100 * one['utilisation']:.0f} % of the time together; not assumed here",
                3 * NAME_LENGTH,
            )
        )
    return lines
