"""Tag many articles with the shipped model: talante, the same model in scikit-learn, and the kernel beside its limit.

Each function runs in a process of its own, on one core, and is timed after a pass over other articles.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peers.measure import ROOT, per_call
from peers.sets import lines_of
from talante.corpus.article import Article
from talante.jobs.archive import tag_to_file
from talante.jobs.tag import Order, Tagger
from talante.model.files import load
from talante.model.model import Model
from talante.text.fold import fold
from talante.text.prepare import read

#: Characters of a batch: what `talante.model.bulk` takes at once.
BATCH = 100_000

#: Probabilities are the same up to this.
SAME = 1e-6

Ready = list[tuple[Article, str]]


def shipped() -> Path:
    """Return the folder of the model in use."""
    return ROOT / "models" / (ROOT / "models/current").read_text(encoding="utf-8").strip()


def tag(folder: str, given: str, clean: bool, kernel: bool) -> dict[str, float]:
    """Tag `GIVEN.jsonl` into a file, after as much of it as warms everything up; return the seconds."""
    order, at = Order(model=shipped(), chrome=clean), Path(folder)
    tagger = Tagger(order)
    if not kernel:
        tagger.__dict__["bulk"] = None  # where `Tagger.bulk` keeps what it has found
    tag_to_file([at / f"warm-{given}.jsonl"], at / "tags.jsonl", tagger, jobs=1)
    begun = time.perf_counter()
    written = tag_to_file([at / f"{given}.jsonl"], at / "tags.jsonl", tagger, jobs=1)
    return {"seconds": time.perf_counter() - begun, "rows": written.rows, "failed": written.failed}


def export(folder: str) -> dict[str, float]:
    """Write the shipped model as scikit-learn's pipelines."""
    from talante.model.export import dump

    dump(load(shipped()), Path(folder, "model.joblib"))
    return {}


def sklearn(folder: str) -> dict[str, float]:
    """Predict with these pipelines; return the seconds of preparing the rows, and of `predict_proba` alone."""
    import joblib

    model, pipelines = load(shipped()), joblib.load(Path(folder, "model.joblib"))
    _probabilities(pipelines, *_rows(model, ready(folder, "warm-lang")))
    given = ready(folder, "lang")
    begun = time.perf_counter()
    rows = _rows(model, given)
    prepared = time.perf_counter()
    _probabilities(pipelines, *rows)
    return {"prepare": prepared - begun, "predict": time.perf_counter() - prepared}


def agreement(folder: str) -> dict[str, float]:
    """Return the greatest differences between talante's probabilities and those of the pipelines.

    ``plain``: the same over the articles without a character that scikit-learn folds in another way; ``odd`` counts
    those with one in which a probability is another.
    """
    import joblib
    from sklearn.feature_extraction.text import strip_accents_unicode

    model, pipelines, given = load(shipped()), joblib.load(Path(folder, "model.joblib")), ready(folder, "lang")
    topics, stances = _probabilities(pipelines, *_rows(model, given))
    tagger = Tagger(Order(model=shipped()), model)
    assert tagger.bulk
    apart, sides = [], 0
    for p, of_topics in zip(tagger.bulk.predict(given), topics, strict=True):
        of_stances = [stances[target][p.article.id] - s.probabilities for target, s in p.stances.items()]
        scores = np.array([p.scores[topic] for topic in model.schema.topic_ids])
        apart.append(max(np.abs(d).max() for d in (scores - of_topics, *of_stances)))
        sides += len(of_stances)
    odd = [any(strip_accents_unicode(c.lower()) != fold(c) for c in set(text)) for _, text in given]
    return {
        "all": float(max(apart)),
        "plain": float(max((a for a, is_odd in zip(apart, odd, strict=True) if not is_odd), default=0.0)),
        "odd": sum(bool(a > SAME) for a, is_odd in zip(apart, odd, strict=True) if is_odd),
        "articles": len(apart),
        "sides": sides,
    }


def ready(folder: str, name: str) -> Ready:
    """Return the articles of a file with their texts, as `Preparer.look` and the kernel take them."""
    records = lines_of(Path(folder, f"{name}.jsonl"))
    return [read(Article(r["id"], r["text"], r["title"], r["lang"]), chrome=False) for r in records]


def _rows(model: Model, given: Ready) -> tuple[Any, dict[str, tuple[list[str], Any]]]:
    """Return the rows of topics, and for each target the ids and rows of the articles that mention it."""
    from talante.model.export import stance_row, topic_row

    prepared = [model.preparer.look(article, text) for article, text in given]
    topics = np.array([topic_row(model, p) for p in prepared], dtype=object)
    stances = {}
    for target in model.schema.target_ids:
        mentioning = [p for p in prepared if target in p.mentions]
        if mentioning:
            rows = np.array([stance_row(p, target) for p in mentioning], dtype=object)
            stances[target] = ([p.article.id for p in mentioning], rows)
    return topics, stances


def _probabilities(
    pipelines: dict[str, Any], topics: Any, stances: dict[str, tuple[list[str], Any]]
) -> tuple[NDArray[np.float64], dict[str, dict[str, NDArray[np.float64]]]]:
    """Return the probabilities of topics, (articles, topics), and of stances by target and id."""
    of_topics = np.column_stack([of[:, 1] for of in pipelines["topics"].predict_proba(topics)])
    of_stances = {
        target: dict(zip(ids, pipelines["stances"][target].predict_proba(rows), strict=True))
        for target, (ids, rows) in stances.items()
    }
    return of_topics, of_stances


def kernel(folder: str) -> dict[str, float]:
    """Return megabytes of text a second: of words alone, of these and topics, and of all that the kernel does."""
    from peers.limit import Limit

    model, given = load(shipped()), ready(folder, "lang")
    size = sum(len(text.encode()) for _, text in given) / 1e6
    tagger = Tagger(Order(model=shipped()), model)
    assert tagger.bulk
    bulk = tagger.bulk
    limit = Limit(model, list(_batches([text for _, text in given])))
    calls = {"words": limit.words, "topics": limit.topics, "all": lambda: sum(1 for _ in bulk.predict(given))}
    for call in calls.values():
        call()
    return {name: size / per_call(call) for name, call in calls.items()}


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if sum(map(len, batch)) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
