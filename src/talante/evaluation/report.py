"""One computation of all figures of an evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES
from talante.corpus.schema import Schema
from talante.evaluation.compare import FEWEST_UNITS
from talante.evaluation.controls import CONTROLS, Guesses
from talante.evaluation.forecast import Forecast
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.leaks import Leak
from talante.evaluation.metrics import (
    average_precision,
    ece,
    f1,
    f_avg,
    macro_f1,
    macro_f1_of_labels,
    precision,
    precision_recall,
    recall,
    share,
)
from talante.evaluation.mistakes import Mistake
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
from talante.evaluation.probes import ProbeFigures
from talante.evaluation.slices import Slice, slices

#: Fewer labelled stances say nothing of a group.
MIN_STANCES = 10

#: Points of a precision-recall curve: enough to draw it.
_POINTS = 60


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """Figures of one yes-or-no label; ``average_precision`` is None where all scores are 0 or 1: mere answers."""

    label: str
    support: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    average_precision: Estimate | None


@dataclass(frozen=True, slots=True)
class StanceFigures:
    """Figures over the labelled stances toward one target, or toward all.

    ``stances``: each stance against the other two. ``confusion``: gold (3) against predicted (4, the last "none").
    """

    target: str
    n: int
    stances: list[LabelFigures]
    macro_f1: Estimate
    f_avg: Estimate
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers with about the same score: their mean score, and the share of them that is right."""

    score: float
    right: Estimate


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far scores are from shares: expected calibration error, and the reliability diagram's bins."""

    ece: Estimate
    bins: list[Bin]


@dataclass(frozen=True, slots=True)
class Control:
    """What a trivial guesser reaches, macro-F1 over all pairs, and by how much the model is better.

    ``fair``: it knows no more than the model. One that is not says how much of one mind the outlets are.
    """

    name: str
    meaning: str
    fair: bool
    macro_f1: Estimate
    lead: Estimate


@dataclass(frozen=True, slots=True)
class Group:
    """How many of the labelled stances of one group are right."""

    name: str
    stances: int
    right: float


@dataclass(frozen=True, slots=True)
class RandomSplit:
    """Macro-F1 when articles are split at random, and how much of it is leakage, not there on a new outlet.

    ``articles``: how many were measured so; the leak is the difference on the same ones.
    """

    articles: int
    stances: float | None
    stances_leak: Estimate | None
    topics: float | None
    topics_leak: Estimate | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision against recall at falling cuts: (recall, precision) points."""

    label: str
    points: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Extras:
    """What a report tells beside the figures of the outcomes; each is computed elsewhere and may be missing."""

    random: Sequence[Outcome] = ()
    mistakes: Sequence[Mistake] = ()
    leaks: Sequence[Leak] = ()
    probes: Sequence[ProbeFigures] = ()
    forecast: Forecast | None = None
    card: Mapping[str, Any] = field(default_factory=dict)


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
    topics_micro: LabelFigures | None
    topics_macro_f1: Estimate | None
    stances: list[StanceFigures]
    pooled: StanceFigures | None
    addressed: LabelFigures | None
    opposed: Estimate | None
    """Share of the pairs of targets with opposite stances in one article that have both right."""
    calibration: dict[str, Calibration]
    """Of ``topics`` and ``stances``."""
    curves: list[Curve]
    languages: dict[str, tuple[Estimate | None, Estimate | None]]
    """Macro-F1 of the stances and of the topics of each language; None where it has no label of the kind."""
    worst_group: Group | None
    """Of the groups with MIN_STANCES labelled stances."""
    judged: int
    """Groups, or articles where these are resampled, that have labelled stances."""
    controls: list[Control]
    slices: list[Slice]
    random_split: RandomSplit | None
    leaks: list[Leak]
    mistakes: list[Mistake]
    probes: list[ProbeFigures]
    forecast: Forecast | None
    card: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """Say in words whether the stances beat every control beyond the interval."""
        fair = [c for c in self.controls if c.fair]
        if not fair:
            return "No stances to judge."
        if self.judged < FEWEST_UNITS:
            return f"Too few to judge: stances in {self.judged} {self.resampled}, and it takes {FEWEST_UNITS}."
        best = max(fair, key=lambda c: c.macro_f1.value)
        lead = f"macro-F1 {best.lead.value:+.2f} [{best.lead.low:+.2f}, {best.lead.high:+.2f}]"
        unbeaten = [c.name for c in fair if c.lead.low <= 0]
        said = (
            f"Stances do NOT beat {', '.join(unbeaten)} beyond the interval"
            if unbeaten
            else "Stances beat every control"
        )
        knowing = "".join(
            f" Knowing the labels of an outlet's other articles would give {c.macro_f1.value:.2f}, without reading."
            for c in self.controls
            if not c.fair and c.lead.low <= 0
        )
        return f"{said}. Lead over the best one ({best.name}): {lead}.{knowing}"

    @property
    def warnings(self) -> list[str]:
        """Say what makes the figures better than they will be elsewhere; empty where nothing was found."""
        found = [f"Leak: {leak}." for leak in self.leaks]
        split = self.random_split
        if split and split.stances is not None and split.stances_leak and split.stances_leak.low > 0:
            gap = split.stances_leak
            found.append(
                f"Leakage: a random split would say {split.stances:.2f} for stances; {gap.value:+.2f} "
                f"[{gap.low:+.2f}, {gap.high:+.2f}] of that comes from knowing the outlet."
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        data: dict[str, Any] = _without_nan({"verdict": self.verdict, "warnings": self.warnings, **asdict(self)})
        return data


def _without_nan(data: Any) -> Any:
    """Return plain data with None for NaN, which JSON does not have."""
    if isinstance(data, dict):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_nan(value) for value in data]
    return None if isinstance(data, float) and data != data else data


def build_report(
    outcomes: Sequence[Outcome], schema: Schema, *, what: str, model: str, extras: Extras | None = None
) -> Report:
    """Compute all figures of ``outcomes``."""
    extras = extras or Extras()
    bootstrap = Bootstrap([o.article.held_out_group for o in outcomes])
    weights = bootstrap.article_weights()
    topics = topic_counts(outcomes, schema.topic_ids)
    stances = stance_counts(outcomes, schema.target_ids)
    treated = [t for t in schema.target_ids if t not in schema.assumed]
    addressed = addressed_counts(outcomes, treated).sum(axis=1)
    occurring = (topics[..., 0] + topics[..., 2]).sum(axis=0) > 0
    scored = {topic: _topic_scores(outcomes, [topic]) for topic in schema.topic_ids}
    pooled = stances.sum(axis=1)
    every_topic, every_target = _topic_scores(outcomes, schema.topic_ids), _addressed_scores(outcomes, treated)

    def label(name: str, counts: Counts, items: "_Scored") -> LabelFigures:
        return _label(bootstrap, weights, name, counts, items)

    def stance(name: str, targets: Sequence[str], confusion: Counts) -> StanceFigures:
        return _stances(bootstrap, weights, name, confusion, outcomes, targets)

    return Report(
        what=what,
        model=model,
        articles=len(outcomes),
        groups=len({o.article.held_out_group for o in outcomes}),
        untagged=sum(o.words == 0 for o in outcomes),
        resampled=bootstrap.unit,
        topics=[label(t, topics[:, i], scored[t]) for i, t in enumerate(schema.topic_ids) if occurring[i]],
        topics_micro=label("all topics", topics.sum(axis=1), every_topic) if topics.any() else None,
        topics_macro_f1=bootstrap.estimate(topics, macro_f1_of_labels, _positives(topics)) if occurring.any() else None,
        stances=[stance(t, [t], stances[:, i]) for i, t in enumerate(schema.target_ids) if stances[:, i].any()],
        pooled=stance("all targets", schema.target_ids, pooled) if stances.any() else None,
        addressed=label("addressed", addressed, every_target) if addressed.any() else None,
        opposed=_share_right(bootstrap, outcomes),
        calibration=_calibration(bootstrap, outcomes, schema, every_topic),
        curves=_curves(outcomes, schema, every_topic, every_target),
        languages=_languages(outcomes, schema),
        worst_group=_worst_group(outcomes),
        judged=int(bootstrap.by_unit(pooled).any(axis=(1, 2)).sum()),
        controls=_controls(bootstrap, outcomes, pooled) if stances.any() else [],
        slices=slices(outcomes, schema),
        random_split=_random_split(extras.random, outcomes, schema) if extras.random else None,
        leaks=list(extras.leaks),
        mistakes=list(extras.mistakes),
        probes=list(extras.probes),
        forecast=extras.forecast,
        card=extras.card,
    )


@dataclass(frozen=True, slots=True)
class _Scored:
    """Decisions with their scores: the number of the article of each, whether the label is gold, and the score."""

    article: NDArray[np.intp]
    gold: NDArray[np.bool_]
    scores: NDArray[np.float64]

    @property
    def graded(self) -> bool:
        """Say whether there are scores between yes and no."""
        return bool(((self.scores > 0) & (self.scores < 1)).any())


def _scored(items: Sequence[tuple[int, bool, float]]) -> _Scored:
    columns = list(zip(*items, strict=True)) or [(), (), ()]
    return _Scored(
        np.array(columns[0], dtype=np.intp), np.array(columns[1], dtype=bool), np.array(columns[2], dtype=np.float64)
    )


def _topic_scores(outcomes: Sequence[Outcome], topics: Sequence[str]) -> _Scored:
    return _scored(
        [
            (i, t in o.article.topics, o.scores.get(t, 0.0))
            for i, o in enumerate(outcomes)
            if o.article.topics is not None
            for t in topics
            if t not in o.article.disputed_topics
        ]
    )


def _addressed_scores(outcomes: Sequence[Outcome], targets: Sequence[str]) -> _Scored:
    return _scored(
        [
            (i, t in o.article.stances, o.addressed.get(t, 0.0))
            for i, o in enumerate(outcomes)
            if o.article.stances is not None
            for t in targets
            if t not in o.article.disputed_stances
        ]
    )


def _stance_scores(outcomes: Sequence[Outcome], targets: Sequence[str], number: int) -> _Scored:
    """Score one stance in every labelled pair; 0 where the target was not found to be addressed."""
    return _scored(
        [
            (i, gold == STANCES[number], o.probabilities[t][number] if t in o.probabilities else 0.0)
            for i, o in enumerate(outcomes)
            for t, gold, _ in o.pairs
            if t in targets
        ]
    )


def _positives(counts: Counts) -> int:
    return int((counts[..., 0] + counts[..., 2]).sum())


def _label(bootstrap: Bootstrap, weights: NDArray[Any], name: str, counts: Counts, items: _Scored) -> LabelFigures:
    n, totals = _positives(counts), bootstrap.totals(counts)
    ap = average_precision(items.gold, items.scores, weights[:, items.article]) if items.graded else None
    return LabelFigures(
        name,
        n,
        bootstrap.interval(_where(totals[:, 0] + totals[:, 1], precision(totals)), n, counts),
        bootstrap.interval(_where(totals[:, 0] + totals[:, 2], recall(totals)), n, counts),
        bootstrap.interval(_where(totals[:, 0] + totals[:, 2], f1(totals)), n, counts),
        None if ap is None else bootstrap.interval(ap, n, counts),
    )


def _where(basis: Counts, values: Counts) -> Counts:
    """Return values, NaN in the draws that have nothing to compute them of."""
    return np.where(basis > 0, values, np.nan)


def _stances(
    bootstrap: Bootstrap,
    weights: NDArray[Any],
    name: str,
    confusion: Counts,
    outcomes: Sequence[Outcome],
    targets: Sequence[str],
) -> StanceFigures:
    n, each = int(confusion.sum()), []
    for number, stance in enumerate(STANCES):
        found = confusion[:, number, number]
        given, gold = confusion[:, :, number].sum(axis=1), confusion[:, number].sum(axis=1)
        counts = np.stack([found, given - found, gold - found], axis=-1)
        each.append(_label(bootstrap, weights, stance, counts, _stance_scores(outcomes, targets, number)))
    return StanceFigures(
        name,
        n,
        each,
        bootstrap.estimate(confusion, macro_f1, n),
        bootstrap.estimate(confusion, f_avg, n),
        confusion.sum(axis=0).astype(int).tolist(),
    )


def _share_right(bootstrap: Bootstrap, outcomes: Sequence[Outcome]) -> Estimate | None:
    counts = opposed_counts(outcomes)
    n = int(counts[:, 0].sum())
    return bootstrap.estimate(counts, share, n) if n else None


def _calibration(
    bootstrap: Bootstrap, outcomes: Sequence[Outcome], schema: Schema, topics: _Scored
) -> dict[str, Calibration]:
    found, binned = {}, {}
    if topics.graded:
        binned["topics"] = topic_bins(outcomes, schema.topic_ids)
    if any(0 < p < 1 for o in outcomes for probabilities in o.probabilities.values() for p in probabilities):
        binned["stances"] = stance_bins(outcomes)
    for name, bins in binned.items():
        totals = bootstrap.totals(bins)
        number, scores = totals[0, :, 0], totals[0, :, 1]
        if number.any():
            found[name] = Calibration(
                bootstrap.interval(ece(totals), int(number.sum()), bins, biased_upward=True),
                [
                    Bin(
                        float(scores[b] / number[b]),
                        bootstrap.interval(share(totals[:, b][:, [0, 2]]), int(number[b]), bins[:, b, 0]),
                    )
                    for b in range(len(number))
                    if number[b]
                ],
            )
    return found


def _curves(outcomes: Sequence[Outcome], schema: Schema, topics: _Scored, addressed: _Scored) -> list[Curve]:
    named = {"topics": topics, "addressed": addressed}
    named |= {s: _stance_scores(outcomes, schema.target_ids, number) for number, s in enumerate(STANCES)}
    curves = []
    for name, items in named.items():
        if items.gold.any() and items.graded:
            points = precision_recall(items.gold, items.scores)
            chosen = points[np.unique(np.linspace(0, len(points) - 1, _POINTS).astype(int))]
            curves.append(Curve(name, [(round(r, 4), round(p, 4)) for r, p in chosen.tolist()]))
    return curves


def _languages(outcomes: Sequence[Outcome], schema: Schema) -> dict[str, tuple[Estimate | None, Estimate | None]]:
    found: dict[str, tuple[Estimate | None, Estimate | None]] = {}
    for language in sorted({o.article.lang for o in outcomes}):
        part = [o for o in outcomes if o.article.lang == language]
        bootstrap = Bootstrap([o.article.held_out_group for o in part])
        topics, stances = topic_counts(part, schema.topic_ids), stance_counts(part, schema.target_ids).sum(axis=1)
        found[language] = (
            bootstrap.estimate(stances, macro_f1, int(stances.sum())) if stances.any() else None,
            bootstrap.estimate(topics, macro_f1_of_labels, _positives(topics)) if _positives(topics) else None,
        )
    return found


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
    for name, control in CONTROLS.items():
        if control.applies(outcomes):
            theirs = macro_f1(bootstrap.totals(_confusion(outcomes, control.guess(outcomes))))
            controls.append(
                Control(
                    name,
                    control.meaning,
                    control.fair,
                    bootstrap.interval(theirs, n, pooled),
                    bootstrap.interval(own - theirs, n, pooled),
                )
            )
    return controls


def _confusion(outcomes: Sequence[Outcome], guesses: Guesses) -> Counts:
    counts = np.zeros((len(outcomes), len(STANCES), len(STANCES) + 1))
    for row, o, guessed in zip(counts, outcomes, guesses, strict=True):
        for (_, gold, _), guess in zip(o.pairs, guessed, strict=True):
            if isinstance(guess, tuple):
                row[STANCES.index(gold)] += guess
            else:
                row[STANCES.index(gold), len(STANCES) if guess is None else STANCES.index(guess)] += 1
    return counts


def _random_split(random: Sequence[Outcome], outcomes: Sequence[Outcome], schema: Schema) -> RandomSplit:
    by_id = {o.article.id: o for o in outcomes}
    held_out = [by_id[o.article.id] for o in random]
    # The groups of the held-out ones: in a random split each article counts as its own
    bootstrap = Bootstrap([o.article.held_out_group for o in held_out])

    def leak(
        count: Callable[[Sequence[Outcome]], Counts], figure: Callable[[Counts], Counts]
    ) -> tuple[float | None, Estimate | None]:
        own, honest = count(random), count(held_out)
        if not honest.any():
            return None, None
        values = figure(bootstrap.totals(own))
        n = int(sum(len(o.pairs) for o in random)) if figure is macro_f1 else _positives(honest)
        return float(values[0]), bootstrap.interval(values - figure(bootstrap.totals(honest)), n, honest)

    return RandomSplit(
        len(random),
        *leak(lambda part: stance_counts(part, schema.target_ids).sum(axis=1), macro_f1),
        *leak(lambda part: topic_counts(part, schema.topic_ids), macro_f1_of_labels),
    )
