"""Trivial ways to guess a stance. A model that does not beat them has learned nothing about stance."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from talante.corpus.article import STANCES, Stance
from talante.evaluation.outcomes import Outcome

#: One guess, or none, for each pair of each outcome, in order.
Guesses = list[list[Stance | None]]


def majority(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess the most frequent stance of these very articles."""
    counts = Counter(gold for o in outcomes for _, gold, _ in o.pairs)
    best = counts.most_common(1)[0][0] if counts else None
    return [[best] * len(o.pairs) for o in outcomes]


def target_blind(outcomes: Sequence[Outcome]) -> Guesses:
    """Give every target of an article the same answer: the mean of the model's probabilities over its targets."""
    guesses: Guesses = []
    for o in outcomes:
        rows = list(o.probabilities.values())
        answer: Stance | None = STANCES[int(np.mean(rows, axis=0).argmax())] if rows else None
        guesses.append([answer if target in o.probabilities else None for target, _, _ in o.pairs])
    return guesses


def length_only(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess from the length of the article alone, learned on the articles of other groups."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    rows = [(i, o.words, gold, o.article.held_out_group) for i, o in enumerate(outcomes) for _, gold, _ in o.pairs]
    guesses: Guesses = [[] for _ in outcomes]
    groups = [group for *_, group in rows]
    folds = min(10, len(set(groups)))
    if folds < 2:
        return majority(outcomes)
    log_words = np.log([[max(words, 1)] for _, words, _, _ in rows])
    features = np.hstack([log_words, log_words**2])
    labels = np.array([gold for _, _, gold, _ in rows])
    answers = np.empty(len(rows), dtype=object)
    for inside, outside in GroupKFold(folds).split(features, labels, groups):
        if len(set(labels[inside])) < 2:
            answers[outside] = labels[inside][0]
        else:
            model = LogisticRegression(class_weight="balanced", max_iter=2000).fit(features[inside], labels[inside])
            answers[outside] = model.predict(features[outside])
    for (i, *_), answer in zip(rows, answers, strict=True):
        guesses[i].append(answer)
    return guesses


def shuffled(outcomes: Sequence[Outcome]) -> Guesses:
    """Deal the model's own answers out to the pairs at random: what its mix of answers alone is worth."""
    answers = [predicted for o in outcomes for _, _, predicted in o.pairs]
    order = np.random.default_rng(0).permutation(len(answers)).tolist()
    dealt = iter([answers[i] for i in order])
    return [[next(dealt) for _ in o.pairs] for o in outcomes]


def outlet_only(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess what the other articles of the same outlet say of the target: the leak that a random split has."""
    seen = Counter((o.article.held_out_group, target, gold) for o in outcomes for target, gold, _ in o.pairs)
    guesses: Guesses = []
    for o in outcomes:
        row: list[Stance | None] = []
        for target, gold, _ in o.pairs:
            others = [seen[o.article.held_out_group, target, s] - (s == gold) for s in STANCES]
            row.append(STANCES[int(np.argmax(others))] if any(others) else None)
        guesses.append(row)
    return guesses


#: What a model must beat on articles of groups that it has not seen.
CONTROLS: dict[str, Callable[[Sequence[Outcome]], Guesses]] = {
    "majority": majority,
    "target-blind": target_blind,
    "length-only": length_only,
    "shuffled": shuffled,
}
