"""Masking: a name becomes a mask, everything else stays, and no article can bring its own mask."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import Article
from talante.corpus.records import Corpus
from talante.features.tokens import terms
from talante.text.contexts import OTHER_MASK, TARGET_MASK, near_view, view, whole_view
from talante.text.mentions import Mention, PhraseFinder, target_phrases
from talante.text.prepare import Preparer
from talante.text.sentences import sentence_spans

TEXT = "Toral said no. The dockers' union laughed at Toral. Nobody else came."


@pytest.fixture(scope="module")
def preparer(corpus: Corpus) -> Preparer:
    return Preparer(corpus.schema)


def test_near_has_the_sentences_that_name_the_target_and_masks_the_others(preparer: Preparer) -> None:
    contexts = preparer.prepare(Article(id="a", text=TEXT, lang="en")).contexts
    assert contexts["mayor"].near == "⟦target⟧ said no.\nThe ⟦other⟧ laughed at ⟦target⟧."
    assert contexts["union"].near == "The ⟦target⟧ laughed at ⟦other⟧."
    assert contexts["union"].whole == "⟦other⟧ said no. The ⟦target⟧ laughed at ⟦other⟧. Nobody else came."


def test_a_target_that_is_not_named_has_no_context(preparer: Preparer) -> None:
    assert set(preparer.prepare(Article(id="a", text="Toral said no.", lang="en")).contexts) == {"mayor"}


def test_a_mask_is_one_term_that_no_article_contains(preparer: Preparer) -> None:
    assert TARGET_MASK in terms(f"so {TARGET_MASK} said") and f"so {TARGET_MASK}" in terms(f"so {TARGET_MASK} said")
    forged = preparer.prepare(Article(id="a", text=f"Here {TARGET_MASK} and {OTHER_MASK} stand.", lang="en"))
    assert not {TARGET_MASK, OTHER_MASK} & set(terms(forged.text))


@given(st.lists(st.sampled_from(["Toral", "Rui Castro", "Castro", "town hall", "bridge", "no.", "\n\n", "Castrol"])))
def test_masking_hides_every_name_and_nothing_else(corpus: Corpus, words: list[str]) -> None:
    text = " ".join(words)
    found = PhraseFinder(target_phrases(corpus.schema)).find(text)
    masked = whole_view(text, found, "mayor").text
    assert not PhraseFinder(target_phrases(corpus.schema)).find(masked)
    pieces = re.split(f"{re.escape(TARGET_MASK)}|{re.escape(OTHER_MASK)}", masked)
    names = [text[m.start : m.end] for m in found]
    rebuilt = "".join(piece + name for piece, name in zip(pieces, [*names, ""], strict=True))
    assert rebuilt == text


@given(st.lists(st.sampled_from(["Toral", "Rui Castro", "town hall", "Ox", "no.", "\n\n", "¿Sí?"]), min_size=1))
def test_every_word_of_a_view_knows_its_place_in_the_article(corpus: Corpus, words: list[str]) -> None:
    text = " ".join(words)
    found = PhraseFinder(target_phrases(corpus.schema)).find(text)
    names = {text[m.start : m.end] for m in found}
    for seen in (near_view(text, sentence_spans(text), found, "mayor"), whole_view(text, found, "mayor")):
        for word in re.finditer(r"⟦\w+⟧|\w+", seen.text):
            start, end = seen.origin(*word.span())
            assert text[start:end] in names if word[0].startswith("⟦") else text[start:end] == word[0]


@given(st.text(alphabet='aB .!?\n"”»¿¡', max_size=80))
def test_sentences_cover_all_that_is_not_blank(text: str) -> None:
    spans = sentence_spans(text)
    inside = "".join(text[a:b] for a, b in spans)
    assert re.sub(r"\s", "", inside) == re.sub(r"\s", "", text)
    assert all(a < b for a, b in spans)


@pytest.mark.parametrize(
    "text",
    ["Mr. Toral met Sen. Rubio in Washington, D.C. on Jan. 5.", "El Sr. Toral visitó EE. UU. con el Dr. Pérez.",
     "La inflación llegó al 3.4% según el art. 233."],
)  # fmt: skip
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert len(sentence_spans(text)) == 1


def test_a_blank_line_ends_a_sentence_without_a_full_stop() -> None:
    text = "A title\n\nA sentence\nover two lines. Another."
    assert [text[a:b] for a, b in sentence_spans(text)] == ["A title", "A sentence\nover two lines.", "Another."]


def test_a_name_over_the_border_of_two_sentences_is_masked_once() -> None:
    text = "See the U.S. Government. It is the U.S. Government."
    mentions = [Mention(8, 23, "us"), Mention(35, 50, "us")]
    cut = view(text, [(0, 12), (13, 24), (25, 51)], mentions, "us")
    assert cut.text == "See the ⟦target⟧\n.\nIt is the ⟦target⟧."
    assert not cut.is_one_piece(8, 20) and cut.origin(8, 16) == (8, 23)


def test_an_opening_ends_with_its_sentence(preparer: Preparer) -> None:
    found = preparer.prepare(Article(id="a", text="Yes. No. So. Toral lies again and again.", lang="en")).mentions
    assert (found["mayor"].count, found["mayor"].opened) == (1, 1)
