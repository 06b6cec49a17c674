"""F1 figures from counts; any leading axes are kept, so that all bootstrap draws are one call."""

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES

Array = NDArray[np.float64]


def f1(counts: Array) -> Array:
    """Return F1 from (..., 3) counts of true positives, false positives, false negatives; 0 where all are 0."""
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def precision(counts: Array) -> Array:
    """Return precision from (..., 3) counts; 0 where nothing was predicted."""
    return _ratio(counts[..., 0], counts[..., 0] + counts[..., 1])


def recall(counts: Array) -> Array:
    """Return recall from (..., 3) counts; 0 where there was nothing to find."""
    return _ratio(counts[..., 0], counts[..., 0] + counts[..., 2])


def stance_f1(confusion: Array) -> Array:
    """Return F1 of each stance, (..., 3), from (..., 3, 4) counts of gold against predicted; "none" is wrong."""
    n = len(STANCES)
    right = np.diagonal(confusion[..., :n], axis1=-2, axis2=-1)
    predicted, gold = confusion[..., :n].sum(axis=-2), confusion.sum(axis=-1)
    return _ratio(2 * right, predicted + gold)


def macro_f1(confusion: Array) -> Array:
    """Return the mean F1 of the stances that occur."""
    occurs = confusion.sum(axis=-1) > 0
    return _mean(stance_f1(confusion), occurs, int(np.atleast_2d(occurs)[0].sum()))


def f_avg(confusion: Array) -> Array:
    """Return the mean F1 of `against` and `favor`: the official score of SemEval-2016 Task 6."""
    return _mean(stance_f1(confusion)[..., ::2], confusion.sum(axis=-1)[..., ::2] > 0, 2)


def macro_f1_of_labels(counts: Array) -> Array:
    """Return the mean F1 over the labels of (..., labels, 3) counts that occur."""
    occurs = counts[..., 0] + counts[..., 2] > 0
    return _mean(f1(counts), occurs, int(np.atleast_2d(occurs)[0].sum()))


def ece(bins: Array) -> Array:
    """Return the expected calibration error (Naeini et al. 2015) from (..., bins, 3): number, sum of scores, right."""
    number, scores, right = np.moveaxis(bins, -1, 0)
    return _ratio(np.abs(scores - right).sum(axis=-1), number.sum(axis=-1))


def share(counts: Array) -> Array:
    """Return the share that the second of (..., 2) counts is of the first, NaN where that is 0."""
    return np.where(counts[..., 0] > 0, _ratio(counts[..., 1], counts[..., 0]), np.nan)


def _mean(scores: Array, occurs: NDArray[np.bool_], of: int) -> Array:
    """Average scores over their last axis, ``of`` labels.

    A bootstrap draw may have none of a label that the sample (the first row) has. There the label is left out of
    the mean; as a zero it would draw the interval down. A draw with no label at all says nothing: NaN.
    """
    in_sample = np.atleast_2d(occurs)[0].sum()
    mean = _ratio(np.where(occurs, scores, 0.0).sum(axis=-1), occurs.sum(axis=-1))
    return np.where(occurs.any(axis=-1), mean * float(in_sample) / max(of, 1), np.nan)


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


def average_precision(gold: NDArray[np.bool_], scores: Array, weights: Array) -> Array:
    """Return average precision, (draws,), as scikit-learn defines it: the mean precision at each gain in recall.

    ``gold`` and ``scores`` are (items,), ``weights`` (draws, items), how often each draw counts an item. Items with
    equal scores come in together. NaN in a draw without a positive.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of the items with one score
    drawn = weights[:, order]
    positives = np.cumsum(drawn * gold[order], axis=1)[:, last]
    everything = np.cumsum(drawn, axis=1)[:, last]
    # Where nothing has come in yet there are no positives either; in the weights' own precision, which may be single
    gained = positives / np.maximum(everything, 1) * np.diff(positives, axis=1, prepend=0)
    total = positives[:, -1].astype(np.float64)
    return np.where(total > 0, _ratio(gained.sum(axis=1, dtype=np.float64), total), np.nan)


def precision_recall(gold: NDArray[np.bool_], scores: Array) -> Array:
    """Return (points, 2) recall and precision at each cut of the scores, from the strictest to the loosest."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    found = np.cumsum(gold[order])[last]
    recall = _ratio(found.astype(np.float64), np.full(len(found), float(max(1, gold.sum()))))
    return np.stack([recall, found / (np.flatnonzero(last) + 1)], axis=1)
