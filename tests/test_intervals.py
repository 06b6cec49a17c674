"""Intervals widen as groups become fewer and more unequal, and articles are weighed as their groups are drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talante.evaluation.intervals import MIN_GROUPS, Bootstrap
from talante.evaluation.metrics import ece, share

GROUPS = st.lists(st.integers(0, 12), max_size=40).map(lambda numbers: [str(n) for n in numbers])


def width(groups: list[str], right: np.ndarray) -> float:
    counts = np.stack([np.ones(len(groups)), right], axis=1)
    e = Bootstrap(groups).estimate(counts, share, len(groups))
    return e.high - e.low


@settings(max_examples=50, deadline=None)
@given(GROUPS)
def test_the_weights_of_the_articles_give_the_totals(groups: list[str]) -> None:
    bootstrap = Bootstrap(groups, draws=20)
    counts = np.arange(2.0 * len(groups)).reshape(len(groups), 2)
    weights = bootstrap.article_weights()
    assert weights.shape == (21, len(groups)) and weights.dtype == np.float32 and (weights[0] == 1).all()
    np.testing.assert_allclose(bootstrap.totals(counts), weights @ counts)


@settings(max_examples=50, deadline=None)
@given(GROUPS)
def test_units_hold_each_article_once(groups: list[str]) -> None:
    bootstrap = Bootstrap(groups, draws=1)
    sizes = bootstrap.by_unit(np.ones(len(groups)))
    assert sizes.sum() == len(groups)
    expected = [groups.count(g) for g in set(groups)] if len(set(groups)) >= MIN_GROUPS else [1] * len(groups)
    assert sorted(sizes) == sorted(expected)


def test_the_interval_grows_with_fewer_groups() -> None:
    right = np.arange(240) // 30 % 2  # the articles of a group go wrong together
    by_groups = [width([str(i * n // 240) for i in range(240)], right) for n in (240, 120, 40, 8)]
    # More articles of as many groups do not make up for it: the same groups, each article twice
    assert by_groups == sorted(by_groups)
    twice = width([str(i * 8 // 240) for i in range(240)] * 2, np.concatenate([right, right]))
    assert twice == pytest.approx(by_groups[-1], rel=0.01)


@pytest.mark.parametrize("units", [6, 12, 30, 400])
def test_of_equal_groups_the_percentiles_are_those_of_student(units: int) -> None:
    """Hesterberg 2015: alpha / 2 = Phi(-sqrt(n / (n - 1)) t), so that a mean has the width of its t interval."""
    from scipy.stats import t

    x = np.random.default_rng(2).normal(size=units)
    b = Bootstrap([str(i) for i in range(units)], draws=10_000)
    e = b.interval(b.totals(x) / b.totals(np.ones(units)), units)
    half = t.ppf(0.975, units - 1) * x.std(ddof=1) / np.sqrt(units)
    assert (e.high - e.low) / 2 == pytest.approx(half, rel=0.12 if units < 20 else 0.04)


def test_one_group_that_holds_most_widens_the_interval_beyond_its_percentiles() -> None:
    groups = ["big"] * 60 + [str(i) for i in range(20)]
    b = Bootstrap(groups)
    values = np.concatenate([[0.0], np.linspace(-1, 1, 1000)])
    sizes = np.ones(80)
    lone = Bootstrap([str(i) for i in range(80)])
    assert b.interval(values, 1).high > lone.interval(values, 1).high > np.percentile(values, 97.5)
    # Labels that the big group does not have are not unequal
    sizes[:60] = 0
    assert b.interval(values, 1).high > b.interval(values, 1, sizes).high


def test_the_number_of_groups_that_have_the_label_counts_not_that_of_all() -> None:
    b = Bootstrap([str(i) for i in range(100)])
    values = np.concatenate([[0.0], np.linspace(-1, 1, 1000)])
    rare = (np.arange(100) < 6).astype(float)
    assert b.interval(values, 6, rare).high > b.interval(values, 100).high


def test_a_calibration_error_of_noise_alone_is_not_taken_for_one() -> None:
    random = np.random.default_rng(3)
    reached = []
    for _ in range(10):
        score, bins = random.random(150), np.zeros((150, 10, 3))
        at = (score * 10).astype(int)
        bins[np.arange(150), at] = np.stack([np.ones(150), score, random.random(150) < score], axis=1)
        b = Bootstrap([str(i) for i in range(150)], draws=300)
        plain, corrected = (b.interval(ece(b.totals(bins)), 150, bins, biased_upward=x) for x in (False, True))
        assert plain.low > 0.02 and 0 <= corrected.low <= corrected.value <= corrected.high
        assert (corrected.value, corrected.high) == (plain.value, plain.high)
        reached.append(corrected.low < 0.01)
    assert np.mean(reached) >= 0.7
