"""What stands beside the bill: its hours, the energy, and a hosted API for the same work."""

from __future__ import annotations

from capcheck.estimate import Estimate, unknown
from capcheck.predict.cost import HOURS_PER_MONTH
from capcheck.predict.forecast import Forecast
from capcheck.records import dataclass
from capcheck.resolution.resolved import Resolved

# Share of its TDP that a GPU drew while decoding one stream: 0.18 (gpt2), 0.42 in the middle, 0.80
# (phi-2, compiled) of 150 W. SOURCE: TR123 tables 5.1 (NVML, 100 ms; 9 rows), RTX 4080 Laptop; TDP
# of gpus.csv.
LEAST_SHARE_OF_TDP = 0.18
STREAM_SHARE_OF_TDP = 0.42

SECONDS_PER_MONTH = 3600.0 * HOURS_PER_MONTH


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices that no table has, as far as the user states them."""

    usd_per_kwh: float | None = None
    api_usd_per_million_input: float | None = None
    api_usd_per_million_output: float | None = None


def with_hosted(rates: Rates | None, hosted: tuple[float | None, float] | None) -> Rates | None:
    """The rates with the price of a hosted API, per million input and output tokens, where they
    state none of their own; None when nobody states anything."""
    if hosted is None or (rates is not None and rates.api_usd_per_million_output is not None):
        return rates
    return Rates(None if rates is None else rates.usd_per_kwh, *hosted)


@dataclass(frozen=True, slots=True)
class Economics:
    """`price_kind` is how the GPU is paid: on-demand, spot, marketplace, amortised, stated.

    `power_w` is the mean draw of all GPUs. `break_even_rps` is the rate, over all replicas, from
    which on the deployment costs less than the hosted API, unknown where that saturates it;
    `api_usd_month` is what the API takes at the stated rate.
    """

    price_kind: str | None
    hours_per_month: float
    power_w: Estimate
    energy_kwh_month: Estimate
    energy_usd_month: Estimate
    energy_j_per_token: Estimate
    api_usd_month: Estimate
    break_even_rps: Estimate


def economics(resolved: Resolved, forecast: Forecast, rates: Rates) -> Economics:
    """Everything that the rates allow to be said; the rest is unknown with a reason."""
    power = _power_w(resolved, forecast)
    per_month = _scaled(power, HOURS_PER_MONTH / 1000.0, f"{HOURS_PER_MONTH:g} h of {power.basis}")
    usd = unknown("needs a price of energy")
    if rates.usd_per_kwh is not None:
        usd = _scaled(
            per_month, rates.usd_per_kwh, f"{per_month.basis}, ${rates.usd_per_kwh:g} per kWh"
        )
    api, break_even = _hosted(resolved, forecast, rates)
    return Economics(
        price_kind=None if resolved.price is None else resolved.price.kind,
        hours_per_month=HOURS_PER_MONTH,
        power_w=power,
        energy_kwh_month=per_month,
        energy_usd_month=usd,
        energy_j_per_token=_per_token(power, forecast.load.throughput_tok_s),
        api_usd_month=api,
        break_even_rps=break_even,
    )


def _power_w(resolved: Resolved, forecast: Forecast) -> Estimate:
    """TDP x the share of time in which any request runs x what is drawn then, of all GPUs.

    One stream draws what was measured; how far batches take it to TDP is assumed to go with
    utilisation, the share of what could be served. Bounded by the least share of TDP that was ever
    measured, and by TDP all the time: nobody measured an idle GPU.
    """
    gpu, load = resolved.gpu, forecast.load
    if gpu is None or not gpu.tdp_w:
        return unknown("the registry has no TDP of this GPU")
    if load.busy.value is None or load.utilisation.value is None:
        return unknown(f"needs a utilisation: {load.utilisation.basis}")
    count = resolved.replicas_min * resolved.gpus_per_replica
    most = count * gpu.tdp_w
    batches = resolved.engine is not None and resolved.engine.max_num_seqs > 1
    mean_of_peak = _mean_of_peak(resolved)
    filled = min(1.0, load.utilisation.value * mean_of_peak) if batches else 0.0
    drawn = STREAM_SHARE_OF_TDP + (1.0 - STREAM_SHARE_OF_TDP) * filled
    # Idle time falls by a factor for every request more, as where nobody waits (M/G/infinity).
    busy, least = (
        1.0 - (1.0 - min(1.0, share)) ** mean_of_peak
        for share in (load.busy.value, load.busy.value if load.busy.low is None else load.busy.low)
    )
    basis = (
        f"{count} x TDP {gpu.tdp_w:g} W, {100 * busy:.3g} % of the time a request runs and "
        f"{100 * drawn:.0f} % of TDP is drawn"
    )
    value, low = most * busy * drawn, most * least * LEAST_SHARE_OF_TDP
    return Estimate(value, min(low, value), most, "assumed", basis)


def _mean_of_peak(resolved: Resolved) -> float:
    """The mean rate over the peak: loads are judged at the peak, energy is paid for a month."""
    traffic = resolved.deployment.traffic
    if traffic is None or not traffic.requests_per_second:
        return 1.0
    return traffic.requests_per_second / traffic.busiest_rps


def _per_token(power: Estimate, tok_s: Estimate) -> Estimate:
    """Joules per output token at the stated traffic."""
    if not tok_s.value or power.value is None:
        return unknown("needs a throughput")
    slow, fast = tok_s.low or tok_s.value, tok_s.high or tok_s.value
    low, high = (power.low or 0.0) / fast, None if power.high is None else power.high / slow
    basis = f"{power.basis}, {tok_s.value:.3g} tok/s"
    return Estimate(power.value / tok_s.value, low, high, power.provenance, basis)


def _hosted(resolved: Resolved, forecast: Forecast, rates: Rates) -> tuple[Estimate, Estimate]:
    """What the hosted API takes a month for the stated traffic, and the break-even rate."""
    traffic, usd = resolved.deployment.traffic, forecast.cost.usd_month
    price_in, price_out = rates.api_usd_per_million_input, rates.api_usd_per_million_output
    if price_out is None:
        return unknown("needs the price of a hosted API"), unknown(
            "needs the price of a hosted API"
        )
    if traffic is None or traffic.prompt_tokens is None or traffic.output_tokens is None:
        why = unknown("needs traffic: prompt_tokens and output_tokens, or a profile")
        return why, why
    each = traffic.prompt_tokens.mean * (price_in or 0.0) + traffic.output_tokens.mean * price_out
    each /= 1e6
    basis = f"${each:.3g} per request by the API's prices"
    rate, api = traffic.requests_per_second, unknown("needs requests_per_second")
    if rate is not None:
        month = each * rate * SECONDS_PER_MONTH
        api = Estimate(month, month, month, "derived", f"{rate:g} requests/s, {basis}")
    if not each:
        return api, unknown("the API costs nothing")
    even = _scaled(usd, 1.0 / (each * SECONDS_PER_MONTH), f"{usd.basis}; {basis}")
    most = forecast.load.saturation_rps.value
    if even.value is not None and most is not None and even.value > most:
        return api, unknown(
            f"at no rate that it can serve: {even.value:.3g} requests/s would pay for it, "
            f"{most:.3g} saturate it"
        )
    return api, even


def _scaled(estimate: Estimate, factor: float, basis: str) -> Estimate:
    if estimate.value is None:
        return estimate
    low, high = (None if end is None else end * factor for end in (estimate.low, estimate.high))
    return Estimate(estimate.value * factor, low, high, estimate.provenance, basis)
