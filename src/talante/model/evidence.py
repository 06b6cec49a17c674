"""Evidence: what each word of an article adds to each answer, exactly, since every answer is a sum."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Stance
from talante.features.tfidf import Vector
from talante.features.tokens import placed_terms
from talante.model.model import MENTION_FEATURES, Model, mention_features, sigmoid, softmax, word_features
from talante.text.contexts import Span, View, near_view, view, whole_view
from talante.text.fold import fold
from talante.text.mentions import Mention
from talante.text.prepare import Prepared
from talante.text.sentences import sentence_spans

Kind = Literal["topic", "addressed", "stance"]


@dataclass(frozen=True, slots=True)
class Share:
    """What one occurrence of a term, ``text[start:end]`` of the prepared article, adds to a logit."""

    term: str
    start: int
    end: int
    value: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One decision: ``intercept``, all ``shares`` and the values of ``other`` sum up to ``logit``.

    ``label`` is a topic, or a target, with the ``stance`` in question. ``other`` has what stands in no one place of
    the text, by name. ``score`` is the probability that the logit amounts to (for a stance, among the three), and
    ``threshold`` the cut that it is held against.
    """

    kind: Kind
    label: str
    stance: Stance | None
    score: float
    threshold: float | None
    logit: float
    intercept: float
    shares: tuple[Share, ...]
    other: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Occurrence:
    """A term of a vocabulary in one place, with its part of the term's value in the vector: all parts are equal."""

    column: int
    term: str
    start: int
    end: int
    value: float

    def share(self, weights: NDArray[np.float32]) -> Share:
        return Share(self.term, self.start, self.end, self.value * float(weights[self.column]))


def explain(model: Model, prepared: Prepared, only: tuple[Kind, str] | None = None) -> list[Evidence]:
    """Return the evidence of every topic, of every target mentioned, and of the three stances toward each of these.

    ``prepared`` comes from the model's own preparer. The order is that of the schema. ``only``: no other kind of
    evidence, of no other label.
    """

    def wanted(kind: Kind, label: str) -> bool:
        return only is None or only == (kind, label)

    sentences = sentence_spans(prepared.text)
    article = view(prepared.text, [(0, len(prepared.text))], [], "")
    vector = model.article_terms.vector(article.text)
    topics = [topic for topic in model.schema.topic_ids if wanted("topic", topic)]
    found = list(_topics(model, prepared, article, vector, topics)) if topics else []
    for target in model.schema.target_ids:
        named = target in prepared.mentions and target not in model.schema.assumed
        if named and wanted("addressed", target):
            found.append(_addressed(model, prepared, target, sentences))
        if target in prepared.contexts and wanted("stance", target):
            found += _stances(model, prepared, article, vector, target, sentences)
    return found


def _topics(
    model: Model, prepared: Prepared, article: View, vector: Vector, wanted: Sequence[str]
) -> Iterator[Evidence]:
    topics, logits = model.topics, model.topic_logits(prepared, vector)
    words = _occurrences(
        article, model.article_terms.words, model.article_terms.words_of(vector), model.article_terms.parts
    )
    phrases = model.preparer.topic_finder.find(prepared.text)
    for topic in wanted:
        number = model.schema.topic_ids.index(topic)
        density, in_title = (np.array(word_features(prepared, topic)) * topics.word_coef[number]).tolist()
        own = [m for m in phrases if m.label == topic]
        yield Evidence(
            kind="topic",
            label=topic,
            stance=None,
            score=float(sigmoid(logits[number])),
            threshold=float(topics.threshold[number]),
            logit=float(logits[number]),
            intercept=float(topics.intercept[number]),
            shares=(
                *(word.share(topics.coef[number]) for word in words),
                *(Share(_phrase(prepared.text, m), m.start, m.end, density / len(own)) for m in own),
            ),
            other=(("a word of the topic in the title", in_title),) if in_title else (),
        )


def _phrase(text: str, mention: Mention) -> str:
    # Marked, since the same word has a weight of its own as a term
    return f"{fold(text[mention.start : mention.end])} (in the schema)"


def _addressed(model: Model, prepared: Prepared, target: str, sentences: Sequence[Span]) -> Evidence:
    addressed, logit = model.addressed, model.addressed_logit(prepared, target)
    near = near_view(prepared.text, sentences, model.preparer.mentions(prepared.text), target)
    occurrences = _occurrences(near, model.near_terms.terms, model.near_terms.vector(near.text), model.near_terms.parts)
    numbers = (addressed.coef * np.array(mention_features(prepared, target))).tolist()
    by_topic = addressed.topic_words[model.schema.target_ids.index(target)] * model.topic_words(prepared)
    words = zip(model.schema.topic_ids, by_topic.sum(axis=1).tolist(), strict=True)
    return Evidence(
        kind="addressed",
        label=target,
        stance=None,
        score=float(sigmoid(logit)),
        threshold=float(addressed.threshold[0]),
        logit=float(logit),
        intercept=float(addressed.intercept[0]),
        shares=tuple(o.share(addressed.near) for o in occurrences),
        other=(
            *zip(MENTION_FEATURES, numbers, strict=True),
            *((f"words of the topic {topic}", value) for topic, value in words if value),
        ),
    )


def _stances(
    model: Model, prepared: Prepared, article: View, vector: Vector, target: str, sentences: Sequence[Span]
) -> Iterator[Evidence]:
    stances, number = model.stances, model.schema.target_ids.index(target)
    mentions = model.preparer.mentions(prepared.text)
    near = near_view(prepared.text, sentences, mentions, target)
    whole = whole_view(prepared.text, mentions, target)
    views = [
        (near, model.near_terms, model.near_terms.vector(near.text), stances.near),
        (whole, model.whole_terms, model.whole_terms.vector(whole.text), stances.whole),
        (article, model.article_terms, vector, stances.own[number]),
    ]
    parts = [(_occurrences(seen, tfidf.terms, v, tfidf.parts), weights) for seen, tfidf, v, weights in views]
    logits = model.stance_logits(prepared, vector, target)
    scores = softmax(logits)
    for row, stance in enumerate(STANCES):
        yield Evidence(
            kind="stance",
            label=target,
            stance=stance,
            score=scores[row],
            threshold=None,
            logit=float(logits[row]),
            intercept=float(stances.intercept[row] + stances.own_intercept[number, row]),
            shares=tuple(o.share(weights[row]) for occurrences, weights in parts for o in occurrences),
        )


def _occurrences(seen: View, terms: Sequence[str], vector: Vector, parts: bool) -> list[_Occurrence]:
    placed = placed_terms(seen.text, parts)
    counts = Counter(term for term, _, _ in placed)
    value = {terms[c]: (c, v) for c, v in zip(*(part.tolist() for part in vector), strict=True)}
    found = []
    for term, start, end in placed:
        if term in value:
            # A pair of words that are no neighbors in the article stands where its first word does
            last = end if seen.is_one_piece(start, end) else start + len(term.partition(" ")[0])
            found.append(_Occurrence(value[term][0], term, *seen.origin(start, last), value[term][1] / counts[term]))
    return found
