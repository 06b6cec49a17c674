"""What makes an evaluation say more than is true: the outlet in the text, articles that the model has learned from."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import Article
from talante.corpus.duplicates import known_texts
from talante.features.tokens import is_word, terms
from talante.model.model import Model
from talante.text.prepare import Prepared

#: An outlet with fewer articles has no words of its own: it may just have one subject.
FEWEST = 5

#: The part of an outlet's articles that must have a term, and the greatest part of the others that may.
_OWN, _OTHERS = 0.8, 0.02

#: Leaks below this part of the articles are no news.
_WORTH_TELLING = 0.25


@dataclass(frozen=True, slots=True)
class Leak:
    """Something in the articles that gives their outlet away, and how many of all articles have it."""

    what: str
    articles: int
    of: int
    examples: tuple[str, ...]

    @property
    def share(self) -> float:
        """Return the part of the articles that have it."""
        return self.articles / max(1, self.of)

    def __str__(self) -> str:
        shown = ", ".join(f"'{example}'" for example in self.examples)
        return f"{self.what} {self.articles} of {self.of} articles ({self.share:.0%}), such as {shown}"


def learned_from(prepared: Sequence[Prepared], model: Model) -> list[Leak]:
    """Return the articles, if any, that the model has learned from, as they are or with changes."""
    known = known_texts([p.text for p in prepared], model.sketches.tolist())
    found = Leak(
        "the model has learned from", len(known), len(prepared), tuple(prepared[i].article.id for i in known[:3])
    )
    return [found] if known else []


def find_leaks(articles: Sequence[Article]) -> list[Leak]:
    """Return what gives away the outlet of a quarter of the (cleaned) articles or more, the most frequent first.

    That is the name of an article's own outlet, author or group in its text; and terms that stand in nearly all
    articles of an outlet and in hardly any other. A model can learn from either which outlet speaks, and a figure from
    articles of outlets that it has seen is then worth nothing for others.
    """
    named: Counter[str] = Counter()
    for article in articles:
        text = f" {' '.join(_words(article.title + ' ' + article.text))} "
        own = [name for name in _names(article) if f" {name} " in text]
        named.update(own[:1])
    signed = _signatures(articles)
    leaks = [
        Leak(
            "outlets name themselves in", named.total(), len(articles), tuple(name for name, _ in named.most_common(3))
        ),
        Leak(
            "words that only one outlet has stand in",
            sum(n for _, n in signed),
            len(articles),
            tuple(t for t, _ in signed[:3]),
        ),
    ]
    return sorted((leak for leak in leaks if leak.share >= _WORTH_TELLING), key=lambda leak: -leak.share)


def _words(text: str) -> list[str]:
    return [term for term in terms(text) if is_word(term)]


def _names(article: Article) -> list[str]:
    """Return the names of an article's source as they would stand in a text.

    A short word could be any, and so could a group that is named by one word only: `harbor`.
    """
    names = [" ".join(_words(name)) for name in (article.outlet, article.author)]
    group = _words(article.group.replace("-", " "))
    return [name for name in dict.fromkeys([*names, " ".join(group) if len(group) > 1 else ""]) if len(name) > 4]


def _signatures(articles: Sequence[Article]) -> list[tuple[str, int]]:
    """Return for each outlet that has one its most telling term and the number of its articles with it."""
    number: dict[str, int] = {}
    by_group: dict[str, list[NDArray[np.int32]]] = defaultdict(list)
    for article in articles:
        found = set(terms(article.title + "\n" + article.text))
        # As numbers: the terms of ten thousand articles are gigabytes
        numbers = np.fromiter((number.setdefault(term, len(number)) for term in found), np.int32, len(found))
        by_group[article.held_out_group].append(numbers)
    spelled = list(number)
    everywhere = np.zeros(len(spelled), np.intp)
    for texts in by_group.values():
        everywhere += np.bincount(np.concatenate(texts), minlength=len(spelled))
    signed = []
    for texts in by_group.values():
        if len(texts) < FEWEST or len(texts) > len(articles) / 2:
            continue
        inside, count = np.unique(np.concatenate(texts), return_counts=True)
        outside = everywhere[inside] - count
        telling = (count >= _OWN * len(texts)) & (outside <= _OTHERS * (len(articles) - len(texts)))
        if telling.any():
            most, term = max(zip(count[telling].tolist(), (spelled[i] for i in inside[telling]), strict=True))
            signed.append((term, most))
    return sorted(signed, key=lambda item: (-item[1], item[0]))
