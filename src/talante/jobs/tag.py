"""Tag articles: one row out for each article in, in order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from talante.corpus.article import STANCES, Article, Unreadable
from talante.corpus.read import Raw, article
from talante.corpus.schema import Target
from talante.errors import DataError
from talante.model.files import load
from talante.model.model import Model, Prediction
from talante.text.prepare import read

if TYPE_CHECKING:
    from talante.model.bulk import Bulk

Row = dict[str, Any]

_encode = json.JSONEncoder(ensure_ascii=False).encode

#: From so many articles on the kernel is worth the time that it takes to get ready.
MANY = 256


@dataclass(frozen=True, slots=True)
class Order:
    """How to tag: small enough to be sent to another process.

    ``model``: its folder; ``targets``: those to add to it. ``lang`` overrides the language of every article. A stance
    whose score is below ``min_score`` becomes None: unsure. ``every_score`` adds the scores of all topics and of all
    three stances. ``chrome``: take lines off that belong to the page.
    """

    model: Path = Path()
    targets: tuple[Target, ...] = field(default=(), hash=False)
    lang: str = ""
    min_score: float = 0.0
    every_score: bool = False
    chrome: bool = True


class Tagger:
    """Tags articles as ordered: one at a time in plain Python, many at a time by the compiled kernel."""

    def __init__(self, order: Order, model: Model | None = None) -> None:
        self.order = order
        self.model = model or load_with(order.model, order.targets)

    @cached_property
    def bulk(self) -> "Bulk | None":
        """Return the kernel, None where numba is not installed or the model is of a kind that it cannot run."""
        try:
            from talante.model.bulk import Bulk

            return Bulk(self.model)
        except ImportError:
            import logging  # which a single article does without

            logging.getLogger("talante").warning(
                "many articles and no numba: `pip install 'talante[fast]'` makes this far faster"
            )
        except ValueError:
            pass
        return None

    def rows(self, articles: Iterable[Article | Unreadable], many: bool = False) -> Iterator[Row]:
        """Yield a row for each article; what cannot be tagged keeps its place as ``{"id": ..., "error": ...}``.

        ``many``: by the kernel where there is one; then all articles are read before the first row comes.
        """
        if many and self.bulk:
            ready = [self._ready(one) for one in articles]
            predictions = self.bulk.predict([one for one in ready if isinstance(one, tuple)])
            for one in ready:
                yield one if isinstance(one, dict) else self._row(next(predictions))
            return
        for one in map(self._ready, articles):
            look = self.model.preparer.look
            yield one if isinstance(one, dict) else self._row(self.model.predict_prepared(look(*one)))

    def _ready(self, one: Article | Unreadable) -> tuple[Article, str] | Row:
        if isinstance(one, Unreadable):
            return {"id": one.id, "error": one.error}
        lang = self.order.lang
        try:
            cleaned, text = read(replace(one, lang=lang) if lang else one, chrome=self.order.chrome)
            self.model.check_language(cleaned.lang)
        except DataError as error:
            return {"id": one.id, "error": str(error)}
        return cleaned, text

    def _row(self, prediction: Prediction) -> Row:
        order = self.order
        return to_row(prediction, self.model, min_score=order.min_score, every_score=order.every_score)


class Part(NamedTuple):
    """Some rows, as JSON Lines: how many there are, and how many of them are errors."""

    text: str
    rows: int
    failed: int


def tag_part(order: Order, raws: Sequence[Raw], many: bool = True) -> Part:
    """Tag what `talante.corpus.read.raw_articles` yielded; the model stays in memory for the next part."""
    return part_of(_tagger(order).rows(map(article, raws), many))


def part_of(rows: Iterable[Row]) -> Part:
    """Write rows as JSON Lines."""
    lines, failed = [], 0
    for row in rows:
        failed += "error" in row
        lines.append(_encode(row) + "\n")
    return Part("".join(lines), len(lines), failed)


@lru_cache(1)
def _tagger(order: Order) -> Tagger:
    return Tagger(order)


def load_with(folder: Path, targets: Iterable[Target]) -> Model:
    """Load a model and add targets to it.

    Raises ModelError when it is missing or damaged.
    """
    model = load(folder)
    for target in targets:
        model = model.with_target(target)
    return model


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
