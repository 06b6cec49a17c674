"""What was expected of an article and what was predicted, side by side; and counting both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Article, Stance
from talante.model.model import Prediction

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One article: its gold labels and what was predicted for it. One that could not be tagged has 0 ``words``."""

    article: Article
    words: int
    predicted_topics: frozenset[str]
    predicted_stances: dict[str, Stance]
    probabilities: dict[str, tuple[float, float, float]]

    @property
    def pairs(self) -> list[tuple[str, Stance, Stance | None]]:
        """Return (target, gold stance, predicted stance or None) for each target that can be scored."""
        disputed = self.article.disputed_stances
        return [
            (target, stance, self.predicted_stances.get(target))
            for target, stance in sorted((self.article.stances or {}).items())
            if target not in disputed
        ]


def outcome(article: Article, words: int, prediction: Prediction | None) -> Outcome:
    """Pair an annotated article with its prediction, or with none where it could not be tagged."""
    if prediction is None:
        return Outcome(article, words, frozenset(), {}, {})
    stances = prediction.stances
    return Outcome(
        article,
        words,
        frozenset(prediction.topics),
        {t: s.stance for t, s in stances.items()},
        {t: s.probabilities for t, s in stances.items()},
    )


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
