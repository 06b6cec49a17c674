"""TF-IDF: a vocabulary with inverse document frequencies, and the vector of a text in it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from talante.features.tokens import is_word, terms

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Vector = tuple[NDArray[np.intp], NDArray[np.float64]]


@dataclass(frozen=True)
class Tfidf:
    """A vocabulary: ``terms`` in column order and ``idf``, one weight for each; ``parts``: parts of words are terms.

    The weight of a term is ``(1 + ln tf) * idf``, vectors have length 1 (Salton & Buckley 1988, as in
    scikit-learn's ``TfidfTransformer(sublinear_tf=True)``).
    """

    terms: Sequence[str]
    idf: NDArray[np.float64]
    parts: bool = False
    _column: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_column", {term: i for i, term in enumerate(self.terms)})

    @cached_property
    def words(self) -> list[str]:
        """Return the terms that are single words, in order."""
        return [term for term in self.terms if is_word(term)]

    @cached_property
    def _word(self) -> NDArray[np.intp]:
        """Number the terms that are single words; the others have -1."""
        word = np.array([is_word(term) for term in self.terms], dtype=bool)
        return np.where(word, np.cumsum(word) - 1, -1).astype(np.intp)

    def vector(self, text: str) -> Vector:
        """Return the columns of a text's terms, ascending, and their values; both empty if it has none."""
        column = self._column
        counts = Counter(c for term in terms(text, self.parts) if (c := column.get(term)) is not None)
        columns = np.array(sorted(counts), dtype=np.intp)
        values = (1.0 + np.log(np.array([counts[c] for c in columns.tolist()], dtype=np.float64))) * self.idf[columns]
        return columns, _unit(values)

    def words_of(self, vector: Vector) -> Vector:
        """Return what is left of a vector when only single words count, again of length 1.

        Its columns number ``words``.
        """
        columns, values = vector
        number = self._word[columns]
        return number[number >= 0], _unit(values[number >= 0])

    def words_of_rows(self, rows: "csr_matrix") -> "csr_matrix":
        """Return `words_of` of every row of a matrix, (texts, terms)."""
        from scipy.sparse import diags

        words = rows[:, self._word >= 0]
        lengths = np.sqrt(np.asarray(words.multiply(words).sum(axis=1)).ravel())
        lengths[lengths == 0] = 1.0
        return diags(1.0 / lengths) @ words


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = float(np.sqrt(values @ values))
    return values / norm if norm else values


def fit_tfidf(
    texts: Sequence[str], min_df: int, articles: Sequence[str] | None = None, parts: bool = False
) -> tuple[Tfidf, "csr_matrix"]:
    """Learn terms and weights; return them with the matrix of the texts, (texts, terms).

    A term is kept when it occurs in at least ``min_df`` articles. ``articles`` says which article each text
    comes from, where several come from one; without it each text is its own.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    found_in: dict[str, set[object]] = {}
    for article, text in zip(articles or range(len(texts)), texts, strict=True):
        for term in terms(text, parts):
            found_in.setdefault(term, set()).add(article)
    # With a single article there is nothing to prune by
    needed = min(min_df, len(set(articles or range(len(texts)))))
    vocabulary = sorted(term for term, where in found_in.items() if len(where) >= needed)
    if not vocabulary:
        return Tfidf([], np.zeros(0), parts), csr_matrix((len(texts), 0))
    vectorizer = TfidfVectorizer(analyzer=partial(terms, parts=parts), vocabulary=vocabulary, sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts)
    return Tfidf(vocabulary, vectorizer.idf_, parts), matrix
