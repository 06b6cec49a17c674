"""Which solver fits a logistic regression of many articles best: seconds, and quality on articles held out.

python benchmarks/solvers.py DATA [--rounds 3]

DATA is a folder as `talante train --data` takes it. A fifth of its groups is held out. Each solver fits one topic after
the other, and each stance against the others, to the same features as `talante train` does; one core, no calibration.
"""

import argparse
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import f1_score, log_loss
from sklearn.model_selection import GroupShuffleSplit
from threadpoolctl import threadpool_limits

from talante.corpus.article import STANCES
from talante.corpus.records import load_corpus
from talante.features.tfidf import fit_tfidf
from talante.jobs.corpus import prepare_and_count
from talante.model.count import stance_pairs
from talante.model.fit import _descent, _stance_features
from talante.model.settings import Settings

#: Fits of one label that are tried; iterations are bounded as in scikit-learn's own default where that stops earlier.
SOLVERS: dict[str, Any] = {
    "liblinear, dual, tol 1 (talante)": _descent,
    "liblinear, dual, tol 0.1": lambda c: LogisticRegression(
        C=c, solver="liblinear", dual=True, tol=0.1, max_iter=1000
    ),
    "liblinear, dual, tol 1e-2": lambda c: LogisticRegression(
        C=c, solver="liblinear", dual=True, tol=1e-2, max_iter=1000
    ),
    "liblinear, dual, tol 1e-4": lambda c: LogisticRegression(C=c, solver="liblinear", dual=True, max_iter=1000),
    "lbfgs (scikit-learn's default)": lambda c: LogisticRegression(C=c),
    "lbfgs, to its end": lambda c: LogisticRegression(C=c, max_iter=5000),
    "newton-cg": lambda c: LogisticRegression(C=c, solver="newton-cg", max_iter=1000),
    "saga, tol 1e-2": lambda c: LogisticRegression(C=c, solver="saga", tol=1e-2, max_iter=1000, random_state=0),
    "SGD, 20 passes": lambda c: SGDClassifier(
        loss="log_loss", alpha=1.0 / (c * ROWS[0]), max_iter=20, tol=None, random_state=0
    ),
}

#: SGD divides its penalty by the number of rows.
ROWS = [1]


def tried(features: Any, labels: np.ndarray, groups: list[str], c: float, rounds: int) -> None:
    """Print a line for each solver; ``labels`` is (rows, labels)."""
    [(inside, outside)] = GroupShuffleSplit(1, test_size=0.2, random_state=0).split(features, groups=groups)
    ROWS[0] = len(inside)
    print(f"{len(inside):,} rows, {features.nnz / features.shape[0]:.0f} terms each, C = {c:g}\n")
    print("| solver | seconds | macro-F1 | log loss |\n| --- | --- | --- | --- |")
    for name, make in SOLVERS.items():
        took = []
        for _ in range(rounds):
            begun = time.perf_counter()
            fitted = [make(c).fit(features[inside], labels[inside, k]) for k in range(labels.shape[1])]
            took.append(time.perf_counter() - begun)
        scores = np.array([model.predict_proba(features[outside])[:, 1] for model in fitted]).T
        f1 = f1_score(labels[outside], scores > 0.5, average="macro", zero_division=0)
        loss = np.mean([log_loss(labels[outside, k], scores[:, k], labels=[0, 1]) for k in range(labels.shape[1])])
        print(f"| {name} | {statistics.median(took):.1f} | {f1:.3f} | {loss:.4f} |", flush=True)


def main() -> None:
    """Prepare once, then try all solvers on topics and on stances."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # the default stops early, which is what the line shows
    corpus, settings = load_corpus(options.data), Settings()
    articles, counted = prepare_and_count(corpus, settings)
    terms, rows = fit_tfidf(counted.articles, settings.min_df)
    with threadpool_limits(1):
        topics = np.array([[t in (p.article.topics or ()) for t in corpus.schema.topic_ids] for p in articles])
        print("\n## Topics\n")
        words = terms.words_of_rows(rows).tocsr()
        tried(words, topics, [p.article.held_out_group for p in articles], settings.topic_c, options.rounds)
        pairs = stance_pairs(articles)
        keys = [(pair.prepared.article.id, pair.target) for pair in pairs]
        near = settings.near_weight * fit_tfidf(counted.near, settings.min_df)[1][[counted.context[k] for k in keys]]
        whole = settings.whole_weight * fit_tfidf(counted.whole, settings.min_df)[1][[counted.pair[k] for k in keys]]
        own = rows[[counted.article[pair.prepared.article.id] for pair in pairs]]
        features = _stance_features(pairs, corpus.schema, near, whole, own)
        stances = np.array([[pair.stance == stance for stance in STANCES] for pair in pairs])
        print("\n## Stances\n")
        groups = [pair.prepared.article.held_out_group for pair in pairs]
        tried(features, stances, groups, settings.stance_c, options.rounds)


if __name__ == "__main__":
    main()
