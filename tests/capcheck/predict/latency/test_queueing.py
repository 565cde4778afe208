import math
from bisect import bisect_left

import pytest
from capcheck.manifest.deployment import Tokens
from capcheck.predict.latency.counts import count_at, shares_up_to
from capcheck.predict.latency.lengths import Lengths, gamma_at_normal, lengths_of
from capcheck.predict.latency.normal import normal_quantile
from capcheck.predict.latency.queueing import (
    backlog,
    md1_decay,
    md1_wait_cdf,
    md1_wait_quantile,
    mg1_wait,
)

LOADS = (0.2, 0.3, 0.5, 0.7, 0.9)
UNIFORM = [(i + 0.5) / 2000 for i in range(2000)]


def md1(load: float):
    return mg1_wait(rate=load, mean=1.0, second=1.0, third=1.0)


@pytest.mark.parametrize("load", LOADS)
def test_md1_mean_is_pollaczek_khinchine(load: float):
    assert md1(load).mean == pytest.approx(load / (2 * (1 - load)))


@pytest.mark.parametrize("load", LOADS)
def test_md1_series_has_the_exact_mean(load: float):
    """The integral of P(wait > t) is the mean."""
    step = 0.01
    steps = int(60 / (1 - load) / step)
    total = sum(
        1 - md1_wait_cdf(rate=load, service=1.0, at=step * (i + 0.5))
        for i in range(min(steps, 2300))
    )
    assert step * total == pytest.approx(load / (2 * (1 - load)), rel=0.01)


def test_md1_series_within_one_service_time():
    """For t < 1 nobody who waited can have left: P(wait <= t) = (1 - load) e^(load t)."""
    for at in (0.0, 0.3, 0.9):
        exact = 0.4 * math.exp(0.6 * at)
        assert md1_wait_cdf(rate=0.6, service=1.0, at=at) == pytest.approx(exact)


# predictors of TR133: p95 = S + 3 W; the exact ratio depends on the load.
@pytest.mark.parametrize(
    ("load", "ratio"), [(0.2, 6.9), (0.3, 5.0), (0.5, 4.1), (0.7, 3.5), (0.9, 3.2)]
)
def test_p95_wait_is_not_three_mean_waits(load: float, ratio: float):
    p95 = md1_wait_quantile(rate=load, service=1.0, share=0.95)
    assert p95 / md1(load).mean == pytest.approx(ratio, abs=0.1)


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
def test_quantile_inverts_the_series(load: float, share: float):
    at = md1_wait_quantile(rate=load, service=1.0, share=share)
    if at == 0.0:
        assert share <= 1 - load
    else:
        assert md1_wait_cdf(rate=load, service=1.0, at=min(at, 23.9)) == pytest.approx(
            share, abs=1e-6 if at < 23.9 else 0.2
        )


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("share", [0.95, 0.99])
def test_matched_gamma_is_close_to_the_exact_md1_tail(load: float, share: float):
    exact = md1_wait_quantile(rate=load, service=1.0, share=share)
    assert md1(load).quantile(share) == pytest.approx(exact, rel=0.10)


@pytest.mark.parametrize("load", LOADS)
def test_mm1_wait_is_exponential(load: float):
    wait = mg1_wait(rate=load, mean=1.0, second=2.0, third=6.0)
    assert wait.delayed == pytest.approx(load)
    assert wait.mean == pytest.approx(load / (1 - load))
    assert wait.quantile(0.99) == pytest.approx(math.log(load / 0.01) / (1 - load), rel=0.02)


@pytest.mark.parametrize("load", LOADS)
def test_decay_solves_its_equation(load: float):
    x = md1_decay(load)
    assert x > 0
    assert load * math.expm1(x) == pytest.approx(x)


def test_no_arrivals_no_wait():
    assert mg1_wait(rate=0.0, mean=1.0, second=1.0, third=1.0).quantile(0.99) == 0.0


@pytest.mark.parametrize(("share", "z"), [(0.5, 0.0), (0.95, 1.64485), (0.01, -2.32635)])
def test_normal_quantile(share: float, z: float):
    assert normal_quantile(share) == pytest.approx(z, abs=5e-4)


def test_gamma_of_cv_one_is_exponential():
    for share in (0.5, 0.9, 0.95, 0.99):
        exact = -100 * math.log(1 - share)
        assert gamma_at_normal(100, 1.0, normal_quantile(share)) == pytest.approx(exact, rel=0.015)


@pytest.mark.parametrize(
    ("tokens", "cv"),
    [
        (Tokens(200), 0.0),
        (Tokens(200, p95=200), 0.0),
        (Tokens(200, p95=200 * 2.97), 1.0),
        (Tokens(200, p95=200 * 1.90), 0.5),
    ],
)
def test_lengths_match_mean_and_p95(tokens: Tokens, cv: float):
    lengths = lengths_of(tokens)
    assert lengths.mean == 200
    assert lengths.cv == pytest.approx(cv, abs=0.02)


def test_length_biased_mean():
    assert Lengths(100, 1.0).length_biased_mean == 200


@pytest.mark.parametrize("mean", [0.3, 2.0, 5.5, 8.0, 40.0])
def test_poisson_counts_have_their_mean_and_variance(mean: float):
    counts = [count_at(mean, 0.0, u, normal_quantile(u)) for u in UNIFORM]
    average = sum(counts) / 2000
    assert average == pytest.approx(mean, rel=0.02)
    assert sum((c - average) ** 2 for c in counts) / 2000 == pytest.approx(mean, rel=0.06)


@pytest.mark.parametrize("mean", [0.3, 2.0, 20.0])
@pytest.mark.parametrize("stretch", [0.0, 0.4])
def test_lengthened_counts(mean: float, stretch: float):
    counts = [count_at(mean, stretch, u, normal_quantile(u)) for u in UNIFORM]
    average = sum(counts) / 2000
    assert average == pytest.approx(mean / (1 - stretch), rel=0.03)
    variance = sum((c - average) ** 2 for c in counts) / 2000
    assert variance == pytest.approx(mean / (1 - stretch) ** 3, rel=0.10)


@pytest.mark.parametrize("mean", [0.0, 0.3, 2.0, 6.0])
@pytest.mark.parametrize("stretch", [0.0, 0.4, 0.98])
def test_counts_are_places_among_the_shares_up_to_them(mean: float, stretch: float):
    shares = shares_up_to(mean, stretch)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    counts = [count_at(mean, stretch, u, normal_quantile(u)) for u in UNIFORM]
    assert [float(bisect_left(shares, u)) for u in UNIFORM[:-1]] == counts[:-1]


@pytest.mark.parametrize(("cv", "gini"), [(0.0, 0.0), (1.0, 0.5), (0.5, 0.2734)])
def test_gini_of_lengths(cv: float, gini: float):
    assert Lengths(300, cv).gini == pytest.approx(gini, abs=1e-3)


def test_moments_of_lengths():
    """Of an exponential: n! mean^n."""
    assert Lengths(2.0, 1.0).moments == pytest.approx((2.0, 8.0, 48.0, 384.0))
    assert Lengths(2.0).moments == pytest.approx((2.0, 4.0, 8.0, 16.0))


@pytest.mark.parametrize(("offered", "room"), [(8.5, 10.0), (17.0, 20.0), (2.5, 3.0)])
def test_backlog_of_a_bulk_queue(offered: float, room: float):
    """Against the stationary distribution of left + Poisson(offered) - room, floored at 0."""
    most = 80
    arrivals = [math.exp(-offered + n * math.log(offered) - math.lgamma(n + 1)) for n in range(45)]
    shares = [1.0] + [0.0] * most
    for _ in range(150):
        following = [0.0] * (most + 1)
        for left, share in enumerate(shares):
            if share > 1e-7:
                for n, chance in enumerate(arrivals):
                    following[min(most, max(0, left + n - int(room)))] += share * chance
        shares = following
    mean = sum(left * share for left, share in enumerate(shares))
    some, left = backlog(offered=offered, room=room, spread=1.0)
    assert some * left == pytest.approx(mean, rel=0.15)
    assert some == pytest.approx(1.0 - shares[0], abs=0.12)


def test_no_backlog_far_below_the_room():
    assert backlog(offered=1.0, room=20.0, spread=1.0) == (0.0, 0.0)
    assert backlog(offered=0.0, room=5.0, spread=1.0) == (0.0, 0.0)
