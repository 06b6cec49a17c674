"""The report of an evaluation as text; the first lines are the verdict and what speaks against the figures."""

import textwrap
from collections.abc import Iterator
from math import isnan

from talante.corpus.article import STANCES
from talante.evaluation.forecast import render_forecast
from talante.evaluation.intervals import MIN_GROUPS, Estimate
from talante.evaluation.probes import render_probes
from talante.evaluation.report import LabelFigures, Report
from talante.evaluation.slices import Figure

_WIDTH = 100

#: Slices and mistakes that the text shows; the page and the JSON have all.
_SLICES, _MISTAKES = 15, 5


def render(report: Report) -> str:
    """Return the report as text of at most 110 columns."""
    lines = textwrap.wrap(report.verdict, _WIDTH)
    for warning in report.warnings:
        lines += textwrap.wrap(warning, _WIDTH, subsequent_indent="  ")
    lines += [
        "",
        f"{report.what}: {report.articles} articles in {report.groups} groups; model {report.model}",
        f"95 % intervals by bootstrap over {report.resampled}{_parts(report)}; n counts labels.",
    ]
    if report.resampled == "articles" and report.groups < report.articles:
        lines.append(
            "So few groups are not resampled: the intervals hold for more articles of these, and not for others."
        )
    if report.untagged:
        lines.append(
            f"Not tagged, or without a row: {report.untagged} of the articles; all their labels count as missed."
        )
    for part in (_stances, _controls, _topics, _calibration, _languages, _slices, _random, _mistakes):
        if block := list(part(report)):
            lines += ["", *block]
    if report.probes:
        lines += ["", render_probes(report.probes)]
    if report.forecast:
        lines += ["", render_forecast(report.forecast)]
    return "\n".join(lines)


def _parts(report: Report) -> str:
    return f" (over articles in parts of fewer than {MIN_GROUPS} groups)" if report.resampled == "groups" else ""


def _short(estimate: Estimate | None) -> str:
    if estimate is None or isnan(estimate.value):
        return "-"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _value(estimate: Estimate) -> str:
    return "-" if isnan(estimate.value) else f"{estimate.value:.2f}"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.2f} [{estimate.low:+.2f}, {estimate.high:+.2f}]"


def _stances(report: Report) -> Iterator[str]:
    if not report.pooled:
        return
    yield f"{'Stance: F1 (n)':<23}" + "".join(f"{s:>12}" for s in STANCES) + "   macro-F1"
    for row in [*report.stances, report.pooled]:
        cells = "".join((f"{s.f1.value:.2f} ({s.support})" if s.support else "-").rjust(12) for s in row.stances)
        yield f"{row.target:<23}{cells}   {row.macro_f1}   F-avg {_value(row.f_avg)}"
    yield from ("", f"{'All targets':<23}{'precision':>12}{'recall':>12}   F1                   average precision")
    yield from (_label(stance) for stance in report.pooled.stances)
    if report.addressed:
        yield _label(report.addressed)
    yield from ("", f"{'gold, all targets':<23}" + "".join(f"{said:>12}" for said in (*STANCES, "no stance")))
    yield from (
        f"{stance:<23}" + "".join(f"{n:>12}" for n in row)
        for stance, row in zip(STANCES, report.pooled.confusion, strict=True)
    )
    if report.opposed:
        yield f"Opposite stances in one article, both right: {report.opposed}"
    if report.worst_group:
        w = report.worst_group
        yield f"Worst group: {w.right:.2f} of {w.stances} stances right: {w.name}"


def _label(row: LabelFigures) -> str:
    return (
        f"{row.label:<23}{_value(row.precision):>12}{_value(row.recall):>12}   {_short(row.f1):<19}"
        f"  {_short(row.average_precision):<18} n={row.support}"
    )


def _controls(report: Report) -> Iterator[str]:
    if not report.controls:
        return
    yield "Guessing without reading, macro-F1 over all targets            the model is better by"
    for control in report.controls:
        unbeaten = "  not beyond the interval" if control.lead.low <= 0 else ""
        note = unbeaten if control.fair else "  knows labels of the outlet"
        name = f"  {control.name:<15}{control.meaning:<34}"
        yield f"{name}{control.macro_f1.value:>5.2f}    {_signed(control.lead)}{note}"


def _topics(report: Report) -> Iterator[str]:
    if report.topics_micro:
        yield f"{'Topic':<23}{'precision':>12}{'recall':>12}   F1                   average precision"
        yield from (_label(row) for row in [*report.topics, report.topics_micro])
        if report.topics_macro_f1:
            yield f"{'macro-F1':<47}   {_short(report.topics_macro_f1)}"


def _calibration(report: Report) -> Iterator[str]:
    if report.calibration:
        errors = "; ".join(f"{name} {c.ece}" for name, c in report.calibration.items())
        yield f"Calibration error of the scores (ECE): {errors}"


def _languages(report: Report) -> Iterator[str]:
    if len(report.languages) > 1:
        yield f"{'Language':<23}{'stances, macro-F1':<28}topics, macro-F1"
        for name, (stances, topics) in report.languages.items():
            yield f"{name:<23}{stances or '-'!s:<28}{topics or '-'}"


def _slices(report: Report) -> Iterator[str]:
    told = [part for part in report.slices if not part.too_few]
    if not told:
        return
    yield f"{'Parts of the articles':<42}{'articles':>8}   {'stances right':<25}topics, micro-F1"
    for part in told[:_SLICES]:
        mark = "*" if part.differs else " "
        name = textwrap.shorten(f"{part.by}: {part.name}", 40, placeholder="…")
        yield f"{mark} {name:<40}{part.articles:>8}   {_figure(part.stances):<25}{_figure(part.topics)}"
    left, few = len(told) - len(told[:_SLICES]), len(report.slices) - len(told)
    yield "* differs from the rest beyond its interval, as one figure in twenty does by chance."
    yield f"Not shown: {left} that stand out less, {few} with too few labels."


def _figure(figure: Figure) -> str:
    return f"{_short(figure.value)}{'*' if figure.differs else ' '}" if figure.value else f"too few (n={figure.n})"


def _random(report: Report) -> Iterator[str]:
    split = report.random_split
    if split and split.articles:
        figures = {"stances": (split.stances, split.stances_leak), "topics": (split.topics, split.topics_leak)}
        told = [f"{name} {value:.2f} ({_signed(leak)})" for name, (value, leak) in figures.items() if leak]
        yield from textwrap.wrap(
            f"A random split would say, macro-F1 on {split.articles} of the articles: {', '.join(told)}.", _WIDTH
        )
        if any(leak and leak.low > 0 for leak in (split.stances_leak, split.topics_leak)):
            yield "What it says more is leakage: it has seen other articles of the same outlet."
        else:
            yield "That is not more than with outlets held out, beyond the interval: no leakage to see."


def _mistakes(report: Report) -> Iterator[str]:
    for kind, title in (("stance", "stances"), ("topic", "topics"), ("addressed", "treated or only named")):
        found = [m for m in report.mistakes if m.kind == kind][:_MISTAKES]
        if found:
            yield f"Surest mistakes, {title}: the model is wrong, or the label is"
            for m in found:
                place = m.place.rpartition("/")[2] or m.id
                yield f"  {m.label}: labelled {m.gold} (scored {m.gold_score:.2f}), said {m.predicted}; {place}"
                if m.title:
                    yield f"    {textwrap.shorten(m.title, 90, placeholder=' …')}"
                if m.words:
                    words = ", ".join(f"{word} {share:+.2f}" for word, share in m.words)
                    yield f"    against the label: {textwrap.shorten(words, 80, placeholder=' …')}"
