"""Which weight format a deployment runs, whether or not the manifest says it."""

from __future__ import annotations

from capcheck.finding import Finding
from capcheck.manifest.deployment import Deployment
from capcheck.registry.matches import Miss, QuantMatch
from capcheck.registry.specs import BackendSpec, ModelSpec, QuantSpec
from capcheck.registry.tables import Registry
from capcheck.resolution.identify import Identified, Named, stated_at, unknown
from capcheck.resolution.resolved import Origin


def weight_format(
    deployment: Deployment, registry: Registry, named: Named | None, engine: BackendSpec | None
) -> Identified[QuantSpec]:
    """What was stated, else the name says, else the tag pulls on Ollama, else the checkpoint has.

    Findings unknown-quant, missing-quant, ambiguous-quant, quant-contradicts-name.
    """
    if deployment.quant is not None:
        return _stated_quant(deployment, registry, named, engine)
    if blank := deployment.native.blanks.get("/quant"):
        finding = Finding(
            rule="missing-quant",
            severity="error",
            verdict="cannot-predict",
            message=f"quant is open: {blank.reason}",
            place=blank.place,
            fix="set quant, or the variable under vars",
        )
        return Identified(findings=(finding,))
    if named is None:
        return Identified()
    fixed = _fixed_by_name(named, engine)
    if fixed is not None:
        return _unstated_quant(deployment, registry, engine, *fixed)
    if engine is not None and engine.name == "ollama" and named.match is not None:
        return _pulled_quant(deployment, registry, named.spec, engine)
    return _unstated_quant(deployment, registry, engine, named.spec.native_quant, "checkpoint")


def _stated_quant(
    deployment: Deployment, registry: Registry, named: Named | None, engine: BackendSpec | None
) -> Identified[QuantSpec]:
    text, place = deployment.quant or "", deployment.at("/quant")
    match = registry.quant(text, backend=engine.name if engine else None)
    if isinstance(match, Miss):
        fix = "use a name of `capcheck list quants`"
        return Identified(findings=(unknown(deployment, match, "/quant", fix),))
    findings = []
    if match.note:
        findings.append(
            Finding(
                "ambiguous-quant", "note", "pass", match.note, place, f"write {match.spec.name}"
            )
        )
    fixed = _fixed_by_name(named, engine) if named else None
    if fixed is not None and not (named and named.match and named.match.quant_is_ollamas):
        of_name = registry.quant(fixed[0], backend=engine.name if engine else None)
        if isinstance(of_name, QuantMatch) and of_name.spec.name != match.spec.name:
            findings.append(
                Finding(
                    rule="quant-contradicts-name",
                    severity="warning",
                    verdict="pass",
                    message=(
                        f"quant says {match.spec.name}, but the name {deployment.model} says "
                        f"{of_name.spec.name}; {match.spec.name} is assumed"
                    ),
                    place=place,
                    related=deployment.at("/model"),
                    fix=f"remove quant, or write quant: {of_name.spec.name}",
                )
            )
    return Identified(match.spec, stated_at(deployment, "/quant"), tuple(findings))


def _fixed_by_name(named: Named, engine: BackendSpec | None) -> tuple[str, str] | None:
    """The quant in the model's name with its origin; what a bare Ollama tag pulls is Ollama's."""
    match = named.match
    if match is None or match.quant is None:
        return None
    if match.quant_is_ollamas and (engine is None or engine.name != "ollama"):
        return None
    origin = {"ollama tag": "model tag"}.get(match.quant_basis, match.quant_basis)
    return match.quant, f"{origin} ({match.note})" if match.note else origin


def _pulled_quant(
    deployment: Deployment, registry: Registry, spec: ModelSpec, engine: BackendSpec
) -> Identified[QuantSpec]:
    """What Ollama pulls for a model that was not named by a tag."""
    tags = (row for row in registry.rows("ollama_tags") if row["model"] == spec.name)
    pulled = next(tags, None)
    if pulled is None:
        finding = Finding(
            rule="missing-quant",
            severity="error",
            verdict="cannot-predict",
            message=f"which quant Ollama pulls for {spec.name} is not known",
            place=deployment.at("/model"),
            fix="set quant, such as Q4_K_M",
        )
        return Identified(findings=(finding,))
    kind = "assumed default" if pulled["basis"].startswith("assumed") else "default"
    origin = f"{kind} of the tag {pulled['tag']}"
    return _unstated_quant(deployment, registry, engine, pulled["default_quant"], origin)


def _unstated_quant(
    deployment: Deployment,
    registry: Registry,
    engine: BackendSpec | None,
    text: str,
    origin: str,
) -> Identified[QuantSpec]:
    match = registry.quant(text, backend=engine.name if engine else None)
    if isinstance(match, Miss):
        fix = "set quant"
        return Identified(findings=(unknown(deployment, match, "/model", fix),))
    return Identified(match.spec, Origin(origin, False))
