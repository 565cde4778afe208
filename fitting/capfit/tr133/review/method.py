"""How TR133 got its figures: records, split, search space, and what it compares itself with."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.registry.matches import ModelMatch
from capcheck.registry.tables import load as registry_tables

from capfit.data.score_rows import Tr133Vram
from capfit.data.tables import Data
from capfit.tr133.names import INFERRED_VARIANTS, PRINTED_VARIANTS
from capfit.tr133.planner import SHAPES
from capfit.tr133.review import ours
from capfit.tr133.review.finding import Finding

# SS2.2: total, train, validation.
_COUNTS = (
    (10815, 8649, 2166),
    (42, 37, 5),
    (510, 408, 102),
    (7877, 6298, 1579),
    (420, 336, 84),
    (12, 9, 3),
)


def findings(data: Data) -> Iterator[Finding]:
    """In the order of the report."""
    yield _counts()
    yield Finding(
        "SS2.3",
        "16 names are normalised",
        "five of them",
        f"{len(PRINTED_VARIANTS)} printed, {len(INFERRED_VARIANTS)} inferred by `capfit tr133`",
        "cannot be tested",
        "eleven were not printed; the inferred ones are its models' tags in Ollama",
    )
    yield Finding(
        "SS2.4, SS18.3",
        "a stratified split prevents leakage",
        "prevented",
        "it makes leakage certain",
        "corrected",
        "every configuration has repeats on both sides, so a look-up is tested on what it holds. "
        "Whole models, GPUs or numbers of sequences have to be held out",
    )
    yield _actual(data)
    yield Finding(
        "SS10.1",
        "2 to 3 models x 7 quants x 3 backends x 16 agents",
        "672 to 1008",
        f"{2 * 7 * 3 * 16} to {3 * 7 * 3 * 16}",
        "reproduced",
        "agents are no choice of the deployer: replicas, slots and clients are three things",
    )
    yield Finding(
        "SS15.2",
        "errors of throughput come from the fall-backs; look-ups are exact",
        "",
        "",
        "cannot be tested",
        "the records are not published; a look-up that is exact on its own mean says nothing of "
        "another card, clock or model",
    )
    yield Finding(
        "SS15.4",
        "the planner beats model size alone (R² 0.45) and the backend's mean (0.30)",
        "about 0.45, about 0.30",
        "",
        "cannot be tested",
        "neither baseline's records are published. [accuracy.md](accuracy.md) has baselines that "
        "are fitted to the same training groups as the law beside them",
    )
    yield _registry()


def _counts() -> Finding:
    total, train, held = (sum(column) for column in zip(*_COUNTS, strict=True))
    return Finding(
        "SS2.2",
        "19,676 records, 15,737 for training",
        "19,676 / 15,737 / 3,939",
        f"{total:,} / {train:,} / {held:,}",
        "reproduced",
        "the sums. The records repeat a few dozen configurations (23 for throughput), so a random "
        "split tests on repeats of what it trained on; `capfit tr133` runs the procedure for "
        "whoever "
        "holds the files",
    )


def _actual(data: Data) -> Finding:
    """The column that SS4.3 compares with."""
    models = ("llama3.2-1b", "qwen2.5-1.5b", "phi-2", "llama3.2-3b")
    claimed = {
        row.model: row.claimed_actual_gb
        for row in data.rows(Tr133Vram)
        if row.context_tokens == 2048
    }
    return Finding(
        "SS4.3",
        "actual memory at 2048 tokens",
        ", ".join(f"{model} {claimed[model]:.2f}" for model in models),
        ", ".join(f"{ours.vram_gib(model, 'FP16', 'transformers', 2048):.2f}" for model in models)
        + " GiB",
        "corrected",
        "no published row holds these figures. TR123's allocations at the same context bound the "
        "peak from below; its parts come to less than the claimed values",
    )


def _registry() -> Finding:
    registry = registry_tables()
    found = {name: registry.model(name) for name in SHAPES}
    same = [
        name
        for name, match in found.items()
        if isinstance(match, ModelMatch)
        and abs(match.spec.params_b / SHAPES[name].params_b - 1.0) < 0.01
        and (match.spec.n_layers, match.spec.n_kv_heads, match.spec.head_dim)
        == (SHAPES[name].n_layers, SHAPES[name].n_kv_heads, SHAPES[name].head_dim)
    ]
    return Finding(
        "App. A",
        "parameters, layers, KV heads and head size",
        f"{len(SHAPES)} models with gpt2",
        f"{len(same)} agree with the published configurations",
        "reproduced" if len(same) == len(SHAPES) else "corrected",
        "parameters within 1 %"
        + (
            "" if len(same) == len(SHAPES) else "; not: " + ", ".join(sorted(set(SHAPES) - {*same}))
        ),
    )
