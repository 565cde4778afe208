"""What an alternative asks for besides an edit: a checkpoint or file of another kind."""

from __future__ import annotations

from capcheck.resolution.resolved import Resolved

# Engines with these make the format from 16-bit weights while loading.
MADE_AT_LOAD = {"FP8": frozenset({"vllm", "sglang"}), "NF4": frozenset({"transformers"})}


def needs(today: Resolved, candidate: Resolved) -> tuple[str, ...]:
    """One sentence fragment per thing that must exist before the edit works."""
    quant, backend = candidate.quant, candidate.backend
    if quant is None or backend is None or candidate.model is None:
        return ()
    if quant == today.quant and candidate.model == today.model:
        return ()
    if backend.name in MADE_AT_LOAD.get(quant.name, frozenset()):
        return ()
    if quant.family == "gguf":
        return (f"a GGUF file of {candidate.model.name} in {quant.name}",)
    if quant.family == "none":
        return ()
    return (f"a checkpoint of {candidate.model.name} quantised as {quant.name}",)
