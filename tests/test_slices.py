"""Parts of the articles that differ from the rest come first; those with too few labels say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import STANCES, Article
from talante.corpus.schema import Schema, Target
from talante.evaluation.outcomes import Outcome
from talante.evaluation.slices import FEWEST, Slice, quoted_share, slices

SCHEMA = Schema((), (Target("t", {}, "", {"en": ("t",)}),))


def outcome(number: int, right: bool, **fields: object) -> Outcome:
    gold = STANCES[number % 3]
    said = gold if right else STANCES[(number + 1) % 3]
    article = Article(id=str(number), text="x", stances={"t": gold}, **fields)  # type: ignore[arg-type]
    return Outcome(article, 300, {}, frozenset(), {"t": said}, {"t": (0.3, 0.3, 0.4)})


def named(found: list[Slice], by: str) -> dict[str, Slice]:
    return {part.name: part for part in found if part.by == by}


def test_what_differs_comes_first_the_worst_at_the_top() -> None:
    outcomes = [outcome(i, right=i % 10 != 0, lang="en", group=f"e{i % 9}") for i in range(90)]
    outcomes += [outcome(i, right=i % 2 == 0, lang="es", group=f"s{i % 9}") for i in range(90, 180)]
    outcomes += [outcome(i, right=True, lang="pt", group="p") for i in range(180, 185)]
    found = slices(outcomes, SCHEMA)
    by_language = named(found, "language")
    assert by_language["es"].differs and by_language["es"].stances.value
    assert by_language["es"].stances.value.value == pytest.approx(0.5)
    assert found.index(by_language["es"]) < found.index(by_language["en"])
    assert by_language["pt"].too_few and by_language["pt"].stances.n == 5 < FEWEST
    assert found[-1].too_few


def test_parts_that_are_alike_do_not_differ() -> None:
    outcomes = [
        outcome(i, right=i % 4 != 0, genre=("report", "letter")[i // 100], group=f"g{i % 20}") for i in range(200)
    ]
    genres = named(slices(outcomes, SCHEMA), "genre")
    assert set(genres) == {"report", "letter"} and not any(part.differs for part in genres.values())


def test_an_outlet_has_an_interval_over_its_articles() -> None:
    outcomes = [outcome(i, right=i % 2 == 0, group="one" if i < 60 else f"g{i % 20}") for i in range(160)]
    one = named(slices(outcomes, SCHEMA), "outlet")["one"].stances.value
    assert one and one.low < 0.45 < 0.55 < one.high


def test_a_slice_of_all_is_no_slice() -> None:
    assert slices([outcome(i, True, lang="en") for i in range(40)], SCHEMA) == []
    assert slices([], SCHEMA) == []


def test_what_has_no_rest_to_differ_from_does_not_differ() -> None:
    outcomes = [outcome(i, True, origin="written", group=f"g{i}") for i in range(60)] + [
        outcome(61, False, origin="seed")
    ]
    written = named(slices(outcomes, SCHEMA), "origin")["written"]
    assert written.stances.value and written.stances.difference is None and not written.differs


@given(st.text(alphabet='ab “”«»"\n', max_size=40))
def test_the_quoted_share_is_a_share(text: str) -> None:
    assert 0.0 <= quoted_share(text) <= 1.0


def test_quotation_marks_of_three_kinds_quote() -> None:
    assert quoted_share('"abcd" efghij') == quoted_share("“abcd” efghij") == quoted_share("«abcd» efghij") == 6 / 13
    assert quoted_share("it's a 5\" pipe") == 0.0
