"""SS17.1 to SS17.4: TR133 against the reports it was made from."""

from __future__ import annotations

from collections.abc import Iterator

from capcheck.predict.cost import usd_per_million_tokens

from capfit.data.rows import EnergyCost, Scaling
from capfit.data.tables import Data
from capfit.tr133.artifact import printed
from capfit.tr133.planner import BITS, SHAPES, efficiency
from capfit.tr133.review.finding import Finding, Record, entry


def as_tabulated(serial: float, agents: float) -> float:
    """The other convention, 1 / (1 + s (N - 1)): what SS6.2's table holds."""
    return 1.0 / (1.0 + serial * (agents - 1.0))


def findings(data: Data, record: Record) -> Iterator[Finding]:
    """All four."""
    cost = usd_per_million_tokens(usd_per_hour=0.035, tok_s=398.5)
    yield Finding(
        "SS17.1",
        "cost of GPT-2 compiled: within a factor of two of TR123's $0.013, being conservative",
        "$0.0244 against $0.013 per million tokens",
        f"${cost:.4f}; the two are not the same quantity",
        "corrected",
        f"TR123's ${_tr123(data, 'chat_blend')} blend prompt and output tokens at $0.046 an hour; "
        "for "
        f"output tokens alone it prints ${_tr123(data, 'decode')}, so the planner is lower than "
        "TR123, "
        "not higher",
    )
    formula = printed().vram_gb(SHAPES["llama3.2-3b"], BITS["FP16"], context_tokens=32768)
    peak = entry(record, "VRAM peak, eager attention", "model", "transformers")
    yield Finding(
        "SS17.2",
        "llama3.2-3b at 32K: the quadratic term is doing its job",
        "12.40 GB (12.63 measured)",
        f"{formula:.1f} GB by the printed formula",
        "corrected",
        "no published row measures this cell; the formula is "
        f"{formula / 12.40:.1f} times its own printed figure. Eager attention's scores do grow "
        "with "
        f"the square, per layer, not per model: {peak['mean']:.1f} % MAPE on {peak['n']} peaks "
        "with "
        "the model held out",
    )
    measured = _efficiency(data, "TR129", "llama3.2-3b", "ollama", 8)
    ours = entry(record, "scaling, eta of N agents", "model", "ollama")
    yield Finding(
        "SS17.3",
        "llama3.2-3b on Ollama, 8 agents: Amdahl matches",
        "0.189 (0.16 to 0.18 measured)",
        f"{efficiency(0.387, 8):.3f} by the stated formula, {measured:.3f} measured",
        "corrected",
        "10 % high with a fraction fitted to this very pair; over all pairs and agents "
        f"{ours['baselines']['TR133']['mean']:.1f} % MAPE, R² "
        f"{ours['baselines']['TR133']['r2']:.3f}. "
        f"wall(N) = max(Z + S, N S) from single requests alone: {ours['mean']:.1f} %, "
        f"R² {ours['r2']:.3f}",
    )
    serial = printed().serial["llama3.2-1b", "vllm"]
    stated, other = 137.4 * 8 * efficiency(serial, 8), 137.4 * 8 * as_tabulated(serial, 8)
    total = 8 * _rate(data, "TR130", "llama3.2-1b", "vllm", 8)
    vllm = entry(record, "scaling, eta of N agents", "model", "vllm")
    yield Finding(
        "SS17.4",
        "Amdahl is the wrong category for vLLM: 169 predicted, 559 measured at 8 agents",
        "169.2 tok/s",
        f"{stated:.0f} tok/s by the formula as stated, {total:.0f} measured",
        "corrected",
        f"a slip between two conventions: 1/(1+s(N−1)) gives {other:.0f}. With the stated formula "
        f"and its own fractions the error is {vllm['baselines']['TR133']['mean']:.1f} % MAPE; with "
        f"its default for an unseen model {vllm['baselines']['TR133, model unseen']['mean']:.0f} "
        "%. "
        f"A step that grows by a sum: {vllm['mean']:.1f} %, R² {vllm['r2']:.3f}, model held out",
    )


def _tr123(data: Data, kind: str) -> str:
    """TR123's dollars per million tokens of GPT-2 compiled, over its scenarios."""
    found = [
        row.value
        for row in data.rows(EnergyCost)
        if (row.model, row.metric) == ("gpt2", f"usd_per_million_{kind}") and row.build == "compile"
    ]
    return f"{min(found):.3f} to {max(found):.3f}"


def _row(data: Data, source: str, model: str, backend: str, agents: int) -> Scaling:
    return next(
        row
        for row in data.rows(Scaling)
        if (row.source, row.model, row.backend, row.concurrency) == (source, model, backend, agents)
        and row.efficiency_computed
    )


def _efficiency(data: Data, source: str, model: str, backend: str, agents: int) -> float:
    return _row(data, source, model, backend, agents).efficiency_computed or 0.0


def _rate(data: Data, source: str, model: str, backend: str, agents: int) -> float:
    return _row(data, source, model, backend, agents).per_agent_tok_s or 0.0
