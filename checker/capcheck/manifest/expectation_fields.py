"""The fields that say what is expected of a deployment: its traffic and the limits to keep."""

from __future__ import annotations

from capcheck.manifest.field import Field
from capcheck.manifest.kinds import (
    choice,
    day,
    duration,
    list_of,
    number,
    ratio,
    text,
    usd,
    whole,
)

# Mean lengths of prompt and output in tokens.
PROFILES = {
    "chat": (512, 256),
    "generate": (1024, 1024),
    "rag": (4096, 512),
    "long": (10240, 1536),
}


def _lengths(name: str, what: str, foreign: str) -> tuple[Field, ...]:
    pointer = f"/traffic/{name}"
    longest = 10_000_000
    return (
        Field(
            pointer,
            whole(longest, unit="tokens"),
            f"Length of {what}: the mean, or a map.",
            "profile",
            foreign=foreign,
        ),
        Field(
            f"{pointer}/mean",
            number(longest, minimum=1, unit="tokens"),
            f"Mean length of {what}.",
            foreign=f"{name}_mean mean_{name} avg_{name}",
            required=True,
        ),
        Field(
            f"{pointer}/p95",
            number(longest, minimum=1, unit="tokens"),
            "95th percentile.",
            foreign=f"{name}_p95 p95_{name}",
        ),
        Field(
            f"{pointer}/max",
            whole(longest, unit="tokens"),
            "Longest.",
            foreign=f"{name}_max max_{name}",
        ),
    )


TRAFFIC = (
    Field("/traffic", None, "The load, over all replicas.", foreign="load"),
    Field(
        "/traffic/requests_per_second",
        number(1_000_000, above=True, unit="requests/s"),
        "Requests that arrive per second: the mean, or a map.",
        foreign="rps qps rate request_rate arrival_rate requests_per_s requests_per_sec req_per_s",
    ),
    Field(
        "/traffic/requests_per_second/mean",
        number(1_000_000, above=True, unit="requests/s"),
        "Mean rate.",
        foreign="mean_rps avg_rps",
        required=True,
    ),
    Field(
        "/traffic/requests_per_second/peak",
        number(1_000_000, above=True, unit="requests/s"),
        "Rate in the busiest minutes.",
        foreign="peak_rps max_rps peak_requests_per_second",
    ),
    Field(
        "/traffic/agents",
        whole(1_000_000),
        "Clients in a closed loop, each with one request at a time; instead of a rate.",
        foreign="concurrency users clients num_users num_agents n_agents virtual_users "
        "concurrent_users concurrent_requests",
    ),
    Field(
        "/traffic/think_time",
        duration(),
        "Pause of an agent between two requests.",
        "none",
        foreign="think_time_s think_time_ms think",
    ),
    Field(
        "/traffic/burstiness",
        number(100, above=True),
        "Variance of the gaps between arrivals over their mean squared; 1 is Poisson, more is "
        "bursty: the inverse of what vLLM's benchmark calls burstiness.",
        "1",
        foreign="arrival_cv2 interarrival_scv",
    ),
    Field(
        "/traffic/routing",
        choice("round-robin", "random", "least-outstanding"),
        "How arrivals are spread over replicas.",
        "round-robin",
        foreign="load_balancing lb_policy routing_policy",
    ),
    Field(
        "/traffic/prefix_cache_hit_rate",
        ratio(),
        "Share of the prompt tokens that an engine with prefix caching finds in its cache.",
        "0",
        foreign="prefix_hit_rate cache_hit_rate kv_cache_hit_rate prefix_cache_hit_ratio",
    ),
    Field(
        "/traffic/profile",
        choice(*PROFILES),
        "Lengths of prompt and output that are not stated: "
        + ", ".join(f"{name} {prompt}/{out}" for name, (prompt, out) in PROFILES.items())
        + ".",
        foreign="workload workload_type preset use_case",
    ),
    *_lengths(
        "prompt_tokens",
        "the prompt",
        "isl input_tokens input_len input_length input_sequence_length prompt_len prompt_length",
    ),
    *_lengths(
        "output_tokens",
        "the output",
        "osl output_len output_length output_sequence_length max_tokens max_new_tokens "
        "completion_tokens generated_tokens gen_len",
    ),
)

PERCENTILES = (50, 90, 95, 99)
# What each latency is, and its names here and in other tools.
LATENCIES = {
    "ttft": ("Time to first token, queueing included", "ttft time_to_first_token"),
    "tpot": (
        "Time per output token after the first, averaged over a request",
        "tpot itl inter_token_latency time_per_output_token",
    ),
    "latency": (
        "Time of a whole request, queueing included",
        "latency e2e e2el e2e_latency end_to_end_latency request_latency response_time",
    ),
}


def _foreign_latencies(metric: str, percentile: int) -> str:
    """`p95_ttft`, `ttft_ms_p95`, ...; a latency without percentile is taken to mean the 95th."""
    p = f"p{percentile}"
    forms = [f"{{}}_{p}", f"{p}_{{}}", f"{{}}_ms_{p}"]
    forms += [f"{form}_{unit}" for form in forms[:2] for unit in ("ms", "s")]
    if percentile == 95:
        forms += ["{}", "{}_ms", "{}_s", "max_{}", "max_{}_ms", "{}_slo"]
    names = (form.format(word) for word in LATENCIES[metric][1].split() for form in forms)
    return " ".join(name for name in names if name != f"{metric}_{p}")


SLO = (
    Field(
        "/slo",
        None,
        "Limits on latency, throughput and load; what is not stated is not gated.",
        "not gated",
        foreign="slos sla limits objectives latency_targets targets",
    ),
    *(
        Field(
            f"/slo/{metric}_p{percentile}",
            duration(),
            f"{meaning}: percentile {percentile}.",
            "not gated",
            foreign=_foreign_latencies(metric, percentile),
        )
        for metric, (meaning, _) in LATENCIES.items()
        for percentile in PERCENTILES
    ),
    Field(
        "/slo/max_utilisation",
        ratio(above=True),
        "Highest share of the time that the servers may be busy.",
        "not gated",
        foreign="max_utilization utilisation utilization utilisation_max",
    ),
    Field(
        "/slo/min_throughput_tok_s",
        number(1_000_000_000, above=True, unit="tokens/s"),
        "Output tokens per second that all replicas together must be able to deliver.",
        "not gated",
        foreign="min_throughput throughput throughput_tok_s tokens_per_second tok_s "
        "min_tokens_per_second",
    ),
)

LIMITS = (
    Field(
        "/quality",
        None,
        "The floor on a benchmark.",
        "not gated",
        foreign="accuracy evals evaluation",
    ),
    Field(
        "/quality/benchmark",
        text("a benchmark name"),
        "The benchmark that the floor is about: scores of different ones never mix.",
        foreign="metric dataset task eval",
    ),
    Field(
        "/quality/min_score",
        ratio(),
        "Lowest score.",
        "not gated",
        foreign="min_quality quality_floor quality_target min_accuracy score target threshold",
    ),
    Field(
        "/quality/max_drop",
        ratio(),
        "Largest loss against the same model unquantised, in score (0.03 is 3 points).",
        "not gated",
        foreign="max_quality_drop max_degradation max_loss tolerance",
    ),
    Field("/safety", None, "Limits on refusal rates.", "not gated"),
    Field(
        "/safety/min_refusal",
        ratio(),
        "Lowest share of harmful prompts that must be refused.",
        "not gated",
        foreign="refusal refusal_rate min_refusal_rate",
    ),
    Field(
        "/safety/max_over_refusal",
        ratio(),
        "Highest share of harmless prompts that may be refused.",
        "not gated",
        foreign="over_refusal max_over_refusal_rate",
    ),
    Field("/budget", None, "Limits on cost.", "not gated", foreign="cost costs budget_usd"),
    Field(
        "/budget/monthly_usd",
        usd(),
        "Most that 730 hours may cost, at the highest number of replicas.",
        "not gated",
        foreign="usd_per_month usd_month monthly monthly_cost monthly_budget max_monthly_cost "
        "max_monthly_usd max_cost cost_limit",
    ),
    Field(
        "/budget/max_increase_usd",
        usd(),
        "Most that a change may add to a month's cost.",
        "not gated",
        foreign="max_increase max_monthly_increase",
    ),
    Field(
        "/budget/usd_per_million_tokens",
        usd(),
        "Most that a million output tokens may cost at the stated traffic.",
        "not gated",
        foreign="usd_per_mtok usd_per_1m_tokens cost_per_million_tokens price_per_million_tokens",
    ),
)

SKIP = (
    Field("/skip", None, "Rules that do not apply, why, and until when.", "none", foreign="ignore"),
    Field(
        "/skip/rules",
        list_of(text("a rule's id"), "rule ids"),
        "Ids of `capcheck rules`.",
        foreign="rule ids checks",
        required=True,
    ),
    Field("/skip/reason", text("a sentence"), "Why.", foreign="why because", required=True),
    Field(
        "/skip/expires",
        day(),
        "The last day on which they are skipped; from the next day on they count again.",
        foreign="until expiry expiration end_date",
        required=True,
    ),
)
