"""Label errors: how many of those that are planted in the corpus stand among the surest mistakes of `talante evaluate`.

python benchmarks/label_errors.py [--data data] [--share 0.05] [--seed 0]

First one error at a time: an article's label is seen by no model that tags the article, so one cross-validation of the
corpus as it is tells the rank that each wrong label would have, for every stance that is right and each other one it
could be. Then many at once: a share of all stances gets another one, and the corpus is cross-validated with them. Two
cross-validations, about three minutes on two cores.
"""

import argparse
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from talante.corpus.article import STANCES
from talante.corpus.records import load_corpus
from talante.evaluation.crossval import cross_validate
from talante.evaluation.outcomes import Outcome
from talante.jobs.corpus import prepare_corpus
from talante.model.settings import Settings

FIRST = (10, 20, 50, 100)


def suspects(outcomes: Sequence[Outcome]) -> list[tuple[float, str, str]]:
    """Return the stances that differ from what was predicted, the surest first: score of the label, article, target."""
    return sorted(
        (o.probabilities[target][STANCES.index(gold)], o.article.id, target)
        for o in outcomes
        for target, gold, said in o.pairs
        if said and said != gold
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    corpus = load_corpus(options.data)
    articles = prepare_corpus(corpus)

    outcomes = cross_validate(articles, corpus.schema, Settings()).outcomes
    others = [score for score, *_ in suspects(outcomes)]
    planted = [
        o.probabilities[target][STANCES.index(wrong)]
        for o in outcomes
        for target, gold, said in o.pairs
        if said == gold
        for wrong in STANCES
        if wrong != gold
    ]
    print(f"One at a time, {len(planted)} ways, among {len(others)} mistakes that are there already:")
    for first in FIRST:
        if first <= len(others):
            found = sum(score <= others[first - 1] for score in planted) / len(planted)
            print(f"  among the first {first:>4}: {found:.0%}   (by chance {first / (len(others) + 1):.0%})")

    dice = random.Random(options.seed)
    pairs = [(o.article.id, target) for o in outcomes for target, _, _ in o.pairs]
    wrong_pairs = set(dice.sample(pairs, round(options.share * len(pairs))))
    changed = []
    for p in articles:
        stances = {
            target: dice.choice([s for s in STANCES if s != stance])
            if (p.article.id, target) in wrong_pairs
            else stance
            for target, stance in (p.article.stances or {}).items()
        }
        labelled = p.article.stances is not None
        changed.append(replace(p, article=replace(p.article, stances=stances)) if labelled else p)
    ranked = [pair for _, *pair in suspects(cross_validate(changed, corpus.schema, Settings()).outcomes)]
    hits = [tuple(pair) in wrong_pairs for pair in ranked]
    print(f"\n{len(wrong_pairs)} at once, among {len(ranked)} mistakes:")
    for first in (*FIRST, len(wrong_pairs), 2 * len(wrong_pairs)):
        found = sum(hits[:first])
        print(f"  among the first {first:>4}: {found}   (by chance {first * len(wrong_pairs) / len(pairs):.0f})")


if __name__ == "__main__":
    main()
