"""Which cells say how long a decode step or a prefill takes, and under which load."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from capcheck.predict.footprint.kv_cache import bytes_of_context
from capcheck.predict.footprint.weights import loaded_bytes, read_bytes
from capcheck.predict.speed.kernels import ceiling
from capcheck.predict.speed.traits import Traits
from capcheck.registry.specs import GpuSpec, ModelSpec, QuantSpec

from capfit.data.cells import Cell
from capfit.data.launch import slots_of
from capfit.data.protocol import protocol_of
from capfit.data.setting import Setting
from capfit.speed.running import cache_bytes_per_element, ranks_of, traits
from capfit.speed.usable import GIB, fits, usable

Kind = Literal["step", "prefill", "tpot", "ttft", "static"]

_STREAM_METRICS = ("decode_tok_s", "tpot_ms_mean", "output_tok_s_e2e", "e2e_ms_mean")

# Its rates are output tokens over wall time: HTTP, the host's delay and the prompt are in them.
_WALL_RATES = frozenset({"TR127"})

# Concurrency of these rows of one source contradicts its others at the same load: several workers
# of the load generator are counted as one.
_SEVERAL_WORKERS = {("aic_silicon", 4000.0), ("aic_silicon", 15000.0)}

# Releases that one collection ran with speculative decoding only, which its table does not say.
# SOURCE: InferenceMAX's configurations give DeepSeek-R1 the image 1.2.0rc6.post2, and post3 where
# it drafts tokens (MTP); the rows show it: four clients get 1.9 times the rate, 256 get 1.25.
_SPECULATIVE = {("aic_silicon", "1.2.0rc6.post3")}


@dataclass(frozen=True, slots=True)
class Point:
    """One time in ms that the laws explain.

    `step` is a decode step of `sequences` sequences at a mean context, `prefill` one prompt alone,
    `static` a whole batch from prompt to last token; `tpot` and `ttft` are means over a closed loop
    of `sequences` clients.
    """

    kind: Kind
    cell: Cell
    traits: Traits
    sequences: float
    prompt: float
    output: float
    context: float
    ms: float

    @property
    def model(self) -> ModelSpec:
        """The model."""
        return self.cell.setting.model

    @property
    def quant(self) -> QuantSpec:
        """The weight format."""
        return self.cell.setting.quant

    @property
    def gpu(self) -> GpuSpec:
        """The GPU."""
        return self.cell.setting.gpu

    @property
    def source(self) -> str:
        """Who measured it."""
        return self.cell.setting.source

    @property
    def ranks(self) -> int:
        """GPUs that share each layer."""
        return self.traits.tensor_parallel_size

    @property
    def cache_bytes_per_element(self) -> float:
        """Bytes of one element of the KV cache."""
        return cache_bytes_per_element(self.cell.setting)

    @property
    def sweep(self) -> tuple[object, ...]:
        """Points of one sweep are near-duplicates: they share their say."""
        setting = self.cell.setting
        return (self.kind, self.source, self.traits, setting.model_group, setting.n_gpus)


def points(cells: Iterable[Cell]) -> list[Point]:
    """Every time that the cells of the decode, prefill and serving tables tell."""
    cells = list(cells)
    rates = {_where(c) for c in cells if c.metric == "prefill_tok_s"}
    alike: dict[tuple[object, ...], list[Point]] = {}
    for cell in cells:
        point = _point(cell, rates) if usable(cell) else None
        if point is not None:
            alike.setdefault(_but_build(point), []).append(point)
    return [_median(found) for found in alike.values()]


def _but_build(point: Point) -> tuple[object, ...]:
    """A deployment does not say with which libraries its engine was built, nor its commit."""
    setting = point.cell.setting
    conditions = [(name, value) for name, value in setting.conditions if name != "build"]
    size = (setting.n_gpus, point.sequences, point.prompt, point.output, point.context)
    version = "" if point.traits.engine == "llama.cpp" else setting.version
    where = (setting.session, setting.backend.name, version, point.traits)
    what = (point.model.name, point.quant.name, point.kind, *sorted(map(str, conditions)))
    return (*where, *what, *size)


def _median(alike: list[Point]) -> Point:
    return replace(alike[0], ms=statistics.median(p.ms for p in alike))


def _point(cell: Cell, rates: set[tuple[object, ...]]) -> Point | None:
    setting = cell.setting
    if setting.arrival == "single":
        if cell.metric in _STREAM_METRICS:
            return _stream(cell)
        return _prompt(cell, rates)
    if setting.arrival in {"closed", "static"}:
        return _served(cell)
    return None


def _make(kind: Kind, cell: Cell, ms: float, *, sequences: float, context: float) -> Point:
    setting = cell.setting
    share = protocol_of(setting).length_share if setting.arrival == "closed" else 1.0
    return Point(
        kind=kind,
        cell=cell,
        traits=traits(cell, ranks=ranks_of(setting)),
        sequences=sequences,
        prompt=share * (setting.prompt_tokens or 0.0),
        output=share * (setting.output_tokens or 0.0),
        context=share * context,
        ms=ms,
    )


def _context(setting: Setting) -> float:
    context = (setting.prompt_tokens or 0.0) + (setting.output_tokens or 0.0) / 2
    shifting = str(setting.condition("protocol") or "").startswith("n_ctx=512")
    return min(context, 512.0) if shifting else context


def _stream(cell: Cell) -> Point | None:
    setting = cell.setting
    if not fits(setting, 1.0):
        return None
    wall = cell.metric == "output_tok_s_e2e" or setting.source in _WALL_RATES
    if cell.metric == "decode_tok_s" and not wall:
        ms = 1e3 / cell.value
    elif cell.metric == "tpot_ms_mean":
        ms = cell.value
    else:
        output = setting.output_tokens or 0.0
        if cell.metric == "e2e_ms_mean" and setting.source == "argonne":
            return None  # the same runs as its rates
        total = output / cell.value * 1e3 if wall else cell.value
        prefill = _prefill_guess_ms(setting)
        if output < 256 or prefill > 0.1 * total:
            return None  # start-up or prefill would be a large part
        ms = (total - prefill) / output
    point = _make("step", cell, ms, sequences=1.0, context=_context(setting))
    return point if _bandwidth_share(point) <= 1.0 else None


def _prompt(cell: Cell, rates: set[tuple[object, ...]]) -> Point | None:
    setting = cell.setting
    tokens = setting.prompt_tokens or 0.0
    if tokens < 16 or not fits(setting, 1.0) or "GEMV" in _notes(cell):
        return None
    if setting.engine_family == "llama.cpp" and setting.n_gpus > 1:
        return None
    if cell.metric == "prefill_tok_s":
        ms = tokens / cell.value * 1e3
    elif cell.metric == "prefill_ms" or (
        cell.metric in {"ttft_ms_mean", "ttft_ms_p50"} and _where(cell) not in rates
    ):
        ms = cell.value
    else:
        return None
    point = _make("prefill", cell, ms, sequences=1.0, context=0.0)
    peak = (setting.gpu.fp16_tflops or 0.0) * 1e9 * ceiling(point.traits) * point.ranks
    return point if 2 * setting.model.active_params * tokens <= ms * peak else None


def _served(cell: Cell, most: float = 256.0) -> Point | None:
    setting = cell.setting
    n, source = float(min(setting.concurrency or 0, slots_of(setting) or math.inf)), setting.source
    if not 2 <= n <= most or not fits(setting, n):
        return None
    if setting.platform == "hpu" or setting.condition("sharding") == "data":
        return None
    if (source, setting.prompt_tokens) in _SEVERAL_WORKERS:
        return None
    if (source, setting.version) in _SPECULATIVE:
        return None
    context = _context(setting)
    if cell.metric == "tpot_ms_mean":
        return _make("tpot", cell, cell.value, sequences=n, context=context)
    if cell.metric == "ttft_ms_mean" and setting.arrival == "closed":
        return _make("ttft", cell, cell.value, sequences=n, context=context)
    if cell.metric == "itl_ms_p50" and setting.n_gpus == ranks_of(setting):
        return _make("step", cell, cell.value, sequences=n, context=context)
    if cell.metric == "batch_decode_tok_s":
        return _make("step", cell, n / cell.value * 1e3, sequences=n, context=context)
    if cell.metric == "total_output_tok_s" and setting.arrival == "static":
        output = setting.output_tokens or 0.0
        if output >= 128 and (setting.prompt_tokens or 0.0) >= 16:
            return _make(
                "static", cell, n * output / cell.value * 1e3, sequences=n, context=context
            )
    return None


def _prefill_guess_ms(setting: Setting) -> float:
    model, prompt = setting.model, setting.prompt_tokens or 0.0
    width = (model.n_heads or 0) * (model.head_dim or 0)
    flops = 2 * model.active_params * prompt + 2 * (model.n_layers or 0) * width * prompt**2
    return flops / ((setting.gpu.fp16_tflops or 0.0) * 1e9 * 0.4 * ranks_of(setting))


def _bandwidth_share(point: Point) -> float:
    element = point.cache_bytes_per_element
    cache = bytes_of_context(point.model, tokens=point.context, bytes_per_element=element) or 0.0
    read = weight_bytes(point) + cache
    return read / ((point.gpu.bandwidth_gb_s or 0.0) * 1e6 * point.ranks) / point.ms


def weight_bytes(point: Point) -> float:
    """Bytes of weights that a step reads; a GGUF's stated file size wins over the mix rules."""
    read = read_bytes(point.model, point.quant, sequences=point.sequences)
    stated = getattr(point.cell.rows[0], "weight_gib", None)
    if stated and point.traits.engine == "llama.cpp":
        ratio = float(stated) * GIB / loaded_bytes(point.model, point.quant)
        if 0.8 < ratio < 1.2:
            return read * ratio
    return read


def _where(cell: Cell) -> tuple[object, ...]:
    s = cell.setting
    return (s.source, s.model_group, s.quant.name, s.gpu.name, s.n_gpus, s.version, s.prompt_tokens)


def _notes(cell: Cell) -> str:
    return " ".join(str(getattr(row, "notes", None) or "") for row in cell.rows)
