"""Explain articles: a row of plain data for each, with the sentences and terms behind each label."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from talante.corpus.article import Article, Unreadable
from talante.errors import DataError
from talante.jobs.tag import Row
from talante.model.evidence import Evidence, explain
from talante.model.model import Model, Prediction
from talante.text.contexts import Span
from talante.text.origin import Origin
from talante.text.sentences import sentence_spans


def explain_articles(
    articles: Iterable[Article | Unreadable],
    model: Model,
    *,
    lang: str = "",
    every: bool = False,
    terms: int = 20,
    as_read: bool = False,
) -> Iterator[Row]:
    """Yield the evidence of each article's labels; what cannot be tagged keeps its place as a row with an error.

    ``every`` adds the labels that were not given, ``terms`` is the number of terms listed for each label. Sentences
    and terms have their place in the ``title`` or ``text`` of the row: those that were given or, for HTML and
    Markdown, those that were read out of it. With ``as_read`` the row has title and text in one, without page chrome.
    """
    for article in articles:
        if isinstance(article, Unreadable):
            yield {"id": article.id, "error": article.error}
            continue
        given = replace(article, lang=lang) if lang else article
        try:
            prepared = model.preparer.prepare(given)
            prediction = model.predict_prepared(prepared)
        except DataError as error:
            yield {"id": article.id, "error": str(error)}
            continue
        origin, sentences = Origin(given, prepared.article), sentence_spans(prepared.text)
        shown = Article("", prepared.text, prepared.article.title) if as_read else origin.article
        where = partial(_where, None if as_read else origin)
        every_one = explain(model, prepared)
        found = [e for e in every_one if every or _is_given(e, prediction)]
        found.sort(key=lambda e: -e.score if e.kind == "topic" else 0.0)  # as `predict` lists topics
        yield {
            "id": article.id,
            "lang": prepared.article.lang,
            "model": model.id,
            "title": shown.title,
            "text": shown.text,
            "labels": [
                _label(e, sentences, where, terms) | _rivals(e, every_one) | {"given": _is_given(e, prediction)}
                for e in found
            ],
        }


def _where(origin: Origin | None, start: int, end: int) -> dict[str, Any]:
    return asdict(origin.place(start, end)) if origin else {"start": start, "end": end}


def _is_given(evidence: Evidence, prediction: Prediction) -> bool:
    if evidence.kind == "topic":
        return evidence.label in prediction.topics
    answer = prediction.stances.get(evidence.label)
    return answer is not None and evidence.stance in (None, answer.stance)


def _rivals(evidence: Evidence, every_one: Sequence[Evidence]) -> dict[str, Any]:
    """Return the logits of all stances toward a target: the score of one is its share of their exponentials."""
    same = [e for e in every_one if e.stance and e.label == evidence.label]
    return {"logits": {e.stance: e.logit for e in same}} if evidence.stance else {}


def _label(
    evidence: Evidence, sentences: Sequence[Span], where: Callable[[int, int], dict[str, Any]], terms: int
) -> dict[str, Any]:
    by_sentence: list[float] = [0.0] * len(sentences)
    by_term: dict[str, float] = defaultdict(float)
    places: dict[str, dict[Span, None]] = defaultdict(dict)
    number = 0
    for share in sorted(evidence.shares, key=lambda s: s.start):
        # A pair of words over the border of two sentences belongs to the one where it begins
        while share.start >= sentences[number][1]:
            number += 1
        by_sentence[number] += share.value
        by_term[share.term] += share.value
        places[share.term][share.start, share.end] = None
    strongest = sorted(filter(by_term.get, by_term), key=lambda term: (-abs(by_term[term]), term))
    return {
        "kind": evidence.kind,
        "label": evidence.label,
        **({"stance": evidence.stance} if evidence.stance else {}),
        "score": evidence.score,
        "threshold": evidence.threshold,
        "logit": evidence.logit,
        "intercept": evidence.intercept,
        "sentences": [{**where(*span), "share": share} for span, share in zip(sentences, by_sentence, strict=True)]
        if evidence.shares
        else [],
        "terms": [
            {"term": term, "share": by_term[term], "spans": [where(*span) for span in places[term]]}
            for term in strongest[:terms]
        ],
        "other": [{"name": name, "share": value} for name, value in evidence.other],
    }
