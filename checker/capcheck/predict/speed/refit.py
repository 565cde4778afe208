"""The classes of a user's own rates and times: a law on one engine, platform and GPU."""

from __future__ import annotations

from capcheck.predict.coefficients import Coefficients
from capcheck.predict.refits import Refit, refit_named
from capcheck.predict.speed.traits import Traits


def class_name(section: str, traits: Traits) -> str:
    """The class of a law on an engine, platform and GPU: `decode vllm/cuda RTX 4090 24GB`."""
    return f"{section} {traits.host} {traits.gpu}"


def refit_of(coefficients: Coefficients, section: str, traits: Traits) -> Refit | None:
    """The refit of a configuration's class, None where the user measured nothing of it."""
    if "refit" not in coefficients.sections:
        return None
    return refit_named(coefficients, class_name(section, traits))


def cell_name(model: str, traits: Traits) -> str:
    """A model and its kernel, as a refit lists them."""
    return f"{model} {traits.kernel}"
