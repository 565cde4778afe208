"""What only an organisation's policy limits: names, fields that must be stated, spare memory."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from capcheck.estimate import Estimate
from capcheck.finding import Finding, Gate, Verdict, worst
from capcheck.manifest.deployment import Deployment
from capcheck.numbers import amount, interval
from capcheck.policy.model import Policy
from capcheck.policy.names import listed_backend
from capcheck.policy.ranges import admits
from capcheck.rules.case import Case, Judgement, beyond, judge
from capcheck.rules.rule import Rule

_NOT_ALLOWED = "The organisation supports, pays for or may use only what it lists."
_HOW = "The name, in any usual spelling, is looked up in limits.{} of the policy."


def _rule(kind: str, title: str, plural: str, failing: str, passing: str) -> Rule:
    return Rule(
        id=f"{kind}-not-allowed",
        title=title,
        severity="error",
        gate="policy",
        why=_NOT_ALLOWED,
        how=_HOW.format(f"allowed_{plural}"),
        fix="Take one that the policy lists, or ask its owner.",
        failing=failing,
        passing=passing,
    )


RULES = (
    _rule("gpu", "The policy does not list this GPU", "gpus", "gpu: H100 80GB SXM", "gpu: L4 24GB"),
    _rule(
        "backend",
        "The policy does not list this engine, or not this version",
        "backends",
        'backend_version: "0.7.0"',
        'backend_version: "0.11.0"',
    ),
    _rule(
        "quant",
        "The policy does not list this weight format",
        "quants",
        "quant: GPTQ",
        "quant: AWQ",
    ),
    _rule(
        "model",
        "The policy does not list this model",
        "models",
        "model: qwen2.5-7b",
        "model: llama3.1-8b",
    ),
    _rule(
        "licence",
        "The policy does not list the model's licence",
        "licences",
        "model: llama3.1-8b",
        "model: qwen2.5-7b",
    ),
    Rule(
        id="required-field-missing",
        title="The policy requires a field that is not stated",
        severity="error",
        gate="policy",
        why="What is not stated is not gated, and nobody notices.",
        how="limits.require of the policy lists fields by environment.",
        fix="State the field.",
        failing="gpu: L4 24GB",
        passing="slo: {latency_p95: 10s}",
    ),
    Rule(
        id="vram-headroom-below-limit",
        title="Less memory is left than the policy asks for",
        severity="error",
        gate="policy",
        why="The reserve for larger inputs than planned is not there.",
        how=(
            "The need of one GPU, as an interval, against the usable memory less "
            "limits.min_vram_headroom of it. A warning when that lies inside the interval."
        ),
        fix="A smaller quant, a shorter max_model_len or a larger GPU.",
        failing="min_vram_headroom: 0.5",
        passing="min_vram_headroom: 0.1",
    ),
    Rule(
        id="fleet-cost-over-limit",
        title="All deployments together cost more than the policy allows",
        severity="error",
        why="Each may keep its own budget while the sum does not.",
        how="The sum of the monthly costs at most replicas against limits.monthly_usd.",
        fix="Fewer replicas or cheaper GPUs, or ask the policy's owner.",
        failing="monthly_usd: 10",
        passing="monthly_usd: 5000",
    ),
)


def check(case: Case) -> Judgement:
    """Gate `policy`, where there is a policy that limits something; the findings of RULES."""
    policy = case.policy
    if not (policy.allowed or policy.require or "min_vram_headroom" in policy.limits):
        return Judgement()
    findings = (*_names(case), *_required(case.deployment, policy), *_headroom(case))
    return Judgement((_gate(findings),), findings)


def _gate(findings: tuple[Finding, ...]) -> Gate:
    verdict = worst(*(found.verdict for found in findings))
    place = next((found.place for found in findings if found.verdict == verdict), None)
    return Gate("policy", verdict, None, None, None, "", place, "policy")


def _names(case: Case) -> Iterator[Finding]:
    """A name that could not be resolved has its own finding already."""
    resolved, stated = case.resolved, case.deployment
    if resolved.gpu is not None:
        for variant in resolved.gpu_variants or (resolved.gpu,):
            if not _allowed(case, "gpus", variant.name):
                yield _refused(case, "gpu", variant.name, "/gpu")
                break
    if resolved.quant is not None:
        name = resolved.quant.name
        if not _allowed(case, "quants", name):
            yield _refused(case, "quant", name, "/quant", "/model")
    if resolved.model is not None:
        name = resolved.model.name
        if not _allowed(case, "models", name):
            yield _refused(case, "model", name, "/model", "/architecture")
        yield from _licence(case, resolved.model.licence)
    if resolved.backend is not None:
        yield from _backend(case, resolved.backend.name, stated)


def _allowed(case: Case, kind: str, name: str) -> bool:
    layers = case.policy.allowed.get(kind, ())
    return all(any(fnmatchcase(name, one) for one in layer) for layer in layers)


def _licence(case: Case, licence: str | None) -> Iterator[Finding]:
    layers = case.policy.allowed.get("licences", ())
    if not layers:
        return
    if licence is None:
        yield _refused(
            case, "licence", "not known", "/model", "/architecture", verdict="cannot-predict"
        )
    elif not all(
        any(fnmatchcase(licence.lower(), one.lower()) for one in layer) for layer in layers
    ):
        yield _refused(case, "licence", licence, "/model", "/architecture")


def _backend(case: Case, name: str, stated: Deployment) -> Iterator[Finding]:
    verdicts: list[Verdict] = []
    for layer in case.policy.allowed.get("backends", ()):
        ranges = [one.versions for one in map(listed_backend, layer) if one.name == name]
        answers = [admits(one, stated.backend_version) for one in ranges]
        verdicts.append(
            "pass" if True in answers else "cannot-predict" if None in answers else "fail"
        )
    verdict = worst(*verdicts)
    if verdict == "pass":
        return
    version = stated.backend_version or "of no stated version"
    yield _refused(
        case, "backend", f"{name} {version}", "/backend_version", "/backend", verdict=verdict
    )


def _refused(
    case: Case, kind: str, name: str, *pointers: str, verdict: Verdict = "fail"
) -> Finding:
    allowed = f"/limits/allowed_{kind}s"
    known = ", ".join(
        dict.fromkeys(one for layer in case.policy.allowed[f"{kind}s"] for one in layer)
    )
    said = "is not" if verdict == "fail" else "cannot be held against what is"
    return Finding(
        rule=f"{kind}-not-allowed",
        severity="error",
        verdict=verdict,
        message=f"{kind} {name} {said} allowed by the policy: {known}"[:300],
        place=case.deployment.at(*pointers),
        related=case.policy.at(allowed),
        fix="take one that the policy lists, or ask its owner",
        gate="policy",
        subject=kind,
    )


def _required(deployment: Deployment, policy: Policy) -> Iterator[Finding]:
    for environment, pointers in policy.require.items():
        if environment not in ("*", deployment.environment):
            continue
        for pointer in pointers:
            if not states(deployment, pointer):
                name = pointer[1:].replace("/", ".")
                yield Finding(
                    rule="required-field-missing",
                    severity="error",
                    verdict="fail",
                    message=f"the policy requires {name}"
                    + ("" if environment == "*" else f" in {environment}"),
                    place=deployment.place,
                    related=policy.at("/limits/require/" + environment.replace("/", "~1")),
                    fix=f"state {name}",
                    gate="policy",
                    subject=name,
                )


def states(deployment: Deployment, pointer: str) -> bool:
    """Whether the manifest itself states a field, or one below it."""
    return any(
        (at == pointer or at.startswith(f"{pointer}/")) and place.path == deployment.path
        for at, place in deployment.places.items()
    )


def _headroom(case: Case) -> Iterator[Finding]:
    share, memory = case.policy.limits.get("min_vram_headroom"), case.forecast.memory
    usable_gib = memory.usable.value if memory.usable.low is None else memory.usable.low
    if share is None or usable_gib is None or "vram" in case.explained:
        return
    limit = usable_gib * (1 - share)
    needed: Estimate = memory.needed
    verdict = judge(needed, limit, "max")
    if verdict in ("pass", "cannot-predict"):  # vram-unknown says so
        return
    surely = verdict == "fail"
    yield Finding(
        rule="vram-headroom-below-limit",
        severity="error" if surely else "warning",
        verdict=verdict,
        message=(
            f"needs {interval(needed, 'GiB')} per GPU, {'' if surely else 'perhaps '}more than the "
            f"{amount(limit, 'GiB')} that leave {100 * share:.0f} % free"
        ),
        place=case.deployment.at("/serving/max_model_len", "/quant", "/model"),
        related=case.policy.at("/limits/min_vram_headroom"),
        fix="a smaller quant, a shorter max_model_len or a larger GPU",
        gate="policy",
        subject="min_vram_headroom",
        beyond=beyond(needed, limit, "max"),
    )
