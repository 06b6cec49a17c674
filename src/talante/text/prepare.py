"""The way of one article from raw to ready: cleaned, its language known, its topics' words and targets found."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from talante.corpus.article import Article
from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.text.clean import clean, full_text
from talante.text.contexts import Context, Span, context
from talante.text.language import identify
from talante.text.mentions import Mention, PhraseFinder, target_phrases, topic_phrases
from talante.text.sentences import sentence_spans

#: A mention opens a sentence if it begins within so many characters, as the subject of a sentence does.
OPENING = 35


@dataclass(frozen=True, slots=True)
class Found:
    """How often the phrases of a label occur in an article, whether one is in the title, and where.

    ``first`` and ``last`` are the places of the outermost ones, from 0 (the beginning of the text) to 1. ``opened`` is
    the number of sentences, of those given, that open with one.
    """

    count: int
    in_title: bool
    first: float
    last: float
    opened: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cleaned article with what the schema finds in it.

    ``text`` is title and text in one. ``topic_words`` and ``mentions`` hold only what was found, ``contexts`` has
    the same targets as ``mentions`` and those that the schema assumes.
    """

    article: Article
    text: str
    words: int
    topic_words: Mapping[str, Found]
    mentions: Mapping[str, Found]
    contexts: Mapping[str, Context]


class Preparer:
    """Prepares articles for a schema. ``topic_finder`` and ``target_finder`` find the phrases of both kinds."""

    def __init__(self, schema: Schema) -> None:
        self._assumed = schema.assumed
        self.topic_finder = PhraseFinder(topic_phrases(schema))
        self.target_finder = PhraseFinder(target_phrases(schema))
        self.mentions = self.target_finder.find

    def prepare(self, article: Article) -> Prepared:
        """Clean an article and find the words of topics and the contexts of targets in it.

        Raises DataError when nothing is left of the article or its language cannot be told.
        """
        return self.look(*read(article))

    def look(self, article: Article, text: str) -> Prepared:
        """Find the words of topics and the contexts of targets in an article that `read` has made ready."""
        mentions = self.mentions(text)
        sentences = sentence_spans(text) if mentions else []
        return self.assemble(article, text, len(text.split()), self.topic_finder.find(text), mentions, sentences)

    def assemble(
        self,
        article: Article,
        text: str,
        words: int,
        of_topics: list[Mention],
        mentions: list[Mention],
        sentences: list[Span],
    ) -> Prepared:
        """Put together what has been found; ``sentences``: at least those with a mention."""
        title = len(article.title)
        found = _found(mentions, title, len(text), sentences)
        assumed = dict.fromkeys(self._assumed)
        return Prepared(
            article=article,
            text=text,
            words=words,
            topic_words=_found(of_topics, title, len(text)),
            mentions=found,
            contexts={target: context(text, sentences, mentions, target) for target in {**found, **assumed}},
        )


def read(article: Article, chrome: bool = True) -> tuple[Article, str]:
    """Clean an article and tell its language; return it with its title and text as one.

    ``chrome``: take lines off that belong to the page.

    Raises DataError when nothing is left of the article or its language cannot be told.
    """
    cleaned = clean(article, chrome)
    text = full_text(cleaned)
    lang = cleaned.lang or identify(text)
    if lang is None:
        raise DataError("language cannot be told", remedy="give it with --lang or in the record's 'lang'")
    return cleaned if cleaned.lang == lang else replace(cleaned, lang=lang), text


def _found(mentions: Iterable[Mention], title: int, length: int, sentences: Sequence[Span] = ()) -> dict[str, Found]:
    starts: dict[str, list[int]] = {}
    for mention in mentions:
        starts.setdefault(mention.label, []).append(mention.start)
    return {
        label: Found(
            count=len(at),
            in_title=at[0] < title,
            first=at[0] / length,
            last=at[-1] / length,
            opened=sum(bisect_left(at, s) < bisect_left(at, min(e, s + OPENING)) for s, e in sentences),
        )
        for label, at in starts.items()
    }
