"""Sample reports, one per thing that output can show; built from the report's own dataclasses."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import TypeVar

import pytest
from capcheck.edit.change import Change
from capcheck.errors import Problem
from capcheck.estimate import Estimate, Provenance, exact, unknown
from capcheck.finding import Finding, Gate, Severity, Verdict, worst
from capcheck.manifest.deployment import Deployment, Replicas, Tokens, Traffic
from capcheck.place import Place
from capcheck.predict.forecast import Cost, Distribution, Forecast, Load, Memory, Quality, Safety
from capcheck.registry.specs import BackendSpec, GpuSpec, ModelSpec, Price, QuantSpec
from capcheck.report.model import DeploymentReport, Report
from capcheck.resolution.resolved import Engine, Origin, Resolved
from capcheck.search.alternative import Alternative, Edit

Spec = TypeVar("Spec", ModelSpec, QuantSpec, BackendSpec, GpuSpec, Price, Engine)

DATA = {"coefficients": "2026-08-02", "prices": "2026-08-15", "registry": "2026-08-15"}
PATH = "deploy/chat.yaml"


def sparse(kind: type[Spec], **known: object) -> Spec:
    """A registry row of which a report only shows these fields."""
    return kind(**{field.name: known.get(field.name) for field in fields(kind)})


MODEL = sparse(ModelSpec, name="llama3.1-8b")
QUANT = sparse(QuantSpec, name="BF16")
BACKEND = sparse(BackendSpec, name="vllm")
GPU = sparse(GpuSpec, name="L4 24GB")
PRICE = sparse(Price, usd_per_hour=0.7068, n_gpus=1)
ENGINE = sparse(Engine, max_model_len=8192, max_num_seqs=256, enforce_eager=False)
SUPPORTED = Gate("support", "pass", None, None, None, "", None, "support")


def about(value: float, spread: float = 0.1, provenance: Provenance = "interpolated") -> Estimate:
    return Estimate(value, value * (1 - spread), value * (1 + spread), provenance, "fitted law")


def latency(p95: Estimate) -> Distribution:
    def scaled(factor: float) -> Estimate:
        bounds = (None if it is None else factor * it for it in (p95.value, p95.low, p95.high))
        return Estimate(*bounds, p95.provenance, p95.basis)

    return Distribution(scaled(0.5), scaled(0.45), scaled(0.85), p95, scaled(1.4))


def forecast(
    *,
    vram: Estimate | None = None,
    p95: Estimate | None = None,
    score: Estimate | None = None,
    usd: Estimate | None = None,
) -> Forecast:
    p95 = p95 or about(7600.0)
    return Forecast(
        memory=Memory(
            needed=vram or about(17.4, 0.02, "derived"),
            usable=exact(20.2, "L4 24GB, 0.92 of 22.0 GiB"),
            parts={"weights": 14.96, "kv_cache": 1.0, "activation_peak": 1.0, "other": 0.44},
            kv_cache_tokens=about(31_000.0, 0.08),
            max_concurrent_sequences=about(3.8, 0.08),
        ),
        decode_tok_s=about(17.2, 0.08, "measured"),
        prefill_tok_s=about(3400.0, 0.3),
        load=Load(
            throughput_tok_s=exact(88.0, "0.4 requests/s × 220 tokens"),
            capacity_tok_s=about(310.0, 0.2, "extrapolated"),
            saturation_rps=about(1.41, 0.2, "extrapolated"),
            utilisation=about(0.284, 0.2),
            ttft_ms=latency(about(620.0, 0.2)),
            tpot_ms=latency(about(61.0, 0.1)),
            latency_ms=latency(p95),
            queue_wait_ms=latency(about(11.0, 0.5)),
        ),
        quality=Quality(
            score=score or Estimate(0.684, 0.64, 0.728, "measured", "MMLU, 485 items"),
            reference=exact(0.684, "its own BF16", "measured"),
            drop=exact(0.0, "unquantised"),
            benchmark="mmlu",
            tier="negligible",
            n_items=485,
        ),
        safety=Safety(unknown("not measured"), unknown("not measured")),
        cost=Cost(
            usd_month=usd or exact(1031.93, "acme g6.xlarge, 2026-08-15"),
            usd_month_max=usd or exact(1031.93, "acme g6.xlarge, 2026-08-15"),
            usd_per_million_tokens=about(4.46, 0.05),
            usd_per_million_tokens_at_capacity=about(1.27, 0.2),
        ),
    )


# Label, unit, sense; lines below the name, and span. The VRAM gate points at the cause.
GATES = {
    "vram": ("VRAM per GPU", "GiB", "max", 2, (12, 16)),
    "latency": ("p95 latency", "ms", "max", 9, (20, 22)),
    "quality": ("mmlu", "", "min", 10, (20, 22)),
    "budget": ("cost", "$/month", "max", 11, (20, 22)),
}


def gate(
    name: str,
    estimate: Estimate,
    limit: float,
    verdict: Verdict,
    *,
    path: str = PATH,
    line: int = 3,
) -> Gate:
    label, unit, sense, below, span = GATES[name]
    return Gate(
        name, verdict, estimate, limit, sense, unit, Place(path, line + below, *span), label
    )


def resolved(name: str, *, path: str = PATH, line: int = 3) -> Resolved:
    stated = ("model", "quant", "backend", "gpu", "replicas_max", "replicas", "max_model_len")
    return Resolved(
        deployment=Deployment(
            name=name,
            path=path,
            place=Place(path, line, 3, 3 + len(name)),
            model="meta-llama/Llama-3.1-8B-Instruct",
            quant="bf16",
            backend="vllm",
            gpu="nvidia-l4",
            replicas=Replicas(2, 2),
            traffic=Traffic(
                requests_per_second=0.4, prompt_tokens=Tokens(512), output_tokens=Tokens(220)
            ),
            places={"/traffic/requests_per_second": Place(path, line + 6, 36, 39)},
        ),
        model=MODEL,
        quant=QUANT,
        backend=BACKEND,
        gpu=GPU,
        gpu_variants=(GPU,),
        price=PRICE,
        price_variants=(PRICE,),
        replicas_min=2,
        replicas_max=2,
        gpus_per_replica=1,
        usable_gib=22.0,
        reserved_gib=0.0,
        engine=ENGINE,
        origins={
            **{key: Origin(f"{path}:{line + below}", True) for below, key in enumerate(stated, 1)},
            "gpus_per_replica": Origin("tensor x pipeline x data parallel size", False),
            "usd_per_gpu_hour": Origin("acme g6.xlarge, 2026-08-15", False),
            "max_num_seqs": Origin("default of vllm 0.11", False),
        },
    )


def report(
    name: str = "chat-prod",
    *,
    predicted: Forecast | None = None,
    gates: Mapping[str, tuple[float, Verdict]] | None = None,
    findings: tuple[Finding, ...] = (),
    path: str = PATH,
    line: int = 3,
) -> DeploymentReport:
    """`gates` maps a gate to its limit and verdict; VRAM passes unless it says otherwise."""
    predicted = predicted or forecast()
    estimates = {
        "vram": predicted.memory.needed,
        "latency": predicted.load.latency_ms.p95,
        "quality": predicted.quality.score,
        "budget": predicted.cost.usd_month,
    }
    judged = {"vram": (20.2, "pass"), **(gates or {})}
    built = {
        key: gate(key, estimates[key], limit, verdict, path=path, line=line)
        for key, (limit, verdict) in judged.items()
    }
    return DeploymentReport(
        resolved=resolved(name, path=path, line=line),
        forecast=predicted,
        gates={"support": SUPPORTED, **built},
        findings=findings,
        verdict=worst(*(entry.verdict for entry in built.values())),
    )


def finding(
    rule: str,
    verdict: Verdict,
    message: str,
    *,
    line: int,
    span: tuple[int, int] = (12, 16),
    limit_line: int | None = None,
    severity: Severity = "error",
    fix: str | None = None,
    path: str = PATH,
) -> Finding:
    related = None if limit_line is None else Place(path, limit_line, 20, 22)
    return Finding(rule, severity, verdict, message, Place(path, line, *span), fix, related)


def run(*deployments: DeploymentReport, problems: tuple[Problem, ...] = ()) -> Report:
    files = {entry.resolved.deployment.path for entry in deployments}
    files |= {problem.place.path for problem in problems}
    return Report(deployments, problems, len(files), ("fail", "cannot-predict"), None, DATA)


def alternative(usd: float | None, saving: float | None, *edits: Edit) -> Alternative:
    predicted = forecast(
        vram=about(10.8, 0.03, "derived"), p95=about(4300.0), usd=exact(usd or 0.0, "acme")
    )
    fits = gate("vram", predicted.memory.needed, 20.2, "pass")
    return Alternative(
        edits, "pass", resolved("chat-prod"), predicted, (SUPPORTED, fits), usd, saving
    )


FP8 = Edit("/deployments/chat-prod/quant", "fp8", "bf16")
ONE_REPLICA = Edit("/deployments/chat-prod/replicas", 1, 2)

SLOW = "p95 latency 14.0 s (12.6–15.6) exceeds 9.00 s"
LATE = finding(
    "latency-over-limit", "fail", SLOW, line=5, limit_line=12, fix="more replicas or a faster GPU"
)


def passing(name: str = "chat-prod", **where: str | int) -> DeploymentReport:
    limits = {"latency": (9000.0, "pass"), "quality": (0.6, "pass"), "budget": (1200.0, "pass")}
    return report(name, gates=limits, **where)


def too_big() -> DeploymentReport:
    text = "needs 24.1 GiB (23.6–24.6) per GPU, more than the 20.2 GiB usable (weights 15.0 GiB)"
    big = finding("vram-does-not-fit", "fail", text, line=5, limit_line=7, fix="a smaller quant")
    late = replace(about(9100.0, provenance="extrapolated"), basis="fitted on smaller models")
    return report(
        predicted=forecast(vram=about(24.1, 0.02, "derived"), p95=late),
        gates={"vram": (20.2, "fail")},
        findings=(big,),
    )


def too_late(name: str = "chat-prod", **where: str | int) -> DeploymentReport:
    slow = forecast(p95=Estimate(14031.7, 12600.0, 15600.0, "interpolated", "fitted law"))
    return report(
        name, predicted=slow, gates={"latency": (9000.0, "fail")}, findings=(LATE,), **where
    )


def borderline() -> DeploymentReport:
    text = "p95 latency 8.60 s (7.70–9.60) may exceed 9.00 s"
    near = finding(
        "latency-over-limit", "borderline", text, line=12, span=(20, 22), severity="warning"
    )
    slow = forecast(p95=Estimate(8600.0, 7700.0, 9600.0, "interpolated", "fitted law"))
    return report(predicted=slow, gates={"latency": (9000.0, "borderline")}, findings=(near,))


def unpredictable(name: str = "search-embed") -> DeploymentReport:
    why = "no calibration for tei on L4 24GB"
    nothing = unknown(why)
    missing = finding(
        "not-calibrated", "cannot-predict", f"p95 latency cannot be predicted: {why}", line=29
    )
    entry = report(
        name,
        predicted=forecast(p95=nothing, usd=nothing, score=nothing),
        gates={"latency": (300.0, "cannot-predict")},
        findings=(replace(missing, gate="latency"),),
        line=20,
    )
    return replace(entry, resolved=replace(entry.resolved, model=None, engine=None, price=None))


def unstable() -> DeploymentReport:
    text = "the queue grows without end at 4.00 requests/s; 1.41 requests/s saturate it"
    grows = finding("queue-unstable", "fail", text, line=9, limit_line=12, fix="more replicas")
    endless = forecast(p95=unknown("unstable: 4 requests/s, 1.41 at most"))
    return report(predicted=endless, gates={"latency": (9000.0, "fail")}, findings=(grows,))


def with_ways() -> DeploymentReport:
    awq = Edit("/deployments/chat-prod/quant", "awq-int4", "bf16")
    small = replace(
        alternative(515.97, 515.96, awq, ONE_REPLICA),
        needs=("an AWQ checkpoint",),
        changes=(
            Change(117, 121, "awq-int4", line=5, column=12, end_line=5, end_column=16),
            Change(181, 182, "1", line=8, column=15, end_line=8, end_column=16),
        ),
    )
    light = replace(alternative(1031.93, 0.0, FP8), refused="quant is the anchor &q")
    return replace(too_late(), alternatives=(small, light))


def cheaper() -> DeploymentReport:
    return replace(passing(), alternatives=(alternative(515.97, 515.96, FP8, ONE_REPLICA),))


def hopeless() -> DeploymentReport:
    miss = replace(
        alternative(1547.9, -515.97, Edit("/deployments/chat-prod/replicas", 3, 2)),
        verdict="fail",
        binding="p95 latency 9.10 s, 0.10 s over 9.00 s",
    )
    why = "nothing passes: p95 latency is over its limit everywhere, at best by 0.10 s"
    return replace(too_late(), near_misses=(miss,), nothing_passes=why)


EVIL = (
    "a|b`c`<img src=x>[x](https://evil.example)\n::error::pwned\r\n@everyone #1 $x$ **b** "
    "\x1b[31mred\x1b[0m \u202egnp.exe ##[error]x \ud800 漢字 \\ www.evil.example " + "x" * 300
)


def hostile() -> DeploymentReport:
    """Everything that a pull request can choose, chosen badly; the path included."""
    path = "::error::dir/a|b,c%\n`d`.yaml"
    bad = finding(
        "model-unknown", "cannot-predict", f"model {EVIL} is unknown", line=4, path=path, fix=EVIL
    )
    remark = finding(
        "gpu-ambiguous", "pass", f"{EVIL} may be two", line=6, severity="note", path=path
    )
    entry = report(
        EVIL,
        predicted=forecast(p95=unknown(f"no {EVIL}")),
        gates={"latency": (9000.0, "cannot-predict")},
        findings=(bad, remark),
        path=path,
    )
    stated = replace(entry.resolved.deployment, model=EVIL, gpu=EVIL)
    edit = Edit(f"/deployments/{EVIL.replace('/', '~1')}/quant", EVIL, None)
    return replace(
        entry,
        resolved=replace(entry.resolved, deployment=stated, model=None, gpu=None),
        alternatives=(alternative(100.0, 1.0, edit),),
    )


BROKEN = (
    Problem(
        "unknown-key",
        Place("deploy/broken.yaml", 9, 3, 17),
        "'p95_latency_ms'",
        "one of latency_p50, latency_p95",
        "latency_p95",
    ),
    Problem("bad-duration", Place("deploy/broken.yaml", 12, 16, 17), "3", "a duration such as 3s"),
)


def mixed() -> Report:
    remark = finding("many-replicas", "pass", "9 replicas", line=8, severity="warning")
    note = finding("gpu-ambiguous", "pass", "L4 may be two products", line=7, severity="note")
    quiet = replace(passing("batch-summarise", line=40), findings=(remark, note))
    others = (passing(f"team-{index}", line=50 + 10 * index) for index in range(2))
    return run(quiet, with_ways(), unpredictable(), *others)


SAMPLES: dict[str, Callable[[], Report]] = {
    "pass": lambda: run(passing()),
    "fail-vram": lambda: run(too_big()),
    "fail-latency": lambda: run(too_late()),
    "borderline": lambda: run(borderline()),
    "cannot-predict": lambda: run(unpredictable()),
    "unstable": lambda: run(unstable()),
    "ways-to-pass": lambda: run(with_ways()),
    "cheaper": lambda: run(cheaper()),
    "nothing-passes": lambda: run(hopeless()),
    "mixed": mixed,
    "bad-input": lambda: run(passing(), problems=BROKEN),
    "hostile": lambda: run(hostile()),
    "empty": run,
}


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each sample report in turn, with its name."""
    return request.param, SAMPLES[request.param]()


@pytest.fixture(scope="session")
def samples() -> dict[str, Callable[[], Report]]:
    """All sample reports, by name."""
    return SAMPLES


@pytest.fixture
def huge() -> Report:
    """A thousand deployments: every tenth fails, has a way out, and 30 remarks spread over all."""
    deployments = [
        replace(with_ways(), resolved=resolved(f"team-{index}", line=10 * index + 3))
        if index % 10 == 0
        else passing(f"team-{index}", line=10 * index + 3)
        for index in range(1000)
    ]
    return run(*deployments)
