"""What an incoming stream of articles has that an earlier one had not, and whether that passes a limit."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from talante.corpus.article import STANCES
from talante.errors import NotEnoughDataError
from talante.evaluation.intervals import MIN_GROUPS, Array, Bootstrap, Estimate
from talante.evaluation.metrics import share
from talante.evaluation.rising import Rising, rising_names, rising_words
from talante.evaluation.seen import Seen
from talante.model.model import Model
from talante.text.fold import fold

#: A window with fewer articles says nothing of a stream.
FEWEST_ARTICLES = 50

#: A figure that rests on fewer articles, or on fewer groups than MIN_GROUPS, of either window is not judged: the draws
#: of so few do not know how far chance goes.
FEWEST = 20

#: Rising words and rising names that a report tells.
LONGEST_LIST = 15

#: Where the model has learned from this part of a window, its scores there are surer than they can be elsewhere.
_LEARNED = 0.1

Count = tuple[float, float]

Answer = Literal["beyond its limit", "within its limit", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a figure may shift before it is an alarm; `docs/drift.md` says how the defaults were chosen.

    All are differences of shares or, ``scores`` (of topics) and ``sureness`` (of stances), of mean scores, from 0 to 1;
    ``length`` is a ratio of medians, 1.5 allowing two thirds to three halves. Of ``unknown_words`` and ``untagged``
    only a rise counts.
    """

    unknown_words: float = 0.03
    untagged: float = 0.05
    topics: float = 0.15
    targets: float = 0.15
    stances: float = 0.25
    scores: float = 0.15
    sureness: float = 0.10
    languages: float = 0.15
    length: float = 1.5


@dataclass(frozen=True, slots=True)
class Shift:
    """A figure of both windows and how far it shifted: a difference, of ``length`` the ratio new / reference.

    ``kind`` is the field of Limits that it is held to. It is beyond or within its limit with its whole 95 % interval;
    otherwise these articles cannot tell. ``n`` of an Estimate counts the articles (of stances and their scores the
    stances) that it rests on.
    """

    kind: str
    name: str
    new: Estimate
    reference: Estimate
    difference: Estimate
    limit: float
    answer: Answer


@dataclass(frozen=True, slots=True)
class Window:
    """What was compared; ``untagged`` counts reasons."""

    articles: int
    groups: int
    untagged: dict[str, int]
    learned: int
    """How many of the articles the model has learned from."""

    @property
    def mostly_learned(self) -> bool:
        """Say whether the model's scores here are surer than they can be elsewhere."""
        return self.learned >= _LEARNED * self.articles


@dataclass(frozen=True, slots=True)
class Drift:
    """All shifts, in a fixed order, and the words and names that rise, those that rise most first."""

    model: str
    new: Window
    reference: Window
    in_both: int
    """How many of the new articles are in the reference, too."""
    shared_groups: int
    """How many groups are in both windows and are resampled whole; 0 where all articles are resampled."""
    shifts: list[Shift]
    words: list[Rising]
    names: list[Rising]

    @property
    def alarms(self) -> list[Shift]:
        """Return the shifts that lie beyond their limits, the farthest first, in units of the limit."""
        found = [shift for shift in self.shifts if shift.answer == "beyond its limit"]
        return sorted(found, key=lambda shift: -_in_limits(shift))

    @property
    def undecided(self) -> list[Shift]:
        """Return the shifts that these articles cannot tell."""
        return [shift for shift in self.shifts if shift.answer == "cannot tell"]

    def to_json(self) -> dict[str, Any]:
        """Return plain data; what has no value is None."""
        data: dict[str, Any] = _without_nan({"alarm": bool(self.alarms), **asdict(self)})
        return data


def drift(new: Sequence[Seen], reference: Sequence[Seen], model: Model, limits: Limits | None = None) -> Drift:
    """Compare two windows of a stream that the same model has seen.

    Intervals are those of `talante.evaluation.intervals`, by one bootstrap over both windows: a group that is in both
    is drawn whole, for both, so that what an outlet always does is no drift. Of a group that is in one window only its
    articles are drawn: that an outlet came or went is no chance. With too few groups in both windows all articles are
    drawn, and the intervals hold for these groups only.

    Raises NotEnoughDataError when a window has fewer than FEWEST_ARTICLES articles.
    """
    check_enough(len(new), len(reference))
    limits = limits or Limits()
    described, before = _window(new), _window(reference)
    vocabulary = frozenset(model.article_terms.words)
    tagged, tagged_before = [[seen for seen in window if seen.tagged] for window in (new, reference)]
    names = rising_names(tagged, tagged_before, vocabulary)
    # Half a name beside the name says nothing more
    halves = {fold(word) for rising in names for word in rising.term.split()}
    words = [rising for rising in rising_words(tagged, tagged_before, vocabulary) if rising.term not in halves]
    return Drift(
        model.id,
        described,
        before,
        len({seen.article.text for seen in tagged} & {seen.article.text for seen in tagged_before}),
        len(_shared_groups(new, reference)),
        list(
            _shifts(_Measure(new, reference), model, limits, learned=described.mostly_learned or before.mostly_learned)
        ),
        words[:LONGEST_LIST],
        names[:LONGEST_LIST],
    )


def check_enough(new: int, reference: int) -> None:
    """Raise NotEnoughDataError when there are too few articles in either window to tell drift from chance."""
    for name, articles in (("new articles", new), ("reference", reference)):
        if articles < FEWEST_ARTICLES:
            raise NotEnoughDataError(
                f"too few to tell drift from chance: {articles}, and it takes {FEWEST_ARTICLES}",
                place=name,
                remedy="add files of a longer time",
            )


def _window(window: Sequence[Seen]) -> Window:
    return Window(
        articles=len(window),
        groups=len({seen.article.held_out_group for seen in window}),
        untagged=dict(Counter(seen.reason for seen in window if not seen.tagged).most_common()),
        learned=sum(seen.learned for seen in window),
    )


def _shared_groups(new: Sequence[Seen], reference: Sequence[Seen]) -> frozenset[str]:
    """Return the groups in both windows; none where they are fewer than MIN_GROUPS, or as good as.

    One outlet and strays are one outlet: what counts is the geometric mean of their number and of Kish's, as for the
    width of an interval.
    """
    sizes = [Counter(seen.article.held_out_group for seen in window) for window in (new, reference)]
    shared = frozenset(sizes[0]) & frozenset(sizes[1])
    for window in sizes:
        counts = np.array([window[group] for group in shared], dtype=float)
        if not len(counts) or np.sqrt(len(counts) * counts.sum() ** 2 / (counts**2).sum()) < MIN_GROUPS:
            return frozenset()
    return shared


class _Measure:
    """The articles of both windows in a row, resampled together."""

    def __init__(self, new: Sequence[Seen], reference: Sequence[Seen]) -> None:
        self.seen = [*new, *reference]
        self._inside = np.arange(len(self.seen)) < len(new)
        shared = _shared_groups(new, reference)
        groups = [seen.article.held_out_group for seen in self.seen]
        # No group has such a name
        self._bootstrap = Bootstrap([group if group in shared else f"\t{i}" for i, group in enumerate(groups)])

    def shares(self, count: Callable[[Seen], Count]) -> "_Figure":
        """Return the sum of the second over the sum of the first of what is counted, and the difference."""
        counts = np.array([count(seen) for seen in self.seen], dtype=float)
        own, others = (counts * inside[:, None] for inside in (self._inside, ~self._inside))
        new, reference = (share(self._bootstrap.totals(part)) for part in (own, others))
        return self._figure(new, reference, new - reference, own[:, 0], others[:, 0])

    def median_length(self) -> "_Figure":
        """Return the median words of the tagged articles, and the ratio of both."""
        lengths = np.array([seen.length for seen in self.seen], dtype=float)
        tagged = np.array([seen.tagged for seen in self.seen])
        order = np.argsort(lengths, kind="stable")
        weights = self._bootstrap.article_weights()[:, order]
        own, others = (inside & tagged for inside in (self._inside, ~self._inside))
        new, reference = (_median(lengths[order], weights * part[order]) for part in (own, others))
        return self._figure(new, reference, new / reference, own.astype(float), others.astype(float))

    def _figure(self, new: Array, reference: Array, difference: Array, own: Array, others: Array) -> "_Figure":
        interval, n, m = self._bootstrap.interval, int((own > 0).sum()), int((others > 0).sum())
        # As wide as the window with fewer and more unequal units makes it
        both = [interval(difference, n + m, part) for part in (own, others)]
        return _Figure(
            interval(new, n, own),
            interval(reference, m, others),
            Estimate(both[0].value, min(e.low for e in both), max(e.high for e in both), n + m),
            min(int((self._bootstrap.by_unit(part) > 0).sum()) for part in (own, others)),
        )


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure of both windows and its difference; ``units`` of the bootstrap it rests on, at least, in either."""

    new: Estimate
    reference: Estimate
    difference: Estimate
    units: int


def _median(ascending: Array, weights: Array) -> Array:
    """Return the median of numbers for each row of weights, NaN where all are 0."""
    sums = weights.cumsum(axis=1, dtype=np.float64)
    total = sums[:, -1:]
    at = np.minimum((sums < total / 2).sum(axis=1), len(ascending) - 1)
    return np.where(total[:, 0] > 0, ascending[at], np.nan)


def _shifts(measure: _Measure, model: Model, limits: Limits, *, learned: bool) -> Iterator[Shift]:
    def judged(kind: str, name: str, figure: _Figure, *, told: bool = True) -> Shift:
        limit = float(getattr(limits, kind))
        few = min(figure.new.n, figure.reference.n) < FEWEST or figure.units < MIN_GROUPS
        answer = _answer(kind, figure.difference, limit) if told and not few else "cannot tell"
        return Shift(kind, name, figure.new, figure.reference, figure.difference, limit, answer)

    yield judged("unknown_words", "words unknown to the model", measure.shares(_unknown))
    yield judged("untagged", "articles not tagged", measure.shares(_untagged))
    yield judged("length", "median words", measure.median_length())
    for lang in sorted({seen.lang for seen in measure.seen if seen.lang}):
        yield judged("languages", f"language {lang}", measure.shares(partial(_in_language, lang)))
    for topic in model.schema.topic_ids:
        yield judged("topics", topic, measure.shares(partial(_on_topic, topic)))
    for target in model.schema.target_ids:
        yield judged("targets", target, measure.shares(partial(_addressing, target)))
        for stance in STANCES:
            yield judged("stances", f"{target}: {stance}", measure.shares(partial(_having, target, stance)))
    for topic in model.schema.topic_ids:
        yield judged("scores", f"score of {topic}", measure.shares(partial(_scored, topic)))
    yield judged("sureness", "score of the stances", measure.shares(_sureness), told=not learned)


# What is counted of an article: how many of something it has, and how many of these, or how much, are of the kind


def _unknown(seen: Seen) -> Count:
    return seen.running, seen.unknown


def _untagged(seen: Seen) -> Count:
    return 1, not seen.tagged


def _in_language(lang: str, seen: Seen) -> Count:
    return seen.lang != "", seen.lang == lang


def _on_topic(topic: str, seen: Seen) -> Count:
    return seen.tagged, topic in seen.outcome.predicted_topics


def _addressing(target: str, seen: Seen) -> Count:
    return seen.tagged, target in seen.outcome.predicted_stances


def _scored(topic: str, seen: Seen) -> Count:
    return seen.tagged, seen.outcome.scores.get(topic, 0.0)


def _having(target: str, stance: str, seen: Seen) -> Count:
    given = seen.outcome.predicted_stances.get(target)
    return given is not None, given == stance


def _sureness(seen: Seen) -> Count:
    scores = [max(p) for p in seen.outcome.probabilities.values()]
    return len(scores), sum(scores)


def _answer(kind: str, difference: Estimate, limit: float) -> Answer:
    low, high = difference.low, difference.high
    if kind == "length":
        above, below, inside = low > limit, high < 1 / limit, low >= 1 / limit and high <= limit
    else:
        one_sided = kind in ("unknown_words", "untagged")
        above, below = low > limit, high < -limit and not one_sided
        inside = high <= limit and (low >= -limit or one_sided)
    return "beyond its limit" if above or below else "within its limit" if inside else "cannot tell"


def _in_limits(shift: Shift) -> float:
    if shift.kind == "length":
        return float(abs(np.log(shift.difference.value)) / np.log(shift.limit))
    return abs(shift.difference.value) / shift.limit


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
