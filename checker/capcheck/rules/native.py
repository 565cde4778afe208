"""What the texts of native files show without a forecast.

Findings drift and missing-setting come from `capcheck.resolution.native`, which compares names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from capcheck.finding import Finding, Severity, Verdict
from capcheck.registry.specs import ModelSpec
from capcheck.resolution.resolved import Resolved
from capcheck.rules.rule import Rule

# Flags that load a checkpoint which was quantised this way, and fail on any other. SOURCE: vllm and
# sglang model_loader/weight_utils.py get_quant_config ("Cannot find the config file for ...").
_NEEDS_CHECKPOINT = frozenset(("AWQ", "GPTQ"))
_UNQUANTISED = frozenset(("BF16", "FP16", "FP32"))
_LOADERS = frozenset(("vllm", "sglang"))

RULES = (
    Rule(
        id="missing-setting",
        title="A setting is decided by something that was not read",
        severity="error",
        gate="support",
        why="Its default does not hold either, and a guess would be a forecast of something else.",
        how="A native file gives it by a variable that nothing sets, or by `all`.",
        fix="State it in a manifest, or the variable under `vars`.",
        failing="from: deploy.yaml#Deployment/open",
        passing="vars: {MAX_SEQS: 64}",
    ),
    Rule(
        id="roles-differ",
        title="Prefill and decode serve different models",
        severity="error",
        gate="support",
        why="Decode continues with the KV cache of prefill: another model can't read it.",
        how="Roles of one object that are named prefill and decode, each with the model it states.",
        fix="Give both roles the same model.",
        failing="from: deploy.yaml#DynamoGraphDeployment/mixed#decode",
        passing="from: deploy.yaml#DynamoGraphDeployment/same#decode",
    ),
    Rule(
        id="quant-flag-unquantised",
        title="A quantisation flag on a checkpoint that is not quantised",
        severity="error",
        gate="support",
        why="The engine looks for the checkpoint's quantisation settings and stops.",
        how=(
            "A native file's AWQ or GPTQ flag, where its model is the repository of an unquantised "
            "checkpoint that the registry knows."
        ),
        fix="Name a quantised checkpoint, or remove the flag.",
        failing="from: deploy.yaml#Deployment/flag",
        passing="from: deploy.yaml#Deployment/plain",
    ),
    Rule(
        id="gpu-shared",
        title="Services on one GPU take more than all of it",
        severity="warning",
        why="Whichever starts last finds too little memory and stops.",
        how=(
            "gpu_memory_utilization is added up over the services of a Compose file that run "
            "together on a device; a number of devices means the first ones."
        ),
        fix="Give each service device_ids of its own, or smaller shares.",
        failing="from: compose.yaml#services.second",
        passing="from: compose.yaml#services.apart",
    ),
    Rule(
        id="offload-not-modelled",
        title="Part of the model stays in host memory",
        severity="error",
        gate="support",
        why="Less device memory is needed and every token is slower, by what no figure here knows.",
        how="A native file's settings that offload layers, experts or the cache.",
        fix="Nothing is wrong with it: measure it.",
        failing="from: deploy.yaml#Deployment/offload",
        passing="from: deploy.yaml#Deployment/plain",
    ),
    Rule(
        id="percentile-assumed",
        title="A latency target names no percentile",
        severity="note",
        why="Half of the requests may be slower than a median.",
        how="The SLA of a native file, judged as the median.",
        fix="State the percentile that you promise under `slo`, in a manifest.",
        failing="from: deploy.yaml#DynamoGraphDeploymentRequest/sla",
        passing="slo: {ttft_p95: 1s}",
    ),
    Rule(
        id="setting-not-modelled",
        title="A setting takes memory or time that the figures leave out",
        severity="warning",
        why="The deployment needs more than the forecast says.",
        how="A native file's LoRA, draft model or vision part.",
        fix="Leave room for it, with reserved_gib.",
        failing="from: deploy.yaml#Deployment/lora",
        passing="from: deploy.yaml#Deployment/plain",
    ),
)

_WEIGHT: Mapping[str, tuple[Severity, Verdict]] = {
    "roles-differ": ("error", "fail"),
    "offload-not-modelled": ("error", "cannot-predict"),
    "percentile-assumed": ("note", "pass"),
}
_FIXES = {
    "roles-differ": "give both roles the same model",
    "gpu-shared": "give each service device_ids of its own, or smaller shares",
    "percentile-assumed": "state the percentile that you promise under slo, in a manifest",
    "setting-not-modelled": "leave room for it, with reserved_gib",
}


def check(resolved: Resolved) -> Iterator[Finding]:
    """Findings roles-differ, gpu-shared, offload- and setting-not-modelled, and of the flag."""
    for seen in resolved.deployment.native.observed:
        if seen.layers is not None and _has_no_more(resolved.model, seen.layers):
            continue
        severity, verdict = _WEIGHT.get(seen.rule, ("warning", "pass"))
        yield Finding(
            seen.rule,
            severity,
            verdict,
            seen.message,
            seen.place,
            fix=_FIXES.get(seen.rule),
            related=seen.related,
        )
    yield from _flag(resolved)


def _has_no_more(model: ModelSpec | None, layers: int) -> bool:
    """Whether that many layers on the device are all; of an unknown model nothing is said."""
    return model is None or model.n_layers is None or layers >= model.n_layers


def _flag(resolved: Resolved) -> Iterator[Finding]:
    deployment, quant, model = resolved.deployment, resolved.quant, resolved.model
    origin = deployment.native.origins.get("/quant", "")
    if quant is None or model is None or resolved.backend is None or not origin.startswith("--"):
        return
    is_checkpoint = deployment.model is not None and (
        deployment.model.casefold() == (model.hf_repo or "").casefold()
    )
    if (
        is_checkpoint
        and resolved.backend.name in _LOADERS
        and quant.name in _NEEDS_CHECKPOINT
        and model.native_quant in _UNQUANTISED
    ):
        yield Finding(
            rule="quant-flag-unquantised",
            severity="error",
            verdict="fail",
            message=(
                f"{origin} asks for a checkpoint in {quant.name}, and {deployment.model} is in "
                f"{model.native_quant}: {resolved.backend.name} will not start"
            ),
            place=deployment.at("/quant"),
            related=deployment.at("/model"),
            fix=f"name a checkpoint in {quant.name}, or remove the flag",
        )
