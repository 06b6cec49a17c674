"""Topics and stances learned from the same prepared articles and views: talante's `fit` and plain scikit-learn."""

import pickle
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from peers.sets import WARM
from peers.system import f1s
from talante.corpus.article import STANCES
from talante.text.prepare import Prepared

#: Of article and target: the stance.
Sides = dict[tuple[str, str], str]

_C = 100.0


def prepare(folder: str) -> dict[str, float]:
    """Prepare the articles of a set once for all, on all cores; the time of it counts for nobody."""
    from talante.corpus.records import load_corpus
    from talante.jobs.corpus import prepare_corpus

    for split in ("train", "test"):
        corpus = load_corpus(Path(folder, "full", split))
        with Path(folder, "full", f"{split}.pickle").open("wb") as stream:
            pickle.dump((prepare_corpus(corpus), corpus.schema), stream)
    return {}


def measure(system: str, folder: str) -> dict[str, float]:
    """Fit one of the two; return its seconds, and the F1 of topics and stances on the articles to test on."""
    warnings.simplefilter("ignore")
    (articles, schema), (test, _) = (_read(Path(folder, "full", f"{split}.pickle")) for split in ("train", "test"))
    fit, ask = {"talante": (_fit_talante, _ask_talante), "scikit-learn": (_fit_sklearn, _ask_sklearn)}[system]
    fit(articles[:WARM], schema)
    begun = time.perf_counter()
    fitted = fit(articles, schema)
    took = time.perf_counter() - begun
    topics, sides = ask(fitted, test)
    gold = {(p.article.id, t): s for p in test for t, s in (p.article.stances or {}).items() if t in p.contexts}
    of_topics = f1s([set(p.article.topics or ()) for p in test], topics)
    of_stances = f1s([{stance} for stance in gold.values()], [{sides[key]} for key in gold])
    return {"seconds": took, **of_topics, "stances": of_stances["macro"]}


def _read(path: Path) -> Any:
    with path.open("rb") as stream:
        return pickle.load(stream)


def _fit_talante(articles: list[Prepared], schema: Any) -> Any:
    from talante.model.fit import fit
    from talante.model.settings import Settings

    return fit(articles, schema, Settings())


def _ask_talante(model: Any, test: Sequence[Prepared]) -> tuple[list[set[str]], Sides]:
    topics: list[set[str]] = []
    sides: Sides = {}
    for p in test:
        topics.append(set(model.predict_prepared(p).topics))
        vector = model.article_terms.vector(p.text)
        for target in p.contexts:
            sides[p.article.id, target] = STANCES[int(np.argmax(model.stance_logits(p, vector, target)))]
    return topics, sides


def _fit_sklearn(articles: list[Prepared], schema: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MultiLabelBinarizer

    labels = MultiLabelBinarizer(classes=list(schema.topic_ids))
    topics = make_pipeline(_vectorizer(), OneVsRestClassifier(LogisticRegression(C=_C)))
    topics.fit([p.text for p in articles], labels.fit_transform([p.article.topics or () for p in articles]))
    stances = {}
    for target in schema.target_ids:
        known = [p for p in articles if target in p.contexts and target in (p.article.stances or {})]
        views = ColumnTransformer([(f"view {i}", _vectorizer(), i) for i in range(3)])
        labels_of = [(p.article.stances or {})[target] for p in known]
        if len(set(labels_of)) > 1:
            stances[target] = make_pipeline(views, LogisticRegression(C=_C)).fit(_views(known, target), labels_of)
    return topics, labels, stances


def _ask_sklearn(fitted: Any, test: Sequence[Prepared]) -> tuple[list[set[str]], Sides]:
    topics, labels, stances = fitted
    sides: Sides = {(p.article.id, target): "neutral" for p in test for target in p.contexts}
    for target, pipeline in stances.items():
        known = [p for p in test if target in p.contexts]
        if known:
            answers = pipeline.predict(_views(known, target)).tolist()
            sides.update({(p.article.id, target): s for p, s in zip(known, answers, strict=True)})
    found = labels.inverse_transform(topics.predict([p.text for p in test]))
    return [set(of) for of in found], sides


def _views(articles: Sequence[Prepared], target: str) -> Any:
    from talante.model.export import stance_row

    return np.array([stance_row(p, target) for p in articles], dtype=object)


def _vectorizer() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        strip_accents="unicode",
        token_pattern=r"⟦\w+⟧|\w\w+",
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=3,
        max_features=200_000,
    )
