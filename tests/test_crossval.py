"""Every article is predicted by a model that saw nothing of its group, its near-duplicates included."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import STANCES, Article
from talante.corpus.records import Corpus, load_corpus
from talante.errors import NotEnoughDataError
from talante.evaluation import crossval
from talante.evaluation.crossval import FOLDS, cross_validate, group_splits, joined_groups
from talante.evaluation.report import Extras, build_report
from talante.evaluation.text import render
from talante.text.prepare import Prepared
from tests.conftest import ROOT, SETTINGS

LABELLED = st.builds(
    lambda group, topics, stance: Article(
        id="", text="x", group=group, topics=frozenset(topics), stances={"t": stance} if stance else {}
    ),
    st.sampled_from("abcdefghijklmnop"),
    st.sets(st.sampled_from(["x", "y", "z"])),
    st.sampled_from([*STANCES, None]),
)


@given(st.lists(LABELLED, min_size=2, max_size=60), st.integers(2, 10))
def test_folds_hold_whole_groups_and_every_article_once(articles: list[Article], folds: int) -> None:
    groups = np.array([a.held_out_group for a in articles])
    if len(set(groups)) > 1:
        splits = list(group_splits(articles, folds))
        assert sorted(np.concatenate([outside for _, outside in splits]).tolist()) == list(range(len(articles)))
        for inside, outside in splits:
            assert not set(groups[inside]) & set(groups[outside])
            assert sorted([*inside, *outside]) == list(range(len(articles)))


def test_the_labels_of_the_corpus_are_dealt_evenly() -> None:
    articles = load_corpus(ROOT / "data").articles
    splits = list(group_splits(articles, FOLDS))
    assert len(splits) == FOLDS
    labels = [[*(a.topics or ()), *(f"{t}={s}" for t, s in (a.stances or {}).items())] for a in articles]
    everywhere = Counter(label for of in labels for label in of)
    for _, outside in splits:
        assert 0.07 < len(outside) / len(articles) < 0.13
        here = Counter(label for i in outside for label in labels[i])
        for label, number in everywhere.items():
            assert here[label] > 0.3 * number / FOLDS, label


def test_groups_that_share_a_near_duplicate_are_one() -> None:
    text = "The harbor council met on Monday and agreed to mend the long pier before the storms of the winter come."
    articles = [
        Article(id="1", text=text, group="b"),
        Article(id="2", text=text + " It rained.", group="c"),
        Article(id="3", text="Nothing of the kind was said in the town of the hills, where fields are dry.", group="d"),
        Article(
            id="4", text="A wholly different report on schools and the teachers who left them last year.", group="c"
        ),
    ]
    assert joined_groups(articles) == ["b", "b", "d", "b"]
    assert joined_groups([]) == []


def test_every_article_has_an_outcome_and_progress_is_told(corpus: Corpus, articles: list[Prepared]) -> None:
    steps: list[tuple[int, int]] = []
    found = cross_validate(
        articles, corpus.schema, SETTINGS, jobs=1, probe=True, progress=lambda *step: steps.append(step)
    )
    assert steps == [(i + 1, len(steps)) for i in range(len(steps))] and len(steps) > 8
    ids = [p.article.id for p in articles]
    assert [o.article.id for o in found.outcomes] == ids
    assert 0.2 * len(ids) < len({o.article.id for o in found.random}) < 0.4 * len(ids)
    assert len(found.probes) == len(ids)
    text = render(build_report(found.outcomes, corpus.schema, what="x", model="m", extras=Extras(random=found.random)))
    assert "95 % intervals" in text and "random split" in text
    assert max(map(len, text.splitlines())) <= 110


def test_no_model_has_seen_the_group_that_it_is_measured_on(
    corpus: Corpus, articles: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []
    real = crossval.fit

    def watched(inside: list[Prepared], *rest: object, **options: object) -> object:
        seen.append({p.article.id for p in inside})
        return real(inside, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(crossval, "fit", watched)
    cross_validate(articles, corpus.schema, SETTINGS, jobs=1)
    by_group: dict[str, set[str]] = {}
    for p in articles:
        by_group.setdefault(p.article.held_out_group, set()).add(p.article.id)
    grouped = seen[: len(list(group_splits([p.article for p in articles], FOLDS)))]
    for members in by_group.values():
        # Each group is wholly in or wholly out of every training part, and out of exactly one
        assert sum(not members & inside for inside in grouped) == 1
        assert all(members <= inside or not members & inside for inside in grouped)


def test_one_group_is_not_enough(corpus: Corpus, articles: list[Prepared]) -> None:
    alone = [replace(p, article=replace(p.article, group="a")) for p in articles]
    with pytest.raises(NotEnoughDataError, match="two groups"):
        cross_validate(alone, corpus.schema, SETTINGS)


@given(st.lists(LABELLED, min_size=6, max_size=60), st.data())
def test_known_groups_keep_their_folds_and_new_ones_fill_the_smallest(
    articles: list[Article], data: st.DataObject
) -> None:
    articles = [replace(a, id=f"a{i}") for i, a in enumerate(articles)]
    old = articles[: data.draw(st.integers(3, len(articles)))]
    if len({a.held_out_group for a in old}) < 2:
        return
    before = {old[i].id: fold for fold, (_, outside) in enumerate(group_splits(old, 3)) for i in outside}
    splits = list(group_splits(articles, 3, before))
    after = {articles[i].id: fold for fold, (_, outside) in enumerate(splits) for i in outside}
    assert {i: after[i] for i in before} == before and len(after) == len(articles)
    for inside, outside in splits:
        groups = [{articles[i].held_out_group for i in part} for part in (inside, outside)]
        assert not groups[0] & groups[1] and len(inside) + len(outside) == len(articles)


def test_a_corpus_that_began_with_two_groups_gets_more_folds_as_it_grows() -> None:
    articles = [Article(id=f"{g}{i}", text="x", group=g, topics=frozenset()) for g in "abcdefghij" for i in range(2)]
    splits = list(group_splits(articles, 8, {"a0": 0, "a1": 0, "b0": 1, "b1": 1}))
    assert len(splits) == 8 and all(len(outside) for _, outside in splits)
    assert {articles[i].group for i in splits[0][1]} >= {"a"} and {articles[i].group for i in splits[1][1]} >= {"b"}


def test_an_article_that_moves_into_another_group_does_not_pull_that_group_along() -> None:
    articles = [Article(id=f"{g}{i}", text="x", group=g) for g in "ab" for i in range(3)]
    known = {a.id: "ab".index(a.group) for a in articles}
    moved = [replace(articles[0], group="b"), *articles[1:]]
    splits = list(group_splits(moved, 8, known))
    assert [[moved[i].id for i in outside] for _, outside in splits] == [["a1", "a2"], ["a0", "b0", "b1", "b2"]]


def test_of_very_many_articles_only_some_folds_are_measured(
    corpus: Corpus, articles: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("talante.model.fit.ENOUGH", 5)
    found = cross_validate(articles, corpus.schema, SETTINGS, jobs=1)
    assert 5 <= len(found.outcomes) < len(articles) == len(found.folds)
    measured = {o.article.id for o in found.outcomes}
    first = min(found.folds[i] for i in measured)
    assert measured == {i for i, fold in found.folds.items() if fold >= first}
    assert {o.article.id for o in found.random} <= measured


def test_folds_one_by_one_say_the_same(
    corpus: Corpus, articles: list[Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = cross_validate(articles, corpus.schema, SETTINGS, jobs=1)
    monkeypatch.setattr(crossval, "_MOST_AT_ONCE", 5)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert cross_validate(articles, corpus.schema, SETTINGS).outcomes == together.outcomes
