"""Whole deployments: the artifact without a model, then the checker itself."""

from dataclasses import replace

from capcheck.predict import coefficients
from capcheck.registry.tables import load
from capfit.data.rows import Serving
from capfit.validate import served


def test_the_group_is_not_in_the_fit_and_all_of_it_is_predicted(data, monkeypatch):
    """The fit itself is another room's: here it is asked what it was given."""
    cells = data.cells(Serving)
    group = "36x2560/8/4B"
    given = []
    shipped = coefficients.load(None)

    def fit(found, *, form):
        given.extend(found)
        return {name: shipped.sections[name] for name in ("decode", "step", "prefill", "engines")}

    monkeypatch.setattr(served, "fit", fit)
    empty = replace(shipped, sections={**shipped.sections, "decode": {}, "step": {}, "prefill": {}})
    rows = served.rows(cells.kept, cells, load(), empty, held_out="model", group=group)
    assert given
    assert group not in {cell.setting.model_group for cell in given}
    assert {row.predictor for row in rows} == {
        "total output rate under load",
        "total output rate in a benchmark",
    }
    for row in rows:
        assert row.what.startswith("qwen3-4b ")
        assert row.low < row.predicted < row.high
