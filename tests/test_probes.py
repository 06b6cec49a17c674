"""Each probe changes what it says and nothing else, and a planted weakness of a model is seen."""

import pickle
import re
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from talante.corpus.article import Article
from talante.corpus.records import Corpus
from talante.errors import DataError
from talante.evaluation import probes
from talante.evaluation.probes import (
    HOLDS,
    NO_CLAIM,
    PROBES,
    TOO_FEW,
    Moved,
    ProbeFigures,
    ProbeMoves,
    probe_articles,
    probed,
    quote_spans,
    render_probes,
    summarize_probes,
    swapped_targets,
)
from talante.model.model import Model, Prediction, StancePrediction
from talante.text.fold import fold_accents
from talante.text.prepare import Prepared, Preparer


@pytest.fixture(autouse=True)
def few_answers_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "FEWEST", 1)


def test_few_answers_that_stayed_do_not_show_that_answers_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    stayed: list[ProbeMoves] = [{"lower case": Moved(stances=1, topics=1)}] * 59
    (held,) = summarize_probes(stayed, [str(i) for i in range(59)])
    assert held.verdict == HOLDS
    monkeypatch.setattr(probes, "FEWEST", 60)
    (few,) = summarize_probes(stayed, [str(i) for i in range(59)])
    assert few.verdict == TOO_FEW


FOR, AGAINST = StancePrediction((0.1, 0.1, 0.8)), StancePrediction((0.8, 0.1, 0.1))


class Fake(Model):
    """The miniature model with other answers: those of `answer`, which sees the text."""

    def predict_prepared(self, prepared: Prepared) -> Prediction:
        return Prediction(prepared.article, {}, (), self.answer(prepared))

    def answer(self, prepared: Prepared) -> dict[str, StancePrediction]:
        raise NotImplementedError


def fake(kind: type[Fake], model: Model) -> Fake:
    return kind(**{f.name: getattr(model, f.name) for f in fields(model)})


def changes(corpus: Corpus, text: str, title: str = "", lang: str = "en", **more: str) -> dict[str, Article]:
    preparer = Preparer(corpus.schema)
    prepared = preparer.prepare(Article(id="a", text=text, title=title, lang=lang, **more))  # type: ignore[arg-type]
    return probed(prepared, preparer, corpus.schema)


def figures(model: Model, articles: list[Prepared]) -> dict[str, ProbeFigures]:
    moves = probe_articles(model, articles)
    return {f.probe.name: f for f in summarize_probes(moves, [p.article.held_out_group for p in articles])}


PHRASES = ["Mayor Toral", "Toral", "town hall", "dockers' union", "Rui Castro", "Inés Toral", "praised",
           "sindicato de estibadores", "is right.", "lies;", "and", "\n\n", "y no es", "Castro Street"]  # fmt: skip


@given(st.lists(st.sampled_from(PHRASES), min_size=1, max_size=25), st.sampled_from(["en", "es"]))
@example(["Toral", "is right.", "\n\n", "Rui Castro", "lies;"], "en")
def test_swapping_exchanges_the_targets_and_swapping_twice_gives_them_back(
    corpus: Corpus, phrases: list[str], lang: str
) -> None:
    preparer = Preparer(corpus.schema)

    def labels(p: Prepared) -> list[str]:
        return [mention.label for mention in preparer.mentions(p.text)]

    try:
        before = preparer.prepare(Article(id="a", text=" ".join(phrases), lang=lang))
    except DataError:
        return
    changed = probed(before, preparer, corpus.schema)
    assert ("targets swapped" in changed) == (len(set(labels(before))) == 2)
    if "targets swapped" in changed:
        once = preparer.prepare(changed["targets swapped"])
        assert labels(once) == [{"mayor": "union", "union": "mayor"}[label] for label in labels(before)]
        twice = preparer.prepare(probed(once, preparer, corpus.schema)["targets swapped"])
        assert labels(twice) == labels(before)


def test_a_swapped_name_is_of_the_same_kind_and_one_that_the_article_uses(corpus: Corpus) -> None:
    text = "Toral met the union. The dockers' union met Toral and Rui Castro. Town hall is cold."
    swapped = changes(corpus, text)["targets swapped"].text
    assert swapped == "Rui Castro met the union. The town hall met Rui Castro and Toral. Dockers' union is cold."


def test_an_article_that_names_one_target_has_nothing_to_swap(corpus: Corpus) -> None:
    assert "targets swapped" not in changes(corpus, "Mayor Toral lies.")
    assert swapped_targets(Preparer(corpus.schema).prepare(Article(id="a", text="Toral lies.", lang="en"))) is None


@pytest.mark.parametrize(
    ("lang", "text", "negated"),
    [
        ("en", "Toral is right.", "Toral is not right."),
        ("en", "Toral isn't right.", "Toral is right."),
        ("en", "Toral will not go.", "Toral will go."),
        ("en", "Toral cannot win.", "Toral can win."),
        ("en", "Toral has ruined us.", "Toral has not ruined us."),
        ("en", "Toral has a plan.", "Toral does not have a plan."),
        ("en", "When it was late, Toral was here.", "When it was late, Toral was not here."),
        ("en", "Toral, who was late, can sing.", "Toral, who was late, can not sing."),
        ("en", "The town hall lies. See the sea.", "It is not true that the town hall lies. See the sea."),
        ("en", "But Toral wins. We like the docks.", "But it is not true that Toral wins. We like the docks."),
        ("en", "Toral says that it is late.", "It is not true that Toral says that it is late."),
        ("en", 'Toral said "this is new".', 'It is not true that Toral said "this is new".'),
        ("en", "Nobody is like Toral.", "It is not true that Nobody is like Toral."),
        ("es", "El ayuntamiento es justo.", "El ayuntamiento no es justo."),
        ("es", "El ayuntamiento se ha rendido.", "El ayuntamiento no se ha rendido."),
        ("es", "El ayuntamiento no quiere.", "El ayuntamiento quiere."),
        ("es", "Está triste el ayuntamiento.", "No está triste el ayuntamiento."),
        ("es", "No cede el ayuntamiento.", "Cede el ayuntamiento."),
        ("es", "El ayuntamiento miente y el mar calla.", "No es cierto que el ayuntamiento miente y el mar calla."),
    ],
)
def test_the_main_claim_is_negated(corpus: Corpus, lang: str, text: str, negated: str) -> None:
    assert changes(corpus, text, lang=lang)["negation inserted"].text.lower() == negated.lower()


@pytest.mark.parametrize(
    "text", ["The sea is blue.", "Is Toral right?", "“It is hot. Toral is right. We go.”", "Toral and the sea"]
)
def test_what_names_no_target_asks_quotes_or_is_a_heading_is_not_negated(corpus: Corpus, text: str) -> None:
    assert "negation inserted" not in changes(corpus, text)


QUOTED = st.sampled_from(['"{}"', "“{}”", "«{}»", "‘{}’"])
PLAIN = st.text("abc ,.'’\n", max_size=20).map(lambda text: f" x {text} ")


@given(st.lists(st.tuples(PLAIN, QUOTED, st.text("abc é,", min_size=1).map(lambda t: f"k{t}k"))))
def test_stripping_quotes_takes_the_quotes_and_leaves_the_rest(parts: list[tuple[str, str, str]]) -> None:
    text = "".join(plain + quote.format(inside) for plain, quote, inside in parts)
    kept, done = "", 0
    for start, end in quote_spans(text):
        kept += text[done:start]
        done = end
    assert kept + text[done:] == "".join(plain for plain, _, _ in parts)


@pytest.mark.parametrize("text", ["the dockers’ union and the mayors’ men", 'a 5" pipe, a 6" pipe', "“a\n\nb”", "«a"])
def test_what_is_no_pair_of_quotation_marks_in_one_paragraph_stays(text: str) -> None:
    assert quote_spans(text) == []


@given(st.text("aÁñÜb Zç.\n“", min_size=1).filter(str.strip), st.text("Éa b"))
def test_case_and_accents_are_all_that_those_probes_change(corpus: Corpus, text: str, title: str) -> None:
    try:
        changed = changes(corpus, text, title)
        same = Preparer(corpus.schema).prepare(Article(id="a", text=text, title=title, lang="en")).article
    except DataError:
        return
    lower, bare = changed.get("lower case", same), changed.get("no accents", same)
    assert (lower.title, lower.text) == (same.title.lower(), same.text.lower())
    assert (bare.title, bare.text) == (fold_accents(same.title), fold_accents(same.text))


def test_the_page_is_added_around_the_text_in_its_language(corpus: Corpus) -> None:
    english, spanish = (changes(corpus, "Toral.", "T", lang)["page chrome added"] for lang in ("en", "es"))
    for article, words in ((english, ("cookies", "Share on", "Most read")), (spanish, ("Usamos", "Compartir en"))):
        assert article.title == "T" and "\n\nToral.\n\n" in article.text
        assert all(word in article.text for word in words)


def test_the_outlet_that_is_added_is_another_one_or_made_up(corpus: Corpus) -> None:
    preparer = Preparer(corpus.schema)
    p = preparer.prepare(Article(id="a", text="Toral.", lang="en", outlet="Own", author="Lee"))
    assert probed(p, preparer, corpus.schema, ["Other", "Own"])["outlet name added"].text == "Toral.\n\nBy Lee, Other"
    assert "Own" not in probed(p, preparer, corpus.schema, ["Own"])["outlet name added"].text
    assert "Publicado en" in changes(corpus, "Toral.", lang="es")["outlet name added"].text


def test_a_text_is_cut_to_its_first_words_and_keeps_its_title(corpus: Corpus) -> None:
    cut = changes(corpus, " ".join(f"w{i}" for i in range(150)), "Title")["first 100 words"]
    assert cut.title == "Title" and cut.text.split() == [*(f"w{i}" for i in range(100)), "…"]
    assert "first 100 words" not in changes(corpus, "w " * 100)


def test_the_real_model_ignores_accents_and_depends_on_capitals(model: Model, articles: list[Prepared]) -> None:
    found = figures(model, articles)
    accents = found["no accents"]
    assert accents.stances and accents.stances.n and accents.stances.value == 0.0 and accents.verdict == HOLDS
    assert accents.score and accents.score.value == 0.0
    texts = ["Toral lies and wastes our money.", "The docks bloom thanks to wise Toral.", "A shameful plan of Toral."]
    by_name = [model.preparer.prepare(Article(id=text, text=text, lang="en")) for text in texts]
    lower = figures(model, by_name)["lower case"]
    assert lower.stances and lower.stances.value == 1.0  # "Toral" is found no more
    assert lower.score and lower.score.value > 0.3 and lower.verdict == "moves more than it should"


class ByOutlet(Fake):
    def answer(self, prepared: Prepared) -> dict[str, StancePrediction]:
        return {"mayor": FOR if re.search("Publicado en|By .*Courier", prepared.text) else AGAINST}


class ByLength(Fake):
    def answer(self, prepared: Prepared) -> dict[str, StancePrediction]:
        return {"mayor": FOR if prepared.words > 100 else AGAINST}


class ByPlace(Fake):
    """For the target that comes first, against the second: it swaps as it should."""

    def answer(self, prepared: Prepared) -> dict[str, StancePrediction]:
        order = sorted(prepared.mentions, key=lambda target: prepared.mentions[target].first)
        return dict(zip(order, (FOR, AGAINST), strict=False))


class ByTarget(Fake):
    """For the one and against the other, whatever the text says."""

    def answer(self, prepared: Prepared) -> dict[str, StancePrediction]:
        answers = {"mayor": FOR, "union": AGAINST}
        return {target: answers[target] for target in prepared.mentions}


class ByNegation(Fake):
    def answer(self, prepared: Prepared) -> dict[str, StancePrediction]:
        negated = re.search(r"(?i)\bnot\b|\bno\b", prepared.text)
        return dict.fromkeys(prepared.mentions, AGAINST if negated else FOR)


def test_a_model_that_goes_by_the_outlet_is_seen(model: Model, articles: list[Prepared]) -> None:
    found = figures(fake(ByOutlet, model), articles)
    outlet = found["outlet name added"]
    assert outlet.stances and outlet.stances.value == 1.0 and outlet.verdict == "moves more than it should"
    assert outlet.score and outlet.score.value == pytest.approx(0.7)
    assert {f.verdict for name, f in found.items() if PROBES_BY_NAME[name] == "not move"} == {HOLDS, outlet.verdict}


PROBES_BY_NAME = {probe.name: probe.should for probe in PROBES}


def test_a_model_that_goes_by_length_is_seen(model: Model) -> None:
    long = [
        model.preparer.prepare(Article(id=str(i), text="Toral sings. " * 80, lang="en", group=str(i))) for i in range(9)
    ]
    cut = figures(fake(ByLength, model), long)["first 100 words"]
    # 100 words and the mark of the cut are more than 100
    assert cut.stances and cut.stances.value == 0.0
    short = [model.preparer.prepare(Article(id=str(i), text="Toral sings. " * 40, lang="en")) for i in range(9)]
    chrome = figures(fake(ByLength, model), short)["page chrome added"]
    assert chrome.stances and chrome.stances.value == 1.0 and chrome.verdict == "moves more than it should"


def test_a_model_swaps_as_it_should_or_is_seen_to_go_by_the_name(model: Model, articles: list[Prepared]) -> None:
    good, bad = (figures(fake(kind, model), articles)["targets swapped"] for kind in (ByPlace, ByTarget))
    assert good.stances and good.stances.value == 0.0 and good.verdict == HOLDS
    assert good.swapped and good.swapped.value == 1.0
    assert bad.stances and bad.stances.value == 1.0 and bad.verdict == "swaps less than it should"
    assert bad.swapped and bad.swapped.value == 0.0 and bad.swapped.n == bad.stances.n


def test_a_model_turns_at_a_negation_or_is_seen_not_to(model: Model) -> None:
    texts = [model.preparer.prepare(Article(id=str(i), text="Toral is right.", lang="en")) for i in range(9)]
    good, bad = (figures(fake(kind, model), texts)["negation inserted"] for kind in (ByNegation, ByTarget))
    assert good.score and good.score.value == pytest.approx(-0.7) and good.verdict == HOLDS
    assert bad.score and bad.score.value == 0.0 and bad.verdict == "turns less than it should"


def test_an_article_of_which_nothing_is_left_has_lost_all_its_answers(model: Model) -> None:
    quoted = model.preparer.prepare(Article(id="a", text="“Toral is right.”", lang="en"))
    (moves,) = probe_articles(fake(ByTarget, model), [quoted])
    assert moves["quotes stripped"] == Moved(stances=1, stances_moved=1, scores=1, score_moved=0.8)


def test_an_article_in_a_language_that_the_model_does_not_know_has_no_moves(model: Model) -> None:
    french = model.preparer.prepare(Article(id="a", text="Toral est là.", lang="fr"))
    assert probe_articles(model, [french]) == [{}]
    assert summarize_probes([{}], ["a"]) == [] and "No probe" in render_probes([])


def test_stances_that_come_and_topics_that_go_are_moves() -> None:
    rows = [{"lower case": Moved(stances=4, stances_moved=1, topics=2, topics_moved=2)}, {}]
    (lower,) = summarize_probes(rows, ["a", "b"])
    assert lower.articles == 1 and lower.score is None and lower.swapped is None
    assert lower.stances and lower.stances.value == 0.25 and lower.stances.n == 4
    assert lower.topics and lower.topics.value == 1.0 and lower.verdict == "moves more than it should"


def test_one_group_of_many_that_moves_leaves_it_open() -> None:
    rows = [{"lower case": Moved(stances=10, stances_moved=6 * (i == 0))} for i in range(10)]
    (lower,) = summarize_probes(rows, [str(i) for i in range(10)])
    assert lower.stances and lower.stances.low < 0.05 < lower.stances.high
    assert lower.verdict == "perhaps moves too much"


def test_what_may_move_is_only_shown() -> None:
    (cut,) = summarize_probes([{"first 100 words": Moved(stances=1, stances_moved=1)}], ["a"])
    assert cut.verdict == NO_CLAIM


def test_moves_travel_between_processes_and_come_out_the_same_each_time(model: Model, articles: list[Prepared]) -> None:
    moves = probe_articles(model, articles)
    assert pickle.loads(pickle.dumps(moves)) == moves == probe_articles(model, articles)
    assert [m for p in articles for m in probe_articles(model, [p])] == moves  # folds may be cut anyhow: no outlets


def test_the_table_is_narrow_and_names_every_probe(model: Model, articles: list[Prepared]) -> None:
    long = [replace(p.article, text=f"“Sic.” {p.article.text * 5}") for p in articles]
    found = list(figures(model, [model.preparer.prepare(a) for a in long]).values())
    assert [f.probe for f in found] == list(PROBES)
    worst = [replace(f, score=f.score and replace(f.score, value=-1.0, low=-1.0)) for f in found]
    worst = [replace(f, stances=f.stances and replace(f.stances, value=1.0, high=1.0)) for f in worst]
    text = render_probes(worst)
    assert max(map(len, text.splitlines())) <= 110
    assert all(text.count(probe.name) >= 2 for probe in PROBES)
    assert not np.isnan([f.stances.value for f in found if f.stances]).any()
