"""How far two annotators agree who labelled the same articles apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES
from talante.corpus.records import Reading
from talante.corpus.schema import Schema
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.metrics import f1

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on the articles that both labelled.

    ``topics``: F1 between the two, by topic and pooled (F1 is the same whichever of the two is taken as gold).
    ``addressed``: F1 on which targets an article treats. ``stances``: Cohen's kappa where both name the target.
    """

    articles: int
    topics: Mapping[str, Estimate]
    addressed: Mapping[str, Estimate]
    stances: Mapping[str, Estimate]


POOLED = "pooled"


def agreement(first: Sequence[Reading], second: Sequence[Reading], schema: Schema) -> Agreement:
    """Compare two readings, matched by id; 95 % intervals by bootstrap over articles."""
    by_id = {reading.id: reading for reading in second}
    pairs = [(a, by_id[a.id]) for a in first if a.id in by_id]
    bootstrap = Bootstrap([a.id for a, _ in pairs])
    topics = np.array([[_counts(t in a.topics, t in b.topics) for t in schema.topic_ids] for a, b in pairs])
    named = np.array([[_counts(t in a.stances, t in b.stances) for t in schema.target_ids] for a, b in pairs])
    tables = np.zeros((len(pairs), len(schema.target_ids), len(STANCES), len(STANCES)))
    for row, (a, b) in zip(tables, pairs, strict=True):
        for table, target in zip(row, schema.target_ids, strict=True):
            if target in a.stances and target in b.stances:
                table[STANCES.index(a.stances[target]), STANCES.index(b.stances[target])] = 1
    return Agreement(
        len(pairs),
        _each(topics, schema.topic_ids, bootstrap),
        _each(named, schema.target_ids, bootstrap),
        {
            name: bootstrap.estimate(table, kappa, int(table.sum()))
            for name, table in [
                *((t, tables[:, i]) for i, t in enumerate(schema.target_ids)),
                (POOLED, tables.sum(axis=1)),
            ]
            if table.sum()
        },
    )


def kappa(table: Array) -> Array:
    """Return Cohen's kappa (1960) of (..., labels, labels) counts; NaN where only one label was used at all."""
    n = table.sum(axis=(-2, -1))
    observed = np.trace(table, axis1=-2, axis2=-1)
    by_chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / np.maximum(n, 1)
    room = n - by_chance
    out = np.full(np.shape(n), np.nan)
    figures: Array = np.divide(observed - by_chance, room, out=out, where=room > 1e-9)
    return figures


def _counts(a: bool, b: bool) -> tuple[float, float, float]:
    """Return true positives, false positives and false negatives of one decision, the first reading as gold."""
    return float(a and b), float(b and not a), float(a and not b)


def _f1_where_given(counts: Array) -> Array:
    """Return F1, NaN in a draw where neither gave the label: it says nothing of their agreement on it."""
    return np.where(counts.sum(axis=-1) > 0, f1(counts), np.nan)


def _each(counts: Array, names: Sequence[str], bootstrap: Bootstrap) -> dict[str, Estimate]:
    figures = {
        name: bootstrap.estimate(counts[:, i], _f1_where_given, int(counts[:, i, [0, 2]].sum()))
        for i, name in enumerate(names)
        if counts[:, i].any()
    }
    return {**figures, POOLED: bootstrap.estimate(counts.sum(axis=1), f1, int(counts[..., [0, 2]].sum()))}
