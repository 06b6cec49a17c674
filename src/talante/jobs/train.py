"""Train a candidate from a data folder and write it beside the other models."""

import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from talante import __version__
from talante.corpus.article import STANCES
from talante.corpus.records import Corpus, load_corpus
from talante.errors import DataError
from talante.model.files import save
from talante.model.fit import Settings, fit, stance_pairs
from talante.model.model import Model
from talante.text.prepare import Prepared, Preparer

log = logging.getLogger("talante")


def train(data: Path, models: Path, settings: Settings | None = None) -> Model:
    """Fit a candidate to ``data`` and write it below ``models``; promote nothing.

    Raises DataError for a faulty corpus, NotEnoughDataError, WriteError.
    """
    settings = settings or Settings()
    corpus = load_corpus(data)
    articles = prepare_corpus(corpus)
    model = fit(articles, corpus.schema, settings)
    labelled = sum(len(a.stances or ()) for a in corpus.articles)
    if unused := labelled - len(stance_pairs(articles)):
        log.warning(
            "%d of %d stances are not learned from: the article names the target by no alias; "
            "`talante corpus lint` lists them",
            unused,
            labelled,
        )
    card = {**model.card, "talante": __version__, "data": {"digest": corpus.digest, **composition(corpus)}}
    return save(replace(model, card=card), models)


def prepare_corpus(corpus: Corpus) -> list[Prepared]:
    """Clean the articles of a corpus and find its targets in them.

    Raises DataError, which names the record, when nothing is left of an article.
    """
    preparer, prepared = Preparer(corpus.schema), []
    for article in corpus.articles:
        try:
            prepared.append(preparer.prepare(article))
        except DataError as error:
            raise DataError(error.fact, place=article.place, remedy=error.remedy) from None
    return prepared


def composition(corpus: Corpus) -> dict[str, Any]:
    """Count a corpus: articles, groups, languages, origins, topics, and stances for each target."""
    articles = corpus.articles
    topics = Counter(topic for a in articles for topic in a.topics or ())
    stances = Counter((target, stance) for a in articles for target, stance in (a.stances or {}).items())
    return {
        "articles": len(articles),
        "groups": len({a.held_out_group for a in articles}),
        "words": sum(len(a.text.split()) for a in articles),
        "languages": dict(sorted(Counter(a.lang for a in articles).items())),
        "origins": dict(sorted(Counter(a.origin or "unknown" for a in articles).items())),
        "topics": {topic: topics[topic] for topic in corpus.schema.topic_ids},
        "no_topic": sum(a.topics is not None and not a.topics for a in articles),
        "stances": {
            target: {stance: stances[target, stance] for stance in STANCES} for target in corpus.schema.target_ids
        },
    }
