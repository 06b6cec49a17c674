"""The gate: no worse than the margins, not below a floor, no labels that contradict the champion; or no promotion."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.schema import Schema, Target, Topic
from talante.errors import DataError
from talante.evaluation.compare import compare, pair
from talante.evaluation.flips import Arena, try_draws
from talante.evaluation.gate import Check, Gate, Judged, Margins, check_new, judge, load_gate
from talante.evaluation.outcomes import Outcome

SCHEMA = Schema(
    (Topic("harbor", {}, "", {}),),
    (Target("toral", {}, "", {"en": ("Toral",)}), Target("lim", {}, "", {"en": ("Lim",)})),
)
OPPOSITE: dict[Stance, Stance] = {"against": "favor", "favor": "against", "neutral": "neutral"}


def said(number: int, stance: Stance | None = None, topics: frozenset[str] = frozenset({"harbor"})) -> Outcome:
    """Return the outcome of one article, whose label is right unless another stance is said of it."""
    gold = STANCES[number % 3]
    article = Article(
        id=f"a{number}", text="x", lang="en", group=f"g{number}", topics=frozenset({"harbor"}), stances={"toral": gold}
    )
    return Outcome(article, 10, {}, topics, {"toral": stance or gold}, {})


def wrong(numbers: range, of: int) -> list[Outcome]:
    return [said(i, OPPOSITE[STANCES[i % 3]] if i in numbers and i % 3 != 1 else None) for i in range(of)]


def checks(champion: list[Outcome], candidate: list[Outcome], gate: Gate | None = None, **more: float) -> list[Check]:
    floors = {figure.replace("_", " "): (floor, 0.5) for figure, floor in more.items()}
    gate = gate or Gate(enough=10)
    return judge(compare(champion, candidate, SCHEMA), gate, on="here", margins=gate.margins, floors=floors)


def test_the_same_answers_pass() -> None:
    found = checks(wrong(range(10), 180), wrong(range(10), 180))
    assert {c.answer for c in found} == {"passed"} and Judged(found).answer == "passed"
    assert {c.figure for c in found} >= {"stances, macro-F1", "toral, macro-F1", "harbor, F1"}


def test_a_candidate_that_is_much_worse_is_worse_and_one_that_is_better_passes() -> None:
    good, bad = wrong(range(3), 180), wrong(range(80), 180)
    assert Judged(checks(good, bad)).answer == "worse"
    assert Judged(checks(bad, good)).answer == "passed"
    complaint = next(c for c in checks(good, bad) if c.answer == "worse").complaint()
    assert complaint.startswith("worse: stances, macro-F1 on here -0.") and "margin 0.02" in complaint


def test_what_few_articles_cannot_show_is_cannot_tell_with_how_many_would() -> None:
    champion = wrong(range(0, 6), 60)
    candidate = wrong(range(6, 12), 60)
    found = {c.figure: c for c in checks(champion, candidate)}
    check = found["stances, macro-F1"]
    assert check.answer == "cannot tell" and check.more_articles is not None and check.more_articles > 60
    assert "more labelled articles would decide" in check.complaint()
    # With as many as that, and the same rates, it is decided
    times = 2 + check.more_articles // 60
    many = [
        [replace(o, article=replace(o.article, id=f"{o.article.id}-{t}", group=f"{o.article.group}-{t}")) for o in side
         for t in range(times)] for side in (champion, candidate)
    ]  # fmt: skip
    assert next(c for c in checks(*many) if c.figure == "stances, macro-F1").answer == "passed"


def test_the_same_answers_on_a_few_articles_prove_nothing() -> None:
    found = {c.figure: c for c in checks(wrong(range(3), 30), wrong(range(3), 30))}
    check = found["stances, macro-F1"]
    assert (check.difference.low, check.answer, check.more_articles) == (0, "cannot tell", 120)
    many = {c.figure: c for c in checks(wrong(range(3), 150), wrong(range(3), 150))}
    assert many["stances, macro-F1"].answer == "passed"


def test_a_floor_holds_where_the_margin_does_not() -> None:
    same, gate = wrong(range(10), 180), Gate(enough=1000)
    held = judge(compare(same, same, SCHEMA), gate, on="here", margins=gate.margins, floors={"harbor, F1": (0.9, 0.8)})
    assert Judged(held).answer == "below floor"


def test_a_champion_that_is_poor_itself_refuses_no_batch() -> None:
    poor = wrong(range(60), 60)
    found = check_new(wrong(range(60, 90), 90)[60:], poor, Gate(), SCHEMA)
    assert found and found.opposite and found.opposite.value == found.opposite_before == 1.0
    assert not found.contradicted


def test_articles_that_the_champion_cannot_read_do_not_contradict_it() -> None:
    new = [replace(o, words=0, predicted_topics=frozenset(), predicted_stances={}) for o in wrong(range(0), 40)]
    assert check_new(new, wrong(range(6), 60), Gate(), SCHEMA) is None


def test_a_figure_with_few_labels_is_not_protected() -> None:
    assert "toral, macro-F1" not in {
        c.figure for c in checks(wrong(range(3), 30), wrong(range(3), 30), Gate(enough=31))
    }
    assert "lim, macro-F1" not in {c.figure for c in checks(wrong(range(3), 30), wrong(range(3), 30))}


def test_a_wider_margin_lets_more_through() -> None:
    good, bad = wrong(range(3), 90), wrong(range(40), 90)
    assert Judged(checks(good, bad, Gate(Margins(1.0, 1.0, 1.0)))).answer == "passed"


def test_a_floor_stops_what_the_margins_let_through() -> None:
    same = wrong(range(10), 180)
    gate = Gate(enough=10)
    comparison = compare(same, same, SCHEMA)
    held = judge(comparison, gate, on="here", margins=gate.margins, floors={"stances, macro-F1": (0.9, 0.89)})
    assert Judged(held).answer == "below floor"
    assert "below its floor: stances, macro-F1 on here 0.890, floor 0.900" in held[0].complaint()
    held = judge(comparison, gate, on="here", margins=gate.margins, floors={"stances, macro-F1": (0.9, 0.9)})
    assert Judged(held).answer == "passed"


def test_labels_that_are_turned_around_contradict_the_champion() -> None:
    before, new = wrong(range(6), 60), wrong(range(60, 90), 90)[60:]
    found = check_new(new, before, Gate(), SCHEMA)
    assert found and found.contradicted and found.opposite and found.opposite.value == 1.0
    assert found.opposite_before == pytest.approx(0.1, abs=0.04)
    assert (
        "100% of 20 stances are the opposite of its answers" in found.complaint() and "look at a" in found.complaint()
    )
    assert Judged([], found).answer == "contradicted"


def test_topics_in_the_wrong_rows_contradict_the_champion() -> None:
    new = [said(i, topics=frozenset({"other"} if i % 8 else {"harbor"})) for i in range(40)]
    schema = replace(SCHEMA, topics=(*SCHEMA.topics, Topic("other", {}, "", {})))
    found = check_new(new, wrong(range(6), 60), Gate(), schema)
    assert found and found.contradicted and found.topics and found.topics.high < 0.6


def test_a_new_subject_on_which_the_champion_is_poor_does_not_contradict_it() -> None:
    new = wrong(range(60, 70), 90)[60:]
    found = check_new(new, wrong(range(6), 60), Gate(), SCHEMA)
    assert found and not found.contradicted and found.articles[0] in {f"a{i}" for i in range(60, 70)}


def test_a_bad_file_does_not_hide_among_good_ones() -> None:
    good = [replace(o, article=replace(o.article, place=f"good.jsonl:{i}")) for i, o in enumerate(wrong(range(9), 180))]
    bad = [replace(o, article=replace(o.article, place=f"d/bad.jsonl:{i}")) for i, o in enumerate(wrong(range(45), 45))]
    assert not (alone := check_new(good, good, Gate(), SCHEMA)) or not alone.contradicted
    found = check_new([*good, *bad], good, Gate(), SCHEMA)
    assert found and found.contradicted and (found.file, found.count) == ("bad.jsonl", 45)
    assert "the labels of 45 new or changed articles in bad.jsonl contradict the model in use" in found.complaint()


@pytest.mark.parametrize(("turned", "contradicted"), [(6, True), (4, False)])
def test_a_few_labels_contradict_only_if_nearly_all_do(turned: int, contradicted: bool) -> None:
    polar = [i for i in range(60, 75) if i % 3 != 1][:6]
    new = [said(i, OPPOSITE[STANCES[i % 3]] if i in polar[:turned] else None) for i in polar]
    found = check_new(new, wrong(range(6), 60), Gate(), SCHEMA)
    assert found and found.opposite and found.opposite.n == 6 and found.contradicted == contradicted
    assert found.opposite.low < found.opposite.value


def test_few_new_labels_are_not_judged() -> None:
    found = check_new(wrong(range(4), 4), wrong(range(6), 60), Gate(), SCHEMA)
    assert found and not found.contradicted and found.opposite is None
    assert check_new([], wrong(range(6), 60), Gate(), SCHEMA) is None


@given(st.integers(0, 60), st.integers(0, 60))
def test_no_candidate_passes_that_is_worse_than_the_margin(a: int, b: int) -> None:
    for check in checks(wrong(range(a), 60), wrong(range(b), 60)):
        if check.answer == "passed":
            assert check.candidate - check.champion >= -check.margin


def test_two_models_that_are_equally_good_seldom_stop_each_other_and_losses_do() -> None:
    a, b = wrong(range(0, 60), 1800), wrong(range(30, 90), 1800)
    gate = Gate(Margins(0.03, 0.03, 0.05))
    tried = try_draws([Arena("here", gate.margins, pair(a, b, SCHEMA))], gate, draws=40, jobs=1)
    assert tried.rate <= 0.1 and tried.draws == 40
    stopped = [loss.stopped for loss in tried.losses]
    assert stopped[-1] == 1.0 and stopped[0] < 0.5
    assert [loss.loss for loss in tried.losses] == sorted(loss.loss for loss in tried.losses)
    assert tried.caught is not None and 0.01 < tried.caught < tried.losses[-1].loss
    assert "A/A: of 40 draws" in str(tried) and "Caught with a chance of 80%: 0.0" in str(tried)
    again = try_draws([Arena("here", gate.margins, pair(a, b, SCHEMA))], gate, draws=40, jobs=1)
    assert again == tried


def write(folder: Path, text: str) -> Path:
    (folder / "gate.toml").write_text(text)
    return folder


def test_the_file_of_the_gate_says_what_differs_from_the_defaults(tmp_path: Path) -> None:
    assert load_gate(tmp_path) == Gate()
    assert load_gate(write(tmp_path, "")) == Gate()
    (tmp_path / "gold.jsonl").write_text("{}\n")
    digest = hashlib.sha256(b"{}\n").hexdigest()
    text = f'[margins]\noverall = 0.01\n[[gold]]\npath = "gold.jsonl"\nsha256 = "{digest}"\nmargins.label = 0.2\n'
    gate = load_gate(write(tmp_path, text + "[drift]\noov = 0.1\n"))
    assert gate.margins == Margins(overall=0.01)
    assert gate.golds[0].path == tmp_path / "gold.jsonl" and gate.golds[0].margins == Margins(overall=0.01, label=0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[margins]\noveral = 0.01", r"gate.toml: margins.overal: extra inputs"),
        ("[margins]\noverall = -1", r"margins.overall: input should be greater than or equal to 0"),
        ("[margins]\noverall = nan", r"margins.overall: input should be a finite number"),
        ("[new]\nmost_opposite = nan", r"new.most_opposite: input should be a finite number"),
        ("[labels]\nenough = 'many'", r"labels.enough: input should be a valid integer"),
        ("margins = [", r"gate.toml: cannot be read"),
        ('[[gold]]\npath = "gone.jsonl"\nsha256 = "0"', r"gone.jsonl: cannot read: no such file .*gate.toml names it"),
    ],
)  # fmt: skip
def test_a_faulty_file_is_named_with_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_gate(write(tmp_path, text))


def test_a_gold_file_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gold.jsonl").write_text("changed\n")
    with pytest.raises(
        DataError, match=r"gold.jsonl: not the file that was pinned: its SHA-256 is [0-9a-f]{64}; restore"
    ):
        load_gate(write(tmp_path, '[[gold]]\npath = "gold.jsonl"\nsha256 = "00"'))
