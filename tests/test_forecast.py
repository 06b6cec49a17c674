"""Planted learning curves are found, intervals cover, and what cannot be told is not told."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from numpy.typing import NDArray

from talante.corpus.article import Article
from talante.corpus.records import Corpus
from talante.errors import NotEnoughDataError
from talante.evaluation.crossval import FOLDS
from talante.evaluation.forecast import (
    ANY,
    MORE,
    Draws,
    Forecast,
    Gain,
    Part,
    back_test,
    changes_of,
    find_kinds,
    forecast,
    gains_of,
    learning_curve,
    plan,
    render_forecast,
)
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.outcomes import Outcome
from talante.text.prepare import Prepared
from tests.conftest import SETTINGS

Array = NDArray[np.float64]

#: Eighty outlets of ten articles: every third one is Spanish, half of them treat t, and two in five u.
ARTICLES = [
    Article(
        str(i),
        "x",
        lang="es" if i // 10 % 3 == 0 else "en",
        outlet=str(i // 10),
        stances={**({"t": "favor"} if i // 10 % 2 else {}), **({"u": "favor"} if i // 10 % 5 < 2 else {})},
    )
    for i in range(800)
]
GROUPS = [a.outlet for a in ARTICLES]
KINDS = find_kinds(ARTICLES)
BASE = 0.9
BOOTSTRAP = Bootstrap(GROUPS, draws=200)
PARTS = plan(GROUPS, KINDS, BASE, 48, 0)


def planted(curve: Callable[[Mapping[str, Array]], Array], noise: float = 0.0, seed: int = 0) -> Draws:
    """Return 48 draws whose figure changed by a function of the logarithm of what was left of each kind."""
    kept = np.array([p.kept for p in PARTS], dtype=float)
    left = {
        kind: np.log(kept @ member / (BASE * member.sum())) for kind, member in {**KINDS, ANY: np.ones(800)}.items()
    }
    change = curve(left) + noise * np.random.default_rng(seed).standard_normal(48)
    return Draws(
        bootstrap=BOOTSTRAP,
        kept=kept,
        by=np.array([p.by for p in PARTS]),
        share=np.array([p.share for p in PARTS]),
        changes={"stances": np.tile(change, (201, 1))},
        reached={"stances": 0.7},
        base=BASE,
    )


DRAWS = planted(lambda left: left[ANY])


def of_kind(found: list[Gain], kind: str, more: int = 200) -> Estimate:
    return next(g.gain for g in found if (g.kind, g.more) == (kind, more))


@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.sampled_from(MORE))
@settings(max_examples=15, deadline=None)
def test_without_noise_the_planted_gains_are_found(en: float, es: float, more: int) -> None:
    draws = planted(lambda left: en * left["language: en"] + es * left["language: es"])
    found = gains_of(draws, KINDS, 0)
    for kind, slope in (("language: en", en), ("language: es", es)):
        size = sum(KINDS[kind])
        gain = of_kind(found, kind, more)
        assert gain.n == size
        assert [gain.value, gain.low, gain.high] == pytest.approx([slope * np.log((size + more) / size)] * 3, abs=1e-9)


@pytest.mark.parametrize("kind", ["language: es", "target: u"])
@pytest.mark.parametrize("slope", [0.05, 0.0])
def test_intervals_cover_the_truth_about_95_times_in_100(kind: str, slope: float) -> None:
    # As many draws for each kind as there are for the corpus that the project ships
    few = np.flatnonzero((DRAWS.by != kind) | (np.cumsum(DRAWS.by == kind) <= 3))
    draws = replace(DRAWS, kept=DRAWS.kept[few], by=DRAWS.by[few], share=DRAWS.share[few])
    left = draws.left(np.stack([KINDS[kind], 1.0 - KINDS[kind]]))
    truth = slope * np.log1p(200 / KINDS[kind].sum())
    random, covered = np.random.default_rng(0), []
    for _ in range(300):
        change = left @ [slope, 0.1] + 0.015 * random.standard_normal(len(few))
        noisy = replace(draws, changes={"stances": np.tile(change, (201, 1))})
        gain = of_kind(gains_of(noisy, {kind: KINDS[kind]}, 0), kind)
        covered.append(gain.low <= truth <= gain.high)
    assert 0.92 <= np.mean(covered) <= 0.985


def test_a_kind_is_not_praised_for_another_that_it_overlaps() -> None:
    # Only articles on t teach anything; more on u bring what those of them bring that are on t, too
    both = (KINDS["target: t"] * KINDS["target: u"]).sum() / KINDS["target: u"].sum()
    truth = 0.1 * np.log1p(200 * both / KINDS["target: t"].sum())
    draws = planted(lambda left: 0.1 * left["target: t"])
    # Draws that thinned another kind are none of its business
    changes = np.where(np.isin(draws.by, ["", "target: u"]), draws.changes["stances"], np.nan)
    found = gains_of(replace(draws, changes={"stances": changes}), {"target: u": KINDS["target: u"]}, 0)
    assert of_kind(found, "target: u").value == pytest.approx(truth, rel=0.25)


def test_more_articles_of_any_kind_bring_what_the_curve_of_even_parts_says() -> None:
    # Uneven parts are worse than their size says, and must not make the curve steeper
    draws = planted(lambda left: 0.1 * left[ANY] - 0.05 * np.abs(left["language: en"] - left["language: es"]))
    even = draws.by == ""
    draws = replace(
        draws, changes={"stances": np.where(even, 0.1 * draws.left(np.ones((1, 800)))[:, 0], draws.changes["stances"])}
    )
    found = gains_of(draws, {ANY: np.ones(800)}, 0)
    assert of_kind(found, ANY).value == pytest.approx(0.1 * np.log(1000 / 800))


def test_the_curve_rises_to_what_cross_validation_reached() -> None:
    points = learning_curve(planted(lambda left: 0.1 * left[ANY]))
    assert [p.articles for p in points] == pytest.approx([180, 360, 540, 720], rel=0.15)
    assert points[-1].stances == 0.7 and points[-1].topics is None
    for point in points[:-1]:
        assert point.stances == pytest.approx(0.7 + 0.1 * np.log(point.articles / 720), abs=0.005)


def test_the_back_test_holds_for_a_logarithmic_curve_and_fails_for_one_that_has_flattened() -> None:
    holds = back_test(planted(lambda left: 0.1 * left[ANY], 0.002), 0)
    assert "it foretold, for 720: stances 0." in holds and "(is 0.700)" in holds
    flat = back_test(planted(lambda left: 0.1 * np.minimum(0.0, left[ANY] + np.log(2.0)), 0.002), 0)
    assert "(is 0.700, outside the interval)" in flat
    # It must not have looked at parts of three quarters, which do as well as all
    assert float(flat.split("stances ")[1].split()[0]) == pytest.approx(0.7 + 0.1 * np.log(2.0), abs=0.01)


def test_every_draw_is_measured_on_the_mix_of_the_whole_corpus() -> None:
    # Right about English, wrong about Spanish articles, of which most were left out
    spanish = np.array([a.lang == "es" for a in ARTICLES])
    chance = np.where(spanish, 0.1, 0.7)
    right = np.array([1.0, 0.0, 0.0])
    changes = []
    for seed in range(40):
        kept = np.random.default_rng(seed).random(800) < chance
        counts = np.where(spanish[~kept, None], right[[1, 1, 0]], right)[:, None]
        full = {"topics": np.tile(right, (800, 1, 1))}
        draws = changes_of([(Part(kept, chance, "", 0.5), {"topics": counts})], full, BOOTSTRAP, BASE)
        changes.append(draws.changes["topics"][0, 0])
    share = spanish.mean()
    f1 = 2 * (1 - share) / (2 * (1 - share) + share)
    assert np.mean(changes) == pytest.approx(f1 - 1.0, abs=0.01)


def test_parts_are_of_whole_groups_and_kinds_keep_shares_of_their_own() -> None:
    spanish = np.array([a.lang == "es" for a in ARTICLES])
    for part in PARTS:
        for array in (part.kept, part.chance):
            assert (array.reshape(80, 10) == array.reshape(80, 10)[:, :1]).all()
        assert part.chance.max() <= BASE
        assert part.chance.mean() == pytest.approx(BASE * part.share)
    apart = [p.chance[spanish].mean() - p.chance[~spanish].mean() for p in PARTS if p.by == "language: es"]
    assert len(apart) == 9 and np.abs(apart).min() > 0.15
    assert sum(a < 0 for a in apart) == 5  # it keeps less and more in turn
    assert all(np.ptp(p.chance) < 1e-9 for p in PARTS if not p.by)


def test_no_more_is_told_than_twice_what_there_is() -> None:
    member = np.zeros(800)
    member[:120] = 1.0
    found = gains_of(DRAWS, {"genre: essay": member}, 0)
    assert [g.more for g in found] == [50, 100]
    few = render_forecast(Forecast([], [*found, *gains_of(DRAWS, {ANY: np.ones(800)}, 0)], ""))
    assert "100 more pay most of genre: essay" in few and "200 more" not in few


def test_a_kind_with_few_articles_or_nearly_all_is_not_told_of() -> None:
    articles = [Article(str(i), "x", lang="en", genre="essay" if i < 3 else "", stances={"t": "favor"} if i % 2 else {})
                for i in range(100)]  # fmt: skip
    assert list(find_kinds(articles)) == ["target: t"]


def test_a_corpus_of_few_groups_is_refused(corpus: Corpus, articles: list[Prepared]) -> None:
    with pytest.raises(NotEnoughDataError, match="a forecast needs articles of 10 groups"):
        forecast(articles, corpus.schema, SETTINGS, [])


def perfect(p: Prepared) -> Outcome:
    a = p.article
    return Outcome(a, p.words, {}, frozenset(a.topics or ()), dict(a.stances or {}), {})


def test_a_forecast_comes_from_models_that_learned_from_parts(
    corpus: Corpus, articles: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talante.evaluation.forecast.MORE", (5,))
    monkeypatch.setattr("talante.evaluation.forecast._EVERY", 2)
    alone = [replace(p, article=replace(p.article, group=p.article.id)) for p in articles]
    done: list[tuple[int, int]] = []
    with parallel_config("sequential"):  # starting workers takes longer than these fits
        found = forecast(
            alone,
            corpus.schema,
            replace(SETTINGS, folds=2),
            [perfect(p) for p in alone],
            draws=12,
            jobs=1,
            progress=lambda *n: done.append(n),
        )
    assert done == [(n, 12) for n in range(1, 13)]
    assert (
        found.points[-1].articles == round(20 * (1 - 1 / FOLDS))
        and found.points[-1].stances == found.points[-1].topics == 1.0
    )
    # Held against answers that are all right, small parts are worse
    assert found.points[0].stances is not None and found.points[0].stances < 0.8
    assert of_kind(found.gains, ANY, 5).low > 0
    assert {g.kind for g in found.gains} >= {ANY, "language: en", "language: es", "target: mayor"}


def test_the_same_seed_draws_the_same_parts_and_another_seed_others() -> None:
    again, other = plan(GROUPS, KINDS, BASE, 48, 0), plan(GROUPS, KINDS, BASE, 48, 1)
    assert all((a.kept == b.kept).all() for a, b in zip(PARTS, again, strict=True))
    assert not any((a.kept == b.kept).all() for a, b in zip(PARTS, other, strict=True))


def test_the_text_says_which_kind_pays_most_and_where_nothing_can_be_told() -> None:
    def rows(kind: str, value: float, wide: float) -> list[Gain]:
        return [
            Gain(kind, more, "stances", Estimate(value * more, value * more - wide, value * more + wide, 873))
            for more in MORE
        ]

    found = [*rows(ANY, 0.0001, 0.001), *rows("language: en", 0.0002, 0.01), *rows("language: es", 0.0003, 0.03)]
    long = rows("target: " + "very-long-name-" * 4, 0.00001, 0.05)
    text = render_forecast(Forecast(learning_curve(DRAWS), [*found, *long], "Check."))
    assert max(map(len, text.splitlines())) <= 110
    flat = " ".join(text.split())
    assert "200 more pay most of language: es, +0.060 [+0.030, +0.090], perhaps as much of language: en." in flat
    assert "Cannot tell whether it rises with more of target: very-long" in flat
    harm = render_forecast(Forecast([], rows("language: en", -0.001, 0.01), "Check."))
    assert "It falls with more of language: en" in harm
    none = render_forecast(Forecast([], [*rows(ANY, 0.0, 0.1), *rows("language: en", 0.0, 0.1)], "Check."))
    assert "No kind is sure to pay" in none
