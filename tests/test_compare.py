"""Two systems are compared pairwise: equal ones are not told apart, better ones are, and luck is not called skill."""

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.schema import Schema, Target, Topic
from talante.evaluation.compare import (
    FEWEST_UNITS,
    STANCES_OVERALL,
    TOPICS_OVERALL,
    Comparison,
    Row,
    compare,
    mcnemar,
    render_comparison,
)
from talante.evaluation.outcomes import Outcome

SCHEMA = Schema(
    tuple(Topic(t, {}, "", {}) for t in ("x", "y")), tuple(Target(t, {}, "", {}) for t in ("mayor", "union"))
)


def article(i: int, groups: int, topics: frozenset[str], stances: dict[str, Stance]) -> Article:
    return Article(id=str(i), text="", lang=("en", "es")[i % 2], group=str(i % groups), topics=topics, stances=stances)


def answered(a: Article, topics: frozenset[str], stances: dict[str, Stance]) -> Outcome:
    return Outcome(a, 100, {}, topics, stances, {})


TOPICS = st.frozensets(st.sampled_from("xy"))
LABELS = st.dictionaries(st.sampled_from(["mayor", "union"]), st.sampled_from(STANCES))
ARTICLES = st.lists(st.tuples(TOPICS, LABELS, TOPICS, LABELS, TOPICS, LABELS), min_size=1, max_size=30)
Drawn = list[
    tuple[frozenset[str], dict[str, Stance], frozenset[str], dict[str, Stance], frozenset[str], dict[str, Stance]]
]


def systems(drawn: Drawn, groups: int) -> tuple[list[Outcome], list[Outcome]]:
    articles = [article(i, groups, d[0], d[1]) for i, d in enumerate(drawn)]
    return (
        [answered(x, d[2], d[3]) for x, d in zip(articles, drawn, strict=True)],
        [answered(x, d[4], d[5]) for x, d in zip(articles, drawn, strict=True)],
    )


def right_but(wrong: set[int], articles: int = 80, groups: int = 40) -> list[Outcome]:
    """A system that is right on all articles but these, where it takes the other side and the other topic."""
    outcomes = []
    for i in range(articles):
        gold: Stance = ("against", "favor")[i % 2]
        other: Stance = ("favor", "against")[i % 2]
        a = article(i, groups, frozenset("xy"[i % 2]), {"mayor": gold})
        if i in wrong:
            outcomes.append(answered(a, frozenset("yx"[i % 2]), {"mayor": other}))
        else:
            outcomes.append(answered(a, frozenset("xy"[i % 2]), {"mayor": gold}))
    return outcomes


def row(comparison: Comparison, figure: str) -> Row:
    (found,) = (r for r in comparison.rows if r.figure == figure)
    return found


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test_of_scipy(only_a: int, only_b: int) -> None:
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(only_a, only_b) == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(ARTICLES, st.integers(1, 15))
def test_a_system_does_not_differ_from_itself(drawn: Drawn, groups: int) -> None:
    a, _ = systems(drawn, groups)
    comparison = compare(a, a, SCHEMA)
    assert comparison.verdict == "no difference: the two give the same answers on every article"
    for r in comparison.rows:
        assert (r.difference.value, r.difference.low, r.difference.high) == (0, 0, 0)
        assert (r.only_a, r.only_b, r.p, r.answer, r.more_articles) == (0, 0, 1, "no difference", None)


@settings(max_examples=30, deadline=None)
@given(ARTICLES, st.integers(1, 15))
def test_swapping_the_systems_flips_every_sign(drawn: Drawn, groups: int) -> None:
    a, b = systems(drawn, groups)
    turned = {"A better": "B better", "B better": "A better"}
    there, back = compare(a, b, SCHEMA).rows, compare(b, a, SCHEMA).rows
    for r, s in zip(there, back, strict=True):
        d, e = r.difference, s.difference
        assert (r.figure, r.a, r.b, r.only_a, r.only_b, r.p) == (s.figure, s.b, s.a, s.only_b, s.only_a, s.p)
        assert (d.value, d.low, d.high) == pytest.approx((-e.value, -e.high, -e.low), nan_ok=True)
        assert r.answer == turned.get(s.answer, s.answer)
        assert (r.more_articles, r.smallest) == (s.more_articles, pytest.approx(s.smallest))


def test_a_system_that_is_clearly_better_is_called_better() -> None:
    comparison = compare(right_but(set(range(0, 80, 3))), right_but({1, 2}), SCHEMA)
    assert comparison.verdict.startswith("B is better on stances (+0.3")
    assert "B is better on topics" in comparison.verdict
    stances = row(comparison, STANCES_OVERALL)
    assert stances.answer == "B better" and stances.difference.low > 0
    assert (stances.only_a, stances.only_b) == (2, 27)
    # In favor of A the sign of what is printed stays that of the lead
    assert compare(right_but({1, 2}), right_but(set(range(0, 80, 3))), SCHEMA).verdict.startswith(
        "A is better on stances (+0.3"
    )


def test_what_cannot_be_told_comes_with_the_articles_that_would_tell() -> None:
    comparison = compare(right_but({0, 7, 14, 21, 28, 35, 42}), right_but({1, 12, 23, 34, 45}), SCHEMA)
    stances = row(comparison, STANCES_OVERALL)
    assert stances.answer == "cannot tell" and stances.more_articles and stances.more_articles > 80
    assert "cannot tell (B - A +0.025 [" in comparison.verdict
    assert f"about {stances.more_articles} more articles would" in comparison.verdict


def test_a_difference_near_zero_comes_with_the_smallest_that_would_show() -> None:
    comparison = compare(right_but(set(range(0, 20))), right_but(set(range(20, 40))), SCHEMA)
    stances = row(comparison, STANCES_OVERALL)
    assert stances.more_articles is None and stances.smallest and 0.1 < stances.smallest < 0.5
    assert f"these articles would show {stances.smallest:.3f} or more" in comparison.verdict


def test_a_larger_lead_needs_fewer_more_articles() -> None:
    needed = [
        row(compare(right_but(set(range(0, 3 * k, 3))), right_but({1, 13, 25, 37}), SCHEMA), STANCES_OVERALL)
        for k in (7, 9)
    ]
    assert needed[0].more_articles and needed[1].more_articles
    assert needed[0].more_articles > needed[1].more_articles


def test_a_difference_in_a_few_groups_is_luck_however_many_articles_they_have() -> None:
    def verdict(differing: int) -> str:
        wrong = {i for i in range(400) if i % 40 < differing}
        return row(compare(right_but(wrong, 400), right_but(set(), 400), SCHEMA), TOPICS_OVERALL).answer

    assert verdict(FEWEST_UNITS - 1) == "cannot tell"
    assert verdict(FEWEST_UNITS + 4) == "B better"


def test_only_labelled_decisions_are_counted_right_or_wrong() -> None:
    a = Article(id="1", text="", topics=frozenset("x"), stances={"mayor": "favor"}, disputed_topics=frozenset("y"))
    one = answered(a, frozenset("xy"), {"mayor": "favor", "union": "against"})
    two = answered(a, frozenset(), {"mayor": "neutral"})
    comparison = compare([one], [two], SCHEMA)
    counted = {r.figure: (r.only_a, r.only_b) for r in comparison.rows}
    assert counted[STANCES_OVERALL] == (1, 0) and counted[TOPICS_OVERALL] == (1, 0)
    assert counted["addressed, F1"] == (0, 1)  # the union is not addressed
    assert "y, F1" not in counted and "union, macro-F1" not in counted


def test_languages_are_compared_where_there_are_two() -> None:
    comparison = compare(right_but({0, 2, 4, 6}), right_but(set()), SCHEMA)
    assert row(comparison, f"es: {STANCES_OVERALL}").answer == "no difference"
    english = row(comparison, f"en: {STANCES_OVERALL}")
    assert english.only_b == 4 and english.difference.n == 40
    alone = [o for o in right_but(set()) if o.article.lang == "en"]
    assert not any(r.figure.startswith("en:") for r in compare(alone, alone, SCHEMA).rows)


@pytest.mark.parametrize("fault", ["fewer", "order", "gold"])
def test_other_articles_are_refused(fault: str) -> None:
    a = right_but(set())
    b = {
        "fewer": a[1:],
        "order": a[::-1],
        "gold": [replace(a[0], article=replace(a[0].article, topics=frozenset())), *a[1:]],
    }[fault]
    with pytest.raises(ValueError, match=r"articles;|is '0' in one|other gold labels"):
        compare(a, b, SCHEMA)


@pytest.mark.parametrize(("groups", "wrong"), list(product([2, 40], [set(), {3}, set(range(0, 80, 3))])))
def test_the_table_fits_and_the_data_are_plain(groups: int, wrong: set[int]) -> None:
    comparison = compare(right_but(wrong, groups=groups), right_but({1}, groups=groups), SCHEMA)
    text = render_comparison(comparison)
    assert max(map(len, text.splitlines())) <= 110
    assert " ".join(text.split()).startswith(comparison.verdict)
    assert all(r.figure in text for r in comparison.rows)
    assert ("no others" in text) == (groups == 2)
    assert json.loads(json.dumps(comparison.to_json()))["verdict"] == comparison.verdict


def test_nothing_to_compare_is_said() -> None:
    assert compare([], [], SCHEMA).rows == []
    bare = [Outcome(Article(id="1", text=""), 1, {}, topics, {}, {}) for topics in (frozenset("x"), frozenset("y"))]
    assert compare(bare[:1], bare[1:], SCHEMA).verdict == "cannot tell: no label to judge by"
