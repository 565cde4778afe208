"""What a deployment costs per month and per million output tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence

from capcheck.estimate import Estimate, unknown
from capcheck.predict.forecast import Cost, Load
from capcheck.registry.specs import Price
from capcheck.resolution.resolved import Resolved

# 8760 hours a year over 12 months, as cloud providers bill; TR133 (SS8.1) used 24 x 30 = 720.
HOURS_PER_MONTH = 730.0
# Without these the number of GPUs to pay for is not known.
_COUNTS = ("replicas", "gpus_per_replica")

# How a price is meant, where its kind alone does not say it.
KINDS = {
    "amortised": "amortised (purchase price / hours of useful life, TR133 SS8.2)",
    "policy": "the policy's price",
}


def cost(resolved: Resolved, load: Load) -> Cost:
    """Dollars per month at the fewest and at the most replicas, and per million output tokens.

    Idle hours are paid for: the price per token at the stated traffic divides by what the traffic
    asks for, the one at capacity by what the deployment could do. An ambiguous GPU spans the prices
    of all products it may mean. Everything is unknown without a price.
    """
    prices = (resolved.price, *resolved.price_variants)
    known = [price for price in prices if price is not None]
    if not known:
        missing = unknown(_without_price(resolved))
        return Cost(missing, missing, missing, missing)
    gpus = resolved.gpus_per_replica
    hourly = _per_hour(known, replicas=resolved.replicas_min, gpus_per_replica=gpus)
    hourly_max = _per_hour(known, replicas=resolved.replicas_max, gpus_per_replica=gpus)
    return Cost(
        usd_month=_per_month(hourly),
        usd_month_max=_per_month(hourly_max),
        usd_per_million_tokens=_per_million(hourly, load.throughput_tok_s),
        usd_per_million_tokens_at_capacity=_per_million(hourly, load.capacity_tok_s),
    )


def _without_price(resolved: Resolved) -> str:
    if resolved.gpu is None:
        return "needs a known GPU, or usd_per_gpu_hour"
    if open_ := [name for name in _COUNTS if f"/{name}" in resolved.deployment.native.blanks]:
        return f"needs known {' and '.join(open_)}"
    return "no price is known for this GPU: state usd_per_gpu_hour"


def instances(*, replicas: int, gpus_per_replica: int, gpus_per_instance: int) -> int:
    """Whole instances that hold so many replicas: a replica never shares a GPU, nor straddles more
    instances than it must."""
    if gpus_per_replica > gpus_per_instance:
        return replicas * math.ceil(gpus_per_replica / gpus_per_instance)
    return math.ceil(replicas / (gpus_per_instance // gpus_per_replica))


def usd_per_million_tokens(*, usd_per_hour: float, tok_s: float) -> float:
    """TR133 SS8.1: price of an hour over the tokens of an hour, times a million."""
    return usd_per_hour / (tok_s * 3600.0) * 1e6


def _per_hour(prices: Sequence[Price], *, replicas: int, gpus_per_replica: int) -> Estimate:
    """Of all replicas, in whole instances; the first price is the assumed one."""
    billed = [
        price.usd_per_hour
        * instances(
            replicas=replicas, gpus_per_replica=gpus_per_replica, gpus_per_instance=price.n_gpus
        )
        for price in prices
    ]
    first = prices[0]
    count = round(billed[0] / first.usd_per_hour) if first.usd_per_hour else replicas
    of = f" ({first.instance_type})" if first.instance_type else ""
    dated = f", {first.captured}" if first.captured else ", undated"
    if first.kind == "stated":
        dated = ""
    paid = KINDS.get(first.kind, first.kind)
    by = paid if first.provider in (first.kind, paid) else f"{first.provider}, {paid}"
    basis = (
        f"{count} x ${first.usd_per_hour:g}/h{of}, {first.n_gpus} GPU(s) each: "
        f"{by}, {first.source}{dated}"
    )
    return Estimate(billed[0], min(billed), max(billed), "derived", basis)


def _per_month(hourly: Estimate) -> Estimate:
    value, low, high = (
        HOURS_PER_MONTH * _known(x) for x in (hourly.value, hourly.low, hourly.high)
    )
    return Estimate(value, low, high, hourly.provenance, f"{HOURS_PER_MONTH:g} h of {hourly.basis}")


def _per_million(hourly: Estimate, tok_s: Estimate) -> Estimate:
    if not tok_s.value:
        return unknown(tok_s.basis if tok_s.value is None else "no tokens are asked for")
    slow = tok_s.value if tok_s.low is None else tok_s.low
    fast = tok_s.value if tok_s.high is None else tok_s.high
    return Estimate(
        usd_per_million_tokens(usd_per_hour=_known(hourly.value), tok_s=tok_s.value),
        usd_per_million_tokens(usd_per_hour=_known(hourly.low), tok_s=fast),
        usd_per_million_tokens(usd_per_hour=_known(hourly.high), tok_s=slow) if slow else None,
        tok_s.provenance,
        f"{hourly.basis}; {tok_s.basis}",
    )


def _known(value: float | None) -> float:
    return 0.0 if value is None else value
