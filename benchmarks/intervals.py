"""Whether 95 % intervals cover the truth 95 times in a hundred, and whether equal systems are found equal.

python benchmarks/intervals.py [--draws 500] [--smoke]

Each data set is drawn from one population: every group has its own accuracy, its own mix of stances, its own topics.
The true figure is that of 400,000 articles, each of another group. Prints for each scenario, figure and method how many
of the intervals hold the truth and how wide they are on average, `*` where fewer than 92 or more than 97 in 100 do.
The methods: percentiles as they are; expanded percentiles (Hesterberg 2015) by the number of groups, by the effective
number of Kish, and by their geometric mean, which is what talante does; BCa (Efron 1987), with a jackknife over groups.
Then the calibration error, plain and corrected; then groups against articles where groups are few; then pairs of
systems of equal quality, which `compare` must not call different.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import special

from talante.corpus.article import STANCES, Article
from talante.corpus.schema import Schema, Target, Topic
from talante.evaluation import intervals
from talante.evaluation.compare import STANCES_OVERALL, TOPICS_OVERALL, compare
from talante.evaluation.intervals import Bootstrap
from talante.evaluation.metrics import ece, f1, macro_f1, macro_f1_of_labels, share
from talante.evaluation.outcomes import BINS, Outcome

Array = NDArray[np.float64]
Random = np.random.Generator

#: Of the population: about the shares that the corpus and a gold file of real articles have
TOPIC_SHARES = np.array([0.6, 0.39, 0.25, 0.18, 0.15, 0.12, 0.12, 0.08, 0.067])
STANCE_SHARES = np.array([0.39, 0.33, 0.28])
TARGETS_TREATED = np.array([0.13, 0.37, 0.37, 0.13])
RIGHT = 0.75
NOT_FOUND = 0.07

TOPICS = [f"topic-{i}" for i in range(len(TOPIC_SHARES))]
TARGETS = ["a", "b", "c"]
SCHEMA = Schema(tuple(Topic(t, {}, "", {}) for t in TOPICS), tuple(Target(t, {}, "", {}) for t in TARGETS))

GOLD_FILE = [58, 42, 23, 8, 7, 6, 5, 5, 5, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1]
SCENARIOS: dict[str, Callable[[Random], Sequence[int]]] = {
    "400 groups of about 5": lambda random: (1 + random.poisson(4, 400)).tolist(),
    "60 groups of about 5": lambda random: (1 + random.poisson(4, 60)).tolist(),
    "23 groups, very unequal": lambda _: GOLD_FILE,
    "200 articles, no groups": lambda _: [1] * 200,
    "12 groups of 15": lambda _: [15] * 12,
    "half in one of 21 groups": lambda _: [100] + [5] * 20,
}
FEW = {f"{n} groups of {200 // n}": [200 // n] * n for n in (8, 6, 5, 4)}
COMPARED = list(SCENARIOS)[1:5]

FIGURES: dict[str, tuple[str, Callable[[Array], Array]]] = {
    "stances, macro-F1": ("stances", macro_f1),
    "topics, micro-F1": ("topics", lambda counts: f1(counts.sum(axis=-2))),
    "topics, macro-F1": ("topics", macro_f1_of_labels),
    "rarest topic, F1": ("rarest", lambda counts: macro_f1_of_labels(counts[..., None, :])),
    "stances right, share": ("right", share),
    "calibration error": ("bins", ece),
}


@dataclass(frozen=True)
class Gold:
    """Articles as drawn: the group of each, its topics, (articles, topics), and its pairs with their stances."""

    group: NDArray[np.intp]
    topics: NDArray[np.bool_]
    pair_article: NDArray[np.intp]
    stance: NDArray[np.intp]


@dataclass(frozen=True)
class Skill:
    """What a system is able to do on each group, on the logit scale: stances, topics found, topics made up."""

    right: Array
    found: Array
    made_up: Array


@dataclass(frozen=True)
class Answers:
    """What a system says: stances (3: none) with scores, one for each pair; topics as in Gold."""

    stance: NDArray[np.intp]
    score: Array
    topics: NDArray[np.bool_]


def draw_gold(sizes: Sequence[int], random: Random) -> Gold:
    """Draw articles, so many of each group."""
    groups = len(sizes)
    group = np.repeat(np.arange(groups), sizes)
    mix = random.dirichlet(4 * STANCE_SHARES, groups)
    treated = random.choice(len(TARGETS_TREATED), len(group), p=TARGETS_TREATED)
    article = np.repeat(np.arange(len(group)), treated)
    stance = (random.random(len(article))[:, None] > mix.cumsum(axis=1)[group[article], :2]).sum(axis=1)
    tilt = special.logit(TOPIC_SHARES) + random.normal(0, 0.8, (groups, len(TOPICS)))
    return Gold(group, random.random((len(group), len(TOPICS))) < special.expit(tilt[group]), article, stance)


def draw_skill(groups: int, random: Random) -> Skill:
    """Draw how good a system is on each group."""
    each = (groups, len(TOPICS))
    return Skill(
        special.logit(RIGHT) + random.normal(0, 0.7, groups),
        special.logit(0.87) + random.normal(0, 0.4, each),
        special.logit(0.06) + random.normal(0, 0.6, each),
    )


def draw_answers(gold: Gold, skill: Skill, random: Random) -> Answers:
    """Let a system answer. Its scores are a little too sure, and know nothing of the group."""
    pairs = len(gold.stance)
    ease = random.normal(0, 1, pairs)
    right = random.random(pairs) < special.expit(skill.right[gold.group[gold.pair_article]] + ease)
    wrong = (gold.stance + 1 + (random.random(pairs) < np.array([0.3, 0.5, 0.7])[gold.stance])) % 3
    stance = np.where(random.random(pairs) < NOT_FOUND, 3, np.where(right, gold.stance, wrong))
    score = np.clip(special.expit(special.logit(0.78) + 1.3 * ease), 0.34, 0.9999)
    chance = special.expit(np.where(gold.topics, skill.found[gold.group], skill.made_up[gold.group]))
    return Answers(stance, score, random.random(gold.topics.shape) < chance)


def count(gold: Gold, answers: Answers) -> dict[str, Array]:
    """Count what the figures take, (articles, ...) each."""
    articles = len(gold.group)
    stances = np.zeros((articles, 3, 4))
    np.add.at(stances, (gold.pair_article, gold.stance, answers.stance), 1)
    given = answers.stance < 3
    bins = np.zeros((articles, BINS, 3))
    at = (gold.pair_article[given], np.minimum((answers.score[given] * BINS).astype(int), BINS - 1))
    np.add.at(
        bins, at, np.stack([np.ones(given.sum()), answers.score[given], (answers.stance == gold.stance)[given]], 1)
    )
    g, p = gold.topics, answers.topics
    topics = np.stack([g & p, p & ~g, g & ~p], axis=-1).astype(float)
    right = np.stack([stances.sum(axis=(1, 2)), np.trace(stances, axis1=1, axis2=2)], axis=-1)
    return {"stances": stances, "topics": topics, "rarest": topics[:, -1], "right": right, "bins": bins}


def draw_counts(sizes: Sequence[int], random: Random) -> tuple[Gold, dict[str, Array]]:
    """Draw articles and the answers of one system."""
    gold = draw_gold(sizes, random)
    return gold, count(gold, draw_answers(gold, draw_skill(len(sizes), random), random))


def expanded(values: Array, units: float) -> Array:
    """Return the percentiles of Hesterberg for so many units."""
    z = special.stdtrit(units - 1, 0.025) * np.sqrt(units / (units - 1))
    ends: Array = np.nanpercentile(values[1:], [100 * special.ndtr(z), 100 * special.ndtr(-z)])
    return ends


def bca(values: Array, jackknife: Array) -> Array:
    """Return the bias-corrected and accelerated interval of Efron."""
    drawn = values[1:][~np.isnan(values[1:])]
    below = ((drawn < values[0]).mean() + (drawn <= values[0]).mean()) / 2
    bias = special.ndtri(np.clip(below, 0.001, 0.999))
    away = np.nanmean(jackknife) - jackknife[~np.isnan(jackknife)]
    acceleration = (away**3).sum() / max(6 * (away**2).sum() ** 1.5, 1e-12)
    shifted = bias + np.array([-1.96, 1.96])
    ends: Array = np.percentile(drawn, 100 * special.ndtr(bias + shifted / (1 - acceleration * shifted)))
    return ends


METHODS = ["plain", "number", "Kish", "talante", "BCa"]
CORRECTED = ["plain", "BCa", "corrected"]


def cover(
    sizes: Sequence[int], seed: int, truth: dict[str, float], by_article: bool
) -> dict[tuple[str, str], tuple[bool, float, float]]:
    """Draw a data set; return of each figure and method whether it covers, its width, and how far its value is off."""
    gold, counts = draw_counts(sizes, np.random.default_rng(seed))
    units = np.arange(len(gold.group)) if by_article else gold.group
    with patch.object(intervals, "MIN_GROUPS", 1):  # groups are resampled however few
        bootstrap = Bootstrap([str(unit) for unit in units], seed)
    found = {}
    for name, (of, figure) in FIGURES.items():
        values = figure(bootstrap.totals(counts[of]))
        size = bootstrap.by_unit(counts[of].reshape(len(units), -1).sum(axis=1))
        left_out = counts[of].sum(axis=0) - bootstrap.by_unit(counts[of])
        own = bootstrap.interval(values, 0, counts[of])
        corrected = bootstrap.interval(values, 0, counts[of], biased_upward=True)
        ends: dict[str, Any] = {
            "plain": np.nanpercentile(values[1:], [2.5, 97.5]),
            "number": expanded(values, len(size)),
            "Kish": expanded(values, max(2, size.sum() ** 2 / max(1, (size**2).sum()))),
            "talante": (own.low, own.high),
            "BCa": bca(values, figure(np.concatenate([counts[of].sum(axis=0)[None], left_out]))[1:]),
            "corrected": (corrected.low, corrected.high),
        }
        for method, (low, high) in ends.items():
            value = corrected.value if method == "corrected" else values[0]
            found[name, method] = bool(low <= truth[name] <= high), float(high - low), float(value - truth[name])
    return found


def print_coverage(
    title: str,
    results: list[dict[tuple[str, str], tuple[bool, float, float]]],
    names: list[str],
    methods: list[str],
    note: str = "",
) -> None:
    """Print coverage in percent and mean width, for each figure (row) and method (column)."""
    for name in names:
        cells = []
        for method in methods:
            covered, width, _ = np.nanmean([result[name, method] for result in results], axis=0)
            cells.append(f"{100 * covered:6.1f}{' ' if 92 <= 100 * covered <= 97 else '*'}{width:5.2f} ")
        print(f"{title:<27}{name:<22}" + "".join(cells) + note, flush=True)


def equal_systems(sizes: Sequence[int], seed: int, same_skill: bool) -> tuple[bool, bool]:
    """Draw two systems of equal quality; return whether `compare` calls one better on stances, and on topics.

    ``same_skill``: both have the same skill on each group; otherwise each has its own, from the same population.
    """
    random = np.random.default_rng(seed)
    gold = draw_gold(sizes, random)
    skills = [draw_skill(len(sizes), random) for _ in range(2)]
    a, b = (outcomes(gold, draw_answers(gold, skills[0 if same_skill else i], random)) for i in range(2))
    answers = {row.figure: row.answer for row in compare(a, b, SCHEMA).rows}
    return "better" in answers[STANCES_OVERALL], "better" in answers[TOPICS_OVERALL]


def outcomes(gold: Gold, answers: Answers) -> list[Outcome]:
    """Return gold labels and answers as an evaluation has them."""
    pairs: list[dict[str, tuple[int, int]]] = [{} for _ in gold.group]
    for article, stance, answer in zip(gold.pair_article, gold.stance, answers.stance, strict=True):
        pairs[article][TARGETS[len(pairs[article])]] = int(stance), int(answer)
    return [
        Outcome(
            Article(
                id=str(i),
                text="",
                lang="en",
                group=str(gold.group[i]),
                topics=frozenset(np.array(TOPICS)[gold.topics[i]].tolist()),
                stances={target: STANCES[stance] for target, (stance, _) in pairs[i].items()},
            ),
            100,
            {},
            frozenset(np.array(TOPICS)[answers.topics[i]].tolist()),
            {target: STANCES[answer] for target, (_, answer) in pairs[i].items() if answer < 3},
            {},
        )
        for i in range(len(gold.group))
    ]


def main() -> None:
    """Run all and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=500, help="data sets per scenario")
    parser.add_argument("--smoke", action="store_true", help="a few data sets, to see that it runs")
    arguments = parser.parse_args()
    draws = 8 if arguments.smoke else arguments.draws
    population = 20_000 if arguments.smoke else 400_000
    _, counts = draw_counts([1] * population, np.random.default_rng(12345))
    truth = {name: float(figure(counts[of].sum(axis=0))) for name, (of, figure) in FIGURES.items()}
    print("True figures: " + ", ".join(f"{name} {value:.3f}" for name, value in truth.items()))
    print(f"Coverage in % of {draws} data sets, then mean width; * is outside 92 to 97\n")

    parallel = Parallel(-1)
    plain_figures = [name for name in FIGURES if name != "calibration error"]
    print(f"{'':<49}" + "".join(f"{m:>12} " for m in METHODS))
    results = {}
    for title, draw_sizes in SCENARIOS.items():
        sizes = draw_sizes(np.random.default_rng(1))
        results[title] = parallel(delayed(cover)(sizes, seed, truth, False) for seed in range(draws))
        print_coverage(title, results[title], plain_figures, METHODS)

    print(f"\n{'':<49}" + "".join(f"{m:>12} " for m in CORRECTED) + "  mean error: plain, corrected")
    for title, result in results.items():
        off = [np.mean([r["calibration error", m][2] for r in result]) for m in ("plain", "corrected")]
        print_coverage(title, result, ["calibration error"], CORRECTED, f"{off[0]:>+17.3f} {off[1]:+.3f}")

    print(f"\nFew groups: groups resampled, or articles{'':<8}" + "".join(f"{m:>12} " for m in ("plain", "talante")))
    for title, sizes in FEW.items():
        for by_article in (False, True):
            result = parallel(delayed(cover)(sizes, seed, truth, by_article) for seed in range(draws))
            what = f"{title}: " + ("articles" if by_article else "groups")
            print_coverage(what, result, plain_figures, ["plain", "talante"])

    print("\nTwo systems of equal quality, called different in % (5 expected): stances, topics")
    for title in COMPARED:
        sizes = SCENARIOS[title](np.random.default_rng(1))
        for same in (True, False):
            pairs = parallel(delayed(equal_systems)(sizes, seed, same) for seed in range(draws))
            stances, topics = 100 * np.mean(pairs, axis=0)
            what = "same skill on each group" if same else "good at other groups"
            print(f"{title:<27}{what:<26}{stances:>6.1f}{topics:>7.1f}", flush=True)
    random = np.random.default_rng(1)
    gold = draw_gold(GOLD_FILE, random)
    one = outcomes(gold, draw_answers(gold, draw_skill(len(GOLD_FILE), random), random))
    twin = [replace(o, words=o.words + 1) for o in one]
    print(f"The same answers twice: {compare(one, twin, SCHEMA).verdict}")


if __name__ == "__main__":
    main()
