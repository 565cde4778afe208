"""From a stated deployment to specs and settings in force."""

from __future__ import annotations

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.records import replace
from capcheck.registry.matches import BackendMatch, GpuMatch
from capcheck.registry.specs import BackendSpec, Price
from capcheck.registry.tables import Registry
from capcheck.registry.versions import parse, release_in
from capcheck.resolution import identify, native
from capcheck.resolution.choices import parallel_sizes
from capcheck.resolution.engine_settings import Machine, Parts, Settings, settings
from capcheck.resolution.identify import Identified, stated_at
from capcheck.resolution.ignored_settings import ignored
from capcheck.resolution.resolved import Origin, Resolved
from capcheck.resolution.weight_format import weight_format


def resolve(deployment: Deployment, registry: Registry) -> tuple[Resolved, tuple[Finding, ...]]:
    """Look every name up, fill in what was left out, and say what could not be found.

    What is unknown is None in the result and one finding; the rest is resolved all the same. A
    version that the backend's name carries (`vllm 0.11.0`) becomes the deployment's.
    """
    engine = identify.backend(deployment, registry)
    if engine.spec and engine.spec.version and deployment.backend_version is None:
        deployment = replace(deployment, backend_version=engine.spec.version)
    backend = engine.spec.spec if engine.spec else None
    model = identify.model(deployment, registry)
    quant = weight_format(deployment, registry, model.spec, backend)
    gpus = identify.gpu(deployment, registry)
    count, count_origin = _gpus_per_replica(deployment, backend, gpus.spec)
    price: Identified[tuple[Price, ...]] = Identified()
    if not native.has_open_bill(deployment):
        price = identify.price(deployment, registry, gpus.spec, n_gpus=count)
    gpu = gpus.spec.spec if gpus.spec else None
    usable_gib = deployment.vram_gib or (gpu.usable_gib if gpu else None)
    reserved_gib = deployment.reserved_gib or 0.0
    running = Settings(None, {}, tuple(ignored(deployment, backend)) if backend else ())
    if model.spec and backend and gpu and not native.has_open_engine(deployment):
        machine = Machine(gpu, count, usable_gib, reserved_gib)
        version = deployment.backend_version
        parts = Parts(deployment.serving, version, model.spec.spec, quant.spec, backend, machine)
        running = settings(deployment, parts, registry)
    least = max(1, deployment.replicas.min)
    known = {
        "model": model.origin,
        "quant": quant.origin,
        "backend": engine.origin,
        "backend_version": _version_origin(deployment, engine),
        "gpu": gpus.origin,
        "gpus_per_replica": count_origin,
        "replicas": _replicas_origin(deployment, "/replicas/min"),
        "replicas_max": _replicas_origin(deployment, "/replicas/max"),
        "usd_per_gpu_hour": price.origin,
        **running.origins,
    }
    resolved = Resolved(
        deployment=deployment,
        model=model.spec.spec if model.spec else None,
        quant=quant.spec,
        backend=backend,
        gpu=gpu,
        gpu_variants=gpus.spec.variants if gpus.spec else (),
        price=price.spec[0] if price.spec else None,
        price_variants=price.spec or (),
        replicas_min=least,
        replicas_max=max(least, deployment.replicas.max),
        gpus_per_replica=count,
        usable_gib=usable_gib,
        reserved_gib=reserved_gib,
        engine=running.engine,
        origins={name: origin for name, origin in known.items() if origin is not None},
    )
    findings = (
        *model.findings,
        *quant.findings,
        *engine.findings,
        *_unpinned(deployment, backend),
        *gpus.findings,
        *_gpu_facts(deployment, gpus.spec, usable_gib),
        *price.findings,
        *running.findings,
        *native.missing(deployment),
        *native.drift(deployment, registry),
    )
    return resolved, findings


def _gpus_per_replica(
    deployment: Deployment, backend: BackendSpec | None, gpus: GpuMatch | None
) -> tuple[int, Origin]:
    """Stated, else the count in `8x H100`, else what the parallelism asks for.

    A tensor parallel size that the engine does not have still says how many GPUs are meant.
    """
    if deployment.gpus_per_replica is not None:
        return deployment.gpus_per_replica, stated_at(deployment, "/gpus_per_replica")
    if gpus is not None and gpus.count:
        return gpus.count, stated_at(deployment, "/gpu")
    tensor, pipeline, data = parallel_sizes(deployment.serving, None)
    used = parallel_sizes(deployment.serving, backend)
    text = "tensor x pipeline x data parallel size"
    return tensor * pipeline * data, Origin(text, used != (1, 1, 1))


def _version_origin(deployment: Deployment, engine: Identified[BackendMatch]) -> Origin | None:
    if deployment.backend_version is not None:
        return stated_at(deployment, "/backend_version", "/backend")
    release = release_in(engine.spec.spec.version_read) if engine.spec else None
    return Origin(f"not stated: newest known, {release}", False) if release else None


def _replicas_origin(deployment: Deployment, end: str) -> Origin:
    if any(pointer in deployment.places for pointer in (end, "/replicas")):
        return stated_at(deployment, end, "/replicas")
    return Origin("default", False)


def _unpinned(deployment: Deployment, backend: BackendSpec | None) -> tuple[Finding, ...]:
    """`latest` names no release: what will run is not known, and its defaults may differ."""
    version = deployment.backend_version
    if version is None or backend is None or parse(version) is not None:
        return ()
    release = release_in(backend.version_read)
    note = Finding(
        rule="backend-version-unpinned",
        severity="note",
        verdict="pass",
        message=(
            f"{version!r} names no release of {backend.name}; "
            f"the defaults are those of {release or 'the newest one known'}"
        ),
        place=deployment.at("/backend_version"),
        fix=f"set backend_version: {release}" if release else "set a release number",
    )
    return (note,)


def _gpu_facts(
    deployment: Deployment, gpus: GpuMatch | None, usable_gib: float | None
) -> tuple[Finding, ...]:
    """Findings unknown-vram (blocking) and gpu-count-contradicts."""
    if gpus is None:
        return ()
    place = deployment.at("/gpu")
    if usable_gib is None:
        unknown = Finding(
            rule="unknown-vram",
            severity="error",
            verdict="cannot-predict",
            message=f"how much memory {gpus.spec.name} has is not known: {gpus.spec.usable_basis}",
            place=place,
            fix="set vram_gib",
        )
        return (unknown,)
    stated = deployment.gpus_per_replica
    if gpus.count and stated and gpus.count != stated:
        contradiction = Finding(
            rule="gpu-count-contradicts",
            severity="warning",
            verdict="pass",
            message=(
                f"gpu says {gpus.count} GPUs and gpus_per_replica {stated}; {stated} are assumed"
            ),
            place=deployment.at("/gpus_per_replica"),
            related=place,
            fix=f"write gpu: {gpus.spec.name}",
        )
        return (contradiction,)
    return ()
