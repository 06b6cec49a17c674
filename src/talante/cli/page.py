"""The page of `talante explain --html`: the labels of each article and what in its text speaks for and against them.

Everything is worked out here, so that the template only lays out what it is given. jinja2 is imported when a page is
drawn: no other command needs it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from talante.cli.template import template

_SHOWN = 12  # terms in each direction: more would underline most of the text
_GROUPS = {"stance": "Stances", "topic": "Topics", "addressed": "Treated, not only named"}


def explanation_page(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one HTML page about all the articles: no script, no request, and no text of theirs read as markup.

    ``rows`` are what `talante explain` writes: the labels of an article with the shares of its sentences and terms,
    or an ``id`` and an ``error``.
    """
    articles = [_article(row, f"article-{number}") for number, row in enumerate(rows, 1)]
    page = template("explain.html.jinja", signed=_signed, exact=_exact, tone=_tone)
    return str(page.render(articles=articles))


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _exact(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _tone(share: float) -> str:
    return "for" if share > 0 else "against" if share < 0 else ""


@dataclass(frozen=True)
class _Piece:
    """Text within which neither sentence nor terms change; ``tone`` is that of its strongest term."""

    text: str
    tone: str
    title: str


@dataclass(frozen=True)
class _Sentence:
    """A sentence, or with no share what is between two of them; ``weight`` is relative to the strongest."""

    pieces: list[_Piece]
    share: float | None = None
    weight: float = 0.0


@dataclass(frozen=True)
class _Bar:
    """A named share; ``weight`` is relative to the strongest of its label."""

    name: str
    share: float
    weight: float


@dataclass(frozen=True)
class _Label:
    anchor: str
    kind: str
    name: str
    given: bool
    score: float
    threshold: float | None
    intercept: float
    parts: list[tuple[str, float]]
    logit: float
    sentences: list[_Sentence]
    columns: list[tuple[str, list[_Bar]]]
    rest: float  # of the terms that are not shown
    other: list[_Bar]


@dataclass(frozen=True)
class _Group:
    """The given labels of one kind."""

    name: str
    labels: list[_Label]


@dataclass(frozen=True)
class _Article:
    anchor: str
    id: str
    title: str
    error: str = ""
    lang: str = ""
    model: str = ""
    given: Sequence[_Label] = ()
    not_given: Sequence[_Label] = ()
    groups: Sequence[_Group] = ()


def _article(row: Mapping[str, Any], anchor: str) -> _Article:
    if "error" in row:
        return _Article(anchor, row["id"], row["id"], error=row["error"])
    labels = [_label(label, row["text"], f"{anchor}-{number}") for number, label in enumerate(row["labels"], 1)]
    given = sorted((label for label in labels if label.given), key=lambda label: list(_GROUPS).index(label.kind))
    groups = []
    for kind, name in _GROUPS.items():
        members = [label for label in given if label.kind == kind]
        if members:
            groups.append(_Group(name, members))
    return _Article(
        anchor,
        row["id"],
        row["title"] or row["id"],
        lang=row["lang"],
        model=row["model"],
        given=given,
        not_given=[label for label in labels if not label.given],
        groups=groups,
    )


def _label(label: Mapping[str, Any], text: str, anchor: str) -> _Label:
    supporting = [term for term in label["terms"] if term["share"] > 0][:_SHOWN]
    opposing = [term for term in label["terms"] if term["share"] < 0][:_SHOWN]
    shown = supporting + opposing
    # One scale for words and everything else, so that their bars can be compared
    longest = max((abs(item["share"]) for item in (*shown, *label["other"])), default=0.0) or 1.0
    columns = [
        (name, [_bar(term, "term", longest) for term in terms])
        for name, terms in (("For the label", supporting), ("Against the label", opposing))
    ]
    return _Label(
        anchor,
        label["kind"],
        f"{label['label']}: {label['stance']}" if label["kind"] == "stance" else label["label"],
        given=label["given"],
        score=label["score"],
        threshold=label["threshold"],
        intercept=label["intercept"],
        parts=[(name, _sum(label[name])) for name in ("sentences", "other") if label[name]],
        logit=label["logit"],
        sentences=_sentences(text, label["sentences"], shown),
        columns=columns if shown else [],
        rest=_sum(label["sentences"]) - _sum(shown),
        other=[_bar(item, "name", longest) for item in label["other"]],
    )


def _bar(item: Mapping[str, Any], name: str, longest: float) -> _Bar:
    return _Bar(item[name], item["share"], abs(item["share"]) / longest)


def _sum(items: Iterable[Mapping[str, Any]]) -> float:
    return sum((item["share"] for item in items), 0.0)


def _sentences(
    text: str, sentences: Sequence[Mapping[str, Any]], terms: Sequence[Mapping[str, Any]]
) -> list[_Sentence]:
    """Cut the whole text into sentences and what is between them; nothing if the label does not come from sentences."""
    if not sentences:
        return []
    strongest = max(abs(sentence["share"]) for sentence in sentences) or 1.0
    cut, done = [], 0
    for sentence in sentences:
        start, end, share = sentence["start"], sentence["end"], sentence["share"]
        cut.append(_Sentence(_pieces(text, done, start, terms)))
        cut.append(_Sentence(_pieces(text, start, end, terms), share, abs(share) / strongest))
        done = end
    return [*cut, _Sentence(_pieces(text, done, len(text), terms))]


def _pieces(text: str, start: int, end: int, terms: Sequence[Mapping[str, Any]]) -> list[_Piece]:
    """Cut a stretch of text wherever a term begins or ends, since a word and its pairs overlap."""
    spans = [(span["start"], span["end"], term) for term in terms for span in term["spans"]]
    inside = {border for left, right, _ in spans for border in (left, right) if start < border < end}
    pieces = []
    for a, b in pairwise(sorted({start, end} | inside)):
        over = [term for left, right, term in spans if left <= a and b <= right]
        over.sort(key=lambda term: -abs(term["share"]))
        title = ", ".join(f"{term['term']} {_exact(term['share'])}" for term in over)
        pieces.append(_Piece(text[a:b], _tone(over[0]["share"]) if over else "", title))
    return pieces
