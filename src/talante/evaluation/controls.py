"""Trivial ways to guess a stance. A model that does not beat them has learned nothing about stance."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Stance
from talante.evaluation.outcomes import Outcome
from talante.text.fold import fold

#: A stance, none, or the chance of each: against, neutral, favor, none.
Guess = Stance | None | tuple[float, ...]

#: One guess for each pair of each outcome, in order.
Guesses = list[list[Guess]]


def majority(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess the most frequent stance of these very articles."""
    counts = Counter(gold for o in outcomes for _, gold, _ in o.pairs)
    best = counts.most_common(1)[0][0] if counts else None
    return [[best] * len(o.pairs) for o in outcomes]


def target_blind(outcomes: Sequence[Outcome]) -> Guesses:
    """Give every target of an article the same answer: the mean of the model's probabilities over its targets."""
    guesses: Guesses = []
    for o in outcomes:
        rows = [o.probabilities[target] for target in o.predicted_stances]
        answer: Stance | None = STANCES[int(np.mean(rows, axis=0).argmax())] if rows else None
        guesses.append([answer if target in o.predicted_stances else None for target, _, _ in o.pairs])
    return guesses


def length_only(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess from the length of the article alone, learned on the articles of other groups."""
    log_words = np.log([max(o.words, 1) for o in outcomes])
    return _learned(outcomes, np.stack([log_words, log_words**2], axis=1))


def genre_only(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess from the genre of the article alone, learned on the articles of other groups."""
    genres = sorted({o.article.genre for o in outcomes})
    return _learned(outcomes, np.array([[float(o.article.genre == g) for g in genres] for o in outcomes]))


def _learned(outcomes: Sequence[Outcome], features: NDArray[np.float64]) -> Guesses:
    """Guess from ``features``, (articles, features), with groups held out."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    rows = [(i, gold) for i, o in enumerate(outcomes) for _, gold, _ in o.pairs]
    groups = [outcomes[i].article.held_out_group for i, _ in rows]
    folds = min(10, len(set(groups)))
    if folds < 2:
        return majority(outcomes)
    columns, labels = features[[i for i, _ in rows]], np.array([gold for _, gold in rows])
    answers = np.empty(len(rows), dtype=object)
    for inside, outside in GroupKFold(folds).split(columns, labels, groups):
        if len(set(labels[inside])) < 2:
            answers[outside] = labels[inside][0]
        else:
            model = LogisticRegression(class_weight="balanced", max_iter=2000).fit(columns[inside], labels[inside])
            answers[outside] = model.predict(columns[outside])
    guesses: Guesses = [[] for _ in outcomes]
    for (i, _), answer in zip(rows, answers, strict=True):
        guesses[i].append(answer)
    return guesses


def keyword_counts(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess by counting words of praise and of blame in the sentences that name the target; as many is neutral."""
    guesses: Guesses = []
    for o in outcomes:
        row: list[Guess] = []
        for target, _, _ in o.pairs:
            words = [fold(word) for word in re.findall(r"\w+", o.near.get(target, ""))]
            balance = sum(w.startswith(_PRAISE) for w in words) - sum(w.startswith(_BLAME) for w in words)
            row.append(STANCES[int(np.sign(balance)) + 1] if target in o.near else None)
        guesses.append(row)
    return guesses


# Beginnings of words that an evaluator would think of at once, and nothing more: a control must not be tuned.
_PRAISE = tuple(
    """
    achiev admir advanc brave benefi courag defend dignity friend good great hero honest hope improv just leader peace
    progress prosper protect right strong success support victor welcom
    acierto avanc bien bueno coraje digni exito fuerte justo lider lograr logro mejor paz progres proteg valiente
    """.split()  # noqa: SIM905
)
_BLAME = tuple(
    """
    abus aggress arbitrar autocra bad blame brutal censor coloni corrupt coup crime crisis cruel dictator evil fail
    fraud illegal imperial impunity jail lie murder oppress persecut poor regime repress ruin threat tortur tyran
    violat wrong
    agresi crimen culpa dictad fracas ilegal impunidad mal mentir miseria opres persegu pobre represi robo tiran violaci
    """.split()  # noqa: SIM905
)


def target_only(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess the most frequent stance toward the target in the articles of other groups."""
    everywhere = Counter((target, gold) for o in outcomes for target, gold, _ in o.pairs)
    inside = Counter((o.article.held_out_group, target, gold) for o in outcomes for target, gold, _ in o.pairs)
    guesses: Guesses = []
    for o, otherwise in zip(outcomes, majority(outcomes), strict=True):
        row: list[Guess] = []
        for (target, _, _), default in zip(o.pairs, otherwise, strict=True):
            others = [everywhere[target, s] - inside[o.article.held_out_group, target, s] for s in STANCES]
            row.append(STANCES[int(np.argmax(others))] if any(others) else default)
        guesses.append(row)
    return guesses


def shuffled(outcomes: Sequence[Outcome]) -> Guesses:
    """Shuffle the answers among the pairs, which is to shuffle the labels: what the mix of answers alone is worth.

    Not one shuffle, which would be luck, but the mean of all: every answer with the chance that it has.
    """
    counts = Counter(predicted for o in outcomes for _, _, predicted in o.pairs)
    chances = tuple(counts[answer] / max(1, counts.total()) for answer in (*STANCES, None))
    return [[chances] * len(o.pairs) for o in outcomes]


def outlet_only(outcomes: Sequence[Outcome]) -> Guesses:
    """Guess what the other articles of the same outlet say of the target: the leak that a random split has.

    Where they say nothing of it, the most frequent stance of all.
    """
    fallback = majority(outcomes)
    seen = Counter((o.article.held_out_group, target, gold) for o in outcomes for target, gold, _ in o.pairs)
    guesses: Guesses = []
    for o, otherwise in zip(outcomes, fallback, strict=True):
        row: list[Guess] = []
        for (target, gold, _), default in zip(o.pairs, otherwise, strict=True):
            others = [seen[o.article.held_out_group, target, s] - (s == gold) for s in STANCES]
            row.append(STANCES[int(np.argmax(others))] if any(others) else default)
        guesses.append(row)
    return guesses


def _targets(outcomes: Sequence[Outcome]) -> int:
    return len({target for o in outcomes for target, _, _ in o.pairs})


@dataclass(frozen=True, slots=True)
class Trick:
    """A way to guess: what it does, and whether these articles allow it; elsewhere it would be another one again.

    ``fair``: it knows no more than a model that has not seen the outlets.
    """

    guess: Callable[[Sequence[Outcome]], Guesses]
    meaning: str
    applies: Callable[[Sequence[Outcome]], bool] = lambda outcomes: True  # noqa: ARG005
    fair: bool = True


#: What a model must beat. ``outlet-only`` is told the gold labels of the outlet's other articles, which no model knows
#: of a new outlet: it stands beside the others to show how far an outlet alone would carry, and the verdict says so.
CONTROLS: dict[str, Trick] = {
    "majority": Trick(majority, "the most frequent stance"),
    "target-only": Trick(target_only, "the target's most frequent stance", lambda outcomes: _targets(outcomes) > 1),
    "target-blind": Trick(target_blind, "one answer for all targets", lambda outcomes: _targets(outcomes) > 1),
    "outlet-only": Trick(
        outlet_only,
        "as the outlet's other articles",
        lambda outcomes: any(o.article.held_out_group != o.article.id for o in outcomes),
        fair=False,
    ),
    "length-only": Trick(length_only, "from the length of the article"),
    "genre-only": Trick(
        genre_only, "from the genre of the article", lambda outcomes: len({o.article.genre for o in outcomes}) > 1
    ),
    "shuffled": Trick(shuffled, "with labels shuffled"),
    "keyword counts": Trick(
        keyword_counts, "words of praise and blame", lambda outcomes: any(o.near for o in outcomes)
    ),
}
