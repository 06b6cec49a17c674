"""Fit a model to prepared articles, with scikit-learn."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Stance
from talante.corpus.duplicates import SKETCH, sketch
from talante.corpus.schema import Schema
from talante.errors import NotEnoughDataError
from talante.features.tfidf import fit_tfidf
from talante.model.count import Counted, Pair, count, stance_pairs
from talante.model.model import (
    MENTION_FEATURES,
    AddressedModel,
    Model,
    StanceModel,
    TopicModel,
    mention_features,
    word_features,
)
from talante.model.settings import Settings
from talante.text.prepare import Prepared

log = logging.getLogger("talante")
log.addHandler(logging.NullHandler())  # a library is silent unless told otherwise, also in each fold

#: Tolerance of weights: processors that round differently must agree to 1e-6 in every score.
_EXACT = 1e-8

#: Tolerance of stances that serve only to measure.
_FIRM = 1e-6

#: The scores of stances are calibrated by one number, for which a few parts are enough.
_SCALE_FOLDS = 3

#: Up to so many rows a square of them fits into memory (0.3 GB), and Newton's method is quick.
_MOST_ROWS = 6000

#: liblinear copies the terms of all rows, 16 bytes each: more of them at once are too much for 24 GB.
_MOST_TERMS_AT_ONCE = 200_000_000

#: Tolerance of coordinate descent, which takes over above: ten to ten thousand times less gave other weights, and
#: hardly other figures (`benchmarks/solvers.py`).
_ROUGH = 1.0

#: With so many rows held out a figure is sure enough, and each further fold costs a fit.
ENOUGH = 5_000

#: So many of both answers are held out at least, where there are more rows than `_MOST_ROWS`.
_ENOUGH_OF_BOTH = 200

#: Added to the squared length of a row.
_JITTER = 1e-9

#: The least factor of calibration; a smaller one would turn the order of the scores around.
_LEAST = 0.01

#: Positives from which on the observed best cut counts more than the expected one.
_FEW = 10

#: Indices of what a fold learns from, and of what it holds out.
Split = tuple[NDArray[np.intp], NDArray[np.intp]]

#: Factor and shift of held-out logits that make their scores probabilities; None where there was too little to tell.
Calibration = tuple[float, float] | None


def fit(
    articles: Sequence[Prepared],
    schema: Schema,
    settings: Settings,
    counted: Counted | None = None,
    *,
    exact: bool = True,
) -> Model:
    """Fit topics and stances to labelled articles; a label that cannot be learned is logged, not guessed.

    A topic is not learned from articles where it is disputed, and neither is a stance. ``counted``: the terms of these
    articles, among others', if they have been counted before. ``exact``: so close to the optimum that
    two machines agree, and with sketches of the articles, which only a model that is kept needs.

    Raises NotEnoughDataError when there is not one article with topics, or not one stance.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # the last digits of a sum hang on the number of threads
        return _fit(articles, schema, settings, counted or count(articles, settings), exact)


def _fit(articles: Sequence[Prepared], schema: Schema, settings: Settings, counted: Counted, exact: bool) -> Model:
    with_topics = [p for p in articles if p.article.topics is not None]
    pairs = stance_pairs(articles)
    if schema.topics and not with_topics:
        raise NotEnoughDataError("no article is annotated with topics", remedy="label some, see docs/guidelines.md")
    if schema.targets and not pairs:
        raise NotEnoughDataError(
            "no article has a stance toward a target that it mentions", remedy="label some, see docs/guidelines.md"
        )
    min_df = 1 if counted.articles.parts else settings.min_df
    rows = [counted.article[p.article.id] for p in articles]
    row = {p.article.id: number for number, p in zip(rows, articles, strict=True)}
    keys = [(pair.prepared.article.id, pair.target) for pair in pairs]
    contexts, in_whole = [counted.context[key] for key in keys], [counted.pair[key] for key in keys]
    # In this order, and each let go when it is done with: of many articles these matrices are gigabytes
    article_terms, all_articles = fit_tfidf(counted.articles, min_df, rows)
    words = article_terms.words_of_rows(all_articles[[row[p.article.id] for p in with_topics]])
    topics, topic_calibrations = _fit_topics(with_topics, schema, words, settings)
    del words
    own = all_articles[[row[pair.prepared.article.id] for pair in pairs]]
    del all_articles
    near_terms, all_near = fit_tfidf(counted.near, min_df, contexts)
    addressed, addressed_calibration = _fit_addressed(articles, schema, counted, all_near, settings)
    near = settings.near_weight * all_near[contexts]
    del all_near
    whole_terms, all_whole = fit_tfidf(counted.whole, min_df, in_whole)
    whole = settings.whole_weight * all_whole[in_whole]
    del all_whole
    features = _stance_features(pairs, schema, near, whole, own)
    del near, whole, own
    widths = (len(near_terms.terms), len(whole_terms.terms), len(article_terms.terms))
    stances, stance_scale = _fit_stances(pairs, schema, settings, features, widths, _EXACT if exact else _FIRM)
    return Model(
        schema=schema,
        languages=tuple(sorted({p.article.lang for p in articles})),
        article_terms=article_terms,
        near_terms=near_terms,
        whole_terms=whole_terms,
        topics=topics,
        stances=stances,
        addressed=addressed,
        sketches=_sketches([p.text for p in articles if exact]),
        card={
            "settings": asdict(settings),
            "calibration": {
                "topics": topic_calibrations,
                "addressed": addressed_calibration,
                "stances": stance_scale,
            },
        },
    )


def _sketches(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the sketches of texts, (texts, SKETCH), by the kernel where numba is installed."""
    try:
        from talante.features.sketches import sketches
    except ImportError:
        return np.array([sketch(text) for text in texts], dtype=np.uint32).reshape(-1, SKETCH)
    return sketches(texts)


def logistic_regression(c: float, tol: float = _EXACT, rows: int = 0) -> Any:
    """Return scikit-learn's logistic regression as all labels use it, for so many ``rows`` to learn from.

    newton-cg reaches the same optimum as lbfgs in a fraction of the time here (few articles, many terms), and close
    enough for two machines to agree. For many rows see `_descent`.
    """
    from sklearn.linear_model import LogisticRegression

    if rows > _MOST_ROWS:
        return _descent(c)
    return LogisticRegression(C=c, solver="newton-cg", tol=tol, max_iter=1000)


def _descent(c: float) -> Any:
    """Return a logistic regression of two labels by dual coordinate descent (Yu, Huang & Lin 2011).

    Its cost grows with the number of terms in all rows, that of newton-cg with the square of the rows.
    """
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=c, solver="liblinear", dual=True, tol=_ROUGH, max_iter=1000, random_state=0)


def _fit_topics(
    articles: Sequence[Prepared], schema: Schema, words: Any, settings: Settings
) -> tuple[TopicModel, dict[str, Calibration]]:
    from joblib import Parallel, delayed

    for topic in schema.topic_ids:
        positive = sum(topic in (p.article.topics or ()) for p in articles)
        if min(positive, len(articles) - positive) < 2:
            negative = len(articles) - positive
            log.warning(
                "topic '%s' has %d positive and %d negative articles: too few to learn it", topic, positive, negative
            )
    groups = [p.article.held_out_group for p in articles]
    splits, schema_words = _splits(groups, settings.folds), _schema_words(articles, schema)
    fitted = Parallel(-1)(
        delayed(_fit_topic)(
            words,
            settings.word_weight * schema_words[:, number],
            np.array([topic in (p.article.topics or ()) for p in articles], dtype=bool),
            np.array([topic not in p.article.disputed_topics for p in articles], dtype=bool),
            groups,
            splits,
            settings,
        )
        for number, topic in enumerate(schema.topic_ids)
    )
    coef = np.array([binary.coef for binary in fitted]).reshape(len(fitted), words.shape[1] + 2)
    model = TopicModel(
        single(coef[:, :-2]),
        settings.word_weight * coef[:, -2:],
        np.array([binary.intercept for binary in fitted]),
        np.array([binary.threshold for binary in fitted]),
    )
    return model, {topic: binary.calibration for topic, binary in zip(schema.topic_ids, fitted, strict=True)}


def _schema_words(articles: Sequence[Prepared], schema: Schema) -> NDArray[np.float64]:
    """Return `word_features` of articles, (articles, topics, 2)."""
    number = {topic: n for n, topic in enumerate(schema.topic_ids)}
    found = np.zeros((len(articles), len(number), 2))
    for row, prepared in zip(found, articles, strict=True):
        for topic in prepared.topic_words.keys() & number.keys():
            row[number[topic]] = word_features(prepared, topic)
    return found


def _fit_topic(
    words: Any,
    schema_words: NDArray[np.float64],
    labels: NDArray[np.bool_],
    agreed: NDArray[np.bool_],
    groups: Sequence[str],
    splits: Sequence[Split],
    settings: Settings,
) -> "_Binary":
    """Learn from the rows that are ``agreed``; ``splits`` are those of all rows.

    It takes no article: sending all to a worker takes longer than a fit.
    """
    from scipy.sparse import csr_matrix, hstack

    rows = np.flatnonzero(agreed)
    features = hstack([words if agreed.all() else words[rows], csr_matrix(schema_words[rows])]).tocsr()
    if len(rows) < len(labels):
        splits = _splits([groups[i] for i in rows.tolist()], settings.folds)
    return _fit_binary(features, labels[rows], splits, settings.topic_c)


def _fit_addressed(
    articles: Sequence[Prepared], schema: Schema, counted: Counted, near: Any, settings: Settings
) -> tuple[AddressedModel, Calibration]:
    """Learn from every undisputed target that an annotated article mentions; without both sides, all are addressed.

    ``near``: the near terms of all contexts that were counted, (contexts, near terms).
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.preprocessing import StandardScaler

    pairs = [
        (p, target)
        for p in articles
        if p.article.stances is not None
        for target in p.mentions
        if target not in p.article.disputed_stances and target not in schema.assumed
    ]
    labels = np.array([target in (p.article.stances or ()) for p, target in pairs], dtype=bool)
    zeros = np.zeros((len(schema.targets), len(schema.topics), 2))
    if min(labels.sum(), (~labels).sum()) < 2:
        if set(schema.target_ids) - set(schema.assumed):
            log.warning(
                "targets that articles name are treated in %d cases and only named in passing in %d: too few to tell "
                "which, each counts as treated",
                labels.sum(),
                (~labels).sum(),
            )
        none = np.zeros(len(MENTION_FEATURES))
        return AddressedModel(none, single(np.zeros(near.shape[1])), zeros, np.zeros(1), np.zeros(1)), None
    numbers = StandardScaler()
    near = near[[counted.context[p.article.id, target] for p, target in pairs]]
    words = _schema_words([p for p, _ in pairs], schema)
    is_of = np.array([[float(target == of) for of in schema.target_ids] for _, target in pairs])
    by_target = np.einsum("pt,pw->ptw", is_of, words.reshape(len(pairs), -1)).reshape(len(pairs), -1)
    spread = by_target.std(axis=0)
    spread[spread == 0] = 1.0
    blocks = [
        csr_matrix(numbers.fit_transform([mention_features(p, target) for p, target in pairs])),
        settings.addressed_near * near,
        settings.addressed_words * csr_matrix(by_target / spread),
    ]
    # Both answers weigh alike: how often a target is named in passing depends on what a corpus was collected for
    splits = _splits([p.article.held_out_group for p, _ in pairs], settings.folds)
    fitted = _fit_binary(hstack(blocks).tocsr(), labels, splits, settings.addressed_c, balanced=True)
    a, b = len(MENTION_FEATURES), len(MENTION_FEATURES) + near.shape[1]
    # Scaling goes into the weights, so that predicting needs none
    coef = fitted.coef[:a] / numbers.scale_
    model = AddressedModel(
        coef=coef,
        near=single(settings.addressed_near * fitted.coef[a:b]),
        topic_words=(settings.addressed_words * fitted.coef[b:] / spread).reshape(*zeros.shape),
        intercept=np.array([fitted.intercept - numbers.mean_ @ coef]),
        threshold=np.array([fitted.threshold]),
    )
    return model, fitted.calibration


@dataclass(frozen=True, slots=True)
class _Binary:
    """A calibrated yes-or-no decision."""

    coef: NDArray[np.float64]
    intercept: float
    threshold: float
    calibration: Calibration


def _fit_binary(
    features: Any, labels: NDArray[np.bool_], splits: Sequence[Split], c: float, balanced: bool = False
) -> _Binary:
    """Fit, calibrate and find the cut; the last two on scores of articles whose group was held out of fitting.

    Calibration is Platt's (1999): a second logistic regression on the logit alone, whose two numbers go into the
    weights. The cut is the one with the best F1. If ``balanced``, both answers weigh alike in all three. The features
    are those of all articles: the vocabulary has seen the held-out ones, which makes a short text's scores a little
    too sure.
    """
    if labels.all() or not labels.any():
        # No other side to learn from: the smoothed frequency, whatever the text (Laplace), and never given
        positive = (labels.sum() + 1.0) / (len(labels) + 2.0)
        return _Binary(np.zeros(features.shape[1]), float(np.log(positive / (1.0 - positive))), 1.0, None)
    weights = np.where(labels, 0.5 / labels.mean(), 0.5 / (1.0 - labels.mean())) if balanced else np.ones(len(labels))
    splits = [(i, o) for i, o in splits if 0 < labels[i].sum() < len(i)]
    if len(labels) > _MOST_ROWS:
        splits = _enough_of_both(splits, labels)
    outside = np.concatenate([o for _, o in splits]) if splits else np.array([], dtype=int)
    known = 0 < labels[outside].sum() < len(outside)
    # What cannot be tried on other articles must not be sure of itself
    n = len(labels)
    fitted = logistic_regression(c if known else min(c, 1.0), rows=n).fit(features, labels, sample_weight=weights)
    coef, intercept = fitted.coef_[0], float(fitted.intercept_[0])
    if not known:
        return _Binary(coef, intercept, 0.5, None)
    logits = np.concatenate(
        [
            logistic_regression(c, rows=n)
            .fit(features[i], labels[i], sample_weight=weights[i])
            .decision_function(features[o])
            for i, o in splits
        ]
    )
    platt = logistic_regression(1.0).fit(logits[:, None], labels[outside], sample_weight=weights[outside])
    scale, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if scale < _LEAST:
        # Held-out scores say nothing or the opposite: the answer is the frequency
        frequency = np.average(labels[outside], weights=weights[outside])
        scale = _LEAST
        shift = float(np.log(frequency / (1.0 - frequency)) - scale * np.average(logits, weights=weights[outside]))
    scores = 1.0 / (1.0 + np.exp(-(scale * logits + shift)))
    threshold = _best_cut(scores, labels[outside], weights[outside])
    return _Binary(scale * coef, scale * intercept + shift, threshold, (scale, shift))


def _splits(groups: Sequence[str], folds: int) -> list[Split]:
    """Deal whole groups into folds, and return those that are used; none where there is one group only."""
    from sklearn.model_selection import GroupKFold

    folds = min(folds, len(set(groups)))
    return enough(list(GroupKFold(folds).split(groups, groups=groups))) if folds > 1 else []


def enough(splits: Sequence[Split]) -> list[Split]:
    """Return the last of the folds that hold out ENOUGH rows, in their order; all, where these are few.

    The last, since scikit-learn deals the largest group to the first: it may be most of the articles.
    """
    held_out = np.cumsum([len(outside) for _, outside in reversed(splits)])
    return list(splits[-(int(np.searchsorted(held_out, ENOUGH)) + 1) :])


def _enough_of_both(splits: Sequence[Split], labels: NDArray[np.bool_]) -> Sequence[Split]:
    """Return the last of the folds, as many as hold out `_ENOUGH_OF_BOTH` answers of both kinds; all, if none do."""
    for number in range(1, len(splits)):
        outside = labels[np.concatenate([o for _, o in splits[-number:]])]
        if min(outside.sum(), (~outside).sum()) >= _ENOUGH_OF_BOTH:
            return splits[-number:]
    return splits


def _best_cut(scores: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    """Return the cut with the best F1; with few positives, closer to half of that F1.

    For calibrated scores half of the best F1 is the best cut (Lipton, Elkan & Naryanaswamy 2014, "Optimal
    Thresholding of Classifiers to Maximize F1 Measure"), and it hangs less on single articles.
    """
    from sklearn.metrics import precision_recall_curve

    precision, recall, cuts = precision_recall_curve(labels, scores, sample_weight=weights)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))
    below = scores[scores < cuts[best]]
    # Halfway to the next lower score: the cut must not hang on the last digit of one article's score
    cut = (cuts[best] + below.max()) / 2 if below.size else cuts[best]
    positives = labels.sum()
    return float((positives * cut + _FEW * f1[best] / 2) / (positives + _FEW))


def _stance_features(pairs: Sequence[Pair], schema: Schema, near: Any, whole: Any, own: Any) -> Any:
    """Return the views of all pairs beside each other: near, whole, and for each target its own; and which target."""
    from scipy.sparse import csr_matrix, diags, hstack

    targets = schema.target_ids
    is_of = np.array([[float(p.target == t) for t in targets] for p in pairs]).reshape(len(pairs), len(targets))
    copies = [diags(column) @ own for column in is_of.T]
    return hstack([near, whole, *copies, csr_matrix(is_of)]).tocsr()


def _fit_stances(
    pairs: Sequence[Pair],
    schema: Schema,
    settings: Settings,
    features: Any,
    widths: tuple[int, int, int],
    tol: float,
) -> tuple[StanceModel, float | None]:
    """Fit to `_stance_features`; ``widths`` are those of the near, whole and own terms."""
    from joblib import Parallel, delayed

    targets, stances = schema.target_ids, len(STANCES)
    labels = np.array([STANCES.index(pair.stance) for pair in pairs], dtype=np.intp)
    cells = [(pair.target, pair.stance) for pair in pairs]
    for number in set(range(stances)) - set(labels.tolist()) if pairs else ():
        log.warning("no article takes the stance '%s': it will never be predicted", STANCES[number])
    splits = _splits([pair.prepared.article.held_out_group for pair in pairs], min(settings.folds, _SCALE_FOLDS))
    # What cannot be tried on other articles must not be sure of itself
    strength = settings.stance_c if splits else min(settings.stance_c, 1.0)
    parts = [np.arange(len(pairs)), *(inside for inside, _ in splits)]
    if len(pairs) > _MOST_ROWS:
        (coef, intercept, seen), *held_out = _one_by_one(features, labels, cells, strength, parts)
    else:
        products = (features @ features.T).toarray()
        (coef, intercept, seen), *held_out = Parallel(-1)(
            delayed(_fit_multinomial)(
                features[i], products[np.ix_(i, i)], labels[i], [cells[n] for n in i], strength, tol_of_part
            )
            for i, tol_of_part in zip(parts, [tol, *(_FIRM for _ in splits)], strict=True)
        )
    # A stance that a fold had no example of says nothing about the scores of the others
    known = [o[s[labels[o]]] for (_, o), (_, _, s) in zip(splits, held_out, strict=True)]
    logits = [features[o] @ c.T + b for o, (c, b, _) in zip(known, held_out, strict=True)]
    scale = _temperature(np.concatenate(logits), labels[np.concatenate(known)]) if splits else None
    coef, intercept = (scale or 1.0) * coef, np.where(seen, (scale or 1.0) * intercept, intercept)
    near, whole, own = widths
    a, b, c = np.cumsum([near, whole, len(targets) * own]).tolist()
    model = StanceModel(
        near=single(settings.near_weight * coef[:, :a]),
        whole=single(settings.whole_weight * coef[:, a:b]),
        own=single(coef[:, b:c].reshape(stances, len(targets), own).transpose(1, 0, 2)),
        own_intercept=coef[:, c:].T.copy(),
        intercept=intercept,
    )
    return model, scale


#: Weights, (stances, features), intercepts, (stances,), and which stances occur. One that does not occur is never the
#: answer, and takes from the scores of the others what is left for it where there are few examples (Laplace).
_Multinomial = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


def _nothing_learned(labels: NDArray[np.intp], features: int) -> _Multinomial:
    seen = np.isin(range(len(STANCES)), labels)
    return np.zeros((len(STANCES), features)), np.where(seen, 0.0, -np.log(len(labels) + 2.0)), seen


def _weights(cells: Sequence[tuple[str, Stance]]) -> NDArray[np.float64]:
    """Return weights with which every stance of every target weighs alike.

    Otherwise the skew of the corpus, such as many articles against the United States and few for it, is learned as a
    property of the target.
    """
    counts = Counter(cells)
    weights = np.array([1.0 / counts[cell] for cell in cells])
    return np.asarray(weights / weights.mean())


def _fit_multinomial(
    features: Any,
    products: NDArray[np.float64],
    labels: NDArray[np.intp],
    cells: Sequence[tuple[str, Stance]],
    c: float,
    tol: float,
) -> _Multinomial:
    """Fit all stances together.

    ``products``: the inner products of the rows, (rows, rows). With them the fit is the same and several times faster:
    the best weights lie in the span of the rows (the representer theorem, Kimeldorf & Wahba 1970), so it is found in as
    many dimensions as there are rows, which are far fewer than the terms.
    """
    from scipy.linalg import cholesky, solve_triangular

    coef, intercept, seen = _nothing_learned(labels, features.shape[1])
    present = np.flatnonzero(seen)
    if len(present) > 1:
        # The little on the diagonal is for texts that occur twice
        factor = cholesky(products + _JITTER * np.eye(len(products)), lower=True)
        fitted = logistic_regression(c, tol).fit(factor, labels, sample_weight=_weights(cells))
        found = (features.T @ solve_triangular(factor, fitted.coef_.T, lower=True, trans="T")).T
        # For two classes scikit-learn keeps one row: the logit of the second against the first
        rows = present if len(present) > 2 else present[1:]
        coef[rows], intercept[rows] = found, fitted.intercept_
    return coef, intercept, seen


def _one_by_one(
    features: Any,
    labels: NDArray[np.intp],
    cells: Sequence[tuple[str, Stance]],
    c: float,
    parts: Sequence[NDArray[np.intp]],
) -> list[_Multinomial]:
    """Fit each stance against the others, on some of many rows in each of ``parts``; their scale is found later."""
    from joblib import Parallel, cpu_count, delayed

    found = [_nothing_learned(labels[i], features.shape[1]) for i in parts]
    wanted = [(n, stance) for n, (_, _, seen) in enumerate(found) if seen.sum() > 1 for stance in np.flatnonzero(seen)]

    def tasks() -> Iterator[Any]:
        for n, of_part in groupby(wanted, key=itemgetter(0)):
            i = parts[n]
            rows = features if len(i) == len(labels) else features[i]
            weights = _weights([cells[m] for m in i])
            for _, stance in of_part:
                yield delayed(_fit_one)(rows, labels[i] == stance, weights, c)

    jobs = min(cpu_count(), max(1, _MOST_TERMS_AT_ONCE // max(1, features.nnz)))
    # Workers share the rows; copy-on-write, since liblinear takes none that are read-only
    fitted = Parallel(jobs, mmap_mode="c", pre_dispatch="n_jobs")(tasks())
    for (n, stance), (coef, intercept) in zip(wanted, fitted, strict=True):
        found[n][0][stance], found[n][1][stance] = coef, intercept
    return found


def _fit_one(
    features: Any, labels: NDArray[np.bool_], weights: NDArray[np.float64], c: float
) -> tuple[NDArray[np.float64], float]:
    fitted = _descent(c).fit(features, labels, sample_weight=weights)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _temperature(logits: NDArray[np.float64], labels: NDArray[np.intp]) -> float | None:
    """Return the factor of the logits with the greatest likelihood; None where nothing speaks for any.

    Guo et al. 2017, "On Calibration of Modern Neural Networks". Labels are smoothed as if each stance had been seen
    once more (Platt 1999): a few that are all right are no reason to be certain.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(labels):
        return None

    smoothed = (len(labels) * np.eye(len(STANCES))[labels] + 1.0) / (len(labels) + len(STANCES))

    def loss(log_factor: float) -> float:
        return -float((smoothed * log_softmax(np.exp(log_factor) * logits, axis=1)).sum())

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded").x))


def single(weights: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return weights of terms in single precision: half the megabytes, and the same answers."""
    return np.ascontiguousarray(weights, dtype=np.float32)
