"""What a system is that learns topics from a set of articles and predicts them, and how good its answers are."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from peers.sets import Record

#: Rows of the files that are tagged: starting a program must weigh little.
ROWS = 5_000

Labels = list[set[str]]


class Loaded(NamedTuple):
    """A model in memory: ``prepare`` makes of records what ``predict`` takes; ``program`` does the same with files.

    ``program`` takes records and a folder to write to; it returns the seconds of an article, its start taken off.
    """

    prepare: Callable[[Sequence[Record]], Any]
    predict: Callable[[Any], Labels]
    program: Callable[[Sequence[Record], Path], float] | None = None


class System(NamedTuple):
    """How to train on the set in a folder into another folder, and how to load what was trained from there."""

    train: Callable[[Path, Path], None]
    load: Callable[[Path], Loaded]
    package: str = "scikit-learn"


def f1s(gold: Labels, found: Labels) -> dict[str, float]:
    """Return micro- and macro-F1 over all labels that occur in ``gold``."""
    labels = sorted(set().union(*gold))
    counts = [
        (
            sum(label in g and label in f for g, f in zip(gold, found, strict=True)),
            sum(label in f for f in found),
            sum(label in g for g in gold),
        )
        for label in labels
    ]
    right, given, there = (sum(column) for column in zip(*counts, strict=True))
    return {"micro": 2 * right / (given + there), "macro": sum(2 * r / (g + t) for r, g, t in counts) / len(labels)}
