"""The language of an article is identified, and never guessed from nothing."""

import pytest

from talante.text.language import identify


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("The council met on Monday and voted for the bridge.", "en"),
        ("El concejo se reunió el lunes y votó a favor del puente.", "es"),
        ("EL CONCEJO SE REUNIÓ EL LUNES Y VOTÓ A FAVOR DEL PUENTE.", "es"),
        ("Der Stadtrat tagte am Montag und stimmte für die Brücke.", "de"),
        ("A câmara reuniu-se na segunda-feira e votou a favor da ponte, disse o presidente.", "pt"),
        ("El consell es va reunir dilluns i va votar a favor del pont, amb els vots de l'oposició.", "ca"),
    ],
)
def test_a_sentence_is_enough(text: str, lang: str) -> None:
    assert identify(text) == lang


@pytest.mark.parametrize("text", ["", "Maduro", "12 34 56 78 90", "?!"])
def test_a_name_or_figures_alone_have_no_language(text: str) -> None:
    assert identify(text) is None


def test_a_headline_is_no_reason_to_name_another_language() -> None:
    assert identify("Maduro promises new elections in Venezuela") in (None, "en")
