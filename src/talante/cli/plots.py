"""Plots of an evaluation as SVG that stands in a page: its colors are those of the page, its text is text.

matplotlib writes a document with fixed colors, its own font and ids that clash with those of the next plot. So each
plot is drawn in colors that stand for variables of the page's style sheet, and cleaned of the rest.
"""

import html
import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from talante.errors import UsageError
from talante.evaluation.forecast import Point
from talante.evaluation.intervals import Estimate
from talante.evaluation.report import Calibration, Control, Curve, LabelFigures

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# No plot has these colors by chance, and each stands for one of the page, which is another one in the dark
_INK, _FAINT, _LINE, _PAPER = "#010203", "#010204", "#010205", "#010206"
_BLUE, _ORANGE, _GREEN = "#010207", "#010208", "#010209"
_COLORS = {
    _INK: "var(--ink)",
    _FAINT: "var(--faint)",
    _LINE: "var(--line)",
    _PAPER: "var(--paper)",
    _BLUE: "rgb(var(--for))",
    _ORANGE: "rgb(var(--against))",
    _GREEN: "rgb(var(--third))",
}

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a plot is the same everywhere
    "font.size": 11,
    "text.color": _INK,
    "axes.labelcolor": _FAINT,
    "axes.edgecolor": _LINE,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _LINE,
    "ytick.color": _LINE,
    "xtick.labelcolor": _FAINT,
    "ytick.labelcolor": _INK,
    "xtick.major.size": 0,
    "legend.fontsize": 11,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "path.simplify": True,
}

#: Width of a plot in points, which is about what a telephone shows.
_WIDTH = 380

#: Pixels of a point at most: larger, the letters would shout beside those of the page.
_LARGEST = 1.3

#: Letters of a name beside a plot; the table beside the plot has all of it.
_LONGEST = 26


def require_matplotlib() -> None:
    """Raise UsageError where matplotlib, which is optional, is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise UsageError("the page needs matplotlib", remedy="pip install 'talante[plots]'") from None


def leads(controls: Sequence[Control], name: str = "leads") -> str:
    """Draw by how much the model is better than each control, with intervals."""

    def draw(axes: "Axes") -> None:
        axes.axvline(0, color=_FAINT, linewidth=1)
        for y, control in enumerate(controls):
            color = _FAINT if not control.fair else _BLUE if control.lead.low > 0 else _ORANGE
            _dot(axes, control.lead, y, color, hollow=not control.lead.low > 0)
        _rows(axes, [c.name for c in controls])
        axes.set_xlabel("macro-F1 above that of the control")
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:+.1f}".replace("-", "−") if abs(x) > 1e-9 else "0")

    text = "Lead over each control: " + _said((c.name, c.lead) for c in controls)
    return _svg(name, text, draw, 48 + 27 * len(controls))


def topics(labels: Sequence[LabelFigures], name: str = "topic-plot") -> str:
    """Draw F1 of each topic with its interval, and its average precision where there are scores."""

    def draw(axes: "Axes") -> None:
        for y, label in enumerate(labels):
            _dot(axes, label.f1, y, _BLUE)
            if label.average_precision:
                axes.plot(label.average_precision.value, y, "D", color=_ORANGE, ms=5, mfc=_PAPER, mew=1.5)
        _rows(axes, [label.label for label in labels])
        axes.set_xlim(-0.02, 1.02)
        axes.set_xlabel("F1 (dot) with interval" + (",\naverage precision (diamond)" if scored else ""))

    scored = any(label.average_precision for label in labels)
    text = "F1 of each topic: " + _said((label.label, label.f1) for label in labels)
    return _svg(name, text, draw, 62 + 28 * len(labels), 300)  # stands beside a table


def precision_recall(curves: Sequence[Curve], name: str) -> str:
    """Draw precision against recall, with faint lines of equal F1."""
    looks = [(_BLUE, "-"), (_ORANGE, (0, (5, 1.5))), (_GREEN, (0, (1.5, 1)))]
    by_stance = {"favor": looks[0], "against": looks[1], "neutral": looks[2]}

    def draw(axes: "Axes") -> None:
        for level in (0.2, 0.4, 0.6, 0.8):
            recall = [level / (2 - level) + (1 - level / (2 - level)) * i / 40 for i in range(41)]
            axes.plot(recall, [level * r / (2 * r - level) for r in recall], color=_LINE, linewidth=1)
            axes.text(1.015, level / (2 - level), f"F1 {level}", color=_FAINT, fontsize=9, va="center")
        for curve, look in zip(curves, looks, strict=False):
            color, dashes = by_stance.get(curve.label, look)
            x, y = zip(*curve.points, strict=True)
            axes.plot(x, y, color=color, linestyle=dashes, label=_name(curve.label))
        axes.legend(loc="lower left")
        _unit(axes)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")

    return _svg(name, f"Precision against recall: {', '.join(c.label for c in curves)}", draw, 300)


def reliability(calibration: Calibration, name: str, of: str) -> str:
    """Draw the share that is right against the mean score of each bin, and below it how many answers each has."""
    bins, most = calibration.bins, max(b.right.n for b in calibration.bins)

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=_FAINT, linewidth=1, linestyle=(0, (4, 3)))
        # The counts share the plot, in a strip below 0, so that a dot and its count stand one above the other
        axes.axhline(0, color=_LINE, linewidth=0.8)
        for b in bins:
            axes.bar(b.score, 0.15 * b.right.n / most, 0.05, bottom=-0.31, color=_FAINT)
            axes.text(b.score, -0.29 + 0.15 * b.right.n / most, f"{b.right.n}", color=_FAINT, fontsize=9, ha="center")
            if _finite(b.right):
                axes.plot([b.score, b.score], [b.right.low, b.right.high], color=_BLUE, linewidth=2.5, alpha=0.55)
            axes.plot(b.score, b.right.value, "o", color=_BLUE, ms=6)
        axes.text(-0.07, -0.26, "n", color=_FAINT, fontsize=9, ha="right", va="center")
        _unit(axes)
        axes.set_xlim(-0.05, 1.05)
        axes.set_ylim(-0.31, 1.03)
        axes.set_xlabel("mean score")
        axes.set_ylabel("share that is right")

    text = "; ".join(f"score {b.score:.2f}, right {b.right.value:.2f} of {b.right.n}" for b in bins)
    return _svg(name, f"Reliability of the scores of {of}: {text}", draw, 330)


def learning(points: Sequence[Point], name: str = "learning-plot") -> str:
    """Draw what models reached that learned from fewer articles."""

    def draw(axes: "Axes") -> None:
        for label, color, mark, curve in (
            ("stances", _BLUE, "o-", [(p.articles, p.stances) for p in points if p.stances is not None]),
            ("topics", _ORANGE, "D--", [(p.articles, p.topics) for p in points if p.topics is not None]),
        ):
            if curve:
                axes.plot(*zip(*curve, strict=True), mark, color=color, ms=5)
                axes.annotate(label, curve[-1], (8, 0), textcoords="offset points", va="center", color=color)
        axes.grid(axis="y", color=_LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        low, high = axes.get_ylim()
        axes.set_ylim(max(0.0, low - 0.05), min(1.0, high + 0.05))
        axes.set_xlim(0, max(p.articles for p in points) * 1.02)
        axes.tick_params(axis="y", labelcolor=_FAINT)
        axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
        axes.yaxis.set_major_formatter("{x:.2f}")
        axes.set_xlabel("articles learned from")
        axes.set_ylabel("macro-F1")

    def figure(value: float | None) -> str:
        return "not measured" if value is None else f"{value:.2f}"

    text = "; ".join(f"{p.articles} articles: stances {figure(p.stances)}, topics {figure(p.topics)}" for p in points)
    return _svg(name, f"Learning curve, macro-F1 of {text}", draw, 260, 320)


def _finite(estimate: Estimate) -> bool:
    return math.isfinite(estimate.low) and math.isfinite(estimate.high)


def _said(named: Any) -> str:
    return "; ".join(f"{name} {e.value:.2f} [{e.low:.2f}, {e.high:.2f}]" for name, e in named)


def _name(name: str) -> str:
    """Keep a name on one line and short enough to leave room for the plot."""
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1].rstrip() + "…"


def _dot(axes: "Axes", estimate: Estimate, y: float, color: str, *, hollow: bool = False) -> None:
    if _finite(estimate):
        axes.plot([estimate.low, estimate.high], [y, y], color=color, linewidth=3, alpha=0.5, solid_capstyle="round")
    axes.plot(estimate.value, y, "o", color=color, ms=7, mfc=_PAPER if hollow else color, mew=1.8)


def _rows(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), [_name(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)


def _unit(axes: "Axes") -> None:
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axes.set_xticks(ticks, ["0", ".25", ".5", ".75", "1"])
    axes.set_yticks(ticks, ["0", ".25", ".5", ".75", "1"])
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.03)
    axes.tick_params(axis="y", labelcolor=_FAINT)


def _svg(name: str, text: str, draw: Callable[["Axes"], None], height: float, width: float = _WIDTH) -> str:
    """Draw one plot, ``height`` and ``width`` in points.

    ``text`` says in words what it shows, ``name`` makes its ids its own.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    written = io.StringIO()
    with rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # The font of matplotlib only measures; a letter that it lacks may well be in that of the reader
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained", facecolor="none")
        axes = figure.add_subplot(facecolor="none")
        draw(axes)
        figure.savefig(written, format="svg")
    return _cleaned(written.getvalue(), name, text, width, height)


def _cleaned(svg: str, name: str, text: str, width: float, height: float) -> str:
    """Take a matplotlib document down to what a page needs.

    What is between tags is somebody's text, escaped, and stays as it is.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="|url\()#([\w.-]+)', svg))

    def tag(found: re.Match[str]) -> str:
        one = re.sub(r' id="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", found[0])
        one = one.replace('xlink:href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
        one = re.sub(r" font-family: [^;\"]*;?| transform=\"rotate\(-0 [^\"]*\"", "", one)
        one = re.sub("|".join(_COLORS), lambda m: _COLORS[m[0]], one)
        return " ".join(re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.1f}", one).split())

    svg = re.sub(r"<[^>]*>", tag, svg)
    svg = re.sub(r">\s+<", ">\n<", re.sub(r"<defs>\s*</defs>", "", svg)).strip()
    head = (
        f'<svg class="plot" role="img" aria-label="{html.escape(text)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width: {_LARGEST * width:g}px">'
    )
    return head + svg[svg.index(">") + 1 :]
