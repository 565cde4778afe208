import json

import jsonschema
import numpy as np
import pytest
from capcheck.predict.speed.fitted import LAWS
from capfit.data.cells import Cell
from capfit.speed import fit, hold_out
from capfit.speed.baselines import bandwidth_ratio, class_mean, tr133
from capfit.speed.joint import by_gpu
from capfit.speed.points import points
from capfit.speed.section import rounded


def test_two_fits_are_the_same_bytes_and_fit_the_schema(few_cells: list[Cell]):
    one, other = (json.dumps(fit(few_cells)) for _ in range(2))
    assert one == other
    with open("schemas/coefficients.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    sections = json.loads(one)
    for name in ("decode", "prefill"):
        part = {**schema["properties"][name], "$defs": schema["$defs"]}
        jsonschema.validate(sections[name], part)
    for law, (section, _, _) in LAWS.items():
        assert not any(k.startswith("session=") for k in sections[section][law]["deviations"])


def test_rows_hold_prediction_measurement_and_bounds(few_cells: list[Cell]):
    rows = hold_out(few_cells, "gpu", quick=True)
    assert len(rows) == len(points(few_cells))
    for row in rows:
        assert row.low < row.predicted < row.high
        assert row.rate_error == pytest.approx(row.measured / row.predicted - 1)
    inside = np.mean([r.low <= r.measured <= r.high for r in rows])
    assert 0.8 < inside <= 1.0


def test_baselines_never_see_the_held_out_group(few_cells: list[Cell]):
    found = [p for p in points(few_cells) if p.kind == "step" and p.traits.platform == "cuda"]
    alone = [p for p in found if p.gpu.name == "RTX 4090 24GB"]
    assert np.isnan(bandwidth_ratio(alone, by_gpu)).all()
    assert np.isnan(class_mean(alone, by_gpu)).all()
    assert np.isfinite(tr133(alone, by_gpu)).all()
    assert np.isfinite(bandwidth_ratio(found, by_gpu)).mean() > 0.7


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0.0), (1.23456789, 1.23457), (-123456.789, -123457.0), (0.000123456789, 0.000123457)],
)
def test_numbers_have_six_significant_digits(value: float, expected: float):
    assert rounded(value) == expected
