"""Figures are scikit-learn's, intervals are honest about their basis, controls are beaten or not."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, precision_score, recall_score

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.records import Corpus
from talante.corpus.schema import Schema
from talante.evaluation.controls import CONTROLS, outlet_only
from talante.evaluation.intervals import MIN_GROUPS, Bootstrap
from talante.evaluation.metrics import (
    average_precision,
    ece,
    f1,
    f_avg,
    macro_f1,
    macro_f1_of_labels,
    precision_recall,
)
from talante.evaluation.outcomes import (
    Outcome,
    addressed_counts,
    opposed_counts,
    stance_bins,
    stance_counts,
    topic_bins,
    topic_counts,
)
from talante.evaluation.report import Extras, build_report
from talante.evaluation.text import render

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
    if occurs[0] or occurs[2]:
        assert float(f_avg(counts)) == pytest.approx((each[0] + each[2]) / 2)
    else:
        assert np.isnan(f_avg(counts))


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


def test_labels_in_few_of_many_groups_do_not_make_a_perfect_answer_doubtful(corpus: Corpus) -> None:
    outcomes = [
        outcome(str(i), {"mayor": STANCES[i % 3]} if i < 18 else {}, {"mayor": STANCES[i % 3]} if i < 18 else {},
                group=f"g{i // 9}", topics=frozenset({"harbor"} if i < 18 else ()))
        for i in range(90)
    ]  # fmt: skip
    outcomes = [replace(o, predicted_topics=o.article.topics or frozenset()) for o in outcomes]
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    assert report.pooled and report.addressed and report.topics_macro_f1
    (harbor,) = report.topics
    for figure in (report.pooled.macro_f1, report.pooled.f_avg, report.topics_macro_f1, harbor.precision, harbor.recall,
                   harbor.f1, report.addressed.recall):  # fmt: skip
        assert (figure.value, figure.low, figure.high) == (1, 1, 1)
    assert report.judged == 2 and report.verdict == "Too few to judge: stances in 2 groups, and it takes 6."


def test_a_topic_that_nothing_is_labelled_with_is_still_a_false_positive(corpus: Corpus) -> None:
    outcomes = [
        Outcome(Article(str(i), "x", topics=frozenset({"harbor"})), 1, {}, frozenset({"harbor", "schools"}), {}, {})
        for i in range(8)
    ]
    micro = build_report(outcomes, corpus.schema, what="x", model="m").topics_micro
    assert micro and (micro.precision.value, micro.recall.value) == (0.5, 1.0)


def test_what_two_targets_are_usually_called_is_no_reading(corpus: Corpus) -> None:
    gold: list[dict[str, Stance]] = [{"mayor": "against", "union": "favor"}] * 30
    outcomes = [outcome(str(i), g, g, group=f"g{i % 10}") for i, g in enumerate(gold)]
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    (target,) = (c for c in report.controls if c.name == "target-only")
    assert target.macro_f1.value == 1.0 and "target-only" in report.verdict


def test_shuffled_is_the_mean_of_all_shuffles() -> None:
    outcomes = one_target([("favor", "favor"), ("against", "favor"), ("neutral", None), ("favor", "against")])
    assert CONTROLS["shuffled"].guess(outcomes) == [[(0.25, 0.0, 0.5, 0.25)]] * 4


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
    assert {c.name for c in report.controls} == set(CONTROLS) - {"outlet-only", "genre-only", "keyword counts"}
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
    (english, _), (spanish, _) = report.languages["en"], report.languages["es"]
    assert english and english.value == 1.0
    assert spanish and spanish.value == pytest.approx(2 * 3 / (3 + 14))
    assert "0.25 of 12 stances right: bad" in render(report)


def test_with_one_target_the_target_blind_guess_is_the_model_itself_and_is_left_out(corpus: Corpus) -> None:
    alone = [outcome(str(i), {"mayor": s}, {"mayor": s}) for i, s in enumerate(STANCES * 9)]
    report = build_report(alone, corpus.schema, what="x", model="m")
    assert "target-blind" not in {c.name for c in report.controls}
    assert report.verdict.startswith("Stances beat every control")


def test_target_blind_gives_one_answer_to_all_targets_of_an_article() -> None:
    (guess,) = CONTROLS["target-blind"].guess(
        [outcome("a", {"t": "favor", "u": "against"}, {"t": "favor", "u": "favor"})]
    )
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
    assert outlet_only(outcomes) == [["favor"], ["favor"], ["favor"], ["favor"]]


def test_outlets_of_one_mind_are_told_beside_the_verdict_and_do_not_decide_it(corpus: Corpus) -> None:
    outcomes = []
    for i in range(60):
        stance = STANCES[i // 20]
        said = stance if i % 5 else STANCES[(i + 1) % 3]
        outcomes.append(outcome(str(i), {"mayor": stance}, {"mayor": said}, group=f"g{i // 4}"))
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    (outlet,) = (c for c in report.controls if c.name == "outlet-only")
    assert outlet.macro_f1.value == 1.0 and not outlet.fair
    assert report.verdict.startswith("Stances beat every control")
    assert "other articles would give 1.00" in report.verdict


def test_genre_is_told_from_other_groups(corpus: Corpus) -> None:
    genres = ("letter", "report", "essay")
    outcomes = [
        outcome(str(i), {"mayor": STANCES[i % 3]}, {"mayor": "favor"}, group=f"g{i % 12}", genre=genres[i % 3])
        for i in range(60)
    ]
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    (genre,) = (c for c in report.controls if c.name == "genre-only")
    assert genre.macro_f1.value == 1.0 and "genre-only" in report.verdict


@pytest.mark.parametrize(
    ("near", "stance"),
    [
        ("A brave and honest ⟦target⟧ brings peace.", "favor"),
        ("El ⟦target⟧ miente, persigue y reprime: un fracaso cruel.", "against"),
        ("⟦target⟧ met the press.", "neutral"),
    ],
)
def test_keywords_are_counted_where_the_target_is_named(near: str, stance: Stance) -> None:
    o = Outcome(Article(id="a", text="x", stances={"t": stance}), 9, {}, frozenset(), {}, {}, near={"t": near})
    assert CONTROLS["keyword counts"].guess([o]) == [[stance]]
    unnamed = Outcome(Article(id="a", text="x", stances={"t": stance}), 9, {}, frozenset(), {}, {})
    assert CONTROLS["keyword counts"].guess([unnamed]) == [[None]]


def test_gold_without_stances_or_without_topics_is_still_reported(corpus: Corpus) -> None:
    topics_only = [
        Outcome(Article(id="a", text="x", topics=frozenset({"harbor"})), 1, {}, frozenset({"harbor"}), {}, {})
    ]
    report = build_report(topics_only, corpus.schema, what="x", model="m")
    assert report.pooled is None and report.topics_micro and report.topics_micro.f1.value == 1.0
    assert "harbor" in render(report)
    stances_only = build_report(
        [outcome("a", {"mayor": "favor"}, {"mayor": "favor"})], corpus.schema, what="x", model="m"
    )
    assert stances_only.topics_micro is None and "mayor" in render(stances_only)
    assert build_report([], Schema((), ()), what="x", model="m").verdict == "No stances to judge."


SCORED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2, max_size=40)


@given(SCORED, st.data())
def test_average_precision_is_that_of_scikit_learn_in_every_draw(
    items: list[tuple[bool, float]], data: st.DataObject
) -> None:
    gold, scores = np.array([g for g, _ in items]), np.array([s for _, s in items])
    sizes = st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items))
    weights = np.array([[1] * len(items), data.draw(sizes)], dtype=float)
    for drawn, found in zip(weights, average_precision(gold, scores, weights), strict=True):
        if (gold * drawn).any():
            assert found == pytest.approx(average_precision_score(gold, scores, sample_weight=drawn))
        else:
            assert np.isnan(found)


@given(SCORED)
def test_the_precision_recall_curve_is_that_of_scikit_learn(items: list[tuple[bool, float]]) -> None:
    gold, scores = np.array([g for g, _ in items]), np.array([s for _, s in items])
    if gold.any():
        precision, recall, _ = precision_recall_curve(gold, scores)
        np.testing.assert_allclose(precision_recall(gold, scores)[::-1], np.stack([recall, precision], axis=1)[:-1])


@settings(max_examples=25)
@given(PAIRS)
def test_precision_and_recall_of_a_stance_are_those_of_scikit_learn(
    pairs: list[tuple[Stance, Stance | None]],
) -> None:
    from talante.corpus.schema import Target

    report = build_report(one_target(pairs), Schema((), (Target("t", {}, "", {}),)), what="", model="")
    assert report.pooled
    gold, predicted = [g for g, _ in pairs], [p or "none" for _, p in pairs]
    for row in report.pooled.stances:
        only = {"labels": [row.label], "average": "macro", "zero_division": 0}
        assert row.support == gold.count(row.label)
        if row.label in predicted:
            assert row.precision.value == pytest.approx(precision_score(gold, predicted, **only))
        if row.label in gold:
            assert row.recall.value == pytest.approx(recall_score(gold, predicted, **only))
    assert sum(map(sum, report.pooled.confusion)) == report.pooled.n == len(pairs)


def test_a_random_split_that_says_more_is_called_leakage_in_the_first_lines(corpus: Corpus) -> None:
    gold = [{"mayor": STANCES[i % 3]} for i in range(90)]
    right = [outcome(str(i), g, g, group=f"g{i % 15}") for i, g in enumerate(gold)]  # type: ignore[arg-type]
    half = [
        outcome(str(i), g, g if i % 2 else {"mayor": "neutral"}, group=f"g{i % 15}")  # type: ignore[arg-type]
        for i, g in enumerate(gold)
    ]
    leaking = build_report(half, corpus.schema, what="x", model="m", extras=Extras(random=right))
    assert leaking.random_split and leaking.random_split.stances == 1.0
    assert any(line.startswith("Leakage: a random split would say 1.00") for line in render(leaking).splitlines()[:4])
    assert "it has seen other articles of the same outlet" in render(leaking)
    honest = build_report(half, corpus.schema, what="x", model="m", extras=Extras(random=half))
    assert honest.warnings == [] and "no leakage to see" in render(honest)


def test_answers_without_scores_have_neither_calibration_nor_average_precision(corpus: Corpus) -> None:
    outcomes = [outcome(str(i), {"mayor": s}, {"mayor": s}) for i, s in enumerate(STANCES * 9)]
    report = build_report(outcomes, corpus.schema, what="x", model="m")
    assert report.calibration == {} and report.curves == []
    assert report.pooled and all(row.average_precision is None for row in report.pooled.stances)
    assert "ECE" not in render(report)
