"""What makes a figure better than it is elsewhere is found, and what does not is not."""

from dataclasses import replace

import pytest

from talante.corpus.article import Article
from talante.corpus.records import load_corpus
from talante.evaluation.leaks import find_leaks, learned_from
from talante.model.model import Model
from talante.text.prepare import Prepared
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def written() -> list[Article]:
    """Some hundred real articles of the corpus, whole desks."""
    return [a for a in load_corpus(ROOT / "data").articles if a.group < "d"]


def test_sound_articles_of_many_desks_have_no_leak(written: list[Article]) -> None:
    assert len({a.group for a in written}) > 20
    assert find_leaks(written) == []


def test_an_outlet_that_signs_its_articles_is_called_by_name(written: list[Article]) -> None:
    signed = [replace(a, text=f"{a.text}\n\nRead more at {a.group.replace('-', ' ').upper()}!") for a in written]
    (first, *_) = find_leaks(signed)
    assert first.share > 0.95
    assert all(example in {a.group.replace("-", " ") for a in written} for example in first.examples)
    assert str(first).startswith("outlets name themselves in")


def test_an_author_is_an_outlet_too(written: list[Article]) -> None:
    signed = [replace(a, text=f"{a.text}\n\nTeófila Ormeño", author="Teofila Ormeño") for a in written]
    assert find_leaks(signed)[0].examples == ("teofila ormeno",)


def test_words_that_only_one_outlet_has_are_found_without_its_name(written: list[Article]) -> None:
    coded = {group: f"sigla{number}" for number, group in enumerate(sorted({a.group for a in written}))}
    (leak,) = find_leaks([replace(a, text=f"{a.text} {coded[a.group]}") for a in written])
    assert leak.what.startswith("words that only one outlet has")
    assert all(example.startswith("sigla") for example in leak.examples)


def test_few_signed_articles_are_no_news(written: list[Article]) -> None:
    few = [
        replace(a, text=f"{a.text} {a.group.replace('-', ' ')}" if i % 10 == 0 else a.text)
        for i, a in enumerate(written)
    ]
    assert find_leaks(few) == []


def test_articles_that_a_model_has_learned_from_are_known_again_also_with_changes(
    model: Model, articles: list[Prepared]
) -> None:
    (leak,) = learned_from(articles, model)
    assert leak.share == 1.0 and leak.examples == tuple(p.article.id for p in articles[:3])
    changed = [replace(p, text=p.text + " And the rain went on.") for p in articles]
    assert learned_from(changed, model)[0].share > 0.9
    other = [replace(p, text=" ".join(reversed(p.text.split()))) for p in articles]
    assert learned_from(other, model) == []
