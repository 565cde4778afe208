"""How names are compared: by their words, without case, punctuation, vendor names or remarks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache

# Longer texts are no names; the limit also bounds the work on hostile input.
MAX_LENGTH = 200

_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9][a-z0-9]*)*")
_REMARK = re.compile(r"\([^()]*\)")
_MEMORY = re.compile(r"\b(\d+)[\s-]*(?:gib|gb|g)\b")
_SXM = re.compile(r"sxm\d")
_RUN = re.compile(r"[a-z]+|\d+")

_VENDOR_WORDS = frozenset(
    (
        *("nvidia", "geforce", "tesla", "amd", "radeon", "instinct", "intel", "apple"),
        *("gpu", "graphics", "generation", "lovelace", "edition", "tm", "r"),
    )
)
_GPU_SPELLINGS = {"mobile": "laptop", "notebook": "laptop", "cores": "c", "core": "c"}


def words(text: str) -> tuple[str, ...]:
    """The words of a name: `Llama-3.1-8B.Q4_K_M` is llama, 3.1, 8b, q4, k, m."""
    return tuple(_WORD.findall(text.casefold()))


def key(text: str) -> str:
    """What two spellings of one name have in common: `gpt-oss:20b` and `GPT OSS 20B` agree."""
    return "".join(words(text))


def gpu_key(text: str) -> str:
    """The same for GPUs, where word order and vendor words carry nothing either.

    `NVIDIA A100-SXM4-80GB`, `A100 80 GB SXM` and `a100-80g-sxm` agree.
    """
    folded = _MEMORY.sub(r"\1gb", text.casefold()).replace("max-q", "maxq").replace("max q", "maxq")
    if "sxm" in folded:
        folded = _SXM.sub("sxm", folded)
    runs = (_GPU_SPELLINGS.get(run, run) for run in _RUN.findall(folded))
    return " ".join(sorted(run for run in runs if run not in _VENDOR_WORDS))


def spellings(text: str) -> tuple[str, ...]:
    """A name as written and, where it has remarks in parentheses, without them."""
    if len(text) > MAX_LENGTH:
        return ()
    return tuple(dict.fromkeys((text, _REMARK.sub(" ", text))))


class Vocabulary:
    """Every valid spelling of one kind of thing, prepared for suggestions on the first miss."""

    def __init__(self, spelled: Iterable[tuple[str, str]]) -> None:
        """`spelled` gives pairs of a spelling and the name to show for it."""
        self._spelled = spelled

    @cached_property
    def shown(self) -> Mapping[str, str]:
        """The name to show for each key."""
        return {key(spelling): name for spelling, name in self._spelled}

    @cached_property
    def pairs(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """The adjacent characters of each key."""
        return tuple((spelling, _pairs(spelling)) for spelling in self.shown if spelling)


def nearest(text: str, valid: Vocabulary) -> tuple[str, ...]:
    """At most three names that `text` may have meant, the likeliest first."""
    return () if len(text) > MAX_LENGTH else _nearest(key(text), valid)


@lru_cache(maxsize=4096)
def _nearest(asked: str, valid: Vocabulary) -> tuple[str, ...]:
    from difflib import SequenceMatcher  # only a miss pays for the import

    pairs = _pairs(asked)
    # A cheap likeness picks the few spellings that are worth a precise one.
    rough = sorted(
        (
            (2 * len(pairs & known) / (len(pairs) + len(known)), spelling)
            for spelling, known in valid.pairs
        ),
        reverse=True,
    )
    matcher = SequenceMatcher(b=asked, autojunk=False)
    scored: dict[str, float] = {}
    for likeness, spelling in rough[:15]:
        if likeness < 0.25:
            break
        matcher.set_seq1(spelling)
        name = valid.shown[spelling]
        scored[name] = max(scored.get(name, 0.0), matcher.ratio())
    close = [name for name, ratio in scored.items() if ratio >= 0.65]
    return tuple(sorted(close, key=lambda name: (-scored[name], name))[:3])


def _pairs(text: str) -> frozenset[str]:
    """Adjacent characters; a lone character counts as itself."""
    return frozenset(text[i : i + 2] for i in range(max(1, len(text) - 1)) if text)
