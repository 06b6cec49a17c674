"""Count the terms of articles, and of what they say of each target, once for all that is fitted to some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from talante.corpus.article import Stance
from talante.features.tfidf import Counts, PartCounts, count_part, merge_counts
from talante.model.settings import Settings
from talante.text.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Pair:
    """An article and a target that it takes a labelled stance toward, with the contexts of that target."""

    prepared: Prepared
    target: str
    stance: Stance


def stance_pairs(articles: Sequence[Prepared]) -> list[Pair]:
    """Return every undisputed stance toward a target that the article mentions by an alias."""
    return [
        Pair(p, target, stance)
        for p in articles
        for target, stance in sorted((p.article.stances or {}).items())
        if target in p.contexts and target not in p.article.disputed_stances
    ]


@dataclass(frozen=True)
class Counted:
    """The terms of articles and of their contexts, counted: the same for every part of a corpus to learn from.

    ``article`` numbers the rows of ``articles`` by id; ``context`` and ``pair`` those of ``near`` and ``whole``, by id
    and target. The latter has only `stance_pairs`.
    """

    articles: Counts
    near: Counts
    whole: Counts
    article: Mapping[str, int]
    context: Mapping[tuple[str, str], int]
    pair: Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class CountedPart:
    """The same of some of the articles, before `merge` leaves out what is rare in all of them."""

    articles: PartCounts
    near: PartCounts
    whole: PartCounts
    contexts: tuple[tuple[str, str], ...]
    pairs: tuple[tuple[str, str], ...]


def count(articles: Sequence[Prepared], settings: Settings) -> Counted:
    """Count all terms of prepared articles, for one or more calls of `fit` with some of them."""
    return merge([count_part_of(articles, is_short(articles, settings))], settings)


def is_short(articles: Sequence[Prepared], settings: Settings) -> bool:
    """Say whether these are short texts, of which parts of words are counted, too."""
    return bool(articles) and float(np.median([p.words for p in articles])) < settings.short


def count_part_of(articles: Sequence[Prepared], short: bool) -> CountedPart:
    """Count all terms of some articles of a corpus. ``short``: what `is_short` says of the whole."""
    contexts = [(p, target) for p in articles for target in p.contexts]
    pairs = [(pair.prepared, pair.target) for pair in stance_pairs(articles)]
    return CountedPart(
        articles=count_part([p.text for p in articles], [p.article.id for p in articles], short),
        near=count_part([p.contexts[t].near for p, t in contexts], [p.article.id for p, _ in contexts], short),
        whole=count_part([p.contexts[t].whole for p, t in pairs], [p.article.id for p, _ in pairs], short),
        contexts=tuple((p.article.id, target) for p, target in contexts),
        pairs=tuple((p.article.id, target) for p, target in pairs),
    )


def merge(parts: Sequence[CountedPart], settings: Settings) -> Counted:
    """Return the counts of all parts of a corpus as one."""
    min_df = 1 if any(part.articles.parts for part in parts) else settings.min_df
    articles, near, whole = (
        merge_counts([getattr(part, view) for part in parts], min_df, settings.most_terms)
        for view in ("articles", "near", "whole")
    )
    names = [name for part in parts for name in part.articles.sources]
    return Counted(
        articles=articles,
        near=near,
        whole=whole,
        article={name: number for number, name in enumerate(names)},
        context={key: number for number, key in enumerate(key for part in parts for key in part.contexts)},
        pair={key: number for number, key in enumerate(key for part in parts for key in part.pairs)},
    )
