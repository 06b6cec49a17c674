"""Two systems on the same articles: which is better, by how much, and whether the articles can tell."""

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from talante.corpus.schema import Schema
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.metrics import f1, f_avg, macro_f1, macro_f1_of_labels
from talante.evaluation.outcomes import Counts, Outcome, addressed_counts, stance_counts, topic_counts

Kind = Literal["overall", "label", "language"]
Answer = Literal["A better", "B better", "cannot tell", "no difference"]

#: By the sign test, fewer units (groups, articles) than this in which the two differ can never show at the 5 % level
#: which is better: five out of five fall to one side by chance in 1 case of 16. A bootstrap of so few does not know it.
FEWEST_UNITS = 6

#: Standard errors that a difference must measure to be seen (two-sided, 5 %) with a chance of 80 %.
_POWER = 1.96 + 0.84

STANCES_OVERALL = "stances, macro-F1"
TOPICS_OVERALL = "topics, micro-F1"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both systems.

    ``difference``: B - A, paired. ``only_a``, ``only_b``: decisions that only one of the two has right; ``p``:
    McNemar's exact test of these. ``more_articles``: with "cannot tell", about how many more articles would show a
    difference as large as this with a chance of 80 %, if it is real; None where the difference is too near zero to
    ask. There ``smallest`` is the difference that as many articles as these would show with that chance.
    """

    figure: str
    kind: Kind
    a: float
    b: float
    difference: Estimate
    only_a: int
    only_b: int
    p: float
    answer: Answer
    more_articles: int | None
    smallest: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures of two systems; ``resampled`` is what the bootstrap draws: "groups" or "articles"."""

    articles: int
    groups: int
    resampled: str
    identical: bool
    """Whether the two give the same topics and stances on every article."""
    rows: list[Row]

    @property
    def verdict(self) -> str:
        """Say in one sentence which system is better on stances and on topics, or what it would take to tell."""
        if self.identical:
            return "no difference: the two give the same answers on every article"
        by_name = {row.figure: row for row in self.rows}
        parts = [
            _sentence(kind, by_name[figure])
            for kind, figure in (("stances", STANCES_OVERALL), ("topics", TOPICS_OVERALL))
            if figure in by_name
        ]
        return "; ".join(parts) + "." if parts else "cannot tell: no label to judge by"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"verdict": self.verdict, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Paired:
    """Two systems on the same articles, counted: all that a comparison needs, and what can be drawn from again.

    ``stances`` is (2, articles, targets, 3, 4), ``topics`` (2, articles, topics, 3), ``addressed`` the same over
    targets that can be missed; ``groups``, ``langs``, and whether topics and stances are annotated, are (articles,).
    """

    schema: Schema
    stances: Counts
    topics: Counts
    addressed: Counts
    groups: NDArray[np.str_]
    langs: NDArray[np.str_]
    has_topics: NDArray[np.bool_]
    has_stances: NDArray[np.bool_]


def pair(a: Sequence[Outcome], b: Sequence[Outcome], schema: Schema) -> Paired:
    """Count two systems on the same articles.

    Raises ValueError unless both have the same articles, by id and gold labels, in the same order.
    """
    _check_same_articles(a, b)
    return Paired(
        schema=schema,
        stances=_both(stance_counts, a, b, schema.target_ids),
        topics=_both(topic_counts, a, b, schema.topic_ids),
        addressed=_both(addressed_counts, a, b, [t for t in schema.target_ids if t not in schema.assumed]),
        groups=np.array([o.article.held_out_group for o in a], dtype=str),
        langs=np.array([o.article.lang for o in a], dtype=str),
        has_topics=np.array([o.article.topics is not None for o in a], dtype=bool),
        has_stances=np.array([o.article.stances is not None for o in a], dtype=bool),
    )


def compare(a: Sequence[Outcome], b: Sequence[Outcome], schema: Schema) -> Comparison:
    """Compare two systems on the same articles.

    Each row is decided by the paired bootstrap interval of the difference alone, groups resampled whole. McNemar's
    test is shown beside since many know it, and decides nothing: it takes each decision as independent of every
    other, but the articles of an outlet are alike and go wrong together, so its p is too small.

    Each row is held to 95 % by itself: where the two are equally good, 1 row in 20 is expected to name a better one
    by chance. Holm's correction over some twenty rows would need p below 0.0025, about one draw in a thousand, and
    would say "cannot tell" of nearly every single label on files of the usual size. So the verdict rests on two
    figures only, which are fixed beforehand, and the other rows say where to look, not what is so.

    Raises ValueError unless both have the same articles, by id and gold labels, in the same order.
    """
    identical = all(
        x.predicted_topics == y.predicted_topics and x.predicted_stances == y.predicted_stances
        for x, y in zip(a, b, strict=False)
    )
    return compare_paired(pair(a, b, schema), identical)


def compare_paired(both: Paired, identical: bool = False) -> Comparison:
    """Compare two systems that have been counted; ``identical``: they give the same answers everywhere."""
    bootstrap = Bootstrap(both.groups.tolist())
    schema, stances, topics = both.schema, both.stances, both.topics
    has_stances, has_topics = both.has_stances, both.has_topics
    occurring = np.flatnonzero(_gold_labels(topics[0]).sum(axis=0)).tolist()

    rows: list[Row | None] = [
        _row(bootstrap, STANCES_OVERALL, stances, macro_f1, has_stances),
        _row(bootstrap, "stances, F-avg", stances, f_avg, has_stances),
        _row(bootstrap, "topics, macro-F1", topics[:, :, occurring], macro_f1_of_labels, has_topics, pool=False),
        _row(bootstrap, TOPICS_OVERALL, topics, f1, has_topics),
        _row(bootstrap, "addressed, F1", both.addressed, f1, has_stances),
        *(
            _row(bootstrap, f"{target}, macro-F1", stances[:, :, [i]], macro_f1, has_stances, "label")
            for i, target in enumerate(schema.target_ids)
        ),
        *(_row(bootstrap, f"{schema.topic_ids[i]}, F1", topics[:, :, [i]], f1, has_topics, "label") for i in occurring),
    ]
    languages = sorted(set(both.langs.tolist()))
    for language in languages if len(languages) > 1 else []:
        here = both.langs == language
        rows += [
            _row(bootstrap, f"{language}: {STANCES_OVERALL}", stances, macro_f1, has_stances & here, "language"),
            _row(bootstrap, f"{language}: {TOPICS_OVERALL}", topics, f1, has_topics & here, "language"),
        ]
    return Comparison(
        articles=len(both.groups),
        groups=len(set(both.groups.tolist())),
        resampled=bootstrap.unit,
        identical=identical,
        rows=[row for row in rows if row],
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Return p of McNemar's test (1947), exact and two-sided, from the decisions that only one system has right."""
    from scipy.special import bdtr

    return min(1.0, 2 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def _check_same_articles(a: Sequence[Outcome], b: Sequence[Outcome]) -> None:
    if len(a) != len(b):
        raise ValueError(f"the two systems have {len(a)} and {len(b)} articles; give both the same")
    for i, (x, y) in enumerate(zip(a, b, strict=True)):
        if x.article.id != y.article.id:
            raise ValueError(f"article {i} is {x.article.id!r} in one and {y.article.id!r} in the other")
        if _gold(x) != _gold(y):
            raise ValueError(f"article {x.article.id!r} has other gold labels in one than in the other")


def _gold(o: Outcome) -> tuple[object, ...]:
    article = o.article
    stances = None if article.stances is None else dict(article.stances)
    return article.topics, stances, article.disputed_topics, article.disputed_stances, article.held_out_group


def _both(
    count: Callable[[Sequence[Outcome], Sequence[str]], Counts],
    a: Sequence[Outcome],
    b: Sequence[Outcome],
    labels: Sequence[str],
) -> Counts:
    """Count both systems, (2, articles, labels, ...)."""
    return np.stack([count(a, labels), count(b, labels)])


def _row(
    bootstrap: Bootstrap,
    name: str,
    counts: Counts,
    figure: Callable[[Counts], Counts],
    of: NDArray[np.bool_],
    kind: Kind = "overall",
    *,
    pool: bool = True,
) -> Row | None:
    """Compare one figure of (2, articles, labels, ...) counts over the articles ``of``; None without gold labels.

    ``pool``: whether the figure takes the counts of all labels summed, or those of each.
    """
    counts = counts * of.reshape(1, -1, *[1] * (counts.ndim - 2))
    n = int(_gold_labels(counts[0]).sum())
    if not n:
        return None
    wrong = _wrong(counts)
    only_a, only_b = int((wrong[1] > wrong[0]).sum()), int((wrong[0] > wrong[1]).sum())
    summed = counts.sum(axis=2) if pool else counts
    totals = [bootstrap.totals(system) for system in summed]
    # A draw without a gold label of the kind says nothing
    labels = _gold_labels(totals[0])
    values = np.where(labels.reshape(len(labels), -1).sum(axis=1) > 0, [figure(t) for t in totals], np.nan)
    if np.isnan(values[:, 0]).any():  # such as F-avg where all labels are neutral
        return None
    differences = values[1] - values[0]
    # Where both give the same answer nothing is learned of the difference: few units that differ are few units
    differing = np.abs(counts[1] - counts[0]).reshape(counts.shape[1], -1).sum(axis=1)
    estimate = bootstrap.interval(differences, n, differing)
    units = int((bootstrap.by_unit(differing) > 0).sum())
    answer: Answer = "cannot tell"
    if not units:
        answer = "no difference"
    elif units >= FEWEST_UNITS and (estimate.low > 0 or estimate.high < 0):
        answer = "B better" if estimate.low > 0 else "A better"
    more = smallest = None
    if answer == "cannot tell":
        error = float(np.nanstd(differences[1:]))
        more, smallest = _power(abs(estimate.value), error, int(of.sum()))
        if units < FEWEST_UNITS:  # the draws of so few do not know how far chance goes
            more, smallest = max(more or 0, round(int(of.sum()) * (FEWEST_UNITS / units - 1))), None
    a, b = (float(v) for v in values[:, 0])
    return Row(name, kind, a, b, estimate, only_a, only_b, mcnemar(only_a, only_b), answer, more, smallest)


def _gold_labels(counts: Counts) -> Counts:
    """Return the number of gold labels, (...), in counts of topics, (..., 3), or of stances, (..., 3, 4)."""
    return counts.sum(axis=(-2, -1)) if counts.shape[-1] == 4 else counts[..., 0] + counts[..., 2]


def _wrong(counts: Counts) -> Counts:
    """Return the number of wrong decisions, (...), in counts of topics, (..., 3), or of stances, (..., 3, 4)."""
    if counts.shape[-1] == 4:
        right: Counts = np.trace(counts, axis1=-2, axis2=-1)
        return _gold_labels(counts) - right
    return counts[..., 1] + counts[..., 2]


def _power(difference: float, error: float, articles: int) -> tuple[int | None, float]:
    """Return how many more articles would show a difference, and the smallest that as many as these would show.

    The standard error is taken to shrink with the root of the number of articles, as it does if they come from new
    groups that are like these.
    """
    smallest = _POWER * error
    if difference < error / 2 or not error:  # nearly zero: it would take thirty times as many, or more
        return None, smallest
    more = max(1.0, articles * ((smallest / difference) ** 2 - 1))
    digits = 1 - math.floor(math.log10(more))  # two figures; more would pretend to know
    return max(1, int(round(more, digits))), smallest


def _sentence(kind: str, row: Row) -> str:
    difference = _signed(row.difference)
    if row.answer in ("A better", "B better"):
        return f"{row.answer[0]} is better on {kind} ({difference if row.answer[0] == 'B' else _signed(_turned(row))})"
    if row.answer == "no difference":
        return f"{kind}: no difference, all answers are the same"
    if row.more_articles is not None:
        return f"{kind}: cannot tell (B - A {difference}); about {row.more_articles} more articles would"
    return f"{kind}: cannot tell (B - A {difference}); these articles would show {row.smallest:.3f} or more"


def _turned(row: Row) -> Estimate:
    d = row.difference
    return Estimate(-d.value, -d.high, -d.low, d.n)


def _signed(e: Estimate) -> str:
    return f"{e.value:+.3f} [{e.low:+.3f}, {e.high:+.3f}]"


_NAME = 30


def render_comparison(comparison: Comparison) -> str:
    """Return the comparison as text, at most 110 columns wide; the first lines are the verdict."""
    c = comparison
    lines = [*textwrap.wrap(c.verdict, 100), ""]
    lines.append(f"{c.articles} articles in {c.groups} groups; 95 % intervals by paired bootstrap over {c.resampled}.")
    if c.resampled == "articles" and c.groups < c.articles:
        lines.append("Groups are too few to resample: the intervals hold for more articles of these groups, no others.")
    if not c.rows:
        return "\n".join(lines)
    lines += [
        "",
        f"{'':<{_NAME}}{'':>44}only right",
        f"{'':<{_NAME}}{'A':>6}{'B':>7}  {'B - A':<25}{'A':>6}{'B':>6}{'p':>7}  answer",
    ]
    for row in c.rows:
        name = row.figure if len(row.figure) < _NAME else row.figure[: _NAME - 2] + "…"
        answer: str = row.answer
        if row.more_articles is not None:
            answer += f", +{row.more_articles}" if row.more_articles < 100_000 else ", +100000"
        elif row.smallest is not None:
            answer += f", {row.smallest:.3f}"
        lines.append(
            f"{name:<{_NAME}}{row.a:>6.3f}{row.b:>7.3f}  {_signed(row.difference):<25}"
            f"{row.only_a:>6}{row.only_b:>6}{row.p:>7.3f}  {answer}"
        )
    lines += [
        "",
        "cannot tell, +N: about N more articles would show such a difference (80 % chance); 0.NNN: the smallest that",
        "these articles would show. p: McNemar's exact test, which takes decisions as independent and decides nothing.",
        f"Of {len(c.rows)} rows {max(1, round(len(c.rows) / 20))} may name a better one by chance:"
        " trust the verdict, and take the rows as hints.",
    ]
    return "\n".join(lines)
