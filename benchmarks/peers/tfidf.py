"""TF-IDF and linear models: talante, topics only, and plain scikit-learn."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from peers.sets import Record, lines_of, only, repeated, text_of
from peers.system import ROWS, Labels, Loaded, System

_READ = ("id", "title", "text", "lang")


def _train_talante(folder: Path, to: Path) -> None:
    from talante.jobs.train import train

    train(folder / "data", to, measure=False)


def _load_talante(folder: Path) -> Loaded:
    from talante.corpus.article import Article
    from talante.jobs.archive import tag_to_file
    from talante.jobs.tag import Order, Tagger
    from talante.model.files import load
    from talante.text.prepare import read

    path = next(folder.glob("*/model.json")).parent
    model, order = load(path), Order(model=path, chrome=False)
    tagger = Tagger(order, model)

    def prepare(records: Sequence[Record]) -> Any:
        articles = (Article(r["id"], r["text"], r["title"], r["lang"]) for r in records)
        return [read(article, chrome=False) for article in articles]

    def predict(ready: Any) -> Labels:
        if tagger.bulk:
            return [set(prediction.topics) for prediction in tagger.bulk.predict(ready)]
        return [set(model.predict_prepared(model.preparer.look(*one)).topics) for one in ready]

    def program(records: Sequence[Record], scratch: Path) -> float:
        given = repeated(scratch / "talante.jsonl", only(records, _READ), ROWS)
        begun = time.perf_counter()
        tag_to_file([given], scratch / "tags.jsonl", tagger, jobs=1)
        return (time.perf_counter() - begun) / ROWS

    return Loaded(prepare, predict, program)


def sklearn(c: float) -> System:
    """Return scikit-learn, all settings of the regression as they come but ``C``."""

    def train(folder: Path, to: Path) -> None:
        import joblib
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import MultiLabelBinarizer

        records, labels = lines_of(folder / "train.jsonl"), MultiLabelBinarizer()
        pipeline = make_pipeline(
            TfidfVectorizer(
                strip_accents="unicode", ngram_range=(1, 2), sublinear_tf=True, min_df=3, max_features=200_000
            ),
            OneVsRestClassifier(LogisticRegression(C=c)),
        )
        pipeline.fit([text_of(r) for r in records], labels.fit_transform([r["topics"] for r in records]))
        joblib.dump((pipeline, labels), to / "model.joblib")

    def load(folder: Path) -> Loaded:
        import joblib

        pipeline, labels = joblib.load(folder / "model.joblib")
        return Loaded(
            lambda records: [text_of(r) for r in records],
            lambda texts: [set(found) for found in labels.inverse_transform(pipeline.predict(texts))],
        )

    return System(train, load)


TALANTE = System(_train_talante, _load_talante)
