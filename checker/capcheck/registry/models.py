"""Models by registry name, Hugging Face id, Ollama tag, file name or path.

The part of a name that names a quant is read off its end; words that change the training but not
the architecture (instruct, chat, base) are ignored where the full name is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from capcheck.registry.matches import Miss, ModelMatch
from capcheck.registry.names import Vocabulary, key, nearest, spellings, words
from capcheck.registry.quants import Format, QuantNames, named
from capcheck.registry.rows import Row, integer, several, text, yes
from capcheck.registry.specs import ModelSpec

# Words that say how a checkpoint was trained or packed; its architecture is the same without them.
_TRAINING = frozenset(
    (
        *("instruct", "it", "chat", "base", "pt", "hf", "text", "qat", "gguf", "ggml", "mlx"),
        *("imat", "imatrix", "i1", "latest", "abliterated", "uncensored"),
    )
)
_OLLAMA_PREFIX = re.compile(
    r"(?:https?://)?(?:(?:www\.)?ollama\.com/|registry\.ollama\.ai/)?(?:library/)?", re.IGNORECASE
)
_HF_HOST = re.compile(r"(?:https?://)?(?:www\.)?(?:hf\.co|huggingface\.co)/", re.IGNORECASE)
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_FILE = re.compile(r"\.(?:gguf|safetensors|bin)$", re.IGNORECASE)
_LONGEST_QUANT = 6  # words: compressed tensors w4a16 g32 asym rtn


class Known(NamedTuple):
    """What one name stands for; `quant` is set where the name fixes it (`...-FP8` by fbgemm)."""

    name: str
    row: Row
    quant: str | None = None

    @property
    def spec(self) -> ModelSpec | None:
        """Read from the row when asked for: a run asks for few of them."""
        return model_spec(self.row)


class Read(NamedTuple):
    """What was read out of a name; `loose` when its quant may be one of several (`-int4`)."""

    known: Known
    quant: Format | None = None
    loose: bool = False


class Tag(NamedTuple):
    """One Ollama tag, and the quant that it pulls."""

    tag: str
    model: str
    default_quant: str
    assumed: bool


class ModelNames(NamedTuple):
    """`exact` names by their key; `stems` without words of training; `tags` as written."""

    exact: Mapping[str, Known]
    stems: Mapping[str, Known]
    tags: Mapping[str, Tag]
    first_tag: Mapping[str, Tag]  # model name -> its first tag
    valid: Vocabulary


def model_spec(row: Row) -> ModelSpec | None:
    """One row of models.csv, or None without a parameter count.

    A blank `active_params` means that every parameter is read per token.
    """
    params = integer(row["params"])
    if params is None:
        return None
    return ModelSpec(
        name=row["name"],
        params=params,
        active_params=integer(row["active_params"]) or params,
        n_layers=integer(row["n_layers"]),
        hidden_size=integer(row["hidden_size"]),
        n_heads=integer(row["n_heads"]),
        n_kv_heads=integer(row["n_kv_heads"]),
        head_dim=integer(row["head_dim"]),
        vocab_size=integer(row["vocab_size"]),
        intermediate_size=integer(row["intermediate_size"]),
        moe_intermediate_size=integer(row["moe_intermediate_size"]),
        tied_embeddings=yes(row["tied_embeddings"]),
        max_context=integer(row["max_context"]),
        attention=row["attention"],
        sliding_window=integer(row["sliding_window"]),
        n_full_attention_layers=integer(row["n_full_attention_layers"]),
        n_sliding_layers=integer(row["n_sliding_layers"]) or 0,
        mla_kv_lora_rank=integer(row["mla_kv_lora_rank"]),
        mla_rope_dim=integer(row["mla_rope_dim"]),
        n_experts=integer(row["n_experts"]),
        experts_per_token=integer(row["experts_per_token"]),
        native_quant=row["native_quant"],
        kv_bytes_per_token_16bit=integer(row["kv_bytes_per_token_16bit"]),
        family=row["family"],
        licence=text(row["licence"]),
        hf_repo=text(row["hf_repo"]),
        source=row["source"],
    )


def model_names(rows: Iterable[Row], tag_rows: Iterable[Row]) -> ModelNames:
    """The index of every spelling in models.csv and ollama_tags.csv."""
    rows = tuple(rows)
    known = {row["name"]: Known(row["name"], row) for row in rows}
    tags = [
        Tag(
            tag=row["tag"],
            model=row["model"],
            default_quant=row["default_quant"],
            assumed=row["basis"].startswith("assumed"),
        )
        for row in tag_rows
    ]
    spelled = [
        (name, known[row["name"]]._replace(quant=quant))
        for row in rows
        for name, quant in _names(row)
    ]
    # Tags come last: `qwen3:4b-instruct` must not take the name of `qwen3-4b`.
    spelled += [(tag.tag, known[tag.model]) for tag in tags]
    exact: dict[str, Known] = {}
    stems: dict[str, Known] = {}
    for name, entry in spelled:
        name_words = words(name)
        exact.setdefault("".join(name_words), entry)
        stems.setdefault(_stem(name_words), entry)
    return ModelNames(
        exact=exact,
        stems=stems,
        tags={tag.tag.casefold(): tag for tag in tags},
        first_tag={tag.model: tag for tag in reversed(tags)},
        valid=Vocabulary([(name, entry.name) for name, entry in spelled]),
    )


def find_model(text: str, names: ModelNames, quants: QuantNames) -> ModelMatch | Miss:
    """The architecture that a name means, and the quant that the name fixes."""
    for spelling in spellings(text.strip().replace("\\", "/")):
        last = _last_part(spelling)
        is_tag = ":" in last and "gguf" not in words(last) and not _HF_HOST.match(spelling)
        whole = _whole(spelling, last, names, is_tag=is_tag)
        read = Read(whole) if whole else None
        if read is None:
            read = _split(words(last), names, quants, _containers(spelling, is_tag=is_tag))
        if read is None:
            continue
        spec = read.known.spec
        if spec is None:
            reason = f"{read.known.name} is known, but its parameter count is not"
            return Miss("model", text, (), f"{reason}: give `architecture:`")
        if read.quant or read.known.quant:
            return _with_quant(read, spec, last, is_tag=is_tag)
        return _without_quant(read.known.name, spec, names, spelling, is_tag=is_tag)
    return Miss("model", text, nearest(_last_part(text), names.valid))


def _names(row: Row) -> Iterable[tuple[str, str | None]]:
    yield row["name"], None
    yield row["hf_repo"].rpartition("/")[2], None
    for alias in several(row["aliases"]):
        name, _, quant = alias.partition("=")
        yield name, quant or None


def _stem(name_words: tuple[str, ...]) -> str:
    return "".join(word for word in name_words if word not in _TRAINING)


def _tag_of(spelling: str) -> str:
    """An Ollama tag without the registry's address and `:latest`."""
    return _OLLAMA_PREFIX.sub("", spelling.strip(), count=1).casefold().removesuffix(":latest")


def _last_part(spelling: str) -> str:
    """The name in a path, an address or a repository id."""
    cached = re.search(r"models--[^/]*?--([^/]+)", spelling)  # Hugging Face's cache folders
    part = cached[1] if cached else spelling.strip().rstrip("/").rpartition("/")[2]
    part = part.partition("@")[0]
    return _SHARD.sub("", _FILE.sub(".gguf" if part.casefold().endswith(".gguf") else "", part))


def _whole(spelling: str, last: str, names: ModelNames, *, is_tag: bool) -> Known | None:
    """What a whole name means: as an Ollama tag, with its owner, or by itself."""
    tag = names.tags.get(_tag_of(spelling)) if is_tag else None
    if tag:
        return names.exact[key(tag.model)]
    owned = "/".join(spelling.rstrip("/").split("/")[-2:])
    return names.exact.get(key(owned)) or _named(words(last), names)


def _named(name_words: tuple[str, ...], names: ModelNames) -> Known | None:
    return names.exact.get("".join(name_words)) or names.stems.get(_stem(name_words))


def _split(
    name_words: tuple[str, ...],
    names: ModelNames,
    quants: QuantNames,
    containers: tuple[str, ...],
    *,
    repacked: bool = False,
) -> Read | None:
    """The model and the quant in a name: the longest quant at its end that leaves a model."""
    packed = tuple(word for word in name_words if word not in {"gguf", "ggml"})
    for size in range(min(_LONGEST_QUANT, len(packed) - 1), 0, -1):
        ending, rest = "".join(packed[-size:]), packed[:-size]
        quant = named(ending, quants, engine=None, containers=containers)
        if quant is None:
            continue
        known = _named(rest, names)
        if known is None and not repacked:  # ...-AWQ-4bit-Q4_K_M-GGUF: the last one is in force
            inner = _split(rest, names, quants, containers, repacked=True)
            known = inner.known if inner else None
        if known:
            return Read(known, quant, loose=ending not in quants.exact)
    return None


def _containers(spelling: str, *, is_tag: bool) -> tuple[str, ...]:
    """The kinds of weight file that a name may mean, the likeliest first."""
    name_words = words(spelling)
    if "mlx" in name_words:
        return ("mlx", "safetensors")
    if is_tag or "gguf" in name_words:
        return ("gguf",)
    return ("safetensors", "gguf")


def _with_quant(read: Read, spec: ModelSpec, name: str, *, is_tag: bool) -> ModelMatch:
    quant = read.quant.name if read.quant else read.known.quant
    taken = f"{name} is taken to be {quant}: state `quant` to be exact"
    return ModelMatch(
        spec, quant, "ollama tag" if is_tag else "name suffix", taken if read.loose else None
    )


def _without_quant(
    name: str, spec: ModelSpec, names: ModelNames, spelling: str, *, is_tag: bool
) -> ModelMatch:
    """The model, with what Ollama pulls where the name is a bare tag of its library."""
    tag = _tag_of(spelling)
    pulled = names.tags.get(tag) or (names.first_tag.get(name) if is_tag else None)
    if pulled is None:
        several_files = "gguf" in words(spelling) or is_tag
        unknown = f"{spelling} does not say which of its quants: state `quant`"
        return ModelMatch(spec, note=unknown if several_files else None)
    if pulled.model != name:
        other = f"Ollama's tag {tag} is {pulled.model}; {name} is assumed"
        return ModelMatch(spec, note=other)
    kind = "assumed" if pulled.assumed else "registry"
    taken = f"the quant of {tag} is taken to be that of {pulled.tag}"
    return ModelMatch(
        spec,
        pulled.default_quant,
        f"{kind} default of the bare tag",
        None if pulled.tag.casefold() == tag else taken,
    )
