"""TF-IDF equals scikit-learn's, term for term and number for number."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from talante.features import tfidf as module
from talante.features.tfidf import Counts, Tfidf, count_part, fit_tfidf, merge_counts
from talante.features.tokens import are_words, is_word, terms


def count_terms(texts: list[str], min_df: int, articles: list[str] | None = None) -> Counts:
    return merge_counts([count_part(texts, articles)], min_df)


TEXTS = ["the ship left the harbor", "El barco dejó el puerto", "the harbor and the ship", "puerto, puerto, PUERTO"]


def test_terms_are_words_and_pairs_of_words() -> None:
    assert terms("El Perú, a hoy") == ["el", "peru", "hoy", "el peru", "peru hoy"]


def test_many_terms_are_told_apart_as_one_is() -> None:
    listed = [*terms("el perú, ¡ya!", parts=True), "a", ""]
    assert are_words(listed) == [is_word(term) for term in listed] and len({*are_words(listed)}) == 2


@given(st.text(alphabet="abñÁ éü.,'-1 2\n", max_size=60))
def test_terms_are_those_of_scikit_learn(text: str) -> None:
    analyze = TfidfVectorizer(strip_accents="unicode", ngram_range=(1, 2)).build_analyzer()
    assert terms(text) == analyze(text)


@pytest.mark.parametrize("searched", [0, 1, 3, 10_000])
def test_a_vector_is_the_same_when_all_terms_are_in_the_dictionary(
    searched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, matrix = fit_tfidf(count_terms(TEXTS, 1), min_df=1)
    monkeypatch.setattr(module, "_SEARCHED", searched)
    one = Tfidf(fitted.terms, fitted.idf)
    for _ in range(2):
        for row, text in enumerate(TEXTS):
            columns, values = one.vector(f"zebra {text} aardvark")
            assert columns.tolist() == sorted(matrix[row].indices.tolist())
            assert values == pytest.approx(matrix[row].toarray()[0, columns])


@given(st.lists(st.sampled_from(" ".join(TEXTS).split()), max_size=30))
def test_the_vector_of_a_text_is_that_of_scikit_learn(words: list[str]) -> None:
    fitted, _ = fit_tfidf(count_terms(TEXTS, 1), min_df=1)
    peer = TfidfVectorizer(strip_accents="unicode", ngram_range=(1, 2), sublinear_tf=True).fit(TEXTS)
    assert list(fitted.terms) == peer.get_feature_names_out().tolist()
    columns, values = fitted.vector(" ".join(words))
    expected = peer.transform([" ".join(words)])
    expected.sort_indices()
    assert columns.tolist() == expected.indices.tolist()
    np.testing.assert_allclose(values, expected.data, rtol=0, atol=1e-9)


def test_a_text_without_known_terms_has_an_empty_vector() -> None:
    columns, values = Tfidf(["ship"], np.array([1.0])).vector("nothing of it")
    assert columns.size == values.size == 0


def test_a_term_must_occur_in_so_many_articles_not_texts() -> None:
    texts = ["ship one", "ship two", "harbor three", "harbor three"]
    assert fit_tfidf(count_terms(texts, 1, ["a", "b", "c", "c"]), 2)[0].terms == ["ship"]


@pytest.mark.parametrize("min_df", [1, 2])
def test_a_single_text_still_has_terms(min_df: int) -> None:
    assert fit_tfidf(count_terms(["ship ahoy"], min_df), min_df)[0].terms == ["ahoy", "ship", "ship ahoy"]


def test_what_a_part_of_counted_texts_teaches_is_what_it_teaches_alone() -> None:
    texts = [*TEXTS, "the ship", "", "puerto y barco"]
    counts = count_terms(texts, 2)
    for rows in ([0, 2, 4], [1, 3, 6], [0, 1, 2, 3], [5], []):
        part, matrix = fit_tfidf(counts, 2, rows)
        alone, its_own = fit_tfidf(count_terms([texts[i] for i in rows], 2), 2)
        if len(rows) > 1:  # a single text is pruned by nothing, and counting has pruned
            assert part.terms == alone.terms
            np.testing.assert_allclose(part.idf, alone.idf)
            np.testing.assert_allclose(matrix[rows].toarray(), its_own.toarray())
        assert matrix.shape == (len(texts), len(part.terms))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(1, 3), st.sampled_from([None, 2, 5, 100]))
def test_counted_in_parts_is_counted_at_once(dealt: list[int], min_df: int, most: int | None) -> None:
    texts = [TEXTS[number] + " ship" * (i % 3) for i, number in enumerate(dealt)]
    names = [f"{i // 2}" for i in range(len(texts))]
    at_once = merge_counts([count_part(texts, names)], min_df, most)
    cuts = [*range(0, len(texts), 4), len(texts)]
    parts = [count_part(texts[a:b], names[a:b]) for a, b in pairwise(cuts)]
    in_parts = merge_counts(parts, min_df, most)
    assert in_parts.terms.tolist() == at_once.terms.tolist() == sorted(at_once.terms)
    assert (in_parts.matrix != at_once.matrix).nnz == 0
    np.testing.assert_array_equal(in_parts.sources, at_once.sources)


def test_of_many_terms_the_most_frequent_are_kept() -> None:
    counts = merge_counts([count_part(["ship", "harbor ship", "ship harbor pier"])], 1, most=2)
    assert counts.terms.tolist() == ["harbor", "ship"]
    assert counts.matrix.toarray().tolist() == [[0, 1], [1, 1], [1, 1]]


def test_the_words_of_a_matrix_are_those_of_its_vectors() -> None:
    tfidf, rows = fit_tfidf(count_terms([*TEXTS, ""], 1), min_df=1)
    words = tfidf.words_of_rows(rows).toarray()
    for text, row in zip([*TEXTS, ""], words, strict=True):
        columns, values = tfidf.words_of(tfidf.vector(text))
        np.testing.assert_allclose(row[columns], values, rtol=0, atol=1e-12)
        assert np.count_nonzero(row) == len(columns)


@given(st.lists(st.sampled_from(" ".join(TEXTS).split()), max_size=30))
def test_without_pairs_a_vector_is_that_of_single_words(words: list[str]) -> None:
    tfidf, _ = fit_tfidf(count_terms(TEXTS, 1), min_df=1)
    peer = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True).fit(TEXTS)
    assert len(tfidf.words) == len(peer.vocabulary_)
    columns, values = tfidf.words_of(tfidf.vector(" ".join(words)))
    expected = peer.transform([" ".join(words)])
    expected.sort_indices()
    assert columns.tolist() == expected.indices.tolist()
    np.testing.assert_allclose(values, expected.data, rtol=0, atol=1e-9)
