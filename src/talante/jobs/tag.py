"""Tag articles: one row out for each article in, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from talante.corpus.article import STANCES, Article, Unreadable
from talante.errors import DataError
from talante.model.model import Model, Prediction

Row = dict[str, Any]


def tag(
    articles: Iterable[Article | Unreadable],
    model: Model,
    *,
    lang: str = "",
    min_score: float = 0.0,
    every_score: bool = False,
) -> Iterator[Row]:
    """Yield a row for each article; what cannot be tagged keeps its place as ``{"id": ..., "error": ...}``.

    ``lang`` overrides the language of every article. A stance whose score is below ``min_score`` becomes None: unsure.
    ``every_score`` adds the scores of all topics and of all three stances.
    """
    for article in articles:
        if isinstance(article, Unreadable):
            yield {"id": article.id, "error": article.error}
            continue
        try:
            prediction = model.predict(replace(article, lang=lang) if lang else article)
        except DataError as error:
            yield {"id": article.id, "error": str(error)}
        else:
            yield to_row(prediction, model, min_score=min_score, every_score=every_score)


def to_row(prediction: Prediction, model: Model, *, min_score: float = 0.0, every_score: bool = False) -> Row:
    """Return a prediction as plain data; scores have four digits."""
    article, stances = prediction.article, prediction.stances
    row: Row = {
        "id": article.id,
        "title": article.title,
        "lang": article.lang,
        "topics": {topic: round(prediction.scores[topic], 4) for topic in prediction.topics},
        "stances": {
            target: {"stance": s.stance if s.score >= min_score else None, "score": round(s.score, 4)}
            for target, s in stances.items()
        },
        "model": model.id,
    }
    if every_score:
        row["all_topics"] = {topic: round(score, 4) for topic, score in prediction.scores.items()}
        row["all_stances"] = {
            target: {name: round(p, 4) for name, p in zip(STANCES, s.probabilities, strict=True)}
            for target, s in stances.items()
        }
    return row
