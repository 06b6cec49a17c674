"""Agreement of two annotators, against scikit-learn's figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from talante.corpus.article import STANCES
from talante.corpus.records import Corpus, Reading
from talante.evaluation.agreement import POOLED, agreement, kappa


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=60))
@settings(deadline=None)
def test_kappa_is_that_of_scikit_learn(labels: list[tuple[int, int]]) -> None:
    table = np.zeros((3, 3))
    for a, b in labels:
        table[a, b] += 1
    if len({a for a, _ in labels} | {b for _, b in labels}) == 1:
        assert np.isnan(kappa(table))
    else:
        a, b = zip(*labels, strict=True)
        assert kappa(table) == pytest.approx(cohen_kappa_score(a, b, labels=[0, 1, 2]))


def reading(name: int, topics: set[str], **stances: str) -> Reading:
    return Reading(str(name), frozenset(topics), stances)


def test_topics_and_targets_are_counted_where_either_gave_them(corpus: Corpus) -> None:
    first = [
        reading(0, {"harbor"}, mayor="against"),
        reading(1, {"harbor", "schools"}, mayor="favor"),
        reading(2, set()),
    ]
    second = [reading(1, {"harbor"}, mayor="favor"), reading(0, {"harbor"}, mayor="neutral", union="favor")]
    found = agreement(first, second, corpus.schema)
    assert found.articles == 2
    assert (found.topics["harbor"].value, found.topics["harbor"].n) == (1.0, 2)
    assert found.topics["schools"].value == 0.0
    assert found.topics[POOLED].value == pytest.approx(4 / 5)
    assert (found.addressed["mayor"].value, found.addressed["union"].value) == (1.0, 0.0)
    assert found.stances["mayor"].n == 2 and "union" not in found.stances
    assert found.stances["mayor"].value == pytest.approx(
        cohen_kappa_score(["favor", "against"], ["favor", "neutral"], labels=list(STANCES))
    )
