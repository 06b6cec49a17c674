"""The learning curve, and what more articles of which kind would bring.

Models learn from random parts of the corpus; of some parts, a kind of article keeps a share of its own. Each model is
measured on all articles whose group it did not see, and held against what cross-validation says of the same articles.
How far a figure falls with the logarithm of what is left of a kind says how far it would rise with more of it.
"""

import textwrap
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed, parallel_config
from numpy.typing import NDArray

from talante.corpus.article import Article
from talante.corpus.schema import Schema
from talante.errors import NotEnoughDataError
from talante.evaluation.crossval import FOLDS, Progress, joined_groups
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.metrics import macro_f1, macro_f1_of_labels
from talante.evaluation.outcomes import Counts, Outcome, outcome, stance_counts, topic_counts
from talante.model.count import Counted, count
from talante.model.fit import fit
from talante.model.settings import Settings
from talante.text.prepare import Prepared

Array = NDArray[np.float64]

#: Gains are told for so many more articles, and no further ahead than `back_test` tries: at most twice what there is.
MORE = (50, 100, 200)

#: With fewer groups, a part of them says little of the whole.
FEWEST_GROUPS = 10

#: A kind with a smaller part of the articles is not told of.
_LEAST_SHARE = 0.05

#: Every so many draws one keeps the same share of all kinds, these in turn: the points of the curve.
_EVERY, _EVEN = 4, (0.25, 0.5, 0.75)

#: The others keep shares from the least to the most, and the log-odds to stay of a kind are so far from the rest's.
_LEAST, _MOST, _APART = 0.4, 0.85, 1.5

#: Where groups mix kinds, those that have more of one would have to go for certain, which is no random draw.
_LEAST_SORTED = 0.25

#: With fewer draws of the same shares there is no curve.
_FEWEST_EVEN = 6

#: The back-test knows only models that learned from at most this share of the articles.
_BACK = 0.7

_WIDTH = 100

ANY = "any"

#: The figures of a forecast, of counts summed over articles.
_FIGURES: Mapping[str, Callable[[Array], Array]] = {"stances": macro_f1, "topics": macro_f1_of_labels}


@dataclass(frozen=True, slots=True)
class Point:
    """What models reached that learned from so many articles, mean over draws; None where there is nothing to score."""

    articles: int
    stances: float | None
    topics: float | None
    draws: int


@dataclass(frozen=True, slots=True)
class Gain:
    """What ``more`` articles of a kind would add to a figure (``stances`` or ``topics``, macro-F1).

    ``kind``: "any" (of all kinds, as they are mixed now), "language: es", "target: peruvian-government" (articles that
    treat it), "genre: essay". ``gain.n`` is the number of articles of that kind now.
    """

    kind: str
    more: int
    figure: str
    gain: Estimate


@dataclass(frozen=True, slots=True)
class Forecast:
    """A learning curve and what it says of more articles. ``check``: how well it foretells what is known already."""

    points: list[Point]
    gains: list[Gain]
    check: str


#: Kinds of articles by name, and which articles are of each, (articles,), 0 or 1; an article may be of several.
Kinds = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Part:
    """Articles to learn from, (articles,), and the chance that each had to be one.

    ``by``: the kind that kept a share of its own, "" if all kept the same ``share``.
    """

    kept: NDArray[np.bool_]
    chance: Array
    by: str
    share: float


@dataclass(frozen=True, slots=True)
class Draws:
    """The parts learned from, (draws, articles), and what they changed; ``by`` and ``share`` are those of `Part`.

    ``changes``: of each figure, (1 + bootstrap draws, draws); the first row is the corpus, in the others its groups
    are resampled. ``reached``: the figures of cross-validation, which learned from ``base`` of the articles.
    """

    bootstrap: Bootstrap
    kept: Array
    by: NDArray[np.str_]
    share: Array
    changes: Mapping[str, Array]
    reached: Mapping[str, float]
    base: float

    def left(self, members: Array) -> Array:
        """Return the logarithm of what is left of each kind, (draws, kinds), relative to cross-validation."""
        # A draw with none left would be infinitely bad
        result: Array = np.log(np.maximum(self.kept @ members.T, 1.0) / (self.base * members.sum(axis=1)))
        return result


def forecast(
    articles: Sequence[Prepared],
    schema: Schema,
    settings: Settings,
    outcomes: Sequence[Outcome],
    *,
    draws: int = 48,
    jobs: int = -1,
    progress: Progress | None = None,
    seed: int = 0,
) -> Forecast:
    """Foretell what more articles would bring, from ``draws`` models that learn from parts of ``articles``.

    ``outcomes``: those of cross-validation with groups held out, in order. Whole groups are left out, since more
    articles come as more groups. ``progress`` is called after each draw with the number of draws done and of all.
    Raises NotEnoughDataError with fewer than FEWEST_GROUPS groups, or when too few parts have enough to learn from.
    """
    groups = joined_groups([p.article for p in articles])
    if len(set(groups)) < FEWEST_GROUPS:
        raise NotEnoughDataError(
            f"a forecast needs articles of {FEWEST_GROUPS} groups, and there are {len(set(groups))}",
            remedy="add articles of other outlets, or name the 'group' or 'outlet' of each record",
        )
    base = 1.0 - 1.0 / min(FOLDS, len(set(groups)))
    kinds = find_kinds([p.article for p in articles])
    parts = plan(groups, kinds, base, draws, seed)
    counted = count(articles, settings)
    found = Parallel(jobs, return_as="generator")(
        delayed(_learn)(articles, part.kept, schema, settings, counted) for part in parts
    )
    learned: list[tuple[Part, dict[str, Counts]]] = []
    for done, (part, counts) in enumerate(zip(parts, found, strict=True), 1):
        if counts is not None:
            learned.append((part, counts))
        if progress:
            progress(done, len(parts))
    if sum(not part.by for part, _ in learned) < _FEWEST_EVEN:
        raise NotEnoughDataError(
            f"only {len(learned)} of {len(parts)} parts of the articles have enough to learn from",
            remedy="add articles, or draw more often",
        )
    compared = changes_of(learned, _counts(outcomes, schema), Bootstrap(groups, seed), base)
    return Forecast(
        points=learning_curve(compared),
        gains=gains_of(compared, {ANY: np.ones(len(articles)), **kinds}, seed),
        check=back_test(compared, seed),
    )


def find_kinds(articles: Sequence[Article]) -> Kinds:
    """Return the languages, targets and genres of enough articles, if enough others are not of the kind."""
    named = {
        "language": [{a.lang} for a in articles],
        "target": [set(a.stances or ()) for a in articles],
        "genre": [{a.genre} - {""} for a in articles],
    }
    found = {}
    for by, of in named.items():
        frequency = Counter(kind for kinds in of for kind in kinds)
        for kind, n in sorted(frequency.items()):
            if _LEAST_SHARE <= n / len(articles) <= 1.0 - _LEAST_SHARE:
                found[f"{by}: {kind}"] = np.array([float(kind in kinds) for kinds in of])
    return found


def plan(groups: Sequence[str], kinds: Kinds, base: float, draws: int, seed: int) -> list[Part]:
    """Draw parts of the articles; whole groups stay or go. Each kind has its turn to keep less or more than the rest.

    One kind at a time, since kinds overlap: if two were thinned at once, one would be blamed for the other. Never more
    than ``base`` of a kind, as much as cross-validation learns from, so that there is always something to be measured
    on.
    """
    from scipy.optimize import brentq
    from scipy.special import expit

    random = np.random.default_rng(seed)
    names, member = np.unique(np.array(groups), return_inverse=True)
    sizes = np.bincount(member)
    # Spread evenly: chance would leave gaps
    spread = random.permutation(np.linspace(_LEAST, _MOST, draws)).tolist()
    turns, parts = list(kinds), []
    for n in range(draws):
        evens, uneven = n // _EVERY, n - n // _EVERY - 1
        if n % _EVERY and turns:
            by, share = turns[uneven % len(turns)], float(spread[n])
            of_kind = kinds[by]
            part_of_group = np.bincount(member, of_kind) / sizes
            sorted_by = np.average(part_of_group[member], weights=of_kind) - np.average(
                part_of_group[member], weights=1.0 - of_kind
            )
            less = (-1.0) ** (uneven // len(turns) + 1)
            odds = less * _APART / max(_LEAST_SORTED, sorted_by) * part_of_group

            def surplus(shift: float, odds: Array = odds, share: float = share) -> float:
                return float(np.average(expit(odds + shift), weights=sizes)) - share

            chance = base * expit(odds + brentq(surplus, -50.0, 50.0))
        else:
            by, share = "", _EVEN[evens % len(_EVEN)]
            chance = np.full(len(names), base * share)
        parts.append(Part((random.random(len(names)) < chance)[member], chance[member], by, share))
    return parts


def _learn(
    articles: Sequence[Prepared], kept: NDArray[np.bool_], schema: Schema, settings: Settings, counted: Counted
) -> dict[str, Counts] | None:
    """Learn from some articles and count right and wrong answers on the others; None where that cannot be done."""
    inside = [p for p, inside in zip(articles, kept, strict=True) if inside]
    outside = [p for p, inside in zip(articles, kept, strict=True) if not inside]
    try:
        with parallel_config("sequential"):  # the draws are the parallel work
            model = fit(inside, schema, settings, counted, exact=False)
    except NotEnoughDataError:
        return None
    return _counts([outcome(model, p) for p in outside], schema) if inside and outside else None


def _counts(outcomes: Sequence[Outcome], schema: Schema) -> dict[str, Counts]:
    return {
        "stances": stance_counts(outcomes, schema.target_ids).sum(axis=1),
        "topics": topic_counts(outcomes, schema.topic_ids),
    }


def changes_of(
    learned: Sequence[tuple[Part, Mapping[str, Counts]]], full: Mapping[str, Counts], bootstrap: Bootstrap, base: float
) -> Draws:
    """Compute what each draw changed in the figures of the articles that it did not learn from.

    Kinds of which little was kept are more among those; an article weighs the inverse of its chance to be there, so
    that all draws are measured on the corpus' own mix (Horvitz & Thompson 1952).
    """
    reached = {name: float(_FIGURES[name](counts.sum(axis=0))) for name, counts in full.items() if counts.any()}
    changes: dict[str, list[Array]] = {name: [] for name in reached}
    for part, counts in learned:
        weights = np.where(part.kept, 0.0, 1.0 / (1.0 - part.chance))
        for name, change in changes.items():
            before = (full[name].T * weights).T
            after = np.zeros_like(before)
            after[~part.kept] = (counts[name].T * weights[~part.kept]).T
            figure = _FIGURES[name]
            change.append(figure(bootstrap.totals(after)) - figure(bootstrap.totals(before)))
    return Draws(
        bootstrap=bootstrap,
        kept=np.array([part.kept for part, _ in learned], dtype=np.float64),
        by=np.array([part.by for part, _ in learned]),
        share=np.array([part.share for part, _ in learned]),
        changes={name: np.stack(change, axis=1) for name, change in changes.items()},
        reached=reached,
        base=base,
    )


def gains_of(draws: Draws, kinds: Kinds, seed: int) -> list[Gain]:
    """Return the gains of more articles of each kind, held against all other articles.

    They come from the draws that thinned this kind, or its opposite, and from the even ones.
    """
    gains = []
    for name, changes in draws.changes.items():
        for kind, member in kinds.items():
            size = int(member.sum())
            opposite = [other for other, of in kinds.items() if np.array_equal(of, 1.0 - member)]
            rows = np.isin(draws.by, ["", kind, *opposite])
            members = member[None] if size == len(member) else np.stack([member, 1.0 - member])
            slope = _slopes(draws.left(members)[rows], changes[:, rows], seed)[:, 0]
            gains += [
                Gain(kind, more, name, draws.bootstrap.interval(slope * np.log((size + more) / size), size))
                for more in MORE
                if more <= size
            ]
    return gains


def _slopes(left: Array, changes: Array, seed: int) -> Array:
    """Regress changes, (1 + bootstrap draws, draws), on what was left, (draws, kinds), by least squares.

    Without an intercept: where all is left, nothing changes. Returns (1 + bootstrap draws, kinds), the estimate first.
    The others vary for two reasons: their groups are resampled, and so are the residuals of the regression (Efron
    1979; divided by one less their leverage, since a few draws fit themselves too well). What luck with the articles
    measured on does to single draws is in both, so intervals err on the wide side.
    """
    inverse = np.linalg.pinv(left)
    slopes: Array = changes @ inverse.T
    leverage = np.einsum("dk,kd->d", left, inverse)
    residuals = (changes[0] - left @ slopes[0]) / np.maximum(1.0 - leverage, 0.1)
    resampled = np.random.default_rng(seed).choice(residuals - residuals.mean(), (len(changes) - 1, len(left)))
    slopes[1:] += resampled @ inverse.T
    return slopes


def learning_curve(draws: Draws) -> list[Point]:
    """Return the curve: the figures of cross-validation, less what smaller parts change in them."""
    sizes, n = draws.kept.sum(axis=1), draws.kept.shape[1]
    points = []
    for share in _EVEN:
        rows = (draws.by == "") & (draws.share == share)
        if rows.any():
            value = {name: draws.reached[name] + float(c[0, rows].mean()) for name, c in draws.changes.items()}
            points.append(
                Point(round(float(sizes[rows].mean())), value.get("stances"), value.get("topics"), int(rows.sum()))
            )
    whole = Point(round(draws.base * n), draws.reached.get("stances"), draws.reached.get("topics"), 1)
    return [*points, whole]


def back_test(draws: Draws, seed: int) -> str:
    """Foretell what all articles reach from the draws with few of them, and say what they do reach."""
    rows = (draws.by == "") & (draws.share <= _BACK)
    n = draws.kept.shape[1]
    left = draws.left(np.ones((1, n)))[rows]
    if len(left) < _FEWEST_EVEN:
        return "Too few draws to try the forecast on what is known."
    told = []
    for name, changes in draws.changes.items():
        # Here the intercept is what is wanted: the change where all is left, which is none
        missed = _slopes(np.hstack([np.ones_like(left), left]), changes[:, rows], seed)[:, 0]
        foretold, is_now = draws.bootstrap.interval(draws.reached[name] + missed, n), draws.reached[name]
        where = "" if foretold.low <= is_now <= foretold.high else ", outside the interval"
        told.append(f"{name} {foretold.value:.3f} [{foretold.low:.3f}, {foretold.high:.3f}] (is {is_now:.3f}{where})")
    most = int(draws.kept.sum(axis=1)[rows].max())
    return f"From up to {most} articles it foretold, for {round(draws.base * n)}: {'; '.join(told)}."


def render_forecast(forecast: Forecast) -> str:
    """Return the forecast as text of at most 110 columns."""
    lines = [f"{'Learned from':<16}{'stances':>10}{'topics':>10}   macro-F1"]
    lines += [f"{f'{p.articles} articles':<16}{_cell(p.stances):>10}{_cell(p.topics):>10}" for p in forecast.points]
    lines += textwrap.wrap(forecast.check, _WIDTH)
    for figure in dict.fromkeys(gain.figure for gain in forecast.gains):
        lines += ["", *_table(figure, [gain for gain in forecast.gains if gain.figure == figure])]
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(figure: str, gains: Sequence[Gain]) -> Iterator[str]:
    yield f"{f'{figure}, macro-F1':<30}{'now':>5}" + "".join(f"{f'+{more}':>8}{'':<17}" for more in MORE)
    for kind in dict.fromkeys(gain.kind for gain in gains):
        row = {gain.more: gain.gain for gain in gains if gain.kind == kind}
        name = kind if len(kind) < 30 else f"{kind[:28]}…"
        cells = "".join(f"  {_signed(row[more]) if more in row else '-':<23}" for more in MORE)
        yield f"{name:<30}{row[MORE[0]].n:>5}{cells}"
    # A kind with few articles is not told of as far ahead as the others
    common = min(max(gain.more for gain in gains if gain.kind == kind) for kind in {gain.kind for gain in gains})
    yield from textwrap.wrap(_verdict([gain for gain in gains if gain.more == common]), _WIDTH)


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def _verdict(gains: Sequence[Gain]) -> str:
    """Say which kind pays most, which do harm, and of which nothing can be told."""
    kinds = [gain for gain in gains if gain.kind != ANY]
    sure = sorted((g for g in kinds if g.gain.low > 0), key=lambda g: -g.gain.value)
    unsure = [g.kind for g in gains if g.gain.low <= 0 <= g.gain.high]
    told = []
    if sure:
        told.append(f"{sure[0].more} more pay most of {sure[0].kind}, {_signed(sure[0].gain)}")
        near = [g.kind for g in sure[1:] if g.gain.high >= sure[0].gain.low]
        if near:
            told[0] += f", perhaps as much of {', '.join(near)}"
    elif kinds:
        told.append("No kind is sure to pay")
    if harmful := [g.kind for g in gains if g.gain.high < 0]:
        told.append(f"It falls with more of {', '.join(harmful)}, if that is not chance")
    if unsure:
        told.append(f"Cannot tell whether it rises with more of {', '.join(unsure)}")
    return "".join(f"{sentence}. " for sentence in told).strip()
