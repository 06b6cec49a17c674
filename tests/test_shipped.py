"""What ships: the corpus is sound, the model is the one that it trains, and the seed gets its tags."""

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from talante.corpus.article import Article
from talante.corpus.read import find_inputs, read_articles
from talante.corpus.records import load_corpus
from talante.features.tokens import terms
from talante.jobs.evaluate import evaluate_gold
from talante.jobs.lint import lint
from talante.jobs.tag import tag
from talante.jobs.train import composition, prepare_corpus
from talante.model.files import load
from talante.model.fit import Settings, fit
from talante.model.model import Model
from talante.model.registry import Registry
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def shipped() -> Model:
    registry = Registry(ROOT / "models", "")
    current = registry.current()
    assert current is not None
    return load(registry.path(current))


def test_the_seed_as_it_was_scraped_gets_its_tags(shipped: Model) -> None:
    (row,) = tag(read_articles(find_inputs([str(ROOT / "data/seed")])), shipped)
    assert {"venezuela", "peru", "foreign-policy"} <= set(row["topics"])
    assert row["stances"]["venezuelan-government"]["stance"] == "against"


def test_the_corpus_has_no_faults_and_begins_with_the_seed() -> None:
    assert lint(ROOT / "data").errors == 0
    first = load_corpus(ROOT / "data").articles[0]
    assert (first.id, first.origin) == ("seed", "seed")
    assert first.topics == {"venezuela", "peru", "foreign-policy", "organized-crime", "human-rights"}
    assert first.stances == {"venezuelan-government": "against", "peruvian-government": "against"}


def test_the_corpus_has_enough_of_every_label() -> None:
    corpus = load_corpus(ROOT / "data")
    assert min(composition(corpus)["topics"].values()) >= 12
    for lang in ("en", "es"):
        stances = [(a.stances or {}).get("venezuelan-government") for a in corpus.articles if a.lang == lang]
        assert min(stances.count(s) for s in ("against", "neutral", "favor")) >= 24


def test_no_two_articles_share_ten_words_in_a_row() -> None:
    seen: dict[tuple[str, ...], str] = {}
    for article in load_corpus(ROOT / "data").articles:
        words = [t for t in terms(article.text) if " " not in t]
        for i in range(len(words) - 9):
            other = seen.setdefault(tuple(words[i : i + 10]), article.id)
            assert other == article.id, words[i : i + 10]


def test_the_model_is_the_one_that_the_corpus_trains(shipped: Model) -> None:
    corpus = load_corpus(ROOT / "data")
    assert shipped.card["data"]["digest"] == corpus.digest, "train again, or undo the change of data/"
    again = fit(prepare_corpus(corpus), corpus.schema, Settings())
    assert list(again.article_terms.terms) == list(shipped.article_terms.terms)
    np.testing.assert_allclose(again.topics.coef, shipped.topics.coef, rtol=0, atol=1e-6)
    np.testing.assert_allclose(again.stances.own, shipped.stances.own, rtol=0, atol=1e-6)
    np.testing.assert_allclose(again.topics.threshold, shipped.topics.threshold, rtol=0, atol=1e-6)


def test_the_figures_on_the_gold_articles_do_not_slip(shipped: Model, shared: Path) -> None:
    report = evaluate_gold(shared / "gold/dev.jsonl", shipped)
    stance = next(s for s in report.stances if s.target == "venezuelan-government").macro_f1
    assert stance.value > 0.60 and stance.n == 87
    assert report.topics_macro_f1 and report.topics_macro_f1.value > 0.70


@pytest.mark.parametrize("lang", ["en", "es"])
def test_real_news_gets_a_row_for_each_article(shipped: Model, shared: Path, lang: str) -> None:
    with gzip.open(shared / f"news/{lang}.jsonl.gz", "rt", encoding="utf-8") as stream:
        records = [json.loads(line) for line in stream]
    sample = random.Random(0).sample(records, 200)
    articles = [Article(id=r["id"], text=r["text"], title=r["title"]) for r in sample]
    rows = list(tag(articles, shipped))
    assert [r["id"] for r in rows] == [r["id"] for r in sample]
    assert sum("error" in r for r in rows) <= 4
