"""Device memory of one GPU: what a deployment needs, what there is, and the KV cache it leaves."""

from __future__ import annotations

from capcheck.estimate import Estimate, unknown
from capcheck.predict.coefficients import Coefficients
from capcheck.predict.forecast import Memory
from capcheck.predict.memory.allocate import allocated, grown
from capcheck.predict.memory.budget import budgeted
from capcheck.predict.memory.refit import with_refit
from capcheck.predict.memory.request import MemoryRequest
from capcheck.records import replace
from capcheck.resolution.resolved import Resolved

_MODELS_OF_MEMORY = {"budget": budgeted, "allocate": allocated, "grow": grown}


def memory(resolved: Resolved, coefficients: Coefficients) -> Memory:
    """Predict the memory of the fullest GPU of one engine copy, in GiB.

    What cannot be predicted is an unknown estimate that says which fact is missing. The sum of the
    parts follows the engine's way of taking memory (`BackendSpec.memory_model`).
    """
    request = MemoryRequest.of(resolved, coefficients.section("memory"))
    if isinstance(request, str):
        usable = _usable(resolved)
        return Memory(unknown(request), usable, {}, unknown(request), unknown(request))
    law = with_refit(request.law, request.backend, resolved.gpu, coefficients)
    if law is not request.law:
        request = replace(request, law=law)
    return _MODELS_OF_MEMORY[request.backend.memory_model](request)


def _usable(resolved: Resolved) -> Estimate:
    if resolved.usable_gib is None:
        return unknown("the GPU's memory is not known")
    value = max(0.0, resolved.usable_gib - resolved.reserved_gib)
    return Estimate(value, value, value, "derived", "device memory less what is reserved")
