"""A corpus made ready to learn from, and counted."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from talante.corpus.article import STANCES, Article
from talante.corpus.records import Corpus
from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.text.prepare import Prepared, Preparer

_AT_ONCE = 300


def prepare_corpus(corpus: Corpus) -> list[Prepared]:
    """Clean the articles of a corpus and find its targets in them.

    Raises DataError, which names the record, when nothing is left of an article.
    """
    from joblib import Parallel, delayed

    parts = [corpus.articles[i : i + _AT_ONCE] for i in range(0, len(corpus.articles), _AT_ONCE)]
    # Starting workers takes as long as a part
    prepared = Parallel(-1 if len(parts) > 1 else 1)(delayed(_prepare)(part, corpus.schema) for part in parts)
    return [p for part in prepared for p in part]


def _prepare(articles: Sequence[Article], schema: Schema) -> list[Prepared]:
    preparer, prepared = Preparer(schema), []
    for article in articles:
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
