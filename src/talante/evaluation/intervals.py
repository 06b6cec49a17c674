"""95 % intervals by bootstrap over groups, widened for few and unequal groups; `benchmarks/intervals.py` checks them.

With few groups the plain percentiles of a bootstrap are too narrow: resampling n units understates the variance by
(n - 1) / n, and n units have heavier tails than a normal curve. The expanded percentile interval (Hesterberg 2015,
"What Teachers Should Know About the Bootstrap", section 4.3) takes the percentiles at Phi(+-sqrt(n / (n - 1)) t), t the
97.5 % point of Student's t with n - 1 degrees of freedom. Where one group holds most of the articles, the number of
groups is too large an n, and the effective number (sum m)^2 / sum m^2 of Kish (1965) too small a one: here n is their
geometric mean, which the benchmark found to cover where either of the two does not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWS = 1000

#: With fewer groups than this even the widened interval covers too little (of four groups 86 to 88 times in 100, of
#: five 86 to 93), and articles are resampled instead. Such an interval holds for more articles of these same groups
#: only: on other groups it covers less often still (of five 64 to 84 times in 100), and reports must say so.
MIN_GROUPS = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval and the number of labelled items that it rests on."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}] n={self.n}"


class Bootstrap:
    """Resamples the units of an evaluation, the same draws for every figure (so differences are paired).

    ``unit``: "groups", or "articles" where there are fewer than MIN_GROUPS groups.
    """

    def __init__(self, groups: Sequence[str], seed: int = 0, draws: int = DRAWS) -> None:
        names, member = np.unique(np.array(groups, dtype=str), return_inverse=True)
        self.unit = "groups" if len(names) >= MIN_GROUPS else "articles"
        self._members = member if self.unit == "groups" else np.arange(len(groups))
        self._order = np.argsort(self._members, kind="stable")
        self._starts = np.unique(self._members[self._order], return_index=True)[1]
        units = len(self._starts)
        random = np.random.default_rng(seed)
        # How often each unit is drawn: row 0 is the sample itself, each once
        drawn = random.multinomial(units, np.full(units, 1 / units), size=draws) if units else np.zeros((draws, 0))
        self._weights = np.vstack([np.ones((1, units)), drawn])

    def article_weights(self) -> NDArray[np.float32]:
        """Return how often each article is counted in each draw, (1 + draws, articles), the sample (all 1) first."""
        return self._weights[:, self._members].astype(np.float32)

    def by_unit(self, counts: Array) -> Array:
        """Sum counts, (articles, ...), over the articles of each unit: (units, ...)."""
        if not len(counts):
            return np.zeros((0, *counts.shape[1:]))
        sums: Array = np.add.reduceat(np.asarray(counts, dtype=float)[self._order], self._starts, axis=0)
        return sums

    def totals(self, counts: Array) -> Array:
        """Sum counts, (articles, ...), over the articles of each draw: (1 + draws, ...), the sample first."""
        by_unit = self.by_unit(counts)
        totals: Array = np.matmul(self._weights, by_unit.reshape(len(by_unit), int(np.prod(counts.shape[1:]))))
        return totals.reshape(-1, *counts.shape[1:])

    def estimate(self, counts: Array, figure: Callable[[Array], Array], n: int) -> Estimate:
        """Return a figure of summed counts, (articles, ...), with its interval; the rest is as in `interval`."""
        return self.interval(figure(self.totals(counts)), n, counts)

    def interval(self, values: Array, n: int, counts: Array | None = None, *, biased_upward: bool = False) -> Estimate:
        """Return the first of (1 + draws) values with the expanded percentile interval of the others.

        NaN is left out of them; where no draw has a value, the interval is NaN too. ``counts``, (articles, ...), none
        negative: what the figure rests on, which says how few and how unequal its units are; without them each article
        counts as one. ``n`` is only passed on.

        ``biased_upward``: of a figure that cannot be negative and that noise makes larger, as the calibration error.
        The draws have the noise twice, so their percentiles all but never reach down to the truth; the lower end is
        that of the basic bootstrap instead (Davison & Hinkley 1997, section 5.2), which turns the interval around.
        """
        drawn = values[1:][~np.isnan(values[1:])]
        if not drawn.size:
            return Estimate(float(values[0]), np.nan, np.nan, n)
        tail = self._tail(np.ones(len(self._members)) if counts is None else counts)
        value, (low, high) = float(values[0]), np.percentile(drawn, [tail, 100 - tail]).tolist()
        if biased_upward:
            low = max(0.0, 2 * value - high)
        return Estimate(value, low, high, n)

    def _tail(self, counts: Array) -> float:
        """Return the percentage to cut off at either end: 2.5 with many equal units, less with few."""
        from scipy.special import ndtr, stdtrit

        sizes = self.by_unit(counts.reshape(len(counts), -1).sum(axis=1))
        sizes = sizes[sizes > 0]
        if not len(sizes):
            return 2.5
        kish = sizes.sum() ** 2 / (sizes**2).sum()
        units = max(2.0, np.sqrt(len(sizes) * kish))
        return float(100 * ndtr(stdtrit(units - 1, 0.025) * np.sqrt(units / (units - 1))))
