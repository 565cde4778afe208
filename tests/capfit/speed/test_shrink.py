import numpy as np
import pytest
from capfit.speed.shrink import Design, Law, loss, minimise


def line(values: list[np.ndarray]) -> np.ndarray:
    return values[0]


def design(spread: float, traits: list[tuple[str, ...]]) -> Design:
    return Design([Law("level", 1.0, {"": 10.0, "group": spread})], [traits])


@pytest.mark.parametrize(
    ("spread", "expected"), [(100.0, 2.0), (1e-3, 1.0)], ids=["free", "held at the mean"]
)
def test_a_deviation_is_shrunk_by_its_prior_spread(spread: float, expected: float):
    shape = design(spread, [("group=a",)] * 4)
    theta = minimise(shape, line, np.full(4, 2.0), np.ones(4), np.full(4, 0.1))
    assert shape.values(theta)[0] == pytest.approx(np.full(4, expected), abs=1e-3)


def test_a_group_without_weight_gets_the_mean_of_the_others():
    shape = design(1.0, [("", "group=a"), ("", "group=a"), ("", "group=b")])
    weights = np.array([1.0, 1.0, 0.0])
    theta = minimise(shape, line, np.array([3.0, 3.0, 9.0]), weights, np.full(3, 0.01))
    tables = shape.tables(theta)["level"]
    assert tables["group=b"] == 0.0
    assert shape.values(theta)[0][2] == pytest.approx(1.0 + tables[""])


def test_one_wild_row_moves_the_fit_less_than_its_square_would():
    shape = design(100.0, [("group=a",)] * 5)
    target = np.array([1.0, 1.0, 1.0, 1.0, 5.0])
    theta = minimise(shape, line, target, np.ones(5), np.full(5, 0.1))
    assert shape.values(theta)[0][0] == pytest.approx(1.0, abs=0.1)


def test_the_normal_equations_are_those_of_the_rows():
    shape = Design(
        [Law("one", 0.0, {}), Law("two", 0.0, {})],
        [[("a",), ("a",), ("b",)], [("c", "d"), ("c", "d"), ("d",)]],
    )
    slopes = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    weights = np.array([1.0, 0.5, 2.0])
    rows = np.array([[1, 0, 4, 4], [2, 0, 5, 5], [0, 3, 0, 6.0]])
    assert shape.normal(slopes, weights) == pytest.approx(rows.T @ (weights[:, None] * rows))
    assert shape.gather(slopes) == pytest.approx(rows.sum(axis=0))


def test_the_minimum_has_less_loss_than_its_neighbours():
    shape = design(0.5, [("group=a",), ("group=b",)])
    given = (line, np.array([1.5, 0.8]), np.ones(2), np.full(2, 0.2))
    theta = minimise(shape, *given)
    best = loss(shape, *given, theta)
    for step in (0.02, -0.02):
        for i in range(2):
            moved = theta.copy()
            moved[i] += step
            assert loss(shape, *given, moved) > best
