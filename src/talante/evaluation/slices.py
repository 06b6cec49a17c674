"""The figures of parts of the articles, those that differ from the rest first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talante.corpus.schema import Schema
from talante.evaluation.intervals import MIN_GROUPS, Bootstrap, Estimate
from talante.evaluation.metrics import f1, share
from talante.evaluation.outcomes import Counts, Outcome, topic_counts
from talante.evaluation.probes import quote_spans

#: A slice with fewer labels of a kind is too small for a figure.
FEWEST = 20


def _between(edges: Sequence[int], unit: str) -> Callable[[float], str]:
    """Name the interval between two of ``edges`` that a number lies in."""

    def name(value: float) -> str:
        above = int(np.searchsorted(edges, value, side="right"))
        if above == 0:
            return f"under {edges[0]}{unit}"
        return f"{edges[-1]}{unit} or more" if above == len(edges) else f"{edges[above - 1]} to {edges[above]}{unit}"

    return name


def quoted_share(text: str) -> float:
    """Return the part of a text, from 0 to 1, that stands in quotation marks.

    >>> quoted_share("so, “mucho”!!!")
    0.5
    """
    return sum(end - start for start, end in quote_spans(text)) / max(1, len(text))


_words = _between((250, 500, 1000), " words")
_quoted = _between((1, 10, 25), " %")


def _era(date: str) -> str:
    return f"{date[:3]}0s" if date[:4].isdigit() else ""


#: What articles are sliced by, and the name of the slice of each article; "" is in none.
SLICINGS: Mapping[str, Callable[[Outcome], str]] = {
    "language": lambda o: o.article.lang,
    "genre": lambda o: o.article.genre,
    "length": lambda o: _words(o.words) if o.words else "",
    "era": lambda o: _era(o.article.date),
    "outlet": lambda o: o.article.held_out_group if o.article.held_out_group != o.article.id else "",
    "origin": lambda o: o.article.origin,
    "targets treated": lambda o: "" if o.article.stances is None else str(len(o.article.stances)),
    "quoted": lambda o: _quoted(100 * quoted_share(o.article.text)),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a slice, and by how much it differs from all other articles; None where labels are too few."""

    n: int
    value: Estimate | None
    difference: Estimate | None

    @property
    def differs(self) -> bool:
        """Say whether the difference is beyond its interval."""
        return self.difference is not None and not self.difference.low <= 0.0 <= self.difference.high


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the articles: the share of its stances that are right, and the micro-F1 of its topics."""

    by: str
    name: str
    articles: int
    stances: Figure
    topics: Figure

    @property
    def differs(self) -> bool:
        """Say whether one of the figures differs from the rest beyond its interval."""
        return self.stances.differs or self.topics.differs

    @property
    def too_few(self) -> bool:
        """Say whether there are too few labels of either kind for a figure."""
        return self.stances.value is None and self.topics.value is None


def slices(outcomes: Sequence[Outcome], schema: Schema) -> list[Slice]:
    """Slice by all SLICINGS; those that differ come first, the worst of them at the top, those with too few last.

    A difference is between a slice and all other articles, paired by bootstrap draws over groups; over
    articles where a slice has few groups, such as an outlet. One figure in twenty differs by chance.
    """
    groups = np.array([o.article.held_out_group for o in outcomes], dtype=object)
    by_group, by_article = Bootstrap(groups.tolist()), Bootstrap([o.article.id for o in outcomes])
    right = stances_right(outcomes)
    topics = topic_counts(outcomes, schema.topic_ids).sum(axis=1)
    found = []
    for by, name_of in SLICINGS.items():
        names = np.array([name_of(o) for o in outcomes], dtype=object)
        members = sorted(set(names.tolist()) - {""})
        if len(members) + bool((names == "").any()) < 2:
            continue
        for name in members:
            inside = names == name
            bootstrap = by_group if len(set(groups[inside].tolist())) >= MIN_GROUPS else by_article
            found.append(
                Slice(
                    by,
                    name,
                    int(inside.sum()),
                    _figure(right, right[:, 0], inside, bootstrap, share),
                    _figure(topics, topics[:, 0] + topics[:, 2], inside, bootstrap, f1),
                )
            )
    return sorted(found, key=_order)


def stances_right(outcomes: Sequence[Outcome]) -> Counts:
    """Count labelled stances and those that are right, (articles, 2)."""
    return np.array(
        [(len(o.pairs), sum(gold == said for _, gold, said in o.pairs)) for o in outcomes], dtype=np.float64
    ).reshape(-1, 2)


def _figure(
    counts: Counts,
    labels: NDArray[np.float64],
    inside: NDArray[np.bool_],
    bootstrap: Bootstrap,
    figure: Callable[[Counts], Counts],
) -> Figure:
    n, rest_n = int(labels[inside].sum()), int(labels[~inside].sum())
    if n < FEWEST:
        return Figure(n, None, None)
    own, others = counts * inside[:, None], counts * ~inside[:, None]
    # A draw may have nothing of a slice
    values, rest = (
        np.where(total.sum(axis=-1) > 0, figure(total), np.nan) for total in map(bootstrap.totals, (own, others))
    )
    difference = bootstrap.interval(values - rest, n, own) if rest_n >= FEWEST else None
    return Figure(n, bootstrap.interval(values, n, own), difference)


def _order(part: Slice) -> tuple[bool, bool, float]:
    gaps = [f.difference.value for f in (part.stances, part.topics) if f.difference and (f.differs or not part.differs)]
    return part.too_few, not part.differs, min(gaps, default=0.0)
