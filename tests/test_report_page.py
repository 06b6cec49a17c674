"""The page of `talante evaluate --html`: all figures, nothing that is loaded or run, no text of others as markup."""

import math
import re
import sys
from dataclasses import fields, replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talante.cli import plots
from talante.cli.report_page import report_page
from talante.corpus.article import STANCES, Article
from talante.corpus.schema import Schema, Target, Topic
from talante.errors import UsageError
from talante.evaluation.forecast import Forecast, Gain, Point
from talante.evaluation.intervals import Estimate
from talante.evaluation.leaks import Leak
from talante.evaluation.mistakes import Mistake, Passage, Piece
from talante.evaluation.outcomes import Outcome
from talante.evaluation.probes import PROBES, ProbeFigures
from talante.evaluation.report import (
    Bin,
    Calibration,
    Control,
    Curve,
    Group,
    LabelFigures,
    RandomSplit,
    Report,
    StanceFigures,
    build_report,
)
from talante.evaluation.slices import Figure, Slice

VOID = {"meta", "br"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;b&gt; &amp; &quot;",
    "</style></title></svg></details><b>",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- ]]> -->",
    ' id="x" #010203 url(#a) $x_1$ 0.12345',
]


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and the text in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inside: list[str] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.inside.append("")
        assert len(attrs) == len(self.elements[-1][1]), "an attribute is there twice"
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self._open:
            self.inside[number] += data

    def words(self, tag: str, name: str = "") -> list[str]:
        found = zip(self.elements, self.inside, strict=True)
        return [
            " ".join(t.split()) for (e, a), t in found if e == tag and (not name or name in a.get("class", "").split())
        ]

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]


def at(value: float, n: int = 40) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, n)


def label(name: str, support: int = 40) -> LabelFigures:
    return LabelFigures(name, support, at(0.5), at(0.6), at(0.55), at(0.7))


def stances(target: str) -> StanceFigures:
    confusion = [[8, 1, 1, 0], [2, 7, 0, 1], [0, 3, 12, 5]]
    return StanceFigures(target, 40, [label(s) for s in STANCES], at(0.61), at(0.62), confusion)


def part(by: str, name: str, difference: float | None) -> Slice:
    none = Figure(3, None, None)
    if difference is None:
        return Slice(by, name, 4, none, none)
    return Slice(
        by, name, 30, Figure(50, at(0.6), Estimate(difference, difference - 0.05, difference + 0.05, 50)), none
    )


def full(text: str = "harbor", **more: Any) -> Report:
    """Return a report with all its parts, and the text wherever there can be one that is not ours."""
    passage = Passage(0.5, (Piece(text, 0.25), Piece(" plain ", 0.0), Piece(text, 0.5)))
    around = (text, text, f"{text} group", f"/home/me/{text}:3")
    mistakes = [
        Mistake(kind, text, "against", "favor", 0.03, *around, ((text, 0.5),), (passage,))  # type: ignore[arg-type]
        for kind in ("stance", "topic", "addressed")
    ]  # fmt: skip
    card = {
        "id": text, "talante": text, "languages": [text], "settings": {text: 3, "stance_c": 10.0, "nested": {"a": {}}},
        "data": {
            "digest": text, "articles": 1829, "origins": {text: 3}, "topics": {text: 7},
            "stances": {text: {"against": 1, "neutral": 2, "favor": 3}},
        },
    }  # fmt: skip
    plain = Report(
        what=text, model=text, articles=1234, groups=56, untagged=2, resampled="groups",
        topics=[label(text), label("fishing")], topics_micro=label("all topics"), topics_macro_f1=at(0.64),
        stances=[stances(text)], pooled=stances("all targets"), addressed=label("addressed"), opposed=at(0.3),
        calibration={k: Calibration(at(0.05), [Bin(0.2, at(0.3)), Bin(0.9, at(0.8))]) for k in ("topics", "stances")},
        curves=[Curve(c, [(0.1, 1.0), (0.5, 0.8), (1.0, 0.4)]) for c in ("topics", "addressed", *STANCES)],
        languages={"en": (at(0.6), at(0.7)), text: (None, at(0.7))}, worst_group=Group(text, 12, 0.25), judged=9,
        controls=[
            Control(text, text, True, at(0.3), at(0.3)), Control("outlet-only", "others", False, at(0.8), at(-0.2)),
        ],
        slices=[part("outlet", text, -0.3), part("genre", "letter", 0.01), part("outlet", f"few {text}", None)],
        random_split=RandomSplit(30, 0.75, at(0.15), 0.8, at(0.0)), leaks=[Leak("named in", 3, 9, (text,))],
        mistakes=mistakes, card=card,
        probes=[
            ProbeFigures(p, 9, at(0.1), at(-0.1), None, at(0.5) if p.should == "swap" else None, "holds")
            for p in PROBES
        ],
        forecast=Forecast(
            [Point(100, 0.5, 0.6, 3), Point(200, 0.6, 0.7, 3)], [Gain(text, 500, "stances", at(0.2))], text
        ),
    )  # type: ignore[arg-type]  # fmt: skip
    return replace(plain, **more)


def empty(**more: Any) -> Report:
    """Return a report of articles that have no labels at all."""
    values: dict[str, Any] = {f.name: None for f in fields(Report)}
    lists = ("topics", "stances", "curves", "controls", "slices", "leaks", "mistakes", "probes")
    values |= {name: [] for name in lists} | {"calibration": {}, "languages": {}, "card": {}}
    values |= {"what": "gold.jsonl", "model": "m", "articles": 1, "groups": 1, "untagged": 0, "resampled": "articles"}
    return Report(**values | more)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the plots empty, which are slow to draw."""
    monkeypatch.setattr(
        plots, "_svg", lambda *_: '<svg class="plot" role="img" aria-label="" viewBox="" style=""></svg>'
    )


@pytest.fixture(scope="module")
def html() -> str:
    return report_page(full())


@pytest.fixture(scope="module")
def shown(html: str) -> Page:
    return Page(html)


def test_the_verdict_comes_first_then_warnings_then_figures(shown: Page) -> None:
    report = full()
    headings = shown.words("h2")
    assert headings[0] == "Stances beat every control."
    assert report.verdict.endswith(shown.words("p")[1])
    assert shown.words("div", "warnings")[0].endswith(report.warnings[-1])
    order = [a.get("class", "") for tag, a in shown.elements if tag in ("div", "dl", "section", "nav")]
    assert [c for c in order if c][:3] == ["verdict good", "warnings", "cards"]


@pytest.mark.usefixtures("undrawn")
def test_a_model_that_does_not_beat_a_control_is_told_so_at_the_top() -> None:
    shown = Page(report_page(full(controls=[Control("majority", "the most frequent", True, at(0.3), at(0.05))])))
    assert shown.words("h2")[0] == "Stances do NOT beat majority beyond the interval."
    assert shown.words("div", "bad") and shown.words("span", "fails")[0] == "not beyond the interval"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("content", HOSTILE)
def test_no_content_becomes_markup(content: str, shown: Page) -> None:
    hostile = Page(report_page(full(content)))
    tags = {tag for tag, _ in hostile.elements}
    assert not tags & {"script", "img"}
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]
    assert outside_plots(hostile) == outside_plots(shown)
    row = hostile.words("th")
    assert " ".join(content.split()) in row and f"outlet {' '.join(content.split())}" in row
    assert [m for m in hostile.words("mark") if m] == [" ".join(content.split())] * 6
    assert hostile.words("code")[0].startswith("talante evaluate")


def outside_plots(page: Page) -> list[tuple[str, list[str]]]:
    """Return the elements of a page without those in plots, whose ticks depend on the room that names leave."""
    inside = {"g", "path", "use", "text", "defs", "clippath", "rect"}
    return [(tag, list(attributes)) for tag, attributes in page.elements if tag not in inside]


@pytest.mark.parametrize("content", HOSTILE)
def test_no_content_becomes_markup_in_a_plot(content: str) -> None:
    drawn = Page(plots.leads([Control(content, content, True, at(0.3), at(0.3))]))
    assert {tag for tag, _ in drawn.elements} <= {"svg", "g", "path", "use", "text", "defs", "clippath", "rect"}
    assert not [name for _, attributes in drawn.elements for name in attributes if name.startswith("on")]
    assert drawn.elements[0][1]["aria-label"] == f"Lead over each control: {content} 0.30 [0.20, 0.40]"
    shown = [text for text in drawn.words("text") if text[:5] == content.strip()[:5]]
    assert shown and content.strip().startswith(shown[0].rstrip("…"))


@settings(max_examples=8, deadline=None)  # each example draws a plot
@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20))
def test_the_text_of_a_plot_stays_as_it_is(name: str) -> None:
    drawn = Page(plots.topics([label(name)]))
    assert " ".join(name.split()) in drawn.words("text")
    assert f"{name} 0.55" in drawn.elements[0][1]["aria-label"]


def test_a_page_loads_nothing_runs_nothing_and_names_no_folder(html: str, shown: Page) -> None:
    assert not re.search(r"https?:|@import|javascript:|xmlns|url\((?!#)", html, re.IGNORECASE)
    assert not {"script", "link", "iframe", "object", "base", "form", "img"} & {tag for tag, _ in shown.elements}
    assert not {"src", "srcset", "action", "data"} & {name for _, attributes in shown.elements for name in attributes}
    assert "/home/me" not in html and str(Path.cwd()) not in html
    assert len(html) < 400_000


def test_ids_are_unique_and_every_reference_has_one(html: str, shown: Page) -> None:
    ids = shown.all("id")
    assert len(ids) == len(set(ids))
    references = [href[1:] for href in shown.all("href")] + re.findall(r"url\(#([^)]*)\)", html)
    assert set(references) | set(shown.all("aria-labelledby")) <= set(ids)


def test_plots_have_the_colors_of_the_page_and_say_what_they_show(html: str) -> None:
    drawn = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert len(drawn) == 7  # leads, topics, two of curves, two of calibration, learning
    for svg in drawn:
        assert not re.search(r"#[0-9a-f]{6}\b|<style|<metadata|<!--|font-family", svg)
        assert 'role="img" aria-label="' in svg and "var(--faint)" in svg
        assert "NaN" not in svg and "nan" not in svg


def test_headings_descend_one_level_at_a_time(shown: Page) -> None:
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_section_is_in_the_contents(shown: Page) -> None:
    sections = [a["aria-labelledby"] for tag, a in shown.elements if tag == "section"]
    assert [href[1:] for tag, a in shown.elements if tag == "a" and (href := a["href"])] == sections
    assert sections == [
        "stances", "controls", "topics", "curves", "calibration", "slices", "random", "learning", "probes",
        "mistakes", "data", "method", "terms",
    ]  # fmt: skip


def test_parts_that_are_absent_vanish() -> None:
    shown = Page(report_page(empty()))
    assert [a["aria-labelledby"] for tag, a in shown.elements if tag == "section"] == ["method", "terms"]
    assert shown.words("h2")[0] == "No stances to judge."
    assert not shown.words("div", "warnings") and not shown.words("dl", "cards") and not shown.words("svg")


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("gone", "section"),
    [
        ({"controls": []}, "controls"),
        ({"topics": [], "topics_micro": None, "topics_macro_f1": None}, "topics"),
        ({"stances": [], "pooled": None, "addressed": None}, "stances"),
        ({"calibration": {}}, "calibration"),
        ({"curves": []}, "curves"),
        ({"slices": [], "languages": {}}, "slices"),
        ({"random_split": None}, "random"),
        ({"forecast": None}, "learning"),
        ({"probes": []}, "probes"),
        ({"mistakes": []}, "mistakes"),
        ({"card": {}}, "data"),
    ],
)
def test_a_part_vanishes_alone(gone: dict[str, Any], section: str, shown: Page) -> None:
    left = Page(report_page(full(**gone)))
    before, after = ([a["aria-labelledby"] for tag, a in p.elements if tag == "section"] for p in (shown, left))
    assert after == [name for name in before if name != section]


@pytest.mark.usefixtures("undrawn")
def test_figures_without_scores_have_no_column_of_average_precision() -> None:
    def unscored(figures: LabelFigures) -> LabelFigures:
        return replace(figures, average_precision=None)

    pooled = replace(stances("all targets"), stances=[unscored(label(s)) for s in STANCES])
    report = full(
        topics=[unscored(label("harbor"))], topics_micro=unscored(label("all topics")), addressed=unscored(label("a")),
        stances=[], pooled=pooled, calibration={}, curves=[],
    )  # fmt: skip
    assert "Average" not in " ".join(Page(report_page(report)).words("th"))


@pytest.mark.usefixtures("undrawn")
def test_a_figure_without_an_interval_says_so_and_without_labels_is_a_dash() -> None:
    bare = replace(label("fishing"), f1=Estimate(0.5, math.nan, math.nan, 3))
    shown = Page(report_page(full(topics=[bare, replace(label("sea", 0))])))
    cells = shown.words("td")
    assert "0.50 no interval" in cells
    assert "nan" not in " ".join(shown.inside[0].lower().split()).replace("finance", "")
    first = cells.index("–") - 1  # the support of "sea"
    assert cells[first : first + 5] == ["0", "–", "–", "–", "–"]


@pytest.mark.usefixtures("undrawn")
def test_gains_stand_side_by_side_and_a_missing_one_is_a_dash() -> None:
    gains = [
        Gain("any", 50, "topics", Estimate(0.0042, -0.001, 0.009, 300)),
        Gain("any", 100, "topics", Estimate(0.008, math.nan, math.nan, 300)),
        Gain("language: es", 50, "topics", Estimate(-0.002, -0.004, 0.0, 120)),
    ]
    shown = Page(report_page(full(forecast=Forecast([], gains, ""))))
    rows = [row for row in shown.words("tr") if row.startswith(("any", "language: es"))]
    assert rows == [
        "any300+0.004 [−0.001, +0.009]+0.008 no interval",
        "language: es120−0.002 [−0.004, +0.000]–",
    ]


def test_a_learning_curve_has_the_points_that_were_measured() -> None:
    drawn = plots.learning([Point(100, None, 0.6, 3), Point(200, None, 0.7, 3)])
    assert "200 articles: stances not measured, topics 0.70" in drawn
    assert "topics" in Page(drawn).words("text") and "stances" not in Page(drawn).words("text")


def test_slices_that_differ_are_marked_and_those_with_too_few_are_only_named(shown: Page) -> None:
    assert shown.words("tr", "stands-out") == ["outlet harbor30 0.60 [0.50, 0.70]−0.30 than the rest too few (3)"]
    assert shown.words("p", "few") == ["Outlet (1): few harbor"]
    assert "1 with too few labels for a figure" in shown.words("summary")


@pytest.mark.usefixtures("undrawn")
def test_slices_that_do_not_differ_are_folded_away_after_the_first() -> None:
    many = [part("outlet", f"o{i}", 0.0) for i in range(40)]
    shown = Page(report_page(full(slices=many)))
    assert shown.words("summary")[0] == "28 more parts that do not differ from the rest"


def test_a_mistake_tells_label_answer_place_and_words(shown: Page) -> None:
    (heading, *_) = shown.words("h4")
    assert heading == "harbor: labelled against, said favor the label scored 0.03 harbor · harbor:3 · harbor group"
    tints = [a["style"] for tag, a in shown.elements if tag == "mark"][:2]
    assert tints == ["--w: 0.50", "--w: 1.00"]  # the strongest word of the mistake has the full tint
    assert "harbor +0.50" in shown.words("li")


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("more", "command"),
    [
        (
            {"what": "my gold.jsonl", "model": "m1"},
            "talante evaluate 'my gold.jsonl' --model m1 --probe --html report.html",
        ),
        (
            {"what": "data, cross-validated with groups held out", "probes": []},
            "talante evaluate --data data --curve --html report.html",
        ),
        (
            {"what": "gold.jsonl", "model": "said.jsonl", "card": {}, "probes": []},
            "talante evaluate gold.jsonl --predictions said.jsonl --html report.html",
        ),
    ],
)
def test_the_command_to_make_the_page_again_is_on_it(more: dict[str, Any], command: str) -> None:
    assert Page(report_page(full(**more))).words("code") == [command]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "card", [{"data": 3}, {"data": {"topics": 3, "stances": {"t": 1}}, "settings": None}, {"x": {}}]
)
def test_a_card_of_another_make_is_no_trouble(card: dict[str, Any]) -> None:
    assert "data" not in report_page(full(card=card)).partition('<section aria-labelledby="data">')[1]


def test_the_same_report_makes_the_same_page(html: str) -> None:
    assert report_page(full()) == html


def test_a_report_of_real_outcomes_has_a_page() -> None:
    schema = Schema(
        (Topic("harbor", {}, "", {}),),
        (Target("mayor", {}, "", {}), Target("union", {}, "", {})),
    )
    outcomes = []
    for i in range(24):
        gold = {"mayor": STANCES[i % 3], "union": STANCES[(i + 1) % 3]}
        article = Article(
            id=str(i), text="x", lang="en", outlet=f"o{i % 12}", topics=frozenset(["harbor"] * (i % 2)), stances=gold
        )
        said = {t: tuple(0.8 if s == g else 0.1 for s in STANCES) for t, g in gold.items()}
        outcomes.append(
            Outcome(
                article,
                100,
                {"harbor": 0.9 * (i % 2)},
                article.topics or frozenset(),
                gold,
                said,
                dict.fromkeys(gold, 0.9),
            )  # type: ignore[arg-type]
        )
    shown = Page(report_page(build_report(outcomes, schema, what="gold.jsonl", model="m")))
    assert shown.words("h2")[0] == "Stances beat every control."
    assert len(shown.words("table", "confusion")) == 3
    assert "24 articles in 12 groups · model m" in shown.words("p")


def test_a_missing_matplotlib_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"the page needs matplotlib; pip install 'talante\[plots\]'"):
        plots.require_matplotlib()
