"""The surest mistakes come first, with the words that argue against the label; a planted label error is one of them."""

import random
from dataclasses import replace

import pytest

from talante.corpus.article import STANCES, Article
from talante.corpus.records import Corpus
from talante.evaluation.crossval import cross_validate
from talante.evaluation.mistakes import WORST, Mistake, worst, worst_of
from talante.evaluation.outcomes import outcome
from talante.model.evidence import explain
from talante.model.model import Model
from talante.text.prepare import Prepared, Preparer
from tests.conftest import SETTINGS


def relabelled(prepared: Prepared, **labels: object) -> Prepared:
    return replace(prepared, article=replace(prepared.article, **labels))  # type: ignore[arg-type]


def test_a_model_that_agrees_has_no_mistakes(model: Model, articles: list[Prepared]) -> None:
    agreed = []
    for p in articles:
        said = model.predict_prepared(p)
        agreed.append(
            relabelled(p, topics=frozenset(said.topics), stances={t: s.stance for t, s in said.stances.items()})
        )
    assert worst(model, agreed, [outcome(model, p) for p in agreed]) == []


def test_words_and_passages_argue_against_the_label(model: Model, articles: list[Prepared]) -> None:
    praise = next(p for p in articles if p.article.stances == {"mayor": "favor"})
    wrong = relabelled(praise, stances={"mayor": "against"})
    (mistake,) = (m for m in worst(model, [wrong], [outcome(model, wrong)]) if m.kind == "stance")
    assert (mistake.label, mistake.gold, mistake.predicted) == ("mayor", "against", "favor")
    assert mistake.gold_score < 0.5 and mistake.words and mistake.passages
    by_stance = {e.stance: e for e in explain(model, wrong, only=("stance", "mayor"))}
    for term, share in mistake.words:
        parts = [sum(s.value for s in by_stance[said].shares if s.term == term) for said in ("favor", "against")]
        assert share > 0 and share == pytest.approx(parts[0] - parts[1])
    for passage in mistake.passages:
        text = "".join(piece.text for piece in passage.pieces)
        assert text in wrong.text and passage.share > 0
        assert any(piece.share > 0 for piece in passage.pieces)


def test_a_missing_and_an_added_topic_are_mistakes_of_yes_and_no(model: Model, articles: list[Prepared]) -> None:
    given = articles[0].article.topics or frozenset()
    assert given
    without = relabelled(articles[0], topics=frozenset(), stances=None)
    found = worst(model, [without], [outcome(model, without)])
    assert {(m.kind, m.label, m.gold, m.predicted) for m in found} == {("topic", t, "no", "yes") for t in given}
    disputed = relabelled(without, disputed_topics=given)
    assert worst(model, [disputed], [outcome(model, disputed)]) == []


def test_of_each_kind_the_surest_are_kept_in_order() -> None:
    mistakes = [Mistake("topic", "t", "no", "yes", i / 100, f"a{i}", "", "", "") for i in range(50)]
    mistakes.append(Mistake("stance", "t", "favor", "against", 0.9, "b", "", "", ""))
    kept = worst_of(reversed(mistakes))
    assert [m.id for m in kept] == ["b", *(f"a{i}" for i in range(WORST))]


SAID = {
    "against": ["lies", "wastes", "corrupt", "arrogant", "shameful", "ruined", "broken", "betrayed"],
    "neutral": ["met", "published", "figures", "council", "announced", "scheduled", "reported", "Monday"],
    "favor": ["honest", "wise", "brave", "keeps", "works", "careful", "generous", "thanked"],
}
PLAIN = "pier bridge road market library bakery station garden mill winter harvest school river train".split()  # noqa: SIM905


@pytest.mark.parametrize("planted", [7, 19])
def test_a_planted_label_error_is_the_first_of_all(corpus: Corpus, planted: int) -> None:
    preparer, articles, dice = Preparer(corpus.schema), [], random.Random(0)
    for i in range(60):
        stance = STANCES[i % 3]
        said, plain = dice.sample(SAID[stance], 4), dice.sample(PLAIN, 8)
        text = f"Mayor Toral {' '.join(said[:2])} {' '.join(plain[:4])}. Toral {' '.join(said[2:] + plain[4:])}."
        label = STANCES[(i + 1) % 3] if i == planted else stance
        article = Article(
            str(i),
            text,
            "",
            "en",
            group=f"g{i % 10}",
            topics=frozenset({"harbor"} if i % 2 else ()),
            stances={"mayor": label},
        )
        articles.append(preparer.prepare(article))
    found = cross_validate(articles, corpus.schema, SETTINGS, jobs=1).mistakes
    assert next(m.id for m in found if m.kind == "stance") == str(planted)


def test_without_a_model_mistakes_are_ranked_and_not_explained(model: Model, articles: list[Prepared]) -> None:
    wrong = [relabelled(p, topics=frozenset()) for p in articles]
    found = worst(None, [], [outcome(model, p) for p in wrong])
    assert found and all(not m.words and not m.passages for m in found)
