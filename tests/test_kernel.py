"""The compiled kernel computes what the plain implementation says, on any text."""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numba")

from talante.corpus.article import Article
from talante.corpus.duplicates import SKETCH, sketch
from talante.corpus.read import read_articles
from talante.corpus.records import load_corpus
from talante.corpus.schema import Schema
from talante.features import kernel
from talante.features.finder import Finder
from talante.features.kernel import as_chars, count_terms, letters, most_words, split_words, table, term_hashes
from talante.features.sketches import sketches
from talante.features.tfidf import count_part, merge_counts
from talante.features.tokens import terms
from talante.jobs.corpus import _lookout, look_at
from talante.jobs.tag import Order, Tagger
from talante.model import bulk
from talante.model.bulk import Bulk
from talante.model.model import Model, Prediction
from talante.text.clean import plain
from talante.text.contexts import OTHER_MASK, TARGET_MASK
from talante.text.fold import fold
from talante.text.mentions import Phrase, PhraseFinder
from talante.text.prepare import Preparer
from talante.text.sentences import sentence_spans
from tests.conftest import ROOT

ALL_CHARACTERS = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000 and chr(c) not in "⟦⟧"]

#: Pieces that texts are made of which are hard to cut: abbreviations, quotes, initials, lists, names of targets.
PIECES = [
    "Maduro", "maduro", "the Venezuelan government", "Venezuelan  government", "U.S.", "US$40", "EE. UU.", "Chávez",
    "chavistas", "Washington Post", "Washington", "President", "the president", "opposition", "Lima", "La Habana",
    "Mr.", "Sen.", "Sra.", "J. R.", "etc.", "No.", "2019.", "3.", "iv.", "a)", "word.", "Casa.", "Sí.", "it.", "¿Qué?",
    "Stop!", '"No."', "“Nunca.”", "(Ver.)", "”.", ").", "“Nunca”.", "(CIDH).", "Inc.", "D.", "G.O.P.", "Dr.", "1811",
    "12.", "allí.", "...", "…", ". . .", "and", "de la", "El", "She", "ship", "a", "ñandú",
    "x_y", ",", ";", ":", "-", "—", "'s", "’s",
]  # fmt: skip
SPACES = st.sampled_from([" ", " ", " ", "  ", "\n", "\n\n", " \n \n", "\t", "", "\u2028"])


@st.composite
def composed(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(st.tuples(st.sampled_from(PIECES) | st.text(max_size=4), SPACES), max_size=40))
    return plain("".join(piece + space for piece, space in pieces)).strip()


def words_of(text: str) -> tuple[list[str], int]:
    chars, bounds = as_chars([text])
    letters().know(chars)
    size = most_words(bounds)
    start, end = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    first, spaced = np.zeros(2, dtype=np.int64), np.zeros(1, dtype=np.int64)
    n = split_words(chars, bounds, letters().folded, start, end, np.zeros(size, dtype=np.uint64), first, spaced)
    return [text[start[i] : end[i]] for i in range(n)], int(spaced[0])


def test_words_of_all_characters_are_split_and_folded_as_in_plain_python() -> None:
    text = " ".join(f"{a}{b}{a}b" for a, b in pairwise(ALL_CHARACTERS))
    words, spaced = words_of(text)
    assert [fold(word) for word in words] == re.findall(r"\w+", fold(text))
    assert spaced == len(text.split())


def test_terms_of_all_characters_are_counted_as_in_plain_python() -> None:
    texts = [
        "".join(f"{a}{b} x{a}" for a, b in pairwise(ALL_CHARACTERS[i : i + 5000])) for i in range(0, 1_100_000, 5000)
    ]
    assert counted(texts) == [Counter(terms(text)) for text in texts]


def counted(texts: Sequence[str]) -> list[Counter[str]]:
    found = count_terms(texts, letters())
    names = found.terms.decode().split("\n")
    rows = pairwise(found.row_at.tolist())
    return [
        Counter({names[c]: int(n) for c, n in zip(found.columns[a:b], found.times[a:b], strict=True)}) for a, b in rows
    ]


@given(st.lists(st.text() | composed(), max_size=5))
def test_terms_are_counted_as_in_plain_python(texts: list[str]) -> None:
    texts = [plain(text) for text in texts]
    assert counted(texts) == [Counter(terms(text)) for text in texts]


@pytest.mark.parametrize("text", ["a", "", "ab", "é"])
def test_there_is_room_for_many_of_the_shortest_texts(
    compiled: Bulk, shipped: Model, finder: Finder, text: str
) -> None:
    texts = 3000 * [text]
    assert counted(texts) == 3000 * [Counter(terms(text))]
    assert list(finder.find(texts)) == 3000 * [(len(text.split()), [], [], [])]
    article = Article("a", text, lang="en")
    expected = shipped.predict_prepared(shipped.preparer.look(article, text))
    for one in compiled.predict(3000 * [(article, text)]):
        assert_equal(one, expected)


def test_masks_are_words_of_their_own() -> None:
    texts = [f"with US {TARGET_MASK}40, {OTHER_MASK}{TARGET_MASK} and {OTHER_MASK}", "", "a"]
    assert counted(texts) == [Counter(terms(text)) for text in texts]


def test_a_vocabulary_is_the_same_with_and_without_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [article.text for article in load_corpus(ROOT / "data").articles[:60]]
    parts = [texts[:30], texts[30:]]
    compiled = merge_counts([count_part(part, [f"{part[0][:9]}{i}" for i in range(30)]) for part in parts], 2, 500)
    monkeypatch.setitem(sys.modules, "talante.features.kernel", None)
    simple = merge_counts([count_part(part, [f"{part[0][:9]}{i}" for i in range(30)]) for part in parts], 2, 500)
    assert compiled.terms.tolist() == simple.terms.tolist() and len(simple.terms) == 500
    assert (compiled.matrix != simple.matrix).nnz == 0 and compiled.matrix.has_sorted_indices


def test_a_table_finds_each_hash_and_no_other() -> None:
    hashes = term_hashes([f"word{i}" for i in range(3000)] + [f"word{i} word{i + 1}" for i in range(3000)], letters())
    known, other = hashes[::2], hashes[1::2]
    made = table(known)
    assert [kernel.look_up(made.slots, made.shift, h) for h in known] == list(range(3000))
    assert {kernel.look_up(made.slots, made.shift, h) for h in other} == {-1}


def test_two_terms_of_one_hash_are_refused() -> None:
    with pytest.raises(ValueError, match="same hash"):
        table(np.array([7, 8, 7], dtype=np.uint64))


@pytest.fixture(scope="module")
def preparer(shipped: Model) -> Preparer:
    return shipped.preparer


@pytest.fixture(scope="module")
def finder(preparer: Preparer) -> Finder:
    return Finder(preparer.topic_finder, preparer.target_finder)


@given(texts=st.lists(composed(), min_size=1, max_size=4))
def test_phrases_and_their_sentences_are_those_of_plain_python(
    finder: Finder, preparer: Preparer, texts: list[str]
) -> None:
    for text, (words, topics, targets, sentences) in zip(texts, finder.find(texts), strict=True):
        assert words == len(text.split())
        assert topics == preparer.topic_finder.find(text)
        assert targets == preparer.target_finder.find(text)
        named = [(s, e) for s, e in sentence_spans(text) if any(s <= m.start < e for m in targets)]
        assert [(s, e) for s, e in sentences if any(s <= m.start < e for m in targets)] == named


@pytest.mark.parametrize("text", ["chavistas", "the chavist", "CHAVISTA'S port", "chavismo. chavis", "xchavis"])
def test_a_prefix_is_found_in_words_that_the_table_does_not_know(text: str) -> None:
    phrases = PhraseFinder([Phrase("chavis*", "a"), Phrase("chavistas", "b"), Phrase("chavismo", None)])
    [(_, found, _, _)] = Finder(phrases, PhraseFinder([])).find([text])
    assert found == phrases.find(text)


def test_a_phrase_that_goes_on_behind_its_star_is_left_to_plain_python() -> None:
    with pytest.raises(ValueError, match="goes on after"):
        Finder(PhraseFinder([Phrase("chav*o", "a")]), PhraseFinder([]))


def assert_equal(one: Prediction, other: Prediction) -> None:
    assert (one.article, one.topics, list(one.stances)) == (other.article, other.topics, list(other.stances))
    assert one.scores == pytest.approx(other.scores, rel=0, abs=1e-9)
    for target, stance in one.stances.items():
        assert stance.probabilities == pytest.approx(other.stances[target].probabilities, rel=0, abs=1e-9)


def assert_same(model: Model, ready: Sequence[tuple[Article, str]]) -> int:
    found = list(Bulk(model).predict(ready))
    for one, (article, text) in zip(found, ready, strict=True):
        assert_equal(one, model.predict_prepared(model.preparer.look(article, text)))
    return sum(len(one.stances) for one in found)


@pytest.fixture(scope="module")
def compiled(shipped: Model) -> Bulk:
    return Bulk(shipped)


@given(title=composed(), texts=st.lists(composed(), min_size=1, max_size=3))
def test_scores_of_composed_texts_are_those_of_plain_python(
    compiled: Bulk, shipped: Model, title: str, texts: list[str]
) -> None:
    title = " ".join(title.split())
    ready = [(Article("a", text, title, "es"), f"{title}\n\n{text}") for text in texts]
    for one, (article, text) in zip(compiled.predict(ready), ready, strict=True):
        assert_equal(one, shipped.predict_prepared(shipped.preparer.look(article, text)))


def test_scores_of_the_corpus_are_those_of_plain_python(shipped: Model, corpus_sample: list) -> None:
    assert assert_same(shipped, [(p.article, p.text) for p in corpus_sample]) > 20


def test_scores_of_real_articles_are_those_of_plain_python(shipped: Model, shared: Path) -> None:
    ready = []
    for name in ("en", "es"):
        articles = read_articles([shared / f"news/{name}.jsonl.gz"])
        some = [article for _, article in zip(range(150), articles, strict=False) if isinstance(article, Article)]
        ready += [(article, article.text) for article in some]
    assert assert_same(shipped, ready) > 50


def test_a_target_that_is_added_has_its_scores(shipped: Model, corpus_sample: list) -> None:
    target = replace(shipped.schema.targets[0], id="brazil", aliases={"en": ("ship", "president")}, guarded=())
    assert_same(shipped.with_target(target), [(p.article, p.text) for p in corpus_sample])


def test_where_a_border_lies_inside_a_word_the_plain_implementation_answers(
    shipped: Model, corpus_sample: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(*given: object) -> tuple[np.ndarray, np.ndarray]:
        spans, at = sentences_in(*given)
        return spans - [0, 4], at

    sentences_in = bulk.sentences_in
    monkeypatch.setattr(bulk, "sentences_in", shifted)
    looked = []
    look = Preparer.look
    monkeypatch.setattr(Preparer, "look", lambda *given: looked.append(1) or look(*given))
    found = list(Bulk(shipped).predict([(p.article, p.text) for p in corpus_sample]))
    assert looked
    for one, p in zip(found, corpus_sample, strict=True):
        if p.mentions:
            assert_equal(one, shipped.predict_prepared(p))


def test_a_model_of_short_texts_is_left_to_plain_python(model: Model) -> None:
    short = replace(model, article_terms=replace(model.article_terms, parts=True))
    with pytest.raises(ValueError, match="short"):
        Bulk(short)
    assert Tagger(Order(), short).bulk is None


def test_prepared_articles_are_those_of_plain_python(shipped: Model, corpus_sample: list) -> None:
    ready = [(p.article, p.text) for p in corpus_sample]
    assert list(look_at(shipped.schema, ready)) == corpus_sample


def test_without_numba_all_is_tagged_all_the_same(
    shipped: Model, corpus_sample: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    articles = [p.article for p in corpus_sample[:3]]
    expected = list(Tagger(Order(), shipped).rows(articles, many=True))
    monkeypatch.setitem(sys.modules, "talante.model.bulk", None)
    monkeypatch.setitem(sys.modules, "talante.features.finder", None)
    _lookout.cache_clear()
    assert list(Tagger(Order(), shipped).rows(articles, many=True)) == expected
    assert list(look_at(shipped.schema, [(p.article, p.text) for p in corpus_sample[:3]])) == corpus_sample[:3]


@pytest.fixture(autouse=True)
def fresh_lookout() -> Iterator[None]:
    yield
    _lookout.cache_clear()


def test_the_kernel_compiles_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_cache(*_: object, cache: bool = False, **__: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return "compiled"

    monkeypatch.setattr(kernel, "njit", no_cache)
    assert kernel.compiled(lambda: None) == "compiled"


def test_an_empty_schema_side_is_no_trouble(shipped: Model, corpus_sample: list) -> None:
    schema = Schema(shipped.schema.topics, ())
    assert [p.mentions for p in look_at(schema, [(p.article, p.text) for p in corpus_sample])] == [{}] * 20


@given(st.lists(composed() | st.text(max_size=30), max_size=4))
def test_sketches_are_those_of_the_plain_code(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    assert sketches(texts).tolist() == [sketch(text) for text in texts]


def test_sketches_of_all_characters_and_of_a_long_text_are_those_of_the_plain_code() -> None:
    texts = [" ".join(f"x{char} {char}" for char in ALL_CHARACTERS[i : i + 5000]) for i in range(0, 0x110000, 5000)]
    assert sketches(texts).tolist() == [sketch(text) for text in texts]
    assert sketches([]).shape == (0, SKETCH)


def test_machine_code_that_is_older_than_a_file_of_the_kernel_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "features/__pycache__").mkdir(parents=True)
    older, newer = (tmp_path / f"features/__pycache__/{name}.nbi" for name in ("older", "newer"))
    for age, path in enumerate([newer, tmp_path / "model/bulk.py", tmp_path / "features/kernel.py", older]):
        path.touch()
        os.utime(path, (1000 - age, 1000 - age))
    monkeypatch.setattr(kernel, "__file__", str(tmp_path / "features/kernel.py"))
    kernel._forget_older_code()
    assert newer.exists() and not older.exists()
