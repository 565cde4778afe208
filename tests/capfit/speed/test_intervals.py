import numpy as np
import pytest
from capfit.data.cells import Cell
from capfit.speed.intervals import TAILS, coverage, cross_fitted, honest, quantiles, table, tails
from capfit.speed.joint import by_gpu, by_model
from capfit.speed.points import points
from capfit.speed.support import Support


def test_quantiles_are_those_of_the_residuals():
    r = np.linspace(-1.0, 1.0, 2001)
    low, high = quantiles(r, np.ones_like(r), 0.05)
    assert np.log([low, high]) == pytest.approx([-0.9, 0.9], abs=2e-3)


def test_an_interval_always_holds_the_prediction():
    low, high = quantiles(np.array([0.2, 0.3, 0.4]), np.ones(3), 0.05)
    assert low < 1.0 < high


def test_weights_count_as_copies():
    r = np.array([-0.5, 0.0, 0.5])
    heavy = quantiles(r, np.array([1.0, 1.0, 98.0]), 0.05)
    assert heavy[0] > quantiles(r, np.ones(3), 0.05)[0]


def test_a_groups_own_residuals_do_not_widen_its_interval(few_cells: list[Cell]):
    found = points(few_cells)
    wild = np.array([1.5 if by_gpu(p) == "RTX 4090 24GB" else 0.01 for p in found])
    bounds = cross_fitted(found, wild, by_gpu, 0.05)
    mine = [b for b, p in zip(bounds, found, strict=True) if by_gpu(p) == "RTX 4090 24GB"]
    assert max(high for _, high in mine) < 1.1


def test_coverage_counts_what_lies_inside():
    assert coverage(np.array([0.0, 0.5, -0.5, 0.05]), [(0.9, 1.1)] * 4) == 0.5


def test_a_groups_own_residuals_do_not_widen_its_tails(few_cells: list[Cell]):
    """One group so wild that it alone would ask for the widest tails, and get them."""
    found = points(few_cells)
    rng = np.random.default_rng(1)
    calm = rng.normal(0.0, 0.1, len(found))
    mine = np.array([by_gpu(p) == "RTX 4090 24GB" for p in found])
    wild = np.where(mine, 50 * calm, calm)
    before, after = (np.array(honest(found, r, by_gpu)) for r in (calm, wild))
    assert (after[mine, 1] / after[mine, 0] <= before[mine, 1] / before[mine, 0]).all()


def test_a_table_widens_with_distance(few_cells: list[Cell]):
    found = points(few_cells)
    rng = np.random.default_rng(2)
    near, far = rng.normal(0.0, 0.1, len(found)), rng.normal(0.0, 0.3, len(found))
    entries = table(found, near / 2, (near, by_model), (far, by_gpu))
    assert set(entries["*"]) == {"repeated", "interpolated", "extrapolated", "remote"}
    for entry in entries.values():
        kinds = [entry[k] for k in entries["*"] if k in entry]
        assert kinds == sorted(kinds, key=lambda bounds: bounds[1])
        assert kinds == sorted(kinds, key=lambda bounds: -bounds[0])
        assert all(low < 1.0 < high for low, high in kinds)


@pytest.mark.parametrize("kind", ["extrapolated", "remote"])
def test_shares_outside_are_told_by_host_and_kind(few_cells: list[Cell], kind: Support):
    found = points(few_cells)
    known: list[Support] = ["remote" if p.traits.flags else "extrapolated" for p in found]
    chosen = tails(found, np.zeros(len(found)), by_gpu, known, kind)
    hosts = {p.traits.host for p, k in zip(found, known, strict=True) if k == kind}
    assert chosen == dict.fromkeys(["*", *hosts], max(TAILS))


def test_a_group_that_is_left_out_moves_the_tails_outwards():
    values, shares = np.linspace(-1.0, 1.0, 201), np.ones(201)
    low, high = quantiles(values, shares, 0.05)
    lower, higher = quantiles(values, shares, 0.05, 0.02)
    assert (lower, higher) == pytest.approx((low * np.exp(-0.04), high * np.exp(0.04)), rel=1e-3)
    widest = quantiles(values, shares, 0.05, 0.5)
    assert widest == pytest.approx((np.exp(-1.0), np.exp(1.0)))
