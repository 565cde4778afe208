"""Own rates and times of one stream: a law's coefficients on one engine and GPU."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from capcheck.estimate import Estimate
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.speed.engine_copy import speed
from capcheck.predict.speed.fitted import fitted
from capcheck.predict.speed.refit import cell_name, class_name
from capcheck.predict.speed.traits import Traits, traits_of
from capcheck.resolution.resolved import Resolved

from capfit.refit.measurement import Measurement, Prior
from capfit.refit.rows import Own
from capfit.speed.covariance import MOVED, class_key
from capfit.speed.forms import PRIORS, SCALE

# The kinds of trait that tell one GPU from another; an engine's own overhead varies by engine.
_KINDS = ("arch", "host-arch", "gpu")
_NOISE = {"decode": SCALE["step"], "prefill": SCALE["prefill"]}


def measurement(row: Own, resolved: Resolved, coefficients: Coefficients) -> Measurement | None:
    """The row as a time of one stream in ms; None where the checker has no law for it."""
    traits = traits_of(resolved, coefficients.section("engines"))
    if traits is None or resolved.model is None:
        return None
    section = row.section
    prompt, output = row.prompt_tokens or 1.0, row.output_tokens or 0.0

    def predicted_ms(candidate: Coefficients) -> float:
        found = speed(resolved, candidate)
        if isinstance(found, Estimate):
            return float("nan")
        if section == "prefill":
            return found.prefill_ms(tokens=prompt)
        return found.step_ms(sequences=1.0, context_tokens=prompt + output / 2)

    def values(candidate: Coefficients) -> Mapping[str, float]:
        found = fitted(traits, candidate)
        return {name: getattr(found, name) for name in MOVED[section]}

    return Measurement(
        row=row,
        resolved=resolved,
        section=section,
        touched=class_name(section, traits),
        cell=cell_name(resolved.model.name, traits),
        measured=1e3 / row.value if section == "decode" else row.value,
        predicted=predicted_ms,
        prior=_prior(section, traits, coefficients),
        noise=_NOISE[section],
        values=values,
        figure="the time",
    )


def _prior(section: str, traits: Traits, coefficients: Coefficients) -> Prior:
    """What the fit leaves open of a new card, and how far one machine may lie from others.

    The former is the fit's covariance for engine and architecture, the latter as wide as it lets
    one GPU and architecture differ (`speed.forms.PRIORS`), the coefficients independent.
    """
    deviations = []
    for name in MOVED[section]:
        spread = PRIORS[name][1]
        kinds = [spread[kind] for kind in _KINDS if kind in spread] or [spread["engine"]]
        deviations.append(float(np.hypot.reduce(kinds)))
    covariance = np.diag(np.square(deviations))
    known = coefficients.section(section).get("prior_covariance", {}).get(class_key(traits))
    return Prior(MOVED[section], covariance if known is None else covariance + np.array(known))
