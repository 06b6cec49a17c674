"""Mentions: longest alias first, whole words, capitals where the alias has them, accents optional."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.schema import Schema, load_schema
from talante.text.fold import fold, fold_accents
from talante.text.mentions import Phrase, PhraseFinder, target_phrases, topic_phrases
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def schema() -> Schema:
    return load_schema(ROOT / "data/schema.toml")


@pytest.fixture(scope="module")
def finder(schema: Schema) -> PhraseFinder:
    return PhraseFinder(target_phrases(schema))


def mentions(finder: PhraseFinder, text: str) -> list[tuple[str, str]]:
    return [(text[m.start : m.end], m.label) for m in finder.find(text)]


VG, VO, US, CU, PE = (
    "venezuelan-government",
    "venezuelan-opposition",
    "us-government",
    "cuban-government",
    "peruvian-government",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # names, with and without accents
        ("Nicolás Maduro spoke.", [("Nicolás Maduro", VG)]),
        ("NICOLAS MADURO spoke.", [("NICOLAS MADURO", VG)]),
        ("Guaidó's plan", [("Guaidó", VO)]),
        ("Guaido’s plan", [("Guaido", VO)]),
        # the Spanish adjective
        ("un plátano maduro y un queso maduro", []),
        # longest first, across targets
        ("the Venezuelan opposition", [("Venezuelan opposition", VO)]),
        ("castrochavismo", [("castrochavismo", VG)]),
        ("Vladimir Padrino López", [("Vladimir Padrino", VG)]),
        # word borders
        ("Obamacare passed", []),
        ("The USAF flew", []),
        ("the U.S. said", [("U.S.", US)]),
        ("los EE. UU. y EE.UU.", [("EE. UU.", US), ("EE.UU.", US)]),
        ("It is up to us to tell US officials.", [("US officials", US)]),
        ("It cost US$ 15 million, or US$15.", []),
        # inflected forms
        ("chavistas, chavismo, Chavista", [("chavistas", VG), ("chavismo", VG), ("Chavista", VG)]),
        ("las autoridades peruanas", [("autoridades peruanas", PE)]),
        # excluded phrases
        ("The Washington Post reported from Washington state.", []),
        ("Washington imposed sanctions.", [("Washington", US)]),
        ("César Chávez led the farm workers.", []),
        # guarded aliases
        ("Castillo won.", []),
        ("Pedro Castillo won. Castillo smiled.", [("Pedro Castillo", PE), ("Castillo", PE)]),
        ("Castro danced in Madrid.", []),
        ("Castro spoke in Havana.", [("Castro", CU), ("Havana", CU)]),
        ("The opposition objects.", []),
        ("In Venezuela the opposition objects.", [("opposition", VO)]),
        # descriptive phrases over a line break
        ("the regime\nin Caracas", [("regime\nin Caracas", VG)]),
        ("desde el Palacio de Miraflores", [("Palacio de Miraflores", VG)]),
    ],
)
def test_mentions_of_the_shipped_schema(finder: PhraseFinder, text: str, expected: list[tuple[str, str]]) -> None:
    assert mentions(finder, text) == expected


def test_every_alias_of_the_shipped_schema_is_found_as_its_target(schema: Schema, finder: PhraseFinder) -> None:
    for target in schema.targets:
        for alias in (a for aliases in target.aliases.values() for a in aliases):
            text = alias.replace("*", "")
            assert (text, target.id) in mentions(finder, f"x {text} x"), alias


def test_every_word_of_a_topic_is_found_as_that_topic_or_a_longer_phrase(schema: Schema) -> None:
    finder = PhraseFinder(topic_phrases(schema))
    for topic in schema.topics:
        for word in (w for words in topic.words.values() for w in words):
            assert mentions(finder, f"x {word.replace('*', '')} x"), word


@given(st.text(), st.text(alphabet="abcABC áé'-.*$", min_size=1).filter(lambda s: s[0].isalpha()))
def test_mentions_lie_inside_the_text_in_order_and_apart(text: str, phrase: str) -> None:
    found = PhraseFinder([Phrase(phrase, "t")]).find(f"{text} {phrase} {text}")
    assert all(m.start < m.end for m in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


@given(st.text())
def test_folding_moves_no_character(text: str) -> None:
    assert len(fold(text)) == len(fold_accents(text)) == len(text)


def test_the_schema_of_a_user_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "schema.toml"
    path.write_text('[[target]]\nid = "mayor"\naliases.en = ["Mayor Toral"]\n')
    assert mentions(PhraseFinder(target_phrases(load_schema(path))), "MAYOR TORAL") == [("MAYOR TORAL", "mayor")]


@given(words=st.lists(st.sampled_from(["Ca", "ca", "casa", "casas", "del", "mar", "c" * 50]), max_size=30))
def test_what_is_remembered_of_words_is_bounded_and_changes_nothing(words: list[str]) -> None:
    phrases = [Phrase("ca*", "prefix"), Phrase("casa del mar", "phrase"), Phrase("mar", None)]
    text, finder = " ".join(words), PhraseFinder(phrases)
    first = finder.find(text)
    assert finder.find(text) == first
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("talante.text.mentions._MOST_KNOWN", 2)
        few = PhraseFinder(phrases)
        assert few.find(text) == first
        assert len(few._known) <= 2 and "c" * 50 not in finder._known
