"""What is seen of one article of a stream: what a model says of it, its words, and the names in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from talante.corpus.article import Article, Unreadable
from talante.corpus.duplicates import known_texts
from talante.errors import DataError
from talante.evaluation.outcomes import Outcome, outcome, untagged
from talante.features.tokens import is_word, terms
from talante.model.model import Model
from talante.text.prepare import Prepared

# A word with a capital that is not all capitals, as headings are; its first letter is one of English or Spanish
_CAPITALIZED = r"[A-ZÀ-ÖØ-Þ][\w-]*[a-zß-öø-ÿ]\w*"

# Behind a small letter or a comma, so not the first word of a sentence, which has its capital from there
_RUN = re.compile(rf"(?:(?<=[a-zß-öø-ÿ] )|(?<=[a-zß-öø-ÿ], )){_CAPITALIZED}(?: {_CAPITALIZED})+")


@dataclass(frozen=True, slots=True)
class Seen:
    """One article of a stream. Where it could not be tagged ``reason`` says why and ``outcome`` has 0 words.

    ``words`` are folded, ``names`` as written; ``running`` is the number of running words, and ``unknown`` how many of
    them the vocabulary of the model lacks. ``learned``: the model has learned from it. An article that could not even
    be prepared has no language, and only one that was tagged has words.
    """

    outcome: Outcome
    lang: str = ""
    length: int = 0
    running: int = 0
    unknown: int = 0
    words: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    learned: bool = False
    reason: str = ""

    @property
    def article(self) -> Article:
        """Return the article, cleaned where it could be."""
        return self.outcome.article

    @property
    def tagged(self) -> bool:
        """Say whether the model could tag it."""
        return not self.reason


def see(articles: Sequence[Article | Unreadable], model: Model) -> list[Seen]:
    """Tag articles and take their words and names; what cannot be read or tagged keeps its place."""
    known = frozenset(model.article_terms.words)
    prepared = [_prepared(article, model) for article in articles]
    texts = {i: p.text for i, p in enumerate(prepared) if isinstance(p, Prepared)}
    learned = {list(texts)[i] for i in known_texts(list(texts.values()), model.sketches.tolist())}
    return [_see(p, model, known, i in learned) if isinstance(p, Prepared) else p for i, p in enumerate(prepared)]


def _prepared(article: Article | Unreadable, model: Model) -> Prepared | Seen:
    if isinstance(article, Unreadable):
        return Seen(untagged(Article(article.id, "")), reason="cannot be read")
    try:
        prepared = model.preparer.prepare(article)
    except DataError as error:
        return Seen(untagged(article), reason=error.fact)
    lang = prepared.article.lang
    if lang not in model.languages:
        return Seen(untagged(prepared.article), lang, prepared.words, reason=f"language is '{lang}'")
    return prepared


def _see(prepared: Prepared, model: Model, known: frozenset[str], learned: bool) -> Seen:
    running = [term for term in terms(prepared.text, model.article_terms.parts) if is_word(term)]
    return Seen(
        # The contexts are as long as the article and say nothing here
        outcome=replace(outcome(model, prepared), near={}),
        lang=prepared.article.lang,
        length=prepared.words,
        running=len(running),
        unknown=sum(word not in known for word in running),
        words=frozenset(running),
        names=names_in(prepared.article.text),
        learned=learned,
    )


def names_in(text: str) -> frozenset[str]:
    """Return the names in a text: two or three neighbors in runs of capitalized words inside sentences.

    >>> sorted(names_in("Hoy habló el alcalde Rui Castro Leal. Ines Toral calló."))
    ['Castro Leal', 'Rui Castro', 'Rui Castro Leal']
    """
    runs = (run.split(" ") for run in _RUN.findall(text))
    return frozenset(" ".join(run[i : i + n]) for run in runs for n in (2, 3) for i in range(len(run) - n + 1))
