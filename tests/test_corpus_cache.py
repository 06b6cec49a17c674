"""What an unchanged article costs is kept: by content, and never mistaken for that of another."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from joblib import Memory

from talante.corpus.records import Corpus, load_corpus
from talante.jobs import corpus as module
from talante.jobs.corpus import prepare_and_count, prepare_corpus
from talante.model.fit import fit
from tests.conftest import MINI, SETTINGS


@pytest.fixture
def cache(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "cache", verbose=0)


@pytest.fixture(autouse=True)
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")


def worked_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with the id of each article that is really prepared."""
    seen: list[str] = []
    real = module.read

    def read(article: module.Article) -> tuple[module.Article, str]:
        seen.append(article.id)
        return real(article)

    monkeypatch.setattr(module, "read", read)
    return seen


def test_a_second_time_nothing_is_prepared_and_all_is_the_same(
    corpus: Corpus, cache: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = worked_on(monkeypatch)
    first, counted = prepare_and_count(corpus, SETTINGS, cache)
    assert sorted(seen) == sorted(a.id for a in corpus.articles)
    seen.clear()
    again, counted_again = prepare_and_count(corpus, SETTINGS, cache)
    assert seen == [] and again == first == prepare_corpus(corpus)
    assert counted_again.articles.terms.tolist() == counted.articles.terms.tolist()
    assert (counted_again.whole.matrix != counted.whole.matrix).nnz == 0


def test_a_new_or_changed_article_costs_its_part_and_no_other(
    corpus: Corpus, cache: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_corpus(corpus, cache)
    seen = worked_on(monkeypatch)
    first = corpus.articles[0]
    changed = replace(first, text=first.text + " And the crane fell.")
    prepared = prepare_corpus(replace(corpus, articles=(changed, *corpus.articles[1:])), cache)
    assert first.id in seen and len(seen) < len(corpus.articles)
    assert prepared[0].article.text.endswith("And the crane fell.")


def test_labels_and_schema_count_as_content(corpus: Corpus, cache: Memory) -> None:
    prepare_corpus(corpus, cache)
    relabelled = replace(corpus.articles[0], topics=frozenset())
    assert prepare_corpus(replace(corpus, articles=(relabelled,)), cache)[0].article.topics == frozenset()
    fewer = replace(corpus, schema=replace(corpus.schema, targets=corpus.schema.targets[:1]))
    assert prepare_corpus(fewer, cache) == prepare_corpus(fewer)


def test_places_are_those_of_this_reading(tmp_path: Path, cache: Memory) -> None:
    shutil.copytree(MINI, tmp_path / "data")
    prepare_corpus(load_corpus(tmp_path / "data"), cache)
    path = tmp_path / "data/articles/mini.jsonl"
    lines = path.read_text().splitlines()
    new = json.dumps({**json.loads(lines[0]), "id": "first", "text": "The quay of Toral was painted on Monday."})
    path.write_text("\n".join([new, *lines]) + "\n")
    prepared = prepare_corpus(load_corpus(tmp_path / "data"), cache)
    assert [p.article.place for p in prepared] == [f"{path}:{number}" for number in range(1, len(lines) + 2)]


def test_a_damaged_cache_is_made_anew(corpus: Corpus, cache: Memory, tmp_path: Path) -> None:
    whole = prepare_corpus(corpus, cache)
    for path in (tmp_path / "cache").rglob("output.pkl"):
        path.write_bytes(path.read_bytes()[:100])
    assert prepare_corpus(corpus, cache) == whole


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_a_model_does_not_hang_on_how_articles_were_dealt(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    model = fit(prepare_corpus(corpus), corpus.schema, SETTINGS)
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    articles, counted = prepare_and_count(corpus, SETTINGS)
    again = fit(articles, corpus.schema, SETTINGS, counted)
    for view in ("article_terms", "near_terms", "whole_terms"):
        assert list(getattr(again, view).terms) == list(getattr(model, view).terms)
    np.testing.assert_array_equal(again.stances.own, model.stances.own)
    np.testing.assert_array_equal(again.topics.coef, model.topics.coef)


def test_an_article_digest_changes_with_what_a_model_learns_from_and_with_nothing_else(corpus: Corpus) -> None:
    article = replace(corpus.articles[0], group="desk", outlet="paper")
    elsewhere = {
        "place": "elsewhere:1",
        "unknown": {"note": "x"},
        "url": "x",
        "date": "2026",
        "author": "x",
        "outlet": "x",
    }
    assert replace(article, **elsewhere).digest == article.digest  # type: ignore[arg-type]
    changes = [
        {"title": "x"}, {"text": "x"}, {"topics": None}, {"topics": frozenset()}, {"stances": None}, {"stances": {}},
        {"group": "x"}, {"group": ""}, {"disputed_topics": frozenset({"harbor"})}, {"lang": "xx"}, {"id": "x"},
        {"disputed_stances": frozenset({"toral-government"})},
    ]  # fmt: skip
    digests = {replace(article, **change).digest for change in changes}  # type: ignore[arg-type]
    assert len(digests) == len(changes) and article.digest not in digests


def test_what_no_model_learns_from_is_that_of_this_reading(corpus: Corpus, cache: Memory) -> None:
    prepare_corpus(corpus, cache)
    dated = tuple(replace(article, date="2026-11-29", genre="report") for article in corpus.articles)
    prepared = prepare_corpus(replace(corpus, articles=dated), cache)
    assert prepared == prepare_corpus(replace(corpus, articles=dated))
    assert {p.article.date for p in prepared} == {"2026-11-29"}
