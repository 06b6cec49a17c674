"""What fitting can be told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """What fitting can be told; docs/settings.md says how these were found and what was tried and lost.

    ``min_df``: articles that a term must occur in; ``most_terms``: so many of these are kept at most, the most frequent
    ones, which bounds the size of a model. ``short``: a corpus whose median article has fewer words than this
    is one of short texts; there every term counts, and parts of words are terms for stances.
    ``topic_c``, ``stance_c``, ``addressed_c``: inverse regularization.
    ``word_weight``: weight of `talante.model.model.word_features`, against 1 for TF-IDF. ``near_weight``,
    ``whole_weight``: weights of the two views that targets share, against 1 for a target's own.
    ``addressed_near``, ``addressed_words``: weights of the near terms and of the topics' words, against 1 for
    `talante.model.model.mention_features`.
    ``folds``: parts that groups are dealt into for thresholds and calibration; of many articles only the first parts
    are held out, see `talante.model.fit.ENOUGH`.
    """

    min_df: int = 3
    most_terms: int = 200_000
    short: int = 60
    topic_c: float = 100.0
    stance_c: float = 100.0
    word_weight: float = 0.5
    near_weight: float = 0.25
    whole_weight: float = 0.5
    addressed_c: float = 1.0
    addressed_near: float = 3.0
    addressed_words: float = 0.3
    folds: int = 5
