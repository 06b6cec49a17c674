"""How the weights of two models differ: term by term, label by label, and what is in one vocabulary only.

A term that occurs once adds idf x coefficient to a logit, before the length of the article's vector divides it. That
product is compared, since both factors move with the corpus. Each label's products are divided by their root mean
square over the terms that both models have: calibration stretches a label's weights as a whole, and an answer hangs on
their proportions. So a weight of 3 is one three times as heavy as is usual for its label, in that model. The views of
an article are compared apart: their vectors have different lengths, so their weights cannot be added.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES
from talante.features.tfidf import Tfidf
from talante.features.tokens import is_word
from talante.model.model import Model

Part = Literal["topic", "own", "near", "whole", "addressed"]
View = Literal["article", "near", "whole"]

#: Terms that are kept of each label and of each vocabulary.
_KEPT = 20


@dataclass(frozen=True, slots=True)
class Term:
    """A term and its weights in A and B, None where the term is not there; ``row``: the stance that it argues for."""

    term: str
    row: str
    a: float | None
    b: float | None

    @property
    def change(self) -> float:
        """Return what B adds to A."""
        return (self.b or 0.0) - (self.a or 0.0)


@dataclass(frozen=True, slots=True)
class Weights:
    """How the weights of one label differ.

    ``part``: "topic"; "own", what a target has for itself in the whole article; "near" and "whole", what all targets
    share, and "addressed", the same for whether an article treats a target; these three have no ``label``.
    ``alike``: the cosine between the weights of A and B over the ``common`` terms, 1 where they have the same
    proportions. ``size``: how much larger those of B are. Both are None where a model has only zeros.
    ``changed``: the terms in both whose weight changed most, ``gained`` and ``lost`` the weightiest of those in one.
    """

    part: Part
    label: str
    common: int
    alike: float | None
    size: float | None
    changed: tuple[Term, ...]
    gained: tuple[Term, ...]
    lost: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How many terms of a view of an article A and B have, and how many of them are in one only."""

    view: View
    a: int
    b: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """The products of one label of one model: (rows, terms), where a label has one row or three, of stances."""

    terms: Sequence[str]
    names: tuple[str, ...]
    products: NDArray[np.float64]


def diff_weights(a: Model, b: Model) -> tuple[Weights, ...]:
    """Compare the weights of every label that both models have; the least alike come first."""
    ours, theirs = _labels(a), _labels(b)
    found = [
        _compare(part, label, ours[part, label], theirs[part, label]) for part, label in ours if (part, label) in theirs
    ]
    return tuple(sorted(found, key=lambda w: 1.0 if w.alike is None else w.alike))


def diff_vocabularies(a: Model, b: Model) -> tuple[Vocabulary, ...]:
    """Count the terms that only one of the two models knows."""
    views: tuple[tuple[View, Tfidf, Tfidf], ...] = (
        ("article", a.article_terms, b.article_terms),
        ("near", a.near_terms, b.near_terms),
        ("whole", a.whole_terms, b.whole_terms),
    )
    return tuple(
        Vocabulary(view, len(x.terms), len(y.terms), len({*y.terms} - {*x.terms}), len({*x.terms} - {*y.terms}))
        for view, x, y in views
    )


def _labels(model: Model) -> Mapping[tuple[Part, str], _Rows]:
    return dict(_each(model))


def _each(model: Model) -> Iterator[tuple[tuple[Part, str], _Rows]]:
    article, near, whole = model.article_terms, model.near_terms, model.whole_terms
    words = np.array([is_word(term) for term in article.terms], dtype=bool)
    for number, topic in enumerate(model.schema.topic_ids):
        yield ("topic", topic), _Rows(article.words, ("",), model.topics.coef[[number]] * article.idf[words])
    for number, target in enumerate(model.schema.target_ids):
        yield ("own", target), _Rows(article.terms, STANCES, model.stances.own[number] * article.idf)
    if model.schema.target_ids:
        yield ("near", ""), _Rows(near.terms, STANCES, model.stances.near * near.idf)
        yield ("whole", ""), _Rows(whole.terms, STANCES, model.stances.whole * whole.idf)
        yield ("addressed", ""), _Rows(near.terms, ("",), model.addressed.near[None, :] * near.idf)


def _compare(part: Part, label: str, a: _Rows, b: _Rows) -> Weights:
    column = {term: number for number, term in enumerate(b.terms)}
    pairs = [(number, column[term]) for number, term in enumerate(a.terms) if term in column]
    in_a, in_b = (np.array([pair[i] for pair in pairs], dtype=np.intp) for i in (0, 1))
    only_a, only_b = np.delete(np.arange(len(a.terms)), in_a), np.delete(np.arange(len(b.terms)), in_b)
    scale_a, scale_b = _scale(a.products[:, in_a]), _scale(b.products[:, in_b])
    if not scale_a or not scale_b:
        return Weights(part, label, len(pairs), None, None, (), (), ())
    old, new = a.products[:, in_a] / scale_a, b.products[:, in_b] / scale_b
    gained, lost = b.products[:, only_b] / scale_b, a.products[:, only_a] / scale_a
    terms = [a.terms[number] for number in in_a.tolist()]
    return Weights(
        part,
        label,
        len(pairs),
        alike=float((old * new).mean()),
        size=scale_b / scale_a,
        changed=_heaviest(terms, a.names, old, new),
        gained=_heaviest([b.terms[n] for n in only_b.tolist()], a.names, None, gained),
        lost=_heaviest([a.terms[n] for n in only_a.tolist()], a.names, lost, None),
    )


def _scale(products: NDArray[np.float64]) -> float:
    """Return the root mean square, 0 where there is nothing."""
    return float(np.sqrt(np.mean(products**2))) if products.size else 0.0


def _heaviest(
    terms: Sequence[str], names: Sequence[str], a: NDArray[np.float64] | None, b: NDArray[np.float64] | None
) -> tuple[Term, ...]:
    """Return the terms whose weight differs most, each with the row (a stance) where it does."""
    change = (0.0 if b is None else b) - (0.0 if a is None else a)
    if not isinstance(change, np.ndarray) or not change.size:
        return ()
    rows = np.abs(change).argmax(axis=0).tolist()
    largest = np.abs(change).max(axis=0)
    order = np.argsort(-largest, kind="stable")[:_KEPT].tolist()
    return tuple(
        Term(terms[i], names[rows[i]], *(None if x is None else float(x[rows[i], i]) for x in (a, b)))
        for i in order
        if largest[i]
    )
