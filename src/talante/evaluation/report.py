"""One computation of all figures of an evaluation, and its renderings as JSON and as text."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from talante.corpus.article import STANCES, Stance
from talante.corpus.schema import Schema
from talante.evaluation.controls import CONTROLS, Guesses, outlet_only
from talante.evaluation.intervals import Bootstrap, Estimate, interval
from talante.evaluation.metrics import (
    ece,
    f1,
    f1_where_it_occurs,
    f_avg,
    macro_f1,
    macro_f1_of_labels,
    precision,
    recall,
    share,
    stance_f1,
)
from talante.evaluation.outcomes import (
    Counts,
    Outcome,
    addressed_counts,
    opposed_counts,
    stance_bins,
    stance_counts,
    topic_bins,
    topic_counts,
)

#: What the controls do, for those who read the report.
_MEANING = {
    "majority": "the most frequent stance",
    "target-blind": "one answer for all targets",
    "length-only": "from the length of the article",
    "shuffled": "the model's answers, dealt out",
}

#: Fewer labelled stances say nothing of a group.
MIN_STANCES = 10


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Precision, recall and F1 of one yes-or-no label."""

    label: str
    support: int
    precision: float
    recall: float
    f1: Estimate


@dataclass(frozen=True, slots=True)
class StanceFigures:
    """Figures over the pairs of one target, or of all: F1 of each stance, their mean, F-avg, gold counts."""

    target: str
    support: dict[Stance, int]
    f1: dict[Stance, float]
    macro_f1: Estimate
    f_avg: Estimate


@dataclass(frozen=True, slots=True)
class Control:
    """What a trivial guesser reaches, macro-F1 over all pairs, and by how much the model is better."""

    name: str
    macro_f1: Estimate
    lead: Estimate


@dataclass(frozen=True, slots=True)
class Slice:
    """The figures of a part of the articles; None where it has no label of the kind."""

    name: str
    articles: int
    stances_macro_f1: Estimate | None
    topics_macro_f1: Estimate | None


@dataclass(frozen=True, slots=True)
class Group:
    """How many of the labelled stances of one group are right."""

    name: str
    stances: int
    right: float


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one evaluation; intervals are 95 %, by bootstrap over ``resampled``."""

    what: str
    model: str
    articles: int
    groups: int
    untagged: int
    resampled: str
    topics: list[LabelFigures]
    topics_micro_f1: Estimate | None
    topics_macro_f1: Estimate | None
    stances: list[StanceFigures]
    pooled: StanceFigures | None
    addressed: LabelFigures | None
    opposed: Estimate | None
    """Share of the pairs of targets with opposite stances in one article that have both right."""
    topics_ece: Estimate | None
    stances_ece: Estimate | None
    languages: list[Slice]
    worst_group: Group | None
    """Of the groups with MIN_STANCES labelled stances."""
    controls: list[Control]
    outlet_leak: Estimate | None
    random_split: dict[str, float] | None = None

    @property
    def verdict(self) -> str:
        """Say in words whether the stances beat every control beyond the interval."""
        if not self.controls:
            return "No stances to judge."
        best = max(self.controls, key=lambda c: c.macro_f1.value)
        lead = f"macro-F1 {best.lead.value:+.2f} [{best.lead.low:+.2f}, {best.lead.high:+.2f}]"
        unbeaten = ", ".join(c.name for c in self.controls if c.lead.low <= 0)
        if not unbeaten:
            return f"Stances beat every control. Lead over the best one ({best.name}): {lead}."
        return f"Stances do NOT beat {unbeaten} beyond the interval. Lead over the best control ({best.name}): {lead}."

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"verdict": self.verdict, **asdict(self)}


def build_report(
    outcomes: Sequence[Outcome], schema: Schema, *, what: str, model: str, random_split: Sequence[Outcome] | None = None
) -> Report:
    """Compute all figures of ``outcomes``.

    ``random_split``: the outcomes of a random split of the same articles, for the figures that stand beside.
    """
    bootstrap = Bootstrap([o.article.held_out_group for o in outcomes])
    topics = topic_counts(outcomes, schema.topic_ids)
    stances = stance_counts(outcomes, schema.target_ids)
    addressed = addressed_counts(outcomes, [t for t in schema.target_ids if t not in schema.assumed]).sum(axis=1)
    occurring = _occurring(topics)
    has_topics, has_stances = bool(occurring.any()), bool(stances.any())
    pooled = stances.sum(axis=1)
    return Report(
        what=what,
        model=model,
        articles=len(outcomes),
        groups=len({o.article.held_out_group for o in outcomes}),
        untagged=sum(o.words == 0 for o in outcomes),
        resampled=bootstrap.unit,
        topics=[_label(bootstrap, topic, topics[:, i]) for i, topic in enumerate(schema.topic_ids) if occurring[i]],
        topics_micro_f1=_estimate(bootstrap, topics[:, occurring].sum(axis=1), f1, has_topics),
        topics_macro_f1=bootstrap.estimate(topics, macro_f1_of_labels, _positives(topics)) if has_topics else None,
        stances=[
            _stances(bootstrap, target, stances[:, i])
            for i, target in enumerate(schema.target_ids)
            if stances[:, i].any()
        ],
        pooled=_stances(bootstrap, "all targets", pooled) if has_stances else None,
        addressed=_label(bootstrap, "addressed", addressed) if addressed.any() else None,
        opposed=_share_right(bootstrap, outcomes),
        topics_ece=_calibration(bootstrap, topic_bins(outcomes, schema.topic_ids)),
        stances_ece=_calibration(bootstrap, stance_bins(outcomes)),
        languages=_languages(outcomes, schema),
        worst_group=_worst_group(outcomes),
        controls=_controls(bootstrap, outcomes, pooled) if has_stances else [],
        outlet_leak=bootstrap.estimate(_confusion(outcomes, outlet_only(outcomes)), macro_f1, int(pooled.sum()))
        if has_stances and any(o.article.group or o.article.outlet for o in outcomes)
        else None,
        random_split=_plain_figures(random_split, schema) if random_split else None,
    )


def _occurring(topics: Counts) -> Any:
    return (topics[..., 0] + topics[..., 2]).sum(axis=0) > 0


def _positives(counts: Counts) -> int:
    return int((counts[..., 0] + counts[..., 2]).sum())


def _estimate(bootstrap: Bootstrap, counts: Counts, figure: Any, wanted: bool) -> Estimate | None:
    return bootstrap.estimate(counts, figure, _positives(counts)) if wanted else None


def _label(bootstrap: Bootstrap, label: str, counts: Counts) -> LabelFigures:
    total, n = counts.sum(axis=0), _positives(counts)
    return LabelFigures(
        label, n, float(precision(total)), float(recall(total)), bootstrap.estimate(counts, f1_where_it_occurs, n)
    )


def _stances(bootstrap: Bootstrap, target: str, counts: Counts) -> StanceFigures:
    total = counts.sum(axis=0)
    n, each = int(total.sum()), stance_f1(total).tolist()
    support = {stance: int(row) for stance, row in zip(STANCES, total.sum(axis=1), strict=True)}
    return StanceFigures(
        target,
        support,
        dict(zip(STANCES, each, strict=True)),
        bootstrap.estimate(counts, macro_f1, n),
        bootstrap.estimate(counts, f_avg, n),
    )


def _share_right(bootstrap: Bootstrap, outcomes: Sequence[Outcome]) -> Estimate | None:
    counts = opposed_counts(outcomes)
    n = int(counts[:, 0].sum())
    return bootstrap.estimate(counts, share, n) if n else None


def _calibration(bootstrap: Bootstrap, bins: Counts) -> Estimate | None:
    n = int(bins[..., 0].sum())
    return bootstrap.estimate(bins, ece, n) if n else None


def _languages(outcomes: Sequence[Outcome], schema: Schema) -> list[Slice]:
    slices = []
    for language in sorted({o.article.lang for o in outcomes}):
        part = [o for o in outcomes if o.article.lang == language]
        bootstrap = Bootstrap([o.article.held_out_group for o in part])
        topics, stances = topic_counts(part, schema.topic_ids), stance_counts(part, schema.target_ids).sum(axis=1)
        slices.append(
            Slice(
                language,
                len(part),
                bootstrap.estimate(stances, macro_f1, int(stances.sum())) if stances.any() else None,
                _estimate(bootstrap, topics, macro_f1_of_labels, bool(_occurring(topics).any())),
            )
        )
    return slices


def _worst_group(outcomes: Sequence[Outcome]) -> Group | None:
    right: dict[str, list[bool]] = {}
    for o in outcomes:
        right.setdefault(o.article.held_out_group, []).extend(gold == predicted for _, gold, predicted in o.pairs)
    groups = [Group(name, len(r), sum(r) / len(r)) for name, r in sorted(right.items()) if len(r) >= MIN_STANCES]
    return min(groups, key=lambda group: group.right, default=None)


def _controls(bootstrap: Bootstrap, outcomes: Sequence[Outcome], pooled: Counts) -> list[Control]:
    n = int(pooled.sum())
    own = macro_f1(bootstrap.totals(pooled))
    controls = []
    targets = {target for o in outcomes for target, _, _ in o.pairs}
    for name, guess in CONTROLS.items():
        if name == "target-blind" and len(targets) < 2:
            continue  # with one target it is the model itself
        theirs = macro_f1(bootstrap.totals(_confusion(outcomes, guess(outcomes))))
        controls.append(Control(name, interval(theirs, n), interval(own - theirs, n)))
    return controls


def _confusion(outcomes: Sequence[Outcome], guesses: Guesses) -> Counts:
    counts = np.zeros((len(outcomes), len(STANCES), len(STANCES) + 1))
    for row, o, guessed in zip(counts, outcomes, guesses, strict=True):
        for (_, gold, _), guess in zip(o.pairs, guessed, strict=True):
            row[STANCES.index(gold), len(STANCES) if guess is None else STANCES.index(guess)] += 1
    return counts


def _plain_figures(outcomes: Sequence[Outcome], schema: Schema) -> dict[str, float]:
    topics = topic_counts(outcomes, schema.topic_ids)
    stances = stance_counts(outcomes, schema.target_ids).sum(axis=(0, 1))
    return {
        "topics_macro_f1": float(macro_f1_of_labels(topics.sum(axis=0))),
        "stances_macro_f1": float(macro_f1(stances)),
    }


def render(report: Report) -> str:
    """Return the report as text; the first line is the verdict."""
    lines = [
        *textwrap.wrap(report.verdict, 100),
        "",
        f"{report.what}: {report.articles} articles in {report.groups} groups; model {report.model}",
        f"95 % intervals by bootstrap over {report.resampled}; n counts labels.",
    ]
    if report.untagged:
        lines.append(f"{report.untagged} articles could not be tagged; all their labels count as missed.")
    if report.pooled:
        lines += ["", f"{'Stance: F1 (n)':<23}" + "".join(f"{s:>11}" for s in STANCES) + "   macro-F1"]
        for row in [*report.stances, report.pooled]:
            cells = "".join(
                (f"{row.f1[s]:.2f} ({row.support[s]})" if row.support[s] else "-").rjust(11) for s in STANCES
            )
            lines.append(f"{row.target:<23}{cells}   {row.macro_f1}   F-avg {row.f_avg.value:.2f}")
    if report.addressed:
        a = report.addressed
        lines.append(f"{'addressed':<26}precision {a.precision:.2f}, recall {a.recall:.2f}, F1 {a.f1}")
    if report.opposed:
        lines.append(f"{'opposite stances':<26}both right in one article: {report.opposed}")
    if report.worst_group:
        w = report.worst_group
        lines.append(f"{'worst group':<26}{w.right:.2f} of {w.stances} stances right: {w.name}")
    if report.controls:
        lines += ["", "Guessing without reading, macro-F1 over all targets          the model is better by"]
        lines += [
            f"  {c.name:<13}{_MEANING[c.name]:<34}{c.macro_f1.value:>5.2f}"
            f"    {c.lead.value:+.2f} [{c.lead.low:+.2f}, {c.lead.high:+.2f}]"
            for c in report.controls
        ]
    if report.outlet_leak:
        lines.append(
            f"  Knowing how an outlet's other articles are labelled would give {report.outlet_leak.value:.2f}: "
            "no help on a new outlet,"
        )
        lines.append("  and the leak in any figure from a random split.")
    if report.topics_micro_f1 and report.topics_macro_f1:
        lines += ["", f"{'Topic':<23}{'precision':>11}{'recall':>11}   F1"]
        lines += [f"{t.label:<23}{t.precision:>11.2f}{t.recall:>11.2f}   {t.f1}" for t in report.topics]
        lines.append(f"{'micro-F1':<45}   {report.topics_micro_f1}")
        lines.append(f"{'macro-F1':<45}   {report.topics_macro_f1}")
    if len(report.languages) > 1:
        lines += ["", f"{'Language':<23}{'articles':>9}   {'stances, macro-F1':<27}topics, macro-F1"]
        lines += [
            f"{s.name:<23}{s.articles:>9}   {s.stances_macro_f1 or '-'!s:<27}{s.topics_macro_f1 or '-'}"
            for s in report.languages
        ]
    errors = [(name, e) for name, e in (("topics", report.topics_ece), ("stances", report.stances_ece)) if e]
    if errors:
        lines += ["", "Calibration error of the scores (ECE): " + "; ".join(f"{n} {e}" for n, e in errors)]
    if report.random_split:
        stances, topics = report.random_split["stances_macro_f1"], report.random_split["topics_macro_f1"]
        lines += [
            "",
            f"A random split of the same articles would say: stances {stances:.2f}, topics {topics:.2f} macro-F1.",
        ]
        lines.append("Where that is more than the figures above, it is leakage.")
    return "\n".join(lines)
