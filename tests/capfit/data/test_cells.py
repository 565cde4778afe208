from collections import Counter
from dataclasses import replace

import pytest
from capfit.data.cells import cells
from capfit.data.names import Names
from capfit.data.rows import Decode, LatencyLoad, Memory, Scaling, Startup
from capfit.data.tables import Data

from .conftest import decode, memory


def test_repeats_are_one_cell(names: Names):
    rows = [decode(rate, n_samples=5, location=f"row {rate}") for rate in (50.0, 54.0, 51.0)]
    (cell,) = cells(rows, names).kept
    assert (cell.value, cell.n_samples, len(cell.rows)) == (51.0, 15, 3)
    assert cell.setting.session == "TR000"


@pytest.mark.parametrize(
    "other",
    [
        {"session": "high-clock"},  # ground rule 5: clock states never mix
        {"source": "TR001"},
        {"quant": "Q8_0"},
        {"backend_version": "0.5"},
        {"prompt_tokens": 512.0},
        {"output_tokens": 64.0},
        {"concurrency": 2},
        {"flash_attention": True},
        {"kv_cache_dtype": "fp8"},
        {"power_limit_w": 220.0},
        {"build": "rocwmma"},
        {"metric": "output_tok_s_e2e"},
        {"gpu": "RTX 4090 24GB"},
    ],
)
def test_settings_apart(names: Names, other: dict[str, object]):
    assert len(cells([decode(50.0), decode(51.0, **other)], names).kept) == 2


def test_wording_keeps_nothing_apart(names: Names):
    rows = [decode(50.0), decode(51.0, notes="again", statistic="median", date="2026-01", line=9)]
    assert len(cells(rows, names).kept) == 1


def test_two_names_of_one_architecture(names: Names):
    rows = [
        decode(20.0, model=name) for name in ("meta-llama/Llama-3.1-8B-Instruct", "llama3.1-8b")
    ]
    (cell,) = cells(rows, names).kept
    assert cell.setting.model_group == "32x4096/8/8B"
    assert cell.setting.gpu_group == "RTX 4080 Laptop 12GB"


def test_sweeps_leave_the_load_out(names: Names):
    rows = [decode(50.0, prompt_tokens=float(n)) for n in (128, 1024)]
    rows.append(decode(50.0, quant="Q8_0"))
    sweeps = Counter(cell.setting.sweep for cell in cells(rows, names).kept)
    assert sorted(sweeps.values()) == [1, 2]


def test_repeats_that_disagree(names: Names):
    found = cells([decode(5.0), decode(50.0)], names)
    assert found.kept == ()
    assert [one.reason for one in found.rejected] == ["repeats-disagree"] * 2
    outvoted = cells([decode(5.0), decode(50.0), decode(51.0)], names)
    assert [cell.value for cell in outvoted.kept] == [50.0]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"excluded": "aggregate"}, "aggregate"),
        ({"trust": "C"}, "trust C"),
        ({"model": "no-such-model-9b"}, "unresolved"),
        ({"model": "no-such-model-9b", "excluded": "pooled-models"}, "pooled-models"),
        ({"backend": "transformers-cpu", "gpu": None, "quant": None}, "cpu"),
        ({"value": 5000.0, "excluded": "letter-answers"}, "physics"),
    ],
)
def test_rejected_rows_keep_their_reason(names: Names, given: dict[str, object], reason: str):
    found = cells([decode(**({"value": 50.0} | given))], names)
    assert found.kept == ()
    assert [one.reason for one in found.rejected] == [reason]
    assert sum(found.unresolved.values()) == (1 if reason == "unresolved" else 0)


@pytest.mark.parametrize("trust", [None, "A", "B"])
def test_trusted_rows(names: Names, trust: str | None):
    assert cells([decode(50.0, trust=trust)], names).kept


def test_spill_is_a_label_not_a_rate(names: Names):
    found = cells([decode(3.0, outcome="spill")], names)
    assert (found.kept, found.rejected) == ((), ())
    assert [(one.outcome, one.value) for one in found.labels] == [("spill", 3.0)]


def test_memory_labels(names: Names):
    rows = [
        memory(8.0),
        memory(None, metric="fits", outcome="oom", context_tokens=32768),
        memory(15.8, metric="allocated_peak_gib", outcome="spill", context_tokens=16384),
    ]
    found = cells(rows, names)
    assert [cell.value for cell in found.kept] == [8.0]
    assert Counter(one.outcome for one in found.labels) == {"fits": 1, "oom": 1, "spill": 1}


def test_clean_and_spilled_peaks_do_not_overlap(data: Data):
    """Ground rule 4: the largest clean peak was 10.40 GiB, the smallest that spilled 15.79."""
    found = data.cells(Memory)
    clean = [
        cell.value
        for cell in found.kept
        if cell.metric == "allocated_peak_gib" and cell.setting.collection == "tr"
    ]
    spilled = [one.value or 0.0 for one in found.labels if one.outcome == "spill"]
    assert max(clean) == pytest.approx(10.40, abs=0.01)
    assert min(spilled) == pytest.approx(15.79, abs=0.01)


def test_two_clock_states(data: Data):
    """TR129's sweep ran at a low clock, TR130's at a high one; one agent of llama3.2-1b."""
    alone = [
        cell
        for cell in data.cells(Scaling).kept
        if cell.metric == "per_agent_tok_s"
        and cell.setting.concurrency == 1
        and (cell.setting.model.name, cell.setting.backend.name) == ("llama3.2-1b", "ollama")
    ]
    values = {
        cell.setting.session: cell.value for cell in alone if not cell.setting.condition("think_ms")
    }
    assert set(values) == {"TR129 low-clock", "TR130 high-clock"}
    assert values["TR129 low-clock"] == pytest.approx(116.8)
    assert values["TR130 high-clock"] > 1.4 * values["TR129 low-clock"]


def test_wide_tables_become_one_cell_a_column(data: Data):
    by_setting = data.cells(LatencyLoad).by_setting()
    found = max(by_setting.values(), key=len)
    assert {"wall_ms_mean", "wall_ms_p95", "queue_depth"} <= set(found)


def test_start_ups_that_failed_for_other_reasons(data: Data):
    texts = {
        one.row.outcome_text: one.outcome
        for one in data.cells(Startup).labels
        if isinstance(one.row, Startup)
    }
    assert texts["FAIL(tp=5: vocab 151936 not divisible)"] == "other-failure"
    assert texts["FAIL(no KV)"] == "no-memory"
    assert texts["ok"] == "ok"


def test_years(names: Names):
    def year(date: str | None) -> float | None:
        (cell,) = cells([decode(50.0, date=date)], names).kept
        return cell.year

    assert year(None) is None
    assert year("2025") == 2025.5
    assert year("2025-07-15") == pytest.approx(2025 + 6.5 / 12)
    assert year("2025-03/2026-04") == pytest.approx(2025 + 2.5 / 12)


def test_kept_cells_are_positive_and_finite(data: Data):
    for cell in data.cells(Decode).kept:
        assert 0 < cell.value < 1e7


def test_decode_counts(data: Data):
    """Nothing disappears: figures in cells and rejections are the table's."""
    found = data.cells(Decode)
    rows = sum(len(cell.rows) for cell in found.kept) + len(found.rejected) + len(found.labels)
    assert rows == len(data.rows(Decode))


def test_the_order_of_rows_changes_no_value(names: Names, data: Data):
    rows = data.rows(Decode)[:600]
    forward = {(cell.setting, cell.metric): cell.value for cell in cells(rows, names).kept}
    backward = {(cell.setting, cell.metric): cell.value for cell in cells(rows[::-1], names).kept}
    assert forward == backward


def test_a_blank_size_is_the_number_of_gpus(names: Names):
    (cell,) = cells([replace(decode(50.0), n_gpus=4, tensor_parallel_size=None)], names).kept
    assert cell.setting.tensor_parallel_size == 4
