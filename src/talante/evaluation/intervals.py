"""95 % intervals by bootstrap over groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRAWS = 1000

#: With fewer groups, resampling them says little; articles are resampled instead, and the report says so.
MIN_GROUPS = 8


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
    """Resamples the units of an evaluation, the same draws for every figure (so differences are paired)."""

    def __init__(self, groups: Sequence[str], seed: int = 0, draws: int = DRAWS) -> None:
        names = sorted(set(groups))
        self.unit = "groups" if len(names) >= MIN_GROUPS else "articles"
        member = [names.index(g) for g in groups] if self.unit == "groups" else list(range(len(groups)))
        self._members = np.array(member, dtype=np.intp)
        units = max(member, default=-1) + 1
        random = np.random.default_rng(seed)
        # How often each unit is drawn: row 0 is the sample itself, each once
        drawn = random.multinomial(units, np.full(units, 1 / units), size=draws) if units else np.zeros((draws, 0))
        self._weights = np.vstack([np.ones((1, units)), drawn])

    def totals(self, counts: Array) -> Array:
        """Sum counts, (articles, ...), over the articles of each draw: (1 + draws, ...), the sample first."""
        by_unit = np.zeros((self._weights.shape[1], *counts.shape[1:]))
        np.add.at(by_unit, self._members, counts)
        totals: Array = np.matmul(self._weights, by_unit.reshape(len(by_unit), -1))
        return totals.reshape(-1, *counts.shape[1:])

    def estimate(self, counts: Array, figure: Callable[[Array], Array], n: int) -> Estimate:
        """Return a figure of summed counts with its interval (percentile method, Efron & Tibshirani 1993)."""
        return interval(figure(self.totals(counts)), n)


def interval(values: Array, n: int) -> Estimate:
    """Return the first value with the 2.5 and 97.5 percentiles of the others; NaN is left out of them.

    Where no draw has a value, the interval is NaN too.
    """
    drawn = values[1:][~np.isnan(values[1:])]
    low, high = np.percentile(drawn, [2.5, 97.5]) if drawn.size else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high), n)
