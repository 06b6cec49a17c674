"""The same model as plain scikit-learn pipelines, for people who live there."""

from pathlib import Path
from typing import Any

import numpy as np

from talante.corpus.article import STANCES
from talante.corpus.files import cannot_write
from talante.errors import ModelError
from talante.features.tfidf import Tfidf
from talante.features.tokens import is_word
from talante.model.model import Model
from talante.text.prepare import Prepared


def to_sklearn(model: Model) -> dict[str, Any]:
    """Return the pipelines of a model: ``topics``, one for all, and ``stances``, one for each target.

    They hold scikit-learn's own classes alone, so that they load without talante. ``topics`` takes rows of
    `topic_row`, predicts a column for each of ``topic_ids`` and applies their thresholds. A pipeline of ``stances``
    takes rows of `stance_row`; it predicts a stance for every row, whether the target is addressed or not.

    Raises ModelError for a model of short texts: parts of words are beyond a plain vectorizer.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import FixedThresholdClassifier
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.pipeline import make_pipeline

    if model.article_terms.parts:
        raise ModelError(
            "this model is one of short texts, whose terms include parts of words",
            remedy="no plain scikit-learn vectorizer makes these; use the model as it is",
        )

    def linear(classes: Any, coef: Any, intercept: Any) -> LogisticRegression:
        fitted = LogisticRegression()
        fitted.classes_, fitted.n_features_in_ = np.array(classes), np.shape(coef)[-1]
        fitted.coef_, fitted.intercept_ = np.atleast_2d(np.asarray(coef, dtype=np.float64)), np.atleast_1d(intercept)
        return fitted

    def columns(texts: list[tuple[str, Tfidf]], numbers: int) -> ColumnTransformer:
        # A vectorizer without a vocabulary is none; the column stays in the rows
        parts = [(name, _vectorizer(terms), i) for i, (name, terms) in enumerate(texts) if terms.terms]
        rest = [("numbers", "passthrough", list(range(len(texts), len(texts) + numbers)))] if numbers else []
        fitted = ColumnTransformer([*parts, *rest], sparse_threshold=1.0)
        # Nothing is learned from this row: the vocabularies are given, and the weights are put in after it
        fitted.fit(np.array([["nothing"] * len(texts) + [0.0] * numbers], dtype=object))
        for name, terms in ((name, terms) for name, terms in texts if terms.terms):
            fitted.named_transformers_[name].idf_ = np.asarray(terms.idf)
        return fitted

    words = Tfidf(
        model.article_terms.words, model.article_terms.idf[[is_word(term) for term in model.article_terms.terms]]
    )
    topics, labels = model.topics, model.schema.topic_ids
    classifier = MultiOutputClassifier(LogisticRegression())
    classifier.estimators_, classifier.classes_ = [], [np.array([False, True])] * len(labels)
    for number in range(len(labels)):
        own = np.zeros((len(labels), 2))
        own[number] = topics.word_coef[number]
        decision = linear([False, True], np.concatenate([topics.coef[number], own.ravel()]), topics.intercept[number])
        fixed = FixedThresholdClassifier(
            decision, threshold=float(topics.threshold[number]), pos_label=True, response_method="predict_proba"
        )
        fixed.estimator_ = decision
        classifier.estimators_.append(fixed)
    stances = {}
    for number, target in enumerate(model.schema.target_ids):
        texts = [("near", model.near_terms), ("whole", model.whole_terms), ("article", model.article_terms)]
        coef = np.hstack([model.stances.near, model.stances.whole, model.stances.own[number]])
        intercept = model.stances.intercept + model.stances.own_intercept[number]
        stances[target] = make_pipeline(columns(texts, 0), linear(STANCES, coef, intercept))
    return {
        "model": model.id,
        "topic_ids": list(labels),
        "topics": make_pipeline(columns([("words", words)], 2 * len(labels)), classifier) if labels else None,
        "stances": stances,
    }


def dump(model: Model, path: Path) -> None:
    """Write `to_sklearn` to a file with joblib; it appears under its name only when it is whole.

    Raises ModelError as `to_sklearn`, WriteError when the file cannot be written.
    """
    import joblib

    pipelines, beside = to_sklearn(model), path.with_name(f".{path.name}.writing")
    try:
        joblib.dump(pipelines, beside, compress=3)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise cannot_write(path, error) from None


def topic_row(model: Model, prepared: Prepared) -> list[Any]:
    """Return what the pipeline of topics takes: the text, and the two numbers of each topic's words."""
    return [prepared.text, *model.topic_words(prepared).ravel().tolist()]


def stance_row(prepared: Prepared, target: str) -> list[str]:
    """Return what the pipeline of a target takes: the sentences that name it and the whole, masked, and the article."""
    context = prepared.contexts[target]
    return [context.near, context.whole, prepared.text]


def _vectorizer(terms: Tfidf) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        strip_accents="unicode",
        token_pattern=r"⟦\w+⟧|\w\w+",
        ngram_range=(1, 2),
        sublinear_tf=True,
        vocabulary=list(terms.terms),
    )
