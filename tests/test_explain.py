"""Evidence adds up, is in the place that it names, and is the same every time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import STANCES, Article, Unreadable
from talante.corpus.records import Corpus
from talante.errors import DataError
from talante.jobs.explain import explain_articles
from talante.model.evidence import Evidence, explain
from talante.model.fit import fit
from talante.model.model import Model
from talante.text.clean import clean
from talante.text.fold import fold
from talante.text.origin import Origin
from talante.text.prepare import Prepared
from tests.conftest import SETTINGS, Run

WORDS = ["Toral", "town hall", "dockers' union", "Rui Castro", "lies", "wise", "the", "harbor", "ships", "ayuntamiento",
         "miente", "escuela", "zebra", "no.", "\n\n", "¡Sí!", "Castro Street"]  # fmt: skip


def total(evidence: Evidence) -> float:
    return evidence.intercept + sum(s.value for s in evidence.shares) + sum(value for _, value in evidence.other)


def check(model: Model, prepared: Prepared) -> list[Evidence]:
    found = explain(model, prepared)
    for evidence in found:
        assert total(evidence) == pytest.approx(evidence.logit, abs=1e-9)
        for share in evidence.shares:
            words = fold(prepared.text[share.start : share.end])
            # Masks stand for any name; of a pair over a border only the first word is shown
            first = share.term.removesuffix(" (in the schema)").lstrip("~").strip("·").split(" ")[0]
            assert first in words or first.startswith("⟦"), share
            assert len(words) < 100
    prediction = model.predict_prepared(prepared)
    scores = {(e.kind, e.label, e.stance): e.score for e in found}
    for topic, score in prediction.scores.items():
        assert scores["topic", topic, None] == pytest.approx(score, abs=1e-9)
    for target, answer in prediction.stances.items():
        expected = dict(zip(STANCES, answer.probabilities, strict=True))
        assert {s: scores["stance", target, s] for s in STANCES} == pytest.approx(expected, abs=1e-9)
    for e in found:
        if e.kind == "addressed":
            assert e.threshold is not None
            assert (e.score >= e.threshold) == (e.label in prediction.stances)
    return found


@given(st.lists(st.sampled_from(WORDS), min_size=1).map(lambda words: "Toral the " + " ".join(words)))
def test_shares_and_intercept_sum_up_to_the_logit_of_each_decision(model: Model, text: str) -> None:
    check(model, model.preparer.prepare(Article(id="x", text=text, lang="en")))


def test_the_shipped_model_explains_real_articles(shipped: Model, corpus_sample: list[Prepared]) -> None:
    assert sum(len(check(shipped, prepared)) for prepared in corpus_sample) > 250


def test_short_texts_are_explained_by_parts_of_words_too(articles: list[Prepared], corpus: Corpus) -> None:
    short = fit(articles, corpus.schema, replace(SETTINGS, short=60))
    assert short.article_terms.parts
    text = "Toral lies again! A #harbor: the ships, I say."
    found = check(short, short.preparer.prepare(Article(id="x", text=text, lang="en")))
    assert any(share.term.startswith("~") for evidence in found for share in evidence.shares)


def test_words_that_are_no_neighbors_are_no_stretch_of_text(model: Model) -> None:
    text = "Harbor of Toral\n\nToral lies. " + "Nobody saw the ships. " * 9 + "Toral is wise."
    for article in (Article(id="x", text=text, lang="en"), Article(id="x", title="Harbor of Toral", text=text[17:])):
        for row in explain_articles([article], model, lang="en", every=True, terms=10_000):
            for label in row["labels"]:
                for term in label["terms"]:
                    assert all(0 < s["end"] - s["start"] < 30 for s in term["spans"]), term


@pytest.mark.parametrize(
    ("article", "sentence"),
    [
        (Article(id="x", title="Toral\nlies", text="The harbor rots."), "Toral\nlies"),
        (Article(id="x", text="Toral&shy; lies &ZeroWidthSpace;again.", format="markdown"), "Toral lies again."),
        (Article(id="x", text="Toral li\u200be\u0301s \u1100\u1161."), "Toral li\u200be\u0301s \u1100\u1161."),
        (Article(id="x", title="Toral lies", text="Toral lies\n\nToral lies\n\nAgain."), "Toral lies"),
        (Article(id="x", title=" ", text="Toral lies."), "Toral lies."),
    ],
    ids=["title over two lines", "entities", "marks and invisibles", "title twice in the text", "blank title"],
)  # fmt: skip
def test_odd_texts_are_explained_in_their_place(model: Model, article: Article, sentence: str) -> None:
    (row,) = explain_articles([article], model, lang="en", every=True)
    assert "error" not in row
    places = row["labels"][0]["sentences"]
    assert row[places[0]["field"]][places[0]["start"] : places[0]["end"]] == sentence
    if article.title == "Toral lies":
        assert [(p["field"], p["start"]) for p in places] == [("title", 0), ("text", 12), ("text", 24)]


def test_a_word_has_its_share_where_it_stands(model: Model) -> None:
    text = "Toral lies. Nobody saw the wise ships."
    prepared = model.preparer.prepare(Article(id="x", text=text, lang="en"))
    (against,) = [e for e in explain(model, prepared) if (e.label, e.stance) == ("mayor", "against")]
    places = {text[s.start : s.end] for s in against.shares}
    assert {"lies", "Toral", "Toral lies"} <= places
    lies = sum(s.value for s in against.shares if s.start == text.index("lies"))
    wise = sum(s.value for s in against.shares if s.start == text.index("wise"))
    assert lies > 0 > wise


def test_a_row_cuts_the_same_sum_by_sentences_and_by_terms(model: Model) -> None:
    article = Article(
        id="x", title="Harbor news", text="Toral lies again.\n\nThe harbor rots. Toral is wise?", lang="en"
    )
    (row,) = explain_articles([article], model, every=True, terms=10_000)
    assert {label["kind"] for label in row["labels"]} == {"topic", "addressed", "stance"}
    for label in row["labels"]:
        sentences, terms = (sum(part["share"] for part in label[name]) for name in ("sentences", "terms"))
        other = sum(part["share"] for part in label["other"])
        assert label["intercept"] + sentences + other == pytest.approx(label["logit"], abs=1e-9)
        assert sentences == pytest.approx(terms, abs=1e-9)
    harbor = next(label for label in row["labels"] if label["label"] == "harbor")
    assert [row[s["field"]][s["start"] : s["end"]] for s in harbor["sentences"]] == [
        "Harbor news", "Toral lies again.", "The harbor rots.", "Toral is wise?",
    ]  # fmt: skip
    assert json.dumps(row) == json.dumps(next(explain_articles([article], model, every=True, terms=10_000)))
    (short,) = explain_articles([article], model, every=True, terms=3)
    assert all(len(label["terms"]) <= 3 for label in short["labels"])


def test_only_what_was_given_is_explained_unless_all_is_asked_for(model: Model) -> None:
    article = Article(id="x", text="Toral lies again. The corrupt town hall wastes our money.", lang="en")
    (row,) = explain_articles([article], model)
    given = [(label["kind"], label["label"], label.get("stance")) for label in row["labels"]]
    assert given == [("addressed", "mayor", None), ("stance", "mayor", "against")]
    assert all(label["given"] for label in row["labels"])


def test_what_cannot_be_tagged_keeps_its_place(model: Model) -> None:
    rows = list(explain_articles([Unreadable("a", "empty file"), Article(id="b", text="Das ist nicht gut.")], model))
    assert [row["id"] for row in rows] == ["a", "b"] and all(row["error"] for row in rows)


GIVEN = "Skip to content\r\n\r\n  El  ti\u0301tulo \r\n\r\nShare this\r\nToral mi\u00adente ⟦aquí⟧.\r\n\r\nFin de todo."


def test_places_are_those_of_the_given_text() -> None:
    article = Article(id="x", text=GIVEN)
    cleaned = clean(article)
    assert (cleaned.title, cleaned.text.split("\n\n")[0]) == ("El título", "Toral miente [aquí].")
    origin = Origin(article, cleaned)

    def at(phrase: str) -> str:
        whole = f"{cleaned.title}\n\n{cleaned.text}"
        start = whole.index(phrase)
        place = origin.place(start, start + len(phrase))
        return article.text[place.start : place.end]

    assert at("El título") == "El  ti\u0301tulo"
    assert at("Toral miente [aquí]") == "Toral mi\u00adente ⟦aquí⟧"
    assert at("Fin") == "Fin"


@given(st.text(alphabet="aÉe\u0301 \n.\u200b⟦x", min_size=1), st.text(alphabet="aÉe\u0301 .", max_size=8))
def test_every_letter_that_is_left_knows_where_it_came_from(text: str, title: str) -> None:
    article = Article(id="x", text=text, title=title)
    try:
        cleaned = clean(article)
    except DataError:
        return
    whole = f"{cleaned.title}\n\n{cleaned.text}" if cleaned.title and cleaned.text else cleaned.title or cleaned.text
    origin = Origin(article, cleaned)
    for i, letter in enumerate(whole):
        if not letter.isspace():
            place = origin.place(i, i + 1)
            given = getattr(article, place.field)[place.start : place.end]
            assert letter in clean(Article(id="y", text=f"b {given}")).text


def test_pages_are_read_out_and_places_are_in_what_was_read(model: Model) -> None:
    page = (
        "<html><body><article><p>Toral lies again.</p><p>The town hall wastes our money, said the paper.</p></article>"
    )
    (row,) = explain_articles([Article(id="x", text=page, format="html", lang="en")], model)
    sentence = row["labels"][0]["sentences"][0]
    assert row["text"][sentence["start"] : sentence["end"]] == "Toral lies again."


def test_the_program_explains_as_json_and_as_a_page(talante: Run, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Toral lies again & again. The corrupt <b>town hall</b> wastes our money.")
    result = talante("explain", "a.txt", "--lang", "en")
    assert result.returncode == 0, result.stderr
    row = json.loads(result.stdout)
    assert row["text"] == (tmp_path / "a.txt").read_text() and row["labels"]
    result = talante("explain", "a.txt", "--lang", "en", "--html", "why.html")
    assert result.returncode == 0, result.stderr
    assert "&lt;b&gt;" in (tmp_path / "why.html").read_text() and b"written: why.html" in result.stderr
    assert talante("explain", "a.txt", "--html", "why.txt").returncode == 2
    assert talante("explain", "missing.txt").returncode == 2
    (tmp_path / "empty.txt").write_text("")
    assert talante("explain", "empty.txt").returncode == 8
