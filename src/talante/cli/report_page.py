"""The page of `talante evaluate --html`: all figures of an evaluation, to be read from the top.

Everything is worked out here, so that the template only lays out what it is given. jinja2 and matplotlib are imported
when a page is drawn: no other command needs them.
"""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import Any

from talante.cli import plots
from talante.cli.template import template
from talante.corpus.article import STANCES
from talante.evaluation.forecast import Forecast
from talante.evaluation.intervals import DRAWS, Estimate
from talante.evaluation.mistakes import Mistake
from talante.evaluation.probes import SHOULD, TOLERATED, TOLERATED_SWAP
from talante.evaluation.report import LabelFigures, Report, StanceFigures
from talante.evaluation.slices import Slice

#: Slices that do not differ from the rest and are shown at once; the others are folded away.
_SHOWN = 12

_KINDS = {"stance": "Stances", "topic": "Topics", "addressed": "Treated, or only named"}

#: What of the card of a model a person may want to know; the rest is for programs.
_MODEL = ("id", "talante", "format_version", "languages", "parts_of_words")

#: What a newcomer needs to read the page, by the sign that it is on it.
_TERMS: tuple[tuple[str, str], ...] = (
    ("Label, support (n)", "What a person said of an article; the number of such labels that a figure rests on."),
    ("Precision, recall", "Of the answers given, the share that is right; of the labels, the share that is found."),
    ("F1", "The harmonic mean of precision and recall: high only where both are."),
    ("Macro-F1, micro-F1", "The mean of the F1 of each label, rare ones as much as frequent ones; F1 of all together."),
    ("F-avg", "The mean of the F1 of against and favor, the usual figure of stance detection."),
    ("Average precision", "The mean of the precision over all cuts of the score: how well scores rank; 1 is best."),
    ("ECE", "Expected calibration error: how far a score is, on average, from the share that is right; 0 is best."),
    ("Interval", "Where the figure would lie in 95 of 100 evaluations like this one, with other articles."),
    ("Addressed", "The article treats the target and does not only name it; only then it has a stance toward it."),
    ("Group", "The articles of one outlet or desk; a group is never split between learning and measuring."),
    ("Control", "A way to guess stances without reading; a model that does not beat it has not learned stance."),
)


@dataclass(frozen=True, slots=True)
class _Card:
    """A headline figure."""

    name: str
    value: float
    estimate: Estimate | None = None
    note: str = ""
    ticks: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell of a confusion table: ``share`` is that of its row."""

    n: int
    share: float
    right: bool


@dataclass(frozen=True, slots=True)
class _Bar:
    """A named number; ``weight`` is relative to the largest beside it."""

    name: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    weight: float
    title: str


@dataclass(frozen=True, slots=True)
class _Mistake:
    """A mistake with its words as bars, and its passages in pieces."""

    of: Mistake
    place: str
    words: list[_Bar]
    passages: list[tuple[float, list[_Piece]]]


@dataclass(frozen=True, slots=True)
class _Mix:
    """How the stances toward a target are mixed, in shares."""

    target: str
    counts: list[int]
    shares: list[float]


@dataclass(frozen=True, slots=True)
class _Gains:
    """What more articles would add to a figure: each kind with its articles of today and the gain of each ``more``."""

    figure: str
    more: list[int]
    rows: list[tuple[str, int, list[Estimate | None]]]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a card tells, laid out: rows of facts, bars of counts, and mixes of stances."""

    rows: list[tuple[str, str]]
    topics: list[_Bar]
    stances: list[_Mix]
    settings: list[tuple[str, str]]
    model: list[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.rows or self.topics or self.stances or self.settings or self.model)


def report_page(report: Report) -> str:
    """Return one HTML page of all figures: no script, no request, and no text of an article read as markup.

    Raises UsageError where matplotlib is missing.
    """
    from markupsafe import Markup

    plots.require_matplotlib()
    headline, _, rest = report.verdict.partition(". ")
    fair = [c for c in report.controls if c.fair]
    facts = _facts(report.card)
    told = [part for part in report.slices if not part.too_few]
    first = sum(part.differs for part in told) + _SHOWN
    values: dict[str, Any] = {
        "report": report,
        "headline": headline.rstrip("."),
        "rest": rest,
        "tone": "" if not fair else "good" if all(c.lead.low > 0 for c in fair) else "bad",
        "cards": _cards(report),
        "stances": [f for f in (report.pooled, *report.stances) if f],
        "columns": (*STANCES, "none"),
        "confusion": _confusion,
        "scored": any(label.average_precision for label in _labels(report)),
        "slices": told[:first],
        "more_slices": told[first:],
        "too_few": _too_few(report.slices),
        "few": sum(part.too_few for part in report.slices),
        "right": _right(report.pooled),
        "mistakes": _mistakes(report.mistakes),
        "gains": _gains(report.forecast),
        "should": SHOULD,
        "tolerated": {"not move": TOLERATED, "swap": TOLERATED_SWAP},
        "facts": facts,
        "command": _command(report),
        "draws": DRAWS,
        "terms": _TERMS,
        "plots": {name: Markup(svg) for name, svg in _plots(report).items()},  # escaped by matplotlib
    }
    values["contents"] = [(anchor, name) for anchor, name, there in _contents(report, values) if there]
    return str(_template().render(values))


@cache  # it takes longer to compile than to fill in
def _template() -> Any:
    numbers = {"two": _two, "signed": _signed, "thousandths": _thousandths, "percent": _percent, "count": _count}
    return template("report.html.jinja", **numbers)


def _contents(report: Report, values: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    return [
        ("stances", "Stances", bool(values["stances"])),
        ("controls", "Controls", bool(report.controls)),
        ("topics", "Topics", report.topics_micro is not None),
        ("curves", "Precision and recall", bool(report.curves)),
        ("calibration", "Calibration", bool(report.calibration)),
        ("slices", "Parts of the articles", bool(report.slices) or len(report.languages) > 1),
        ("random", "Random split", report.random_split is not None),
        ("learning", "Learning curve", report.forecast is not None),
        ("probes", "Robustness", bool(report.probes)),
        ("mistakes", "Mistakes", bool(report.mistakes)),
        ("data", "Data and model", bool(values["facts"])),
        ("method", "How it was computed", True),
        ("terms", "Terms", True),
    ]


# How numbers are written


def _two(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}".replace("-", "−")


def _signed(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.2f}".replace("-", "−")


def _thousandths(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:+.3f}".replace("-", "−")


def _percent(value: float) -> str:
    return "–" if math.isnan(value) else f"{100 * value:.0f} %"


def _count(value: int) -> str:
    return f"{value:,}"


# Parts of the page


def _cards(report: Report) -> list[_Card]:
    cards = []

    def add(name: str, estimate: Estimate | None, note: str, ticks: Sequence[float] = ()) -> None:
        if estimate:
            cards.append(_Card(name, estimate.value, estimate, f"{_count(estimate.n)} {note}", ticks))

    best = max((c.macro_f1.value for c in report.controls if c.fair), default=None)
    add(
        "Stances, macro-F1", report.pooled.macro_f1 if report.pooled else None, "labels", [] if best is None else [best]
    )
    add("Topics, macro-F1", report.topics_macro_f1, "labels")
    add("Topics, micro-F1", report.topics_micro.f1 if report.topics_micro else None, "labels")
    add("Addressed, F1", report.addressed.f1 if report.addressed else None, "labels")
    for kind in ("stances", "topics"):
        if kind in report.calibration:
            add(f"Calibration error, {kind}", report.calibration[kind].ece, "scores")
    if worst := report.worst_group:
        cards.append(_Card("Worst group, stances right", worst.right, note=f"{worst.name}, {worst.stances} labels"))
    return cards


def _labels(report: Report) -> list[LabelFigures]:
    found = [*report.topics, report.topics_micro, report.addressed]
    return [*(label for label in found if label), *(report.pooled.stances if report.pooled else ())]


def _confusion(figures: StanceFigures) -> list[tuple[str, list[_Cell]]]:
    return [
        (stance, [_Cell(n, n / (sum(row) or 1), column == number) for column, n in enumerate(row)])
        for number, (stance, row) in enumerate(zip(STANCES, figures.confusion, strict=True))
    ]


def _right(pooled: StanceFigures | None) -> float | None:
    return sum(pooled.confusion[i][i] for i in range(len(STANCES))) / pooled.n if pooled and pooled.n else None


def _too_few(slices: Sequence[Slice]) -> list[tuple[str, list[str]]]:
    """Return the names of the slices without figures by what they are slices of."""
    found: dict[str, list[str]] = {}
    for part in slices:
        if part.too_few:
            found.setdefault(part.by, []).append(part.name)
    return [(by, sorted(names, key=str.casefold)) for by, names in found.items()]


def _gains(forecast: Forecast | None) -> list[_Gains]:
    """Lay out gains, a table for each figure."""
    found = []
    for name in dict.fromkeys(g.figure for g in forecast.gains) if forecast else ():
        of = [g for g in forecast.gains if g.figure == name] if forecast else []
        more = sorted({g.more for g in of})
        kinds = {g.kind: g.gain.n for g in of}
        cells = {(g.kind, g.more): g.gain for g in of}
        rows = [(kind, n, [cells.get((kind, m)) for m in more]) for kind, n in kinds.items()]
        found.append(_Gains(name, more, rows))
    return found


def _mistakes(mistakes: Sequence[Mistake]) -> list[tuple[str, list[_Mistake]]]:
    groups = [(name, [_mistake(m) for m in mistakes if m.kind == kind]) for kind, name in _KINDS.items()]
    return [(name, found) for name, found in groups if found]


def _mistake(mistake: Mistake) -> _Mistake:
    strongest = max((p.share for passage in mistake.passages for p in passage.pieces), default=0.0) or 1.0
    passages = [
        (
            passage.share,
            [_Piece(p.text, max(0.0, p.share) / strongest, f"adds {_signed(p.share)}") for p in passage.pieces],
        )
        for passage in mistake.passages
    ]
    # A page to be passed on must not tell how the folders of its author are named
    place = mistake.place.replace("\\", "/").rpartition("/")[2] or mistake.id
    return _Mistake(mistake, place, _bars(mistake.words), passages)


def _bars(named: Sequence[tuple[str, float]]) -> list[_Bar]:
    longest = max((abs(value) for _, value in named), default=0.0) or 1.0
    return [_Bar(name, value, abs(value) / longest) for name, value in named]


def _plots(report: Report) -> dict[str, str]:
    drawn = {}
    if report.controls:
        drawn["leads"] = plots.leads(report.controls)
    if report.topics:
        drawn["topics"] = plots.topics(report.topics)
    for name, of_stances in (("curves-yes-no", False), ("curves-stances", True)):
        if curves := [c for c in report.curves if (c.label in STANCES) == of_stances]:
            drawn[name] = plots.precision_recall(curves, name)
    for kind, calibration in report.calibration.items():
        drawn[f"reliability-{kind}"] = plots.reliability(calibration, f"reliability-{kind}", kind)
    if report.forecast and report.forecast.points:
        drawn["learning"] = plots.learning(report.forecast.points)
    return drawn


# Cards


def _facts(card: Mapping[str, Any]) -> _Facts:
    """Lay out a card, of which any part may be missing or of a later version."""
    data = card.get("data")
    data = dict(data) if isinstance(data, Mapping) else {}
    topics, stances = data.pop("topics", {}), data.pop("stances", {})
    return _Facts(
        rows=_rows({str(name).replace("_", " "): value for name, value in data.items()}),
        topics=_bars([(str(t), n) for t, n in topics.items() if _number(n)]) if isinstance(topics, Mapping) else [],
        stances=_mixes(stances) if isinstance(stances, Mapping) else [],
        settings=_rows(card.get("settings")),
        model=_rows({k.replace("_", " "): card[k] for k in _MODEL if k in card}),
    )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rows(values: object) -> list[tuple[str, str]]:
    if not isinstance(values, Mapping):
        return []
    return [(str(name), told) for name, value in values.items() if (told := _told(value))]


def _told(value: object) -> str:
    """Write a plain value in a line; what is nested deeper is for programs and left out."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return _count(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_told(v)}" for k, v in value.items() if _told(v) and not isinstance(v, Mapping | list))
    if isinstance(value, list | tuple):
        return ", ".join(_told(v) for v in value if not isinstance(v, Mapping | list))
    return ""


def _mixes(stances: Mapping[str, Any]) -> list[_Mix]:
    found = []
    for target, mix in stances.items():
        if isinstance(mix, Mapping) and any(_number(mix.get(s)) for s in STANCES):
            counts = [int(mix.get(s) or 0) for s in STANCES]
            found.append(_Mix(str(target), counts, [n / (sum(counts) or 1) for n in counts]))
    return found


def _command(report: Report) -> str:
    """Return the command that makes this page again, in the folder of its files: a page must not tell of folders."""
    data, cross_validated, _ = report.what.partition(", cross-validated")
    if cross_validated:
        words = ["--data", data, *(["--curve"] if report.forecast else [])]
    elif "id" in report.card:
        words = [report.what, "--model", report.model]
    else:
        words = [report.what, "--predictions", PurePath(report.model).name]
    return shlex.join(["talante", "evaluate", *words, *(["--probe"] if report.probes else []), "--html", "report.html"])
