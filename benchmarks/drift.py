"""Drift: how often windows of one stream set off an alarm, and how often a planted change does.

python benchmarks/drift.py NEWS... [--model M] [--articles 1500] [--draws 20]

NEWS are unlabelled articles as `talante drift` takes them, with `outlet` and `date`; so many of each are drawn. False
alarms: windows drawn at random from all articles, and windows of the outlet with most articles that follow one another
in time. Planted: in a window drawn like its reference, a part of the articles is replaced by articles of a language
that the rest has not, of an outlet that is in no other article, of one topic, by the same articles cut to a quarter,
or by files that cannot be read. Between three and four minutes of one core.
"""

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from talante.corpus.article import Article, Unreadable
from talante.evaluation.drift import Drift, drift
from talante.evaluation.outcomes import untagged
from talante.evaluation.seen import Seen
from talante.jobs.drift import read_window, see_all
from talante.model.files import load
from talante.model.model import Model
from talante.model.registry import find_model

SIZES = (100, 300, 600)
PARTS = (0.1, 0.2, 0.4)


def told(results: Sequence[Drift]) -> str:
    """Say how many of the results are alarms, of which figures, and how many figures they cannot tell."""
    alarms = sum(bool(d.alarms) for d in results)
    kinds = Counter(kind for d in results for kind in {shift.kind for shift in d.alarms})
    undecided = sum(len(d.undecided) for d in results) / sum(len(d.shifts) for d in results)
    terms = sum(bool(d.words or d.names) for d in results)
    text = f"{alarms:>4} of {len(results)} alarm, {terms:>3} name rising terms, cannot tell {undecided:>4.0%}"
    return text + (f"   {', '.join(f'{kind} {n}' for kind, n in kinds.most_common(4))}" if kinds else "")


def two_windows(pool: Sequence[Seen], size: int, dice: random.Random) -> tuple[list[Seen], list[Seen]]:
    """Draw two windows of articles, none in both."""
    drawn = dice.sample(list(pool), 2 * size)
    return drawn[:size], drawn[size:]


def plant(window: Sequence[Seen], others: Sequence[Seen], part: float, dice: random.Random) -> list[Seen]:
    """Replace a part of a window by other articles."""
    kept = list(window)[: round(len(window) * (1 - part))]
    return kept + dice.sample(list(others), min(len(others), len(window) - len(kept)))


def print_false_alarms(pool: Sequence[Seen], model: Model, draws: int, dice: random.Random) -> None:
    """Print how often windows of one stream set off an alarm."""
    outlets = Counter(seen.article.outlet for seen in pool if seen.article.outlet)
    print(f"{len(pool)} articles of {len(outlets)} outlets")
    for size in SIZES:
        if 2 * size <= len(pool):
            found = [drift(*two_windows(pool, size, dice), model) for _ in range(draws)]
            print(f"random, {size:>4} and {size:>4}   {told(found)}", flush=True)
    outlet = outlets.most_common(1)[0][0]
    dated = sorted(
        (s for s in pool if s.article.outlet == outlet and s.article.date[:4].isdigit()), key=lambda s: s.article.date
    )
    for size in SIZES:
        starts = range(0, len(dated) - 2 * size + 1, max(1, (len(dated) - 2 * size) // max(1, draws - 1)))
        found = [drift(dated[i + size : i + 2 * size], dated[i : i + size], model) for i in list(starts)[:draws]]
        if found:
            print(f"in time, {size:>3} and {size:>4}   {told(found)}", flush=True)


def changes(pool: Sequence[Seen]) -> dict[str, tuple[list[Seen], list[Seen]]]:
    """Return for each change the articles that the stream has and those that come into it."""
    languages = Counter(seen.lang for seen in pool)
    main = languages.most_common(1)[0][0]
    stream = [seen for seen in pool if seen.lang == main]
    outlet = Counter(seen.article.outlet for seen in stream).most_common(2)[-1][0]
    topic = Counter(topic for seen in stream for topic in seen.outcome.predicted_topics).most_common(3)[-1][0]
    broken = [Seen(untagged(Article(f"broken {i}", "")), reason="cannot be read") for i in range(len(stream))]
    found = {
        "another language": (stream, [seen for seen in pool if seen.lang != main]),
        "another outlet": (
            [seen for seen in stream if seen.article.outlet != outlet],
            [seen for seen in stream if seen.article.outlet == outlet],
        ),
        "one topic": (stream, [seen for seen in stream if topic in seen.outcome.predicted_topics]),
        "not readable": (stream, broken),
        "cut to a quarter": (stream, [replace(seen, length=max(1, seen.length // 4)) for seen in stream]),
    }
    return {name: both for name, both in found.items() if min(map(len, both)) >= 150}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("news", nargs="+")
    parser.add_argument("--model")
    parser.add_argument("--articles", type=int, default=1500)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model, dice = load(find_model(options.model)), random.Random(options.seed)
    articles: list[Article | Unreadable] = []
    for name in options.news:
        read = list(read_window([name]))
        articles += dice.sample(read, min(len(read), options.articles))
    pool = see_all(articles, model)
    for lang in sorted({seen.lang for seen in pool if seen.tagged}):
        print(f"\nFalse alarms, {lang}")
        print_false_alarms([seen for seen in pool if seen.lang == lang], model, options.draws, dice)

    size = 300
    print(f"\nPlanted changes, {size} new articles beside {size}")
    for name, (stream, others) in changes(pool).items():
        for part in PARTS:
            found = []
            for _ in range(options.draws // 2):
                new, reference = two_windows(stream, min(size, len(stream) // 2), dice)
                found.append(drift(plant(new, others, part, dice), reference, model))
            print(f"{name:<18}{part:>4.0%}   {told(found)}", flush=True)


if __name__ == "__main__":
    main()
