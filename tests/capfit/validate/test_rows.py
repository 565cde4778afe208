"""From measurements to rows: the laws alone on a small fit, scaling and replays on everything."""

import pytest
from capfit.data.rows import Decode, Prefill, Serving
from capfit.validate import cost, replayed, scaling, served, speed
from capfit.validate.figures import figures


@pytest.fixture(scope="module")
def few(data):
    cells = [cell for table in (Decode, Prefill, Serving) for cell in data.cells(table).kept]
    return [c for c in cells if c.setting.source in {"xiongjiedai", "ggml_benches"}]


@pytest.fixture(scope="module")
def laws(few):
    return speed.rows(few, "GPU")


def test_rates_are_what_a_user_sees(laws):
    assert {row.predictor for row in laws} == {speed.DECODE, speed.PREFILL, speed.STEP}
    for row in laws:
        assert row.unit == ("ms" if row.predictor == speed.STEP else "tok/s")
        assert row.low < row.predicted < row.high
        assert row.group in row.what


def test_tr133_is_refitted_without_the_group(laws):
    """Its power law knows each card's bandwidth only, so that it answers every card."""
    found = figures([row for row in laws if row.predictor == speed.DECODE])
    refitted, printed = found.baselines["TR133, refitted"], found.baselines["TR133"]
    assert refitted.n == found.n
    assert found.mean < refitted.mean < printed.mean


def test_concurrency_is_held_out_of_what_has_any(few):
    found = speed.rows(few, "concurrency")
    assert {row.predictor for row in found} == {speed.STEP}


def test_a_cost_errs_the_other_way_round(laws):
    (rate, *_) = [row for row in laws if row.predictor == speed.DECODE]
    (usd,) = cost.rows([rate])
    assert usd.predicted / usd.measured == pytest.approx(rate.measured / rate.predicted)
    assert usd.low < usd.predicted < usd.high
    assert usd.unit == "USD"


def test_scaling_predicts_models_it_was_not_fitted_to(data):
    rows = scaling.rows(data)
    assert {(row.backend, row.group) for row in rows if row.backend != "ollama"} == {
        (backend, model)
        for backend in ("vllm", "tgi")
        for model in ("llama3.2-1b", "qwen2.5-1.5b", "llama3.2-3b")
    }
    for backend in ("ollama", "vllm", "tgi"):
        found = figures([row for row in rows if row.backend == backend])
        assert found.r2 >= 0.95
        assert found.mean < min(rule.mean for rule in found.baselines.values())


def test_replays_are_compared_with_what_answers(data):
    found = figures([r for r in replayed.rows(data) if r.predictor.endswith("open loop, mean")])
    assert (found.n, found.baselines["TR133"].n) == (45, 12)
    assert found.mean < 7 < found.baselines["TR133"].mean


def test_served_groups_are_those_with_lengths_and_load(data):
    cells = data.cells(Serving)
    gpus = served.groups(cells, "GPU")
    assert "B200 180GB SXM" in gpus
    assert gpus == sorted(gpus)
    assert len(served.groups(cells, "model")) > len(gpus)


def test_a_class_mean_never_sees_its_own_group(row):
    rows = [row(measured=1.0), row(measured=3.0), row(measured=7.0, group="qwen3-8b")]
    one, other, third = served.with_class_mean(rows)
    assert one.baselines == other.baselines == {"class mean": 7.0}
    assert third.baselines == {"class mean": 2.0}
