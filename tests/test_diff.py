"""What changed between two models: articles, schema, settings, figures, words, thresholds, answers; and its text."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats
from typer.testing import CliRunner, Result

from talante.cli.app import app
from talante.cli.diff_text import render_diff, verdict
from talante.corpus.records import Corpus
from talante.corpus.schema import Schema
from talante.errors import DataError, ModelError, UsageError
from talante.jobs.corpus import composition
from talante.jobs.diff import Diff, Figure, diff
from talante.jobs.diff_words import Weights, diff_vocabularies, diff_weights
from talante.model.files import save
from talante.model.fit import fit
from talante.model.model import Model
from talante.model.records import Record
from talante.text.prepare import Prepared
from tests.conftest import SETTINGS


@pytest.fixture(scope="session")
def small(corpus: Corpus, articles: list[Prepared]) -> Model:
    """A model of fourteen of the twenty articles that `model` learns from."""
    return fit(articles[:14], corpus.schema, SETTINGS)


def scores(value: float, articles: int, what: str = "the corpus") -> dict[str, Any]:
    figures = {"topics: micro-F1": [value, value - 0.1, value + 0.1, 30], "addressed: F1": [0.5, 0.4, 0.6, 20]}
    return {"what": what, "articles": articles, "groups": 5, "intervals": "95 %, bootstrap over groups", "verdict": "",
            "warnings": [], "figures": figures, "controls": {}, "slices": {}, "random_split": {}}  # fmt: skip


def records(articles: list[Prepared], other: str = "", stance: str = "against") -> list[Record]:
    """Return a record for each article; that of ``other`` has another answer."""
    return [
        Record(
            p.article.id,
            p.article.digest,
            0,
            frozenset({"harbor", "schools"} if p.article.id == other else {"harbor"}),
            {"mayor": stance if p.article.id == other else "against"},  # type: ignore[dict-item]
        )
        for p in articles
    ]


def with_card(model: Model, **facts: Any) -> Model:
    return replace(model, card={**model.card, **facts})


@pytest.fixture
def two(small: Model, model: Model, corpus: Corpus, articles: list[Prepared], tmp_path: Path) -> tuple[Path, Path]:
    """The folders of A, of fourteen articles, and B, of twenty, one of which has changed."""
    data = composition(corpus)
    a = with_card(small, scores=[scores(0.5, 14)], talante="0.1", data={"digest": "1", **data})
    b = with_card(
        model, scores=[scores(0.8, 20), scores(0.8, 3, "gold.jsonl")], talante="0.2", data={"digest": "2", **data}
    )
    b = with_card(b, settings={**b.card["settings"], "topic_c": 1.0})
    kept = records(articles, "m02", "favor")
    kept[4] = replace(kept[4], digest="0" * 16)
    return tmp_path / save(a, tmp_path, records(articles[:14])).id, tmp_path / save(b, tmp_path, kept).id


@pytest.fixture
def found(two: tuple[Path, Path]) -> Diff:
    return diff(*two)


def test_articles_added_removed_and_changed_are_told_by_id(found: Diff, two: tuple[Path, Path]) -> None:
    assert found.records is not None and found.articles == (14, 20)
    assert found.records.added == tuple(f"m{n}" for n in range(15, 21))
    assert (found.records.removed, found.records.changed) == ((), ("m05",))
    back = diff(two[1], two[0]).records
    assert back is not None and back.removed == found.records.added


def test_settings_and_the_version_that_differ_are_told(found: Diff) -> None:
    assert found.settings == {"talante": ("0.1", "0.2"), "topic_c": (100.0, 1.0)}


def test_figures_are_compared_where_both_cards_measure_the_same(found: Diff) -> None:
    assert [(f.what, f.articles, f.name, f.a[0], f.b[0], f.overlap) for f in found.figures] == [
        ("the corpus", (14, 20), "topics: micro-F1", 0.5, 0.8, False),
        ("the corpus", (14, 20), "addressed: F1", 0.5, 0.5, True),
    ]


@given(floats(0, 1), floats(0, 1))
def test_intervals_overlap_when_some_value_is_in_both(low: float, other: float) -> None:
    a, b = (0.0, low, low + 0.1, 1), (0.0, other, other + 0.1, 1)
    inside = max(a[1], b[1]) <= min(a[2], b[2])
    assert Figure("", (1, 1), "", a, b).overlap == Figure("", (1, 1), "", b, a).overlap == inside


def test_stored_answers_are_compared_on_articles_that_have_not_changed(found: Diff) -> None:
    assert found.held_out is not None
    assert (found.held_out.articles, found.held_out.differing) == (13, 1), "fourteen are in both, one has changed"
    assert [(c.id, c.kind, c.label, c.a, c.b, c.score_a) for c in found.held_out.changes] == [
        ("m02", "topic", "schools", "no", "yes", None),
        ("m02", "stance", "mayor", "against", "favor", None),
    ]


def test_models_that_keep_no_records_are_compared_in_all_else(small: Model, model: Model, tmp_path: Path) -> None:
    found = diff(tmp_path / save(small, tmp_path).id, tmp_path / save(model, tmp_path).id)
    assert found.records is None and found.held_out is None and found.same_corpus is None
    assert "corpora unknown, 14 and 20 articles, not known one by one" in verdict(found).replace("\n", " ")
    assert "a model keeps no record" in render_diff(found)


def changed_schema(schema: Schema) -> Schema:
    topic, *topics = schema.topics
    mayor = replace(schema.targets[0], aliases={**schema.targets[0].aliases, "en": ("Toral",)}, excluded=("Toral Inc",))
    topic = replace(topic, definition="Another one.", words={**topic.words, "en": (*topic.words["en"], "buoy")})
    return replace(schema, topics=(topic, *topics[1:]), targets=(mayor, *schema.targets[1:]))


def test_labels_of_the_schema_are_compared_phrase_by_phrase(
    corpus: Corpus, articles: list[Prepared], small: Model, tmp_path: Path
) -> None:
    schema = changed_schema(corpus.schema)
    other = fit(articles[:14], schema, SETTINGS)
    found = diff(tmp_path / save(small, tmp_path).id, tmp_path / save(other, tmp_path).id)
    by_label = {(change.kind, change.label): change for change in found.labels}
    first, gone, target = corpus.schema.topics[0].id, corpus.schema.topics[1].id, corpus.schema.targets[0].id
    assert set(by_label) == {("topic", first), ("topic", gone), ("target", target)}
    assert by_label["topic", gone].change == "removed"
    assert (by_label["topic", first].gained, by_label["topic", first].fields) == (("en: buoy",), ("definition",))
    assert by_label["target", target].gained == ("not Toral Inc",)
    assert "en: Toral" not in by_label["target", target].lost and by_label["target", target].lost
    assert not any(w.label == gone for w in found.weights) and gone not in found.thresholds
    assert f"Topic {gone}: removed" in render_diff(found) and "+ en: buoy" in render_diff(found)


def by_part(weights: tuple[Weights, ...]) -> dict[tuple[str, str], Weights]:
    return {(w.part, w.label): w for w in weights}


def test_a_weight_that_was_changed_is_the_one_that_is_told(model: Model) -> None:
    coef = model.topics.coef.copy()
    column = model.article_terms.words.index("ships")
    coef[0, column] += 5
    first = model.schema.topic_ids[0]
    weights = by_part(diff_weights(model, replace(model, topics=replace(model.topics, coef=coef))))
    term = weights["topic", first].changed[0]
    assert term.term == "ships" and term.change > 1
    assert diff_weights(model, replace(model, topics=replace(model.topics, coef=coef)))[0].label == first
    for key, other in weights.items():
        if key != ("topic", first) and other.alike is not None:  # the miniature has no weights for "addressed"
            assert other.changed == () and other.alike == pytest.approx(1) and other.size == pytest.approx(1)


def test_a_change_of_a_stance_says_which(model: Model) -> None:
    own = model.stances.own.copy()
    own[1, 2, 7] -= 5
    weights = by_part(diff_weights(model, replace(model, stances=replace(model.stances, own=own))))
    term = weights["own", model.schema.target_ids[1]].changed[0]
    assert (term.term, term.row) == (model.article_terms.terms[7], "favor") and term.change < 0


def test_a_label_whose_weights_are_all_stretched_is_alike_and_has_another_size(model: Model) -> None:
    stretched = replace(model, topics=replace(model.topics, coef=model.topics.coef * 2))
    for w in (w for w in diff_weights(model, stretched) if w.part != "addressed"):
        assert w.alike == pytest.approx(1, abs=1e-5) and w.size == pytest.approx(2 if w.part == "topic" else 1)
        assert all(abs(term.change) < 1e-4 for term in w.changed)


def test_the_inverse_document_frequency_is_a_part_of_a_weight(model: Model) -> None:
    idf = model.near_terms.idf.copy()
    idf[3] *= 9
    weights = by_part(diff_weights(model, replace(model, near_terms=replace(model.near_terms, idf=idf))))
    assert weights["near", ""].changed[0].term == model.near_terms.terms[3]
    assert weights["whole", ""].changed == ()


def test_terms_of_one_vocabulary_only_are_counted_and_the_weightiest_told(small: Model, model: Model) -> None:
    article = diff_vocabularies(small, model)[0]
    assert article.gained == len(set(model.article_terms.terms) - set(small.article_terms.terms)) > 0
    assert article.b - article.a == article.gained - article.lost
    weights = by_part(diff_weights(small, model))["topic", model.schema.topic_ids[0]]
    assert weights.common + len(set(model.article_terms.words) - set(small.article_terms.words)) == len(
        model.article_terms.words
    )
    assert all(t.a is None and t.term not in small.article_terms.words for t in weights.gained)
    assert np.all(np.diff([abs(t.change) for t in weights.gained]) <= 0)
    turned = by_part(diff_weights(model, small))["topic", model.schema.topic_ids[0]]
    assert [(t.term, t.a) for t in turned.lost] == [(t.term, t.b) for t in weights.gained]


def test_a_target_without_weights_is_not_compared(model: Model, small: Model, tmp_path: Path) -> None:
    none = replace(small, stances=replace(small.stances, own=np.zeros_like(small.stances.own)))
    own = [w for w in diff_weights(none, model) if w.part == "own"]
    assert own and all(w.alike is None and w.changed == () for w in own)
    text = render_diff(diff(tmp_path / save(none, tmp_path).id, tmp_path / save(model, tmp_path).id))
    assert f"stance toward {model.schema.target_ids[0]}: not compared, one or both have no weights" in text


def test_models_without_a_term_in_common_are_not_compared(model: Model) -> None:
    terms = replace(model.near_terms, terms=[f"{term}x" for term in model.near_terms.terms])
    weights = by_part(diff_weights(model, replace(model, near_terms=terms)))
    assert (weights["near", ""].alike, weights["near", ""].common) == (None, 0)


def test_a_threshold_that_moved_is_told(model: Model, tmp_path: Path) -> None:
    moved = model.topics.threshold.copy()
    moved[0] = 0.99
    other = replace(model, topics=replace(model.topics, threshold=moved))
    found = diff(tmp_path / save(model, tmp_path).id, tmp_path / save(other, tmp_path).id)
    topic = model.schema.topic_ids[0]
    assert found.thresholds[topic][1] == 0.99 and found.thresholds["addressed"][0] == found.thresholds["addressed"][1]
    assert f"Thresholds: {topic} {found.thresholds[topic][0]:.2f} -> 0.99" in render_diff(found).splitlines()


ON = [
    {"id": "x", "text": "Mayor Toral lies about the harbor and its docks, and wastes our money.", "lang": "en"},
    {"id": "bad", "text": ""},
    {"id": "de", "text": "Der Hafen ist voll.", "lang": "de"},
]


@pytest.fixture
def news(tmp_path: Path) -> str:
    path = tmp_path / "news.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in ON))
    return str(path)


def test_articles_named_are_tagged_with_both(model: Model, tmp_path: Path, news: str) -> None:
    always = replace(model, topics=replace(model.topics, threshold=np.zeros_like(model.topics.threshold)))
    german = replace(always, languages=(*always.languages, "de"))
    found = diff(tmp_path / save(model, tmp_path).id, tmp_path / save(german, tmp_path).id, [news])
    assert found.on is not None
    assert (found.on.articles, found.on.untagged, found.on.differing) == (3, 1, 2)
    x = [c for c in found.on.changes if c.id == "x"]
    given = found.on.rows[0][0]["topics"]
    assert [c.label for c in x] == [t for t in model.schema.topic_ids if t not in given]
    assert all((c.a, c.b) == ("no", "yes") and c.score_a == c.score_b for c in x)
    (de,) = [c for c in found.on.changes if c.id == "de"]
    assert de.kind == "article" and "the model was trained on" in de.a and de.b == "tagged"
    assert "answers to the articles named differ on 2 of 2 articles (1 could not be tagged)" in verdict(found)


def test_identical_models_are_said_to_be_the_same(two: tuple[Path, Path], news: str) -> None:
    found = diff(two[0], two[0], [news])
    assert found.identical and found.on is not None and found.on.changes == ()
    assert render_diff(diff(two[0], two[0])) == f"{two[0].name} and {two[0].name} are the same model."
    assert "answers the same on all 1 articles (2 could not be tagged)" in verdict(found)


def test_models_that_differ_in_their_card_only_have_the_same_weights(model: Model, tmp_path: Path) -> None:
    other = with_card(model, talante="9")
    found = diff(tmp_path / save(model, tmp_path).id, tmp_path / save(other, tmp_path).id)
    assert found.same_arrays and not found.identical
    assert "settings differ: talante; terms and weights are the same" in verdict(found)
    assert "Weights" not in render_diff(found)


def test_the_first_lines_say_in_words_what_matters(found: Diff) -> None:
    first = " ".join(render_diff(found).split("\n\n")[0].split("\n"))
    assert "6 articles more, 1 changed; topics and targets the same; settings differ: talante, topic_c" in first
    assert "held-out answers differ on 1 of 13 articles" in first
    assert "of the intervals of 2 figures 1 do not overlap (topics: micro-F1)" in first


def test_the_text_is_narrow_and_warns_that_corpora_differ(found: Diff) -> None:
    text = render_diff(found)
    assert max(map(len, text.splitlines())) <= 110
    assert "\u00a0" not in text
    assert "learned from different corpora" in " ".join(text.split("\n"))
    assert "do not overlap" in text and "m02: schools no -> yes; mayor against -> favor" in text


def test_all_of_it_is_plain_data(found: Diff) -> None:
    told = json.loads(json.dumps(found.to_json()))
    assert told["figures"][0]["overlap"] is False and told["records"]["changed"] == ["m05"]
    assert told["held_out"]["changes"][0]["id"] == "m02"


def test_what_is_missing_or_damaged_is_said(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="nowhere: no such file or folder"):
        diff(*two, ["nowhere"])
    with pytest.raises(DataError, match="no articles in this folder"):
        diff(*two, [str(tmp_path / "empty")])
    (two[1] / "records.jsonl").write_text("x")
    with pytest.raises(ModelError, match=r"records.jsonl: changed since it was written"):
        diff(*two)


def run(*args: object) -> Result:
    return CliRunner(env={"COLUMNS": "110"}).invoke(app, ["models", "diff", *map(str, args)])


def test_the_command_prints_text_or_json(two: tuple[Path, Path], news: str) -> None:
    text = run(*two)
    assert text.exit_code == 0 and text.stdout.startswith(f"From {two[0].name} to {two[1].name}: 6 articles more")
    result = run(*two, "--on", news, "--json")
    assert json.loads(result.stdout)["on"]["articles"] == 3
    assert result.exit_code == 8 and "2 of the articles could not be tagged" in result.stderr
    wrong = run(two[0], "nothing/here")
    assert wrong.exit_code == 4 and "no model here" in wrong.stderr
