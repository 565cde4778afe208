"""Model names of the raw files to TR133's canonical names, and the quant in them."""

from __future__ import annotations

import re

_QUANT = re.compile(r"[-_:](q[2-8]_(?:k(?:_[sml])?|[01])|fp16|f16)$", re.IGNORECASE)

# TR133 SS2.3 prints five of its sixteen variants.
PRINTED_VARIANTS = {
    "llama3.2:1b-instruct": "llama3.2-1b",
    "llama-3.2-1b": "llama3.2-1b",
    "qwen2.5:1.5b-instruct": "qwen2.5-1.5b",
    "phi:2.7b-chat-v2": "phi-2",
    "llama3.1:8b-instruct": "llama3.1-8b",
}
# The other eleven are inferred from the models of its Appendix A and the tags they have in Ollama.
INFERRED_VARIANTS = {
    "llama3.2:1b": "llama3.2-1b",
    "llama3.2:3b": "llama3.2-3b",
    "llama3.2:3b-instruct": "llama3.2-3b",
    "llama-3.2-3b": "llama3.2-3b",
    "qwen2.5:0.5b": "qwen2.5-0.5b",
    "qwen2.5:1.5b": "qwen2.5-1.5b",
    "qwen2.5:3b": "qwen2.5-3b",
    "qwen2.5-1.5b-instruct": "qwen2.5-1.5b",
    "phi:2.7b": "phi-2",
    "phi2": "phi-2",
    "llama3.1:8b": "llama3.1-8b",
}
_VARIANTS = PRINTED_VARIANTS | INFERRED_VARIANTS


def model_name(raw: str) -> str:
    """The canonical name, or the raw one in lower case without its quant where it is no variant."""
    bare = _QUANT.sub("", raw.strip()).casefold()
    return _VARIANTS.get(bare, bare)


def quant_name(raw: str) -> str:
    """The quant at the end of a name, FP16 without one: so TR133 mislabels bare Ollama tags."""
    found = _QUANT.search(raw.strip())
    name = found[1].upper() if found else "FP16"
    return "FP16" if name == "F16" else name
