"""What ships: the corpus is sound, the model is the one that it trains, and the seed gets its tags."""

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from talante.corpus.article import Article
from talante.corpus.read import find_inputs, read_articles
from talante.corpus.records import load_corpus, load_readings
from talante.jobs.corpus import prepare_corpus
from talante.jobs.evaluate import evaluate_gold
from talante.jobs.lint import lint
from talante.jobs.stats import stats
from talante.jobs.tag import Order, Tagger
from talante.model.fit import fit
from talante.model.model import Model
from talante.model.settings import Settings
from tests.conftest import ROOT


def test_the_seed_as_it_was_scraped_gets_its_tags(shipped: Model) -> None:
    (row,) = Tagger(Order(), shipped).rows(read_articles(find_inputs([str(ROOT / "data/seed")])))
    assert {"venezuela", "peru", "foreign-policy"} <= set(row["topics"])
    assert row["stances"]["venezuelan-government"]["stance"] == "against"


def test_the_corpus_is_clean_and_begins_with_the_seed() -> None:
    # What gives a stance away besides the words is measured and told, in data/README.md; the rest is mended
    assert [str(f) for f in lint(ROOT / "data").findings if f.check != "confound"] == []
    first = load_corpus(ROOT / "data").articles[0]
    assert (first.id, first.origin) == ("seed", "seed")
    assert first.topics == {"venezuela", "peru", "foreign-policy", "organized-crime", "human-rights"}
    assert first.stances == {"venezuelan-government": "against", "peruvian-government": "against"}


def test_the_corpus_meets_its_goals() -> None:
    rows = stats(ROOT / "data")
    assert sum(row.goal is not None for row in rows) > 30
    assert [row.name for row in rows if row.gap] == []


def test_readers_agreed_with_the_writers_or_the_label_is_disputed() -> None:
    corpus = load_corpus(ROOT / "data")
    readings = {r.id: r for r in load_readings(ROOT / "data/readings/readers.jsonl", corpus.schema)}
    assert len(readings) > 1800
    for article in corpus.articles:
        if reading := readings.get(article.id):
            topics, stances = article.topics or frozenset(), article.stances or {}
            assert topics ^ reading.topics <= article.disputed_topics, article.place
            assert set(stances) ^ set(reading.stances) <= article.disputed_stances, article.place
            assert all(stances.get(t, s) == s for t, s in reading.stances.items()), article.place


def test_the_model_is_the_one_that_the_corpus_trains(shipped: Model) -> None:
    corpus = load_corpus(ROOT / "data")
    assert shipped.card["data"]["digest"] == corpus.digest, "train again, or undo the change of data/"
    prepared = prepare_corpus(corpus)
    again = fit(prepared, corpus.schema, Settings())
    assert list(again.article_terms.terms) == list(shipped.article_terms.terms)
    # Processors round differently (docs/retraining.md). Of 32-bit weights up to 23 the last bit is worth 2e-6; what
    # people see, the scores, holds to 1e-6
    parts = ((again.topics, shipped.topics), (again.addressed, shipped.addressed), (again.stances, shipped.stances))
    for own, theirs in parts:
        for name in vars(own):
            np.testing.assert_allclose(getattr(own, name), getattr(theirs, name), rtol=1e-6, atol=1e-5, err_msg=name)
    for p in prepared[::10]:
        a, b = again.predict_prepared(p), shipped.predict_prepared(p)
        assert a.topics == b.topics and a.stances.keys() == b.stances.keys(), p.article.place
        assert a.scores == pytest.approx(b.scores, rel=0, abs=1e-6), p.article.place
        for target, stance in a.stances.items():
            assert stance.probabilities == pytest.approx(b.stances[target].probabilities, rel=0, abs=1e-6), (
                p.article.place
            )


def test_the_figures_on_the_gold_articles_do_not_slip(shipped: Model, shared: Path) -> None:
    report = evaluate_gold(shared / "gold/dev.jsonl", shipped)
    stance = next(s for s in report.stances if s.target == "venezuelan-government").macro_f1
    assert stance.value > 0.68 and stance.n == 87
    assert report.topics_macro_f1 and report.topics_macro_f1.value > 0.73


@pytest.mark.parametrize("lang", ["en", "es"])
def test_real_news_gets_a_row_for_each_article(shipped: Model, shared: Path, lang: str) -> None:
    with gzip.open(shared / f"news/{lang}.jsonl.gz", "rt", encoding="utf-8") as stream:
        records = [json.loads(line) for line in stream]
    sample = random.Random(0).sample(records, 200)
    articles = [Article(id=r["id"], text=r["text"], title=r["title"]) for r in sample]
    rows = list(Tagger(Order(), shipped).rows(articles, many=True))
    assert [r["id"] for r in rows] == [r["id"] for r in sample]
    assert sum("error" in r for r in rows) <= 4
