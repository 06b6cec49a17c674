"""Figures are scikit-learn's, intervals are paired and honest about their basis, controls are beaten or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.records import Corpus
from talante.corpus.schema import Schema
from talante.errors import NotEnoughDataError
from talante.evaluation.controls import CONTROLS, outlet_only
from talante.evaluation.crossval import cross_validate
from talante.evaluation.intervals import MIN_GROUPS, Bootstrap
from talante.evaluation.metrics import ece, f1, f_avg, macro_f1, macro_f1_of_labels
from talante.evaluation.outcomes import (
    Outcome,
    addressed_counts,
    opposed_counts,
    stance_bins,
    stance_counts,
    topic_bins,
    topic_counts,
)
from talante.evaluation.report import build_report, render
from talante.text.prepare import Prepared
from tests.conftest import SETTINGS

PAIRS = st.lists(st.tuples(st.sampled_from(STANCES), st.sampled_from([*STANCES, None])), min_size=1, max_size=30)


def outcome(name: str, gold: dict[str, Stance], predicted: dict[str, Stance], **fields: object) -> Outcome:
    article = Article(id=name, text="x", stances=gold, **fields)  # type: ignore[arg-type]
    certain = {t: tuple(float(s == p) for s in STANCES) for t, p in predicted.items()}
    return Outcome(article, 100, {}, frozenset(), predicted, certain)  # type: ignore[arg-type]


def one_target(pairs: list[tuple[Stance, Stance | None]]) -> list[Outcome]:
    return [outcome(str(i), {"t": gold}, {"t": p} if p else {}) for i, (gold, p) in enumerate(pairs)]


@given(PAIRS)
def test_stance_figures_are_those_of_scikit_learn_and_a_missing_prediction_is_wrong(
    pairs: list[tuple[Stance, Stance | None]],
) -> None:
    counts = stance_counts(one_target(pairs), ["t"]).sum(axis=(0, 1))
    gold, predicted = [g for g, _ in pairs], [p or "none" for _, p in pairs]
    each = f1_score(gold, predicted, labels=list(STANCES), average=None, zero_division=0)
    occurs = [stance in gold for stance in STANCES]
    assert float(macro_f1(counts)) == pytest.approx(each[occurs].mean())
    assert float(f_avg(counts)) == pytest.approx((each[0] + each[2]) / 2)


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc"))), min_size=1))
def test_topic_figures_are_those_of_scikit_learn(sets: list[tuple[set[str], set[str]]]) -> None:
    outcomes = [
        Outcome(Article(id=str(i), text="x", topics=frozenset(g)), 1, {}, frozenset(p), {}, {})
        for i, (g, p) in enumerate(sets)
    ]
    counts = topic_counts(outcomes, "abc").sum(axis=0)
    gold = np.array([[t in g for t in "abc"] for g, _ in sets])
    predicted = np.array([[t in p for t in "abc"] for _, p in sets])
    each = f1_score(gold, predicted, average=None, zero_division=0)
    np.testing.assert_allclose(f1(counts), each)
    occurs = gold.any(axis=0)
    if occurs.any():
        assert float(macro_f1_of_labels(counts)) == pytest.approx(each[occurs].mean())


def test_a_disputed_label_is_scored_neither_way() -> None:
    o = outcome("a", {"t": "favor"}, {"t": "against", "u": "favor"}, topics=frozenset("b"),
                disputed_stances=frozenset("tu"), disputed_topics=frozenset("ab"))  # fmt: skip
    assert o.pairs == []
    assert not stance_counts([o], ["t", "u"]).any()
    assert not addressed_counts([o], ["t", "u"]).any()
    assert not topic_counts([o], ["a", "b"]).any()


def test_what_is_not_annotated_is_not_scored() -> None:
    o = Outcome(Article(id="a", text="x"), 1, {}, frozenset("b"), {"t": "favor"}, {"t": (0, 0, 1)})
    assert not topic_counts([o], ["b"]).any() and not addressed_counts([o], ["t"]).any()


@given(PAIRS, st.integers(1, 12))
def test_an_interval_holds_its_figure_and_is_a_point_where_nothing_can_vary(
    pairs: list[tuple[Stance, Stance | None]], groups: int
) -> None:
    bootstrap = Bootstrap([str(i % groups) for i in range(len(pairs))], draws=200)
    counts = stance_counts(one_target(pairs), ["t"]).sum(axis=1)
    estimate = bootstrap.estimate(counts, macro_f1, len(pairs))
    assert 0 <= estimate.low <= estimate.high <= 1
    same = bootstrap.estimate(np.repeat(counts[:1], len(pairs), axis=0), macro_f1, len(pairs))
    assert same.low == pytest.approx(same.value) == pytest.approx(same.high)


def test_groups_are_resampled_whole_and_with_few_of_them_articles_are() -> None:
    many = Bootstrap([str(i // 2) for i in range(2 * MIN_GROUPS)], draws=50)
    assert many.unit == "groups"
    drawn = many.totals(np.eye(2 * MIN_GROUPS))[1:]
    np.testing.assert_array_equal(drawn[:, ::2], drawn[:, 1::2])
    assert Bootstrap(["a", "b"] * 20).unit == "articles"


def test_every_draw_of_the_sample_itself_comes_first() -> None:
    assert Bootstrap(["a"] * 5, draws=3).totals(np.ones((5, 2))).tolist() == [[5, 5]] * 4


def test_a_model_that_answers_by_majority_does_not_beat_it(corpus: Corpus) -> None:
    outcomes = [outcome(str(i), {"mayor": "neutral" if i % 3 else "favor"}, {"mayor": "neutral"}) for i in range(30)]
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    assert report.verdict.startswith("Stances do NOT beat majority")


def test_a_model_that_is_right_beats_every_control(corpus: Corpus) -> None:
    gold = [{"mayor": STANCES[i % 3], "union": STANCES[(i + 1) % 3]} for i in range(60)]
    outcomes = [outcome(str(i), g, g) for i, g in enumerate(gold)]  # type: ignore[arg-type]
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    assert report.verdict.startswith("Stances beat every control")
    assert report.pooled and report.pooled.macro_f1.value == 1.0 and report.pooled.macro_f1.n == 120
    assert {c.name for c in report.controls} == set(CONTROLS)
    assert all(c.macro_f1.value < 0.7 for c in report.controls)


def test_scores_that_say_how_often_they_are_right_have_no_calibration_error() -> None:
    def scored(score: float, right: int, of: int) -> list[Outcome]:
        article = [Article(id=str(i), text="x", topics=frozenset("a" if i < right else "")) for i in range(of)]
        return [Outcome(a, 1, {"a": score}, frozenset(), {}, {}) for a in article]

    for right, error in ((3, 0.0), (5, 0.2), (0, 0.3)):
        assert float(ece(topic_bins(scored(0.3, right, 10), "a").sum(axis=0))) == pytest.approx(error)
    # Two bins, one of them wrong by a half: half of the articles are
    both = np.concatenate([topic_bins(scored(0.95, 19, 20), "a"), topic_bins(scored(0.5, 0, 20), "a")])
    assert float(ece(both.sum(axis=0))) == pytest.approx(0.25)


def test_the_score_of_a_stance_is_held_against_whether_it_is_right() -> None:
    outcomes = [
        Outcome(Article(id=str(i), text="x", stances={"t": "favor"}), 1, {}, frozenset(), {"t": stance}, {"t": scores})
        for i, (stance, scores) in enumerate(
            [("favor", (0.1, 0.1, 0.8)), ("favor", (0.1, 0.1, 0.8)), ("against", (0.8, 0.1, 0.1))]
        )
    ]  # fmt: skip
    assert float(ece(stance_bins(outcomes).sum(axis=0))) == pytest.approx(abs(0.8 - 2 / 3))
    assert not stance_bins([outcome("a", {"t": "favor"}, {})]).any()


def test_opposite_stances_count_when_both_are_right() -> None:
    outcomes = [
        outcome("both", {"t": "favor", "u": "against", "v": "neutral"}, {"t": "favor", "u": "against"}),
        outcome("one", {"t": "favor", "u": "against"}, {"t": "favor", "u": "favor"}),
        outcome("none", {"t": "favor", "u": "against"}, {}),
        outcome("same", {"t": "favor", "u": "favor"}, {"t": "favor", "u": "favor"}),
    ]
    assert opposed_counts(outcomes).tolist() == [[1, 1], [1, 0], [1, 0], [0, 0]]


def test_languages_and_the_worst_group_are_told(corpus: Corpus) -> None:
    outcomes = [
        outcome(str(i), {"mayor": "favor"}, {"mayor": right}, lang=lang, group=group)
        for i, (right, lang, group) in enumerate(
            [("favor", "en", "good")] * 12 + [("favor", "es", "bad")] * 3 + [("against", "es", "bad")] * 9
            + [("against", "es", "tiny")] * 2
        )
    ]  # fmt: skip
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    assert report.worst_group and (report.worst_group.name, report.worst_group.right) == ("bad", 0.25)
    english, spanish = report.languages
    assert english.stances_macro_f1 and english.stances_macro_f1.value == 1.0
    assert spanish.stances_macro_f1 and spanish.stances_macro_f1.value == pytest.approx(2 * 3 / (3 + 14))
    assert "0.25 of 12 stances right: bad" in render(report)


def test_with_one_target_the_target_blind_guess_is_the_model_itself_and_is_left_out(corpus: Corpus) -> None:
    alone = [outcome(str(i), {"mayor": s}, {"mayor": s}) for i, s in enumerate(STANCES * 9)]
    report = build_report(alone, corpus.schema, what="x", model="m")
    assert {c.name for c in report.controls} == set(CONTROLS) - {"target-blind"}
    assert report.outlet_leak is None and report.verdict.startswith("Stances beat every control")


def test_target_blind_gives_one_answer_to_all_targets_of_an_article() -> None:
    (guess,) = CONTROLS["target-blind"]([outcome("a", {"t": "favor", "u": "against"}, {"t": "favor", "u": "favor"})])
    assert guess == ["favor", "favor"]


def test_a_planted_length_cue_is_found_by_the_length_control(corpus: Corpus) -> None:
    outcomes = []
    for i in range(60):
        article = Article(id=str(i), text="x", group=str(i % 12), stances={"mayor": STANCES[i % 3]})
        outcomes.append(Outcome(article, 10 ** (1 + i % 3), {}, frozenset(), {"mayor": "favor"}, {"mayor": (0, 0, 1)}))
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    (length,) = (c for c in report.controls if c.name == "length-only")
    assert length.macro_f1.value == 1.0 and "length-only" in report.verdict


def test_outlet_only_knows_what_the_other_articles_of_the_outlet_say() -> None:
    outcomes = [outcome(str(i), {"t": "favor"}, {}, group="one") for i in range(3)]
    outcomes.append(outcome("x", {"t": "against"}, {}, group="alone"))
    assert outlet_only(outcomes) == [["favor"], ["favor"], ["favor"], [None]]


def test_cross_validation_predicts_each_article_without_its_group(corpus: Corpus, articles: list[Prepared]) -> None:
    folds: list[tuple[int, int]] = []
    outcomes = cross_validate(articles, corpus.schema, SETTINGS, jobs=1, progress=lambda *fold: folds.append(fold))
    assert folds == [(i + 1, 8) for i in range(8)]
    assert [o.article.id for o in outcomes] == [p.article.id for p in articles]
    report = build_report(outcomes, corpus.schema, what="x", model="m", random_split=outcomes)
    text = render(report)
    assert " ".join(text.split()).startswith(report.verdict)
    assert "95 % intervals" in text and "random split" in text
    assert max(map(len, text.splitlines())) <= 110


def test_one_group_is_not_enough_to_cross_validate(corpus: Corpus, articles: list[Prepared]) -> None:
    with pytest.raises(NotEnoughDataError, match="two groups"):
        cross_validate([p for p in articles if p.article.group == "a"], corpus.schema, SETTINGS)


def test_gold_without_stances_or_without_topics_is_still_reported(corpus: Corpus) -> None:
    topics_only = [
        Outcome(Article(id="a", text="x", topics=frozenset({"harbor"})), 1, {}, frozenset({"harbor"}), {}, {})
    ]
    report = build_report(topics_only, corpus.schema, what="x", model="m")
    assert report.pooled is None and report.topics_micro_f1 and report.topics_micro_f1.value == 1.0
    assert "harbor" in render(report)
    stances_only = build_report(
        [outcome("a", {"mayor": "favor"}, {"mayor": "favor"})], corpus.schema, what="x", model="m"
    )
    assert stances_only.topics_micro_f1 is None and "mayor" in render(stances_only)
    assert build_report([], Schema((), ()), what="x", model="m").verdict == "No stances to judge."
