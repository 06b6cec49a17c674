"""What was expected of an article and what was predicted, side by side; and counting both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.model.model import Model, sigmoid
from talante.model.records import Record
from talante.text.prepare import Prepared

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One article: its gold labels and what was predicted for it. One that could not be tagged has 0 ``words``.

    ``scores``: of every topic; ``probabilities``: of the three stances toward each target found to be addressed;
    ``addressed``: the score of that, for each target that the article mentions. ``near``: the sentences that name each
    of these, masked.
    """

    article: Article
    words: int
    scores: Mapping[str, float]
    predicted_topics: frozenset[str]
    predicted_stances: Mapping[str, Stance]
    probabilities: Mapping[str, tuple[float, float, float]]
    addressed: Mapping[str, float] = field(default_factory=dict)
    near: Mapping[str, str] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[str, Stance, Stance | None]]:
        """Return (target, gold stance, predicted stance or None) for each target that can be scored."""
        disputed = self.article.disputed_stances
        return [
            (target, stance, self.predicted_stances.get(target))
            for target, stance in sorted((self.article.stances or {}).items())
            if target not in disputed
        ]

    def only(self, schema: Schema) -> "Outcome":
        """Return the same without labels that are not in a schema."""
        stances = self.article.stances
        if stances is None or stances.keys() <= set(schema.target_ids):
            return self
        left = {target: stance for target, stance in stances.items() if target in schema.target_ids}
        return replace(self, article=replace(self.article, stances=left))


def remembered(record: Record, seen: "Outcome") -> Outcome:
    """Return what was said of an article by a model that had not seen its group, from what a later model kept of that.

    ``seen``: the outcome of the same article with another model, or none: its labels, group and length.
    """
    topics, stances = record.topics or frozenset(), record.stances or {}
    return replace(seen, scores={}, predicted_topics=topics, predicted_stances=stances, probabilities={}, addressed={})


def outcome(model: Model, prepared: Prepared) -> Outcome:
    """Pair an annotated article with what a model says of it, which is nothing in a language it does not know."""
    try:
        prediction = model.predict_prepared(prepared)
    except DataError:
        return untagged(prepared.article)
    addressed = {
        target: float(sigmoid(model.addressed_logit(prepared, target)))
        for target in prepared.mentions
        if target not in model.schema.assumed
    }
    return Outcome(
        article=prepared.article,
        words=prepared.words,
        scores=prediction.scores,
        predicted_topics=frozenset(prediction.topics),
        predicted_stances={t: s.stance for t, s in prediction.stances.items()},
        probabilities={t: s.probabilities for t, s in prediction.stances.items()},
        addressed=addressed,
        near={target: context.near for target, context in prepared.contexts.items()},
    )


def untagged(article: Article) -> Outcome:
    """Return the outcome of an article that could not be tagged: all its labels count as missed."""
    return Outcome(article, 0, {}, frozenset(), {}, {})


def topic_counts(outcomes: Sequence[Outcome], topics: Sequence[str]) -> Counts:
    """Count true positives, false positives and false negatives, (articles, topics, 3); disputed ones nowhere."""
    counts = np.zeros((len(outcomes), len(topics), 3))
    for row, o in zip(counts, outcomes, strict=True):
        if o.article.topics is None:
            continue
        for cell, topic in zip(row, topics, strict=True):
            if topic not in o.article.disputed_topics:
                gold, predicted = topic in o.article.topics, topic in o.predicted_topics
                cell[:] = gold and predicted, predicted and not gold, gold and not predicted
    return counts


def stance_counts(outcomes: Sequence[Outcome], targets: Sequence[str]) -> Counts:
    """Count gold against predicted stances, (articles, targets, 3 gold, 4 predicted); the fourth is "none"."""
    counts = np.zeros((len(outcomes), len(targets), len(STANCES), len(STANCES) + 1))
    for row, o in zip(counts, outcomes, strict=True):
        for target, gold, predicted in o.pairs:
            column = len(STANCES) if predicted is None else STANCES.index(predicted)
            row[targets.index(target), STANCES.index(gold), column] += 1
    return counts


def addressed_counts(outcomes: Sequence[Outcome], targets: Sequence[str]) -> Counts:
    """Count targets rightly, wrongly and not found to be addressed, (articles, targets, 3); disputed ones nowhere."""
    counts = np.zeros((len(outcomes), len(targets), 3))
    for row, o in zip(counts, outcomes, strict=True):
        if o.article.stances is None:
            continue
        for cell, target in zip(row, targets, strict=True):
            if target not in o.article.disputed_stances:
                gold, predicted = target in o.article.stances, target in o.predicted_stances
                cell[:] = gold and predicted, predicted and not gold, gold and not predicted
    return counts


#: Bins of equal width for scores; the figures of calibration are known to hang on their number, and ten is usual.
BINS = 10


def topic_bins(outcomes: Sequence[Outcome], topics: Sequence[str]) -> Counts:
    """Sort topic scores into bins, (articles, BINS, 3): how many, the sum of the scores, how many topics were right."""
    return _bins(
        [(o.scores[t], t in o.article.topics) for t in topics if t in o.scores and t not in o.article.disputed_topics]
        if o.article.topics is not None
        else []
        for o in outcomes
    )


def stance_bins(outcomes: Sequence[Outcome]) -> Counts:
    """Sort the scores of the predicted stances of labelled pairs into bins, (articles, BINS, 3), as `topic_bins`."""
    return _bins(
        [
            (o.probabilities[target][STANCES.index(predicted)], gold == predicted)
            for target, gold, predicted in o.pairs
            if predicted
        ]
        for o in outcomes
    )


def _bins(scored: Iterable[Sequence[tuple[float, bool]]]) -> Counts:
    rows = list(scored)
    counts = np.zeros((len(rows), BINS, 3))
    for row, pairs in zip(counts, rows, strict=True):
        for score, right in pairs:
            row[min(int(score * BINS), BINS - 1)] += 1.0, score, float(right)
    return counts


def opposed_counts(outcomes: Sequence[Outcome]) -> Counts:
    """Count pairs of targets that an article takes opposite sides on, and those with both right, (articles, 2)."""
    counts = np.zeros((len(outcomes), 2))
    for row, o in zip(counts, outcomes, strict=True):
        for (_, gold, predicted), (_, other, guessed) in combinations(o.pairs, 2):
            if {gold, other} == {"against", "favor"}:
                row += 1.0, float((gold, other) == (predicted, guessed))
    return counts
