"""Fit a model to prepared articles, with scikit-learn."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Stance
from talante.corpus.schema import Schema
from talante.errors import NotEnoughDataError
from talante.features.tfidf import Vector, fit_tfidf, is_word
from talante.model.model import (
    MENTION_FEATURES,
    AddressedModel,
    Model,
    StanceModel,
    TopicModel,
    mention_features,
    word_features,
)
from talante.text.prepare import Prepared

log = logging.getLogger("talante")
log.addHandler(logging.NullHandler())  # a library is silent unless told otherwise, also in each fold

#: The intercept of a stance that no article takes: its probability rounds to zero.
_NEVER = -50.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What fitting can be told.

    The regularization and the weights of the views were chosen on the corpus, by held-out writing session.

    ``min_df``: articles that a term must occur in. ``topic_c``, ``stance_c``, ``addressed_c``: inverse regularization.
    ``word_weight``: weight of `talante.model.model.word_features`, against 1 for TF-IDF. ``near_weight``,
    ``whole_weight``: weights of the two views that targets share, against 1 for a target's own.
    ``folds``: parts that groups are dealt into for the thresholds.
    """

    min_df: int = 3
    topic_c: float = 10.0
    stance_c: float = 300.0
    word_weight: float = 0.5
    near_weight: float = 0.25
    whole_weight: float = 0.5
    addressed_c: float = 1.0
    folds: int = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """An article and a target that it takes a labelled stance toward, with the contexts of that target."""

    prepared: Prepared
    target: str
    stance: Stance


def stance_pairs(articles: Sequence[Prepared]) -> list[Pair]:
    """Return every undisputed stance toward a target that the article mentions by an alias."""
    return [
        Pair(p, target, stance)
        for p in articles
        for target, stance in sorted((p.article.stances or {}).items())
        if target in p.contexts and target not in p.article.disputed_stances
    ]


def fit(articles: Sequence[Prepared], schema: Schema, settings: Settings) -> Model:
    """Fit topics and stances to labelled articles; a label that cannot be learned is logged, not guessed.

    A topic is not learned from articles where it is disputed, and neither is a stance.

    Raises NotEnoughDataError when there is not one article with topics, or not one stance.
    """
    with_topics = [p for p in articles if p.article.topics is not None]
    pairs = stance_pairs(articles)
    if schema.topics and not with_topics:
        raise NotEnoughDataError("no article is annotated with topics", remedy="label some, see docs/guidelines.md")
    if schema.targets and not pairs:
        raise NotEnoughDataError(
            "no article has a stance toward a target that it mentions", remedy="label some, see docs/guidelines.md"
        )
    article_terms, _ = fit_tfidf([p.text for p in articles], settings.min_df)
    vectors = {p.article.id: article_terms.vector(p.text) for p in articles}
    words = matrix(
        [article_terms.words_of(vectors[p.article.id]) for p in with_topics], int(is_word(article_terms.terms).sum())
    )
    topics = _fit_topics(with_topics, schema, words, settings)
    contexts, sources = (
        [pair.prepared.contexts[pair.target] for pair in pairs],
        [pair.prepared.article.id for pair in pairs],
    )
    near_terms, near = fit_tfidf([c.near for c in contexts], settings.min_df, sources)
    whole_terms, whole = fit_tfidf([c.whole for c in contexts], settings.min_df, sources)
    own = matrix([vectors[source] for source in sources], len(article_terms.terms))
    stances = _fit_stances(pairs, schema, settings, near, whole, own)
    return Model(
        schema=schema,
        languages=tuple(sorted({p.article.lang for p in articles})),
        article_terms=article_terms,
        near_terms=near_terms,
        whole_terms=whole_terms,
        topics=topics,
        stances=stances,
        addressed=_fit_addressed(articles, schema, settings),
        card={"settings": asdict(settings)},
    )


def logistic_regression(c: float) -> Any:
    """Return scikit-learn's logistic regression as all labels use it.

    newton-cg reaches the same optimum as lbfgs in a fraction of the time here (few articles, many terms), and close
    enough for two machines to agree.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, solver="newton-cg", tol=1e-6, max_iter=1000)


def matrix(vectors: Sequence[Vector], columns: int) -> Any:
    """Return vectors as a sparse matrix, (vectors, columns)."""
    from scipy.sparse import csr_matrix

    ends = np.cumsum([0, *(len(columns) for columns, _ in vectors)])
    parts = (np.concatenate([v for _, v in vectors]), np.concatenate([c for c, _ in vectors]), ends)
    return csr_matrix(parts, shape=(len(vectors), columns))


def _fit_topics(articles: Sequence[Prepared], schema: Schema, words: Any, settings: Settings) -> TopicModel:
    from scipy.sparse import csr_matrix, hstack

    coef, intercept, threshold = [], [], []
    for topic in schema.topic_ids:
        rows = [i for i, p in enumerate(articles) if topic not in p.article.disputed_topics]
        agreed = [articles[i] for i in rows]
        schema_words = settings.word_weight * csr_matrix([word_features(p, topic) for p in agreed])
        features = hstack([words[rows], schema_words]).tocsr()
        labels = np.array([topic in (p.article.topics or ()) for p in agreed], dtype=bool)
        groups = [p.article.held_out_group for p in agreed]
        weights, bias = _fit_binary(features, labels, settings.topic_c)
        if min(labels.sum(), (~labels).sum()) < 2:
            log.warning(
                "topic '%s' has %d positive and %d negative articles: too few to learn it",
                topic,
                labels.sum(),
                (~labels).sum(),
            )
            cut = 0.5
        else:
            cut = _threshold(features, labels, groups, settings.topic_c, settings.folds)
        coef.append(weights)
        intercept.append(bias)
        threshold.append(cut)
    both = np.array(coef).reshape(len(coef), words.shape[1] + 2)
    return TopicModel(
        both[:, :-2].copy(), settings.word_weight * both[:, -2:], np.array(intercept), np.array(threshold)
    )


def _fit_addressed(articles: Sequence[Prepared], schema: Schema, settings: Settings) -> AddressedModel:
    """Learn from every undisputed target that an annotated article mentions; without both sides, all are addressed."""
    from sklearn.preprocessing import StandardScaler

    pairs = [
        (p, target)
        for p in articles
        if p.article.stances is not None
        for target in p.mentions
        if target not in p.article.disputed_stances and target not in schema.assumed
    ]
    raw = np.array([mention_features(p, target) for p, target in pairs]).reshape(-1, len(MENTION_FEATURES))
    labels = np.array([target in (p.article.stances or ()) for p, target in pairs], dtype=bool)
    if min(labels.sum(), (~labels).sum()) < 2:
        if set(schema.target_ids) - set(schema.assumed):
            log.warning(
                "%d targets are named only in passing: too few, each mention counts as treated", (~labels).sum()
            )
        return AddressedModel(np.zeros(len(MENTION_FEATURES)), np.zeros(1), np.zeros(1))
    scaler = StandardScaler()
    features = scaler.fit_transform(raw)
    weights, bias = _fit_binary(features, labels, settings.addressed_c)
    groups = [p.article.held_out_group for p, _ in pairs]
    cut = _threshold(features, labels, groups, settings.addressed_c, settings.folds)
    # Scaling goes into the weights, so that predicting needs none
    coef = weights / scaler.scale_
    return AddressedModel(coef, np.array([bias - scaler.mean_ @ coef]), np.array([cut]))


def _fit_binary(features: Any, labels: NDArray[np.bool_], c: float) -> tuple[NDArray[np.float64], float]:
    if labels.all() or not labels.any():
        # No other side to learn from: the smoothed frequency, whatever the text (Laplace)
        positive = (labels.sum() + 1.0) / (len(labels) + 2.0)
        return np.zeros(features.shape[1]), float(np.log(positive / (1.0 - positive)))
    fitted = logistic_regression(c).fit(features, labels)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _threshold(features: Any, labels: NDArray[np.bool_], groups: Sequence[str], c: float, folds: int) -> float:
    """Return the cut with the best F1 on scores of articles whose group was held out of fitting."""
    from sklearn.metrics import precision_recall_curve
    from sklearn.model_selection import GroupKFold

    folds = min(folds, len(set(groups)))
    if folds < 2:
        return 0.5
    scores = np.empty(len(labels))
    for inside, outside in GroupKFold(folds).split(features, labels, groups):
        weights, bias = _fit_binary(features[inside], labels[inside], c)
        scores[outside] = 1.0 / (1.0 + np.exp(-(features[outside] @ weights + bias)))
    precision, recall, cuts = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))
    below = scores[scores < cuts[best]]
    # Halfway to the next lower score: the cut must not hang on the last digit of one article's score
    return float((cuts[best] + below.max()) / 2 if below.size else cuts[best])


def _fit_stances(
    pairs: Sequence[Pair], schema: Schema, settings: Settings, near: Any, whole: Any, own: Any
) -> StanceModel:
    from scipy.sparse import csr_matrix, diags, hstack

    targets, stances = schema.target_ids, len(STANCES)
    is_of = np.array([[float(pair.target == target) for target in targets] for pair in pairs])
    copies = [diags(column) @ own for column in is_of.T]
    blocks = [settings.near_weight * near, settings.whole_weight * whole, *copies, csr_matrix(is_of)]
    features = hstack(blocks).tocsr()
    labels = np.array([STANCES.index(pair.stance) for pair in pairs])
    coef, intercept = np.zeros((stances, features.shape[1])), np.zeros(stances)
    present = sorted(set(labels.tolist()))
    for number in set(range(stances)) - set(present):
        log.warning("no article takes the stance '%s': it will never be predicted", STANCES[number])
        intercept[number] = _NEVER
    if len(present) > 1:
        # Every stance of every target weighs alike. Otherwise the skew of the corpus, such as many articles
        # against the United States and few for it, is learned as a property of the target.
        cells = Counter((pair.target, pair.stance) for pair in pairs)
        weights = np.array([1.0 / cells[pair.target, pair.stance] for pair in pairs])
        fitted = logistic_regression(settings.stance_c)
        fitted.fit(features, labels, sample_weight=weights / weights.mean())
        # For two classes scikit-learn keeps one row: the logit of the second against the first
        rows = present if len(present) > 2 else present[1:]
        coef[rows], intercept[rows] = fitted.coef_, fitted.intercept_
    a, b, c = np.cumsum([near.shape[1], whole.shape[1], len(targets) * own.shape[1]]).tolist()
    return StanceModel(
        near=settings.near_weight * coef[:, :a],
        whole=settings.whole_weight * coef[:, a:b],
        own=coef[:, b:c].reshape(stances, len(targets), own.shape[1]).transpose(1, 0, 2).copy(),
        own_intercept=coef[:, c:].T.copy(),
        intercept=intercept,
    )
