"""TF-IDF: a vocabulary with inverse document frequencies, and the vector of a text in it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from talante.features.tokens import are_words, is_word, terms

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from talante.features.kernel import Distinct

#: So many terms are searched for; then it pays to put all of them into the dictionary.
_SEARCHED = 10_000


class _Columns(dict[str, int]):
    """The columns of sorted terms, -1 for what is none of them; it fills itself, so that a single text is soon done."""

    def __init__(self, listed: Sequence[str]) -> None:
        super().__init__()
        self._listed, self._full = listed, False

    def __missing__(self, term: str) -> int:
        if self._full:
            return -1
        if len(self) >= _SEARCHED:
            self.clear()
            self.update(zip(self._listed, range(len(self._listed)), strict=True))
            self._full = True
            return self[term]
        column = bisect_left(self._listed, term)
        self[term] = column if column < len(self._listed) and self._listed[column] == term else -1
        return self[term]


Vector = tuple[NDArray[np.intp], NDArray[np.float64]]


@dataclass(frozen=True)
class Tfidf:
    """A vocabulary: ``terms``, sorted, in column order, ``idf``, their weights; ``parts``: parts of words are terms.

    The weight of a term is ``(1 + ln tf) * idf``, vectors have length 1 (Salton & Buckley 1988, as in
    scikit-learn's ``TfidfTransformer(sublinear_tf=True)``).
    """

    terms: Sequence[str]
    idf: NDArray[np.float64]
    parts: bool = False
    _column: _Columns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_column", _Columns(self.terms))

    @cached_property
    def words(self) -> list[str]:
        """Return the terms that are single words, in order."""
        return [term for term in self.terms if is_word(term)]

    @cached_property
    def _word(self) -> NDArray[np.intp]:
        """Number the terms that are single words; the others have -1."""
        word = np.array(are_words(self.terms), dtype=bool)
        return np.where(word, np.cumsum(word) - 1, -1).astype(np.intp)

    def vector(self, text: str) -> Vector:
        """Return the columns of a text's terms, ascending, and their values; both empty if it has none."""
        counts = Counter(map(self._column.__getitem__, terms(text, self.parts)))
        del counts[-1]
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
        words = rows[:, self._word >= 0]
        lengths = np.sqrt(np.asarray(words.multiply(words).sum(axis=1)).ravel())
        lengths[lengths == 0] = 1.0
        # A product with a diagonal matrix would leave the columns in disorder, which each fit would have to sort
        words.data *= np.repeat(1.0 / lengths, np.diff(words.indptr))
        return words


def _unit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    norm = float(np.sqrt(values @ values))
    return values / norm if norm else values


@dataclass(frozen=True)
class Counts:
    """How often terms occur in texts: ``matrix`` is (texts, terms), ``terms`` in column order, sorted.

    ``sources`` says which article each text comes from, where several come from one. Counting is most of the work of
    learning a vocabulary, and is done once for all parts of a cross-validation.
    """

    terms: NDArray[np.object_]
    matrix: "csr_matrix"
    sources: NDArray[np.intp]
    parts: bool = False


@dataclass(frozen=True)
class PartCounts:
    """The same of some of the texts, nothing left out yet; `merge_counts` makes one of several.

    ``terms`` are joined by line breaks, each has a hash of 64 bits in ``keys``, (terms,), which hash depends on whether
    the kernel counted, and occurs in ``articles``, (terms,), of the articles of these texts.
    """

    terms: bytes
    keys: NDArray[np.uint64]
    articles: NDArray[np.int32]
    matrix: "csr_matrix"
    sources: tuple[str, ...]
    parts: bool = False


def count_part(texts: Sequence[str], articles: Sequence[str] | None = None, parts: bool = False) -> PartCounts:
    """Count the terms of texts. ``articles`` says which article each comes from; without it each is its own."""
    names = tuple(articles or map(str, range(len(texts))))
    if not parts and (counted := _count_compiled(texts)):
        distinct, matrix = counted
        in_articles = _in_articles(matrix, _numbered(names)).astype(np.int32)
        return PartCounts(distinct.terms, distinct.hashes, in_articles, matrix, names)
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    vectorizer = CountVectorizer(analyzer=partial(terms, parts=parts), dtype=np.int32)
    try:
        matrix = csr_matrix(vectorizer.fit_transform(texts))
    except ValueError:  # not one term, or not one text
        none = np.array([], dtype=np.uint64)
        return PartCounts(b"", none, none.astype(np.int32), csr_matrix((len(texts), 0), dtype=np.int32), names, parts)
    listed = [term.encode() for term in vectorizer.get_feature_names_out()]
    digests = b"".join(blake2b(term, digest_size=8).digest() for term in listed)
    in_articles = _in_articles(matrix, _numbered(names)).astype(np.int32)
    return PartCounts(b"\n".join(listed), np.frombuffer(digests, "<u8"), in_articles, matrix, names, parts)


def _count_compiled(texts: Sequence[str]) -> "tuple[Distinct, csr_matrix] | None":
    """Count by the kernel; None where numba is not installed."""
    from scipy.sparse import csr_matrix

    try:
        from talante.features.kernel import count_terms, letters
    except ImportError:
        return None
    found = count_terms(texts, letters())
    shape = (len(texts), len(found.hashes))
    return found, csr_matrix((found.times, found.columns, found.row_at), shape=shape)


def merge_counts(counted: Sequence[PartCounts], min_df: int, most: int | None = None) -> Counts:
    """Return the counts of all texts, in the order of the parts; an article must be wholly in one part.

    Terms in fewer than ``min_df`` articles are left out: no part of the texts has more. Of the others the ``most``
    frequent are kept.
    """
    from scipy.sparse import csr_matrix, vstack

    names = [name for part in counted for name in part.sources]
    sources = _numbered(names)
    least = min(min_df, len(set(sources.tolist())))
    # Most terms are rare and not kept: they are compared by their keys, and their spelling is never looked at
    likely = _likely(counted, least)
    keys, column = np.unique(
        np.concatenate([part.keys[i] for part, i in zip(counted, likely, strict=True)]), return_inverse=True
    )
    in_articles = np.bincount(
        column, np.concatenate([part.articles[i] for part, i in zip(counted, likely, strict=True)]), len(keys)
    )
    kept = np.flatnonzero(in_articles >= least)
    number = np.full(len(keys), -1, dtype=np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    spelled, is_spelled = np.empty(len(kept), dtype=object), np.zeros(len(kept), dtype=np.bool_)
    own, start = [], 0
    for part, i in zip(counted, likely, strict=True):
        numbers = np.full(len(part.keys), -1, dtype=np.int32)
        numbers[i] = number[column[start : start + len(i)]]
        own.append(numbers)
        start += len(i)
        new = np.flatnonzero(numbers >= 0)
        new = new[~is_spelled[numbers[new]]]
        spelled[numbers[new]] = _spelled(part.terms, new)
        is_spelled[numbers[new]] = True
    # As a list: numpy compares objects one by one, without knowing that all are strings
    order = np.array(sorted(range(len(kept)), key=spelled.tolist().__getitem__), dtype=np.intp)
    if most is not None and len(order) > most:
        frequent = order[np.argsort(-in_articles[kept[order]], kind="stable")[:most]]
        order = order[np.isin(order, frequent)]
    place = np.full(len(kept), -1, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    rows = []
    for part, numbers in zip(counted, own, strict=True):
        columns = np.where(numbers >= 0, place[numbers], -1) if len(kept) else numbers
        rows.append(_renumbered(part.matrix, columns, len(order)))
    # There and back orders the columns of each row, in time linear in the counts
    matrix = csr_matrix(vstack(rows, format="csr").tocsc().tocsr())
    return Counts(spelled[order], matrix, sources, any(p.parts for p in counted))


def _likely(counted: Sequence[PartCounts], least: int) -> list[NDArray[np.intp]]:
    """Return which terms of each part may occur in ``least`` articles: with the kernel few, otherwise all."""
    try:
        from talante.features.kernel import add_to_buckets, in_full_buckets, new_buckets
    except ImportError:
        return [np.arange(len(part.keys)) for part in counted]
    buckets = new_buckets(sum(len(part.keys) for part in counted))
    for part in counted:
        add_to_buckets(part.keys, part.articles, buckets)
    return [np.flatnonzero(in_full_buckets(part.keys, buckets, least)) for part in counted]


def _spelled(terms: bytes, numbers: NDArray[np.intp]) -> list[str]:
    """Return some of the terms that are joined by line breaks."""
    breaks = np.flatnonzero(np.frombuffer(terms, dtype=np.uint8) == ord("\n"))
    start, end = np.concatenate([[0], breaks + 1]), np.concatenate([breaks, [len(terms)]])
    return [terms[a:b].decode() for a, b in zip(start[numbers].tolist(), end[numbers].tolist(), strict=True)]


def _renumbered(matrix: "csr_matrix", columns: NDArray[np.int32], width: int) -> "csr_matrix":
    """Return a matrix with each column at its new place, in any order, and without those whose place is -1."""
    from scipy.sparse import csr_matrix

    places = columns[matrix.indices] if len(columns) else matrix.indices
    left = places >= 0
    before = np.concatenate([[0], np.cumsum(left)])
    return csr_matrix((matrix.data[left], places[left], before[matrix.indptr]), shape=(matrix.shape[0], width))


def _numbered(names: Sequence[str]) -> NDArray[np.intp]:
    number = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names], dtype=np.intp)


def _in_articles(counts: "csr_matrix", sources: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the number of articles that each term occurs in, (terms,)."""
    from scipy.sparse import csr_matrix

    if len(np.unique(sources)) == len(sources):
        return np.bincount(counts.indices, minlength=counts.shape[1])
    of_article = csr_matrix((np.ones(len(sources)), (sources, np.arange(len(sources)))))
    return np.asarray((of_article @ counts).tocsc().getnnz(axis=0))


def fit_tfidf(counts: Counts, min_df: int, rows: Sequence[int] | None = None) -> tuple[Tfidf, "csr_matrix"]:
    """Learn terms and weights from the texts in ``rows``, without it from all; return the matrix of all texts.

    A term is kept when it occurs in at least ``min_df`` articles of those texts. The matrix is (texts, kept terms).
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    rows = range(counts.matrix.shape[0]) if rows is None else rows
    learned, sources = counts.matrix[rows], counts.sources[rows]
    # With a single article there is nothing to prune by
    kept = (
        np.flatnonzero(_in_articles(learned, sources) >= max(1, min(min_df, len(set(sources.tolist())))))
        if len(sources)
        else np.array([], dtype=np.intp)
    )
    if not len(kept):
        return Tfidf([], np.zeros(0), counts.parts), csr_matrix((counts.matrix.shape[0], 0))
    weigher = TfidfTransformer(sublinear_tf=True).fit(learned[:, kept])
    tfidf = Tfidf(counts.terms[kept].tolist(), weigher.idf_, counts.parts)
    return tfidf, csr_matrix(weigher.transform(counts.matrix[:, kept]))
