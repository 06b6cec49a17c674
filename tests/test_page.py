"""The page of `talante explain --html`: nothing of an article becomes markup, and the text stays as it is."""

import copy
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talante.cli.page import explanation_page
from tests.conftest import ROOT

VOID = {"meta"}
TEXT = "Toral lies\n\nThe harbor lost ships. Mayor Toral lied about the harbor.\n"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "&lt;b&gt; &amp; &quot;",
    "</style></title></div></details><b>",
    "{{ 7 * 7 }}{% raw %}",
    "<!-- ]]> -->",
]


class Page(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and the text in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.inside: list[list[str]] = []  # the text of each element, with that of the elements in it
        self.parents: list[list[int]] = []
        self._open: list[int] = []
        self.feed(html)
        self.close()
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parents.append(list(self._open))
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.inside.append([])
        assert len(attrs) == len(self.elements[-1][1]), "an attribute is there twice"
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self._open:
            self.inside[number].append(data)

    def numbers(self, tag: str, name: str = "") -> list[int]:
        """Return the elements of a tag, of a class if one is named."""
        found = enumerate(self.elements)
        return [i for i, (t, a) in found if t == tag and (not name or name in a.get("class", "").split())]

    def texts(self, tag: str, name: str = "") -> list[str]:
        return ["".join(self.inside[i]) for i in self.numbers(tag, name)]

    def words(self, tag: str, name: str = "") -> list[str]:
        return [" ".join(text.split()) for text in self.texts(tag, name)]

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, list(attributes)) for tag, attributes in self.elements]


def at(*spans: tuple[int, int]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in spans]


def label(kind: str = "topic", name: str = "harbor", given: bool = True, **more: Any) -> dict[str, Any]:
    sentences = [
        {"start": 0, "end": 10, "share": 0.5, "text": "ignored"},
        {"start": 12, "end": 34, "share": -0.25},
        {"start": 35, "end": 69, "share": 1.0},
    ]
    terms = [
        {"term": "harbor", "share": 0.75, "spans": at((16, 22), (62, 68))},
        {"term": "toral", "share": 0.75, "spans": at((0, 5), (41, 46))},
        {"term": "ships", "share": -0.25, "spans": at((28, 33))},
    ]
    plain = {
        "kind": kind, "label": name, "given": given, "score": 0.9, "threshold": None if kind == "stance" else 0.4,
        "logit": 0.5, "intercept": -1.0, "sentences": sentences, "terms": terms,
        "other": [{"name": "the title has a word of the topic", "share": 0.25}],
    }  # fmt: skip
    return plain | more


def row(*labels: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"id": "a1", "title": "Toral lies", "lang": "en", "model": "9c7ea3c24c1e", "text": TEXT}
    return plain | {"labels": list(labels)} | more


def page(*rows: dict[str, Any]) -> Page:
    return Page(explanation_page(rows))


def everywhere(content: str) -> list[dict[str, Any]]:
    """Return rows that have the content wherever a row can have text that is not ours."""
    end = len(content)
    explained = label(
        name=content, stance=content, kind="stance",
        sentences=[{"start": 0, "end": end, "share": 0.5}],
        terms=[{"term": content, "share": 0.5, "spans": at((0, end))}],
        other=[{"name": content, "share": 0.1}],
    )  # fmt: skip
    unsure = explained | {"label": content + content, "given": False}
    article = row(explained, unsure, id=content, title=content, model=content, text=content, lang=content)
    return [article, {"id": content, "error": content}]


def marks(shown: Page) -> list[tuple[str, str, str]]:
    """Return text, direction and tooltip of what is underlined in articles."""
    inside = set(shown.numbers("div", "text"))
    found = [i for i in shown.numbers("mark") if inside & set(shown.parents[i])]
    return [("".join(shown.inside[i]), shown.elements[i][1]["class"], shown.elements[i][1]["title"]) for i in found]


@pytest.mark.parametrize("content", HOSTILE)
def test_no_content_becomes_markup(content: str) -> None:
    hostile, harmless = page(*everywhere(content)), page(*everywhere("harmless"))
    assert hostile.shape == harmless.shape
    assert not {"script", "img"} & {tag for tag, _ in hostile.elements}
    assert not [name for _, attributes in hostile.elements for name in attributes if name.startswith("on")]
    assert hostile.texts("div", "text") == [content, content]
    assert hostile.texts("h2") == [content, content] and hostile.texts("p", "error") == [content]
    assert marks(hostile) == [(content, "for", f"{content} +0.5000")] * 2


@settings(max_examples=30, deadline=None)  # each example compiles the template
@given(st.text(min_size=1, max_size=40), st.data())
def test_the_text_stays_as_it_is_however_it_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=8)))
    sentences = [
        {"start": a, "end": b, "share": data.draw(st.sampled_from([-1.0, 0.0, 0.5]))}
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    spans = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 20)).map(
        lambda span: {"start": span[0], "end": min(len(text), sum(span))}
    )
    terms = [
        {"term": str(i), "share": share, "spans": data.draw(st.lists(spans, max_size=3))}
        for i, share in enumerate([0.4, -0.3, 0.2, 0.0])
    ]
    assert page(row(label(sentences=sentences, terms=terms), text=text)).texts("div", "text") == [text]


def tinted(shown: Page) -> list[tuple[str, str, str, str]]:
    """Return text, direction, strength and tooltip of the sentences of articles."""
    found = [(i, shown.elements[i][1]) for i in shown.numbers("span", "sentence")]
    return [("".join(shown.inside[i]), a["class"], a["style"], a["title"]) for i, a in found if "title" in a]


def test_a_sentence_is_tinted_by_its_share_of_the_strongest() -> None:
    shares = [1.0, -0.5, 2.0]
    sentences = [s | {"share": share} for s, share in zip(label()["sentences"], shares, strict=True)]
    assert tinted(page(row(label(sentences=sentences)))) == [
        ("Toral lies", "sentence for", "--w: 0.500", "sentence +1.0000"),
        ("The harbor lost ships.", "sentence against", "--w: 0.250", "sentence −0.5000"),
        ("Mayor Toral lied about the harbor.", "sentence for", "--w: 1.000", "sentence +2.0000"),
    ]


def test_overlapping_terms_are_each_named_and_the_strongest_decides() -> None:
    terms = [
        {"term": "lost ships", "share": -0.5, "spans": at((23, 33))},
        {"term": "ships", "share": 0.25, "spans": at((28, 33))},
        {"term": "ships mayor", "share": 0.125, "spans": at((28, 40))},
    ]
    assert marks(page(row(label(terms=terms)))) == [
        ("lost ", "against", "lost ships −0.5000"),
        ("ships", "against", "lost ships −0.5000, ships +0.2500, ships mayor +0.1250"),
        (".", "for", "ships mayor +0.1250"),
        (" ", "for", "ships mayor +0.1250"),  # between two sentences
        ("Mayor", "for", "ships mayor +0.1250"),
    ]


def test_twelve_terms_of_each_direction_are_shown_and_the_others_summed() -> None:
    signs = [1] * 14 + [-1] * 13
    terms = [{"term": f"t{i}", "share": sign * 0.5, "spans": at((i, i + 1))} for i, sign in enumerate(signs)]
    sentences = [{"start": 0, "end": 34, "share": 0.75}]
    shown = page(row(label(sentences=sentences, terms=terms, other=[])))
    supporting, opposing = range(12), range(14, 26)
    assert shown.words("h4") == ["For the label", "Against the label"]
    assert shown.words("li") == [f"t{i} +0.50" for i in supporting] + [f"t{i} −0.50" for i in opposing]
    assert [title for _, _, title in marks(shown)] == [
        *(f"t{i} +0.5000" for i in supporting),
        *(f"t{i} −0.5000" for i in opposing),
    ]
    assert "all other words together +0.75" in shown.words("p")


def test_a_direction_without_terms_says_so() -> None:
    shown = page(row(label(terms=[{"term": "ships", "share": 1.25, "spans": at((28, 33))}], other=[])))
    assert shown.words("section") == ["For the label ships +1.25", "Against the label none"]


def test_bars_of_terms_and_other_numbers_have_one_scale() -> None:
    shown = page(row(label(other=[{"name": "named in the title", "share": -1.5}])))
    bars = {shown.words("li")[k]: shown.elements[i][1]["style"] for k, i in enumerate(shown.numbers("li"))}
    assert bars["harbor +0.75"] == "--w: 0.500" and bars["named in the title −1.50"] == "--w: 1.000"


def test_the_sum_is_written_out() -> None:
    stance = label("stance", "mayor", stance="against")
    addressed = label("addressed", "mayor", sentences=[], terms=[], logit=-0.75)
    of_stance, topic, of_addressed = page(row(label(), stance, addressed)).words("p", "sum")
    total = "−1.00 intercept +1.25 sentences +0.25 other = +0.50 logit"
    assert topic == f"{total} → 0.90 score (threshold 0.40)"
    assert of_stance == f"{total} → 0.90 score (the three stances add up to 1)"
    assert of_addressed == "−1.00 intercept +0.25 other = −0.75 logit → 0.90 score (threshold 0.40)"


def test_only_the_first_given_label_is_open_and_the_others_are_apart() -> None:
    shown = page(row(label(name="ferry", given=False), label(), label(name="port"), label(name="sea", given=False)))
    assert [shown.words("h3")[k].split()[1] for k in range(4)] == ["harbor", "port", "ferry", "sea"]
    assert ["open" in shown.elements[i][1] for i in shown.numbers("details", "label")] == [True, False, False, False]
    (rest,) = shown.numbers("details", "rest")
    assert "open" not in shown.elements[rest][1]
    assert [rest in shown.parents[i] for i in shown.numbers("details", "label")] == [False, False, True, True]
    assert shown.words("dd") == ["harbor 0.90 port 0.90"]
    assert shown.texts("div", "text") == [TEXT] * 4


def test_an_article_without_labels_says_so() -> None:
    shown = page(row(), row(label(given=False)))
    assert shown.texts("p", "none") == ["No label was given."] * 2
    assert len(shown.numbers("details", "rest")) == 1


def test_an_article_without_a_title_has_its_id() -> None:
    assert page(row(label(), title="")).texts("h2") == ["a1"]


def test_an_error_keeps_its_place() -> None:
    shown = page(row(label()), {"id": "a2", "error": "not UTF-8 at byte 17"}, row(label(), title="Last"))
    assert shown.texts("h2") == ["Toral lies", "a2", "Last"]
    assert shown.texts("p", "error") == ["not UTF-8 at byte 17"]


def test_shares_of_zero_have_no_direction() -> None:
    still = label(sentences=[{"start": 0, "end": 10, "share": 0.0}], terms=[], other=[{"name": "late", "share": 0.0}])
    shown = page(row(still))
    assert tinted(shown) == [("Toral lies", "sentence ", "--w: 0.000", "sentence +0.0000")]
    assert shown.texts("div", "text") == [TEXT] and shown.words("li") == ["late +0.00"]


def test_a_label_without_shares_shows_its_score_alone() -> None:
    shown = page(row(label(sentences=[], terms=[], other=[])))
    assert shown.words("span", "score") == ["0.90 needs 0.40"]
    assert not shown.numbers("div", "text") and not shown.numbers("section")


def test_no_articles_make_a_page_too() -> None:
    assert page().words("main") == ["No articles."]


def test_links_lead_to_one_place_of_the_page_each() -> None:
    shown = page(row(label(), label(name="port")), row(label()))
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    targets = [attributes["href"] for _, attributes in shown.elements if "href" in attributes]
    assert len(ids) == len(set(ids)) and len(targets) == 5
    assert set(targets) == {f"#{i}" for i in ids}


def test_a_page_loads_nothing_runs_nothing_and_names_no_folder() -> None:
    html = explanation_page([row(label()), {"id": "a2", "error": "empty"}])
    shown = Page(html)
    assert not re.search(r"https?:|url\(|@import|javascript:", html, re.IGNORECASE)
    assert not {"script", "link", "iframe", "object", "base", "form"} & {tag for tag, _ in shown.elements}
    assert not {"src", "srcset", "action", "data"} & {name for _, attributes in shown.elements for name in attributes}
    assert str(ROOT) not in html and str(Path.home()) not in html


def test_languages_are_declared() -> None:
    shown = page(row(label(), lang="es"))
    assert shown.elements[0] == ("html", {"lang": "en"})
    assert [shown.elements[i][1]["lang"] for i in (*shown.numbers("h2"), *shown.numbers("div", "text"))] == ["es"] * 2


def test_the_same_rows_make_the_same_page_and_stay_as_they_are() -> None:
    rows = [row(label(), label(given=False)), {"id": "a2", "error": "empty"}]
    before = copy.deepcopy(rows)
    assert explanation_page(rows) == explanation_page(before) and rows == before
