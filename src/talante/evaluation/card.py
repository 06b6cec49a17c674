"""What of an evaluation goes into a model's card: figures and words, no text of any article."""

from math import isfinite
from typing import Any

from talante.evaluation.intervals import Estimate
from talante.evaluation.report import LabelFigures, Report

#: Slices that differ from the rest that a card lists.
_SLICES = 10


def scores(report: Report) -> dict[str, Any]:
    """Return the figures of a report as plain data; an estimate is [value, low, high, n], with four digits."""
    figures: dict[str, Estimate | None] = {
        **{f"stance, {s.target}: macro-F1": s.macro_f1 for s in report.stances},
        "stance, all targets: macro-F1": report.pooled.macro_f1 if report.pooled else None,
        "stance, all targets: F-avg": report.pooled.f_avg if report.pooled else None,
        **_label("addressed", report.addressed),
        "opposite stances in one article, both right": report.opposed,
        **{f"topic, {t.label}: F1": t.f1 for t in report.topics},
        "topics: macro-F1": report.topics_macro_f1,
        **_label("topics", report.topics_micro, "micro-"),
        **{f"{name}: calibration error": c.ece for name, c in report.calibration.items()},
        **{f"stances in {lang}: macro-F1": stances for lang, (stances, _) in report.languages.items()},
        **{f"topics in {lang}: macro-F1": topics for lang, (_, topics) in report.languages.items()},
    }
    differing = [part for part in report.slices if part.differs][:_SLICES]
    return {
        "what": report.what,
        "articles": report.articles,
        "groups": report.groups,
        "intervals": f"95 %, bootstrap over {report.resampled}",
        "verdict": report.verdict,
        "warnings": report.warnings,
        "figures": {name: _plain(e) for name, e in figures.items() if e and isfinite(e.value)},
        "controls": {c.name: {"macro_f1": _plain(c.macro_f1), "lead": _plain(c.lead)} for c in report.controls},
        "slices": {
            f"{part.by}: {part.name}": {
                name: _plain(figure.value)
                for name, figure in (("stances right", part.stances), ("topics micro-F1", part.topics))
                if figure.value and figure.differs
            }
            for part in differing
        },
        "random_split": {
            name: {"macro_f1": round(value, 4), "leak": _plain(leak)}
            for name, value, leak in (
                ("stances", report.random_split.stances, report.random_split.stances_leak),
                ("topics", report.random_split.topics, report.random_split.topics_leak),
            )
            if value is not None and leak
        }
        if report.random_split
        else {},
    }


def _label(name: str, row: LabelFigures | None, average: str = "") -> dict[str, Estimate | None]:
    if row is None:
        return {}
    return {f"{name}: precision": row.precision, f"{name}: recall": row.recall, f"{name}: {average}F1": row.f1}


def _plain(estimate: Estimate) -> list[float]:
    return [*(round(v, 4) for v in (estimate.value, estimate.low, estimate.high)), estimate.n]
