"""The way of one article from raw to ready: cleaned, its language known, its targets found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from talante.corpus.article import Article
from talante.errors import DataError
from talante.text.clean import clean, full_text
from talante.text.contexts import Context, context
from talante.text.language import identify
from talante.text.mentions import MentionFinder
from talante.text.sentences import sentence_spans


@dataclass(frozen=True, slots=True)
class Prepared:
    """A cleaned article with the contexts of the targets that it mentions.

    ``mentions`` counts the mentions of each target; a target without any is absent from both mappings.
    ``in_title`` holds the targets that the title names.
    """

    article: Article
    text: str
    mentions: Mapping[str, int]
    contexts: Mapping[str, Context]
    in_title: frozenset[str]


def prepare(article: Article, finder: MentionFinder) -> Prepared:
    """Clean an article and cut out what it says about each target.

    Raises DataError when nothing is left of the article or its language cannot be told.
    """
    cleaned = clean(article)
    text = full_text(cleaned)
    lang = cleaned.lang or identify(text)
    if lang is None:
        raise DataError("language cannot be told", remedy="give it with --lang or in the record's 'lang'")
    mentions = finder.find(text)
    sentences = sentence_spans(text) if mentions else []
    counts = Counter(m.target for m in mentions)
    contexts = {target: context(text, sentences, mentions, target) for target in counts}
    in_title = frozenset(m.target for m in mentions if m.start < len(cleaned.title))
    return Prepared(replace(cleaned, lang=lang), text, counts, contexts, in_title)
