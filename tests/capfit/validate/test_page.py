"""Pages and pictures of a small record."""

import pytest
from capfit.validate import headline, plots
from capfit.validate.markdown import factor, percent, points, share, signed, table
from capfit.validate.record import build
from capfit.validate.targets import EACH, Target, outcomes


@pytest.fixture
def made(row):
    decode = {"predictor": "decode, one stream", "unit": "tok/s", "low": 5.0, "high": 20.0}
    pool = {"predictor": "KV pool, tokens", "unit": "tokens", "low": 900.0, "high": 1100.0}
    rule = {"class mean": 14.0}
    rows = [
        *(row(predicted=p, low=8.0, high=12.0, baselines=rule) for p in (9.0, 10.0, 11.2)),
        *(row(predicted=p, low=8.0, high=12.0, backend="sglang") for p in (13.0, 13.0, 13.0)),
        row(predicted=990.0, measured=1e3, **pool),
        *(row(predicted=p, held_out=h, **decode) for h in ("model", "GPU") for p in (9.0, 10.0)),
    ]
    return build(rows, hashes={"data": "0" * 64}, extra={"memory_outcomes": {}, "simulation": []})


def test_the_headline_has_one_line_per_predictor_and_held_out(made):
    lines = headline.headline(made).splitlines()
    assert lines[2:] == [
        "| KV pool, tokens (vllm) | model | 1 | 1 | 1.0 % | 1.0 % | 100 % | – |",
        "| decode, one stream (vllm) | model | 2 | 1 | 5.0 % | 5.0 % | 100 % | – |",
        "| decode, one stream (vllm) | GPU | 2 | 1 | 5.0 % | 5.0 % | 100 % | – |",
        "| TPOT in a benchmark | model | 6 | 1 | 21 % | 18.7 % | 100 % | class mean: median 40 % |",
    ]


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        (EACH, [("sglang", 30.0, False), ("vllm", 10.0, True)]),
        ("all", [("all", 21.0, False)]),
        ("vllm", [("vllm", 10.0, True)]),
    ],
)
def test_targets_are_asked_of_all_engines_or_of_each(made, backend, found):
    target = Target("TPOT in a benchmark", "model", backend, "median", 12.0, "more rows")
    assert [(o.backend, o.value, o.reached) for o in outcomes(made, (target,))] == found


def test_one_engine_stands_for_all(made):
    target = Target("KV pool, tokens", "model", "all", "median", 5.0, "logs")
    assert [one.backend for one in outcomes(made, (target,))] == ["vllm"]


def test_a_missed_target_says_what_would_help(made):
    text = headline.not_good_yet(made)
    assert "TPOT in a benchmark, model held out, sglang: median 30 % (target ≤ 12 %)" in text
    assert "**Would help:** served runs" in text
    assert "TPOT in a benchmark, model held out, vllm" not in text


def test_the_readme_changes_between_its_markers_only(made):
    text = f"before\n{headline.START}\nold\n{headline.END}\nafter\n"
    found = headline.with_rows(text, made)
    assert found.startswith(f"before\n{headline.START}\n")
    assert found.endswith(f"\n{headline.END}\nafter\n")
    assert "old" not in found
    assert headline.with_rows(found, made) == found


def test_a_readme_without_markers_is_not_touched(made):
    with pytest.raises(ValueError, match="lacks"):
        headline.with_rows("nothing here", made)


def test_pictures_are_drawn_of_few_points_as_well(made, tmp_path):
    plots.draw(made, tmp_path)
    names = {path.stem for path in tmp_path.iterdir()}
    assert names == {"predicted", "by-gpu", "by-model", "coverage", "gates"}


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (percent, 6.84, "6.8 %"), (percent, 19.96, "20 %"), (percent, 1234.5, "1,234 %"),
        (percent, None, "–"), (signed, -2.0, "-2.0 %"), (signed, 48155.2, "+48,155 %"),
        (points, 1.25, "1.2 pp"), (share, 0.9772, "0.977"), (share, -120.0, "< −10"),
        (factor, 2.066, "× 2.07"),
    ],
)  # fmt: skip
def test_figures_as_text(form, value, text):
    assert form(value) == text


def test_a_cell_cannot_break_its_row():
    assert table(["a"], "l", [["x|y"]]).splitlines()[2] == r"| x\|y |"
