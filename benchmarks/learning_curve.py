"""Learning curve: what the model reaches when it learns from a quarter, a half, ... of the corpus.

python benchmarks/learning_curve.py [GOLD.jsonl ...] [--plot FILE] [--draws 3] [--shares 0.5 1] [--without 63 64 ...]

Whole groups are drawn at random, `--draws` times for each share. Each model is measured on groups of the corpus that it
has not seen (5 folds) and on each gold file. Prints the mean over the draws and, for a gold file, the interval of the
last draw's figure (bootstrap over its groups); the plot needs matplotlib. `--without` leaves out the files of
data/articles whose names begin so.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

from joblib import Parallel, delayed
from sklearn.model_selection import GroupKFold

from talante.corpus.records import load_corpus, load_gold
from talante.corpus.schema import Schema
from talante.evaluation.outcomes import Outcome, outcome
from talante.evaluation.report import Report, build_report
from talante.jobs.corpus import prepare_corpus
from talante.model.fit import fit
from talante.model.settings import Settings
from talante.text.prepare import Prepared, Preparer

SHARES = (0.25, 0.5, 0.75, 1.0)
DATA = Path(__file__).parents[1] / "data"

#: A target with fewer labels gets no line of its own: chance would draw it.
FEWEST = 20


def draw(articles: Sequence[Prepared], share: float, seed: int) -> list[Prepared]:
    """Return whole groups, drawn at random, until they hold ``share`` of the articles."""
    groups = sorted({p.article.held_out_group for p in articles})
    random.Random(seed).shuffle(groups)
    drawn: list[Prepared] = []
    for group in groups:
        if len(drawn) >= share * len(articles):
            break
        drawn += [p for p in articles if p.article.held_out_group == group]
    return drawn


def outcomes(inside: Sequence[Prepared], outside: Sequence[Prepared], schema: Schema) -> list[Outcome]:
    """Fit to ``inside``, predict ``outside``."""
    model = fit(inside, schema, Settings())
    return [outcome(model, p) for p in outside]


def figures(report: Report) -> dict[str, float]:
    """Return the figures of the curve, by name."""
    named = {f"stance, {s.target}": s.macro_f1.value for s in report.stances if s.macro_f1.n >= FEWEST}
    assert report.pooled and report.addressed and report.topics_macro_f1
    return {
        "stance, all targets": report.pooled.macro_f1.value,
        "topics": report.topics_macro_f1.value,
        "addressed": report.addressed.f1.value,
        **named,
    }


def main() -> None:
    """Measure, print, plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", nargs="*", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    parser.add_argument("--without", nargs="+", default=[])
    options = parser.parse_args()

    corpus = load_corpus(DATA)
    schema, shares = corpus.schema, options.shares
    left_out = tuple(f"{DATA / 'articles'}/{prefix}" for prefix in options.without)
    articles = [p for p in prepare_corpus(corpus) if not (left_out and p.article.place.startswith(left_out))]
    preparer = Preparer(schema)
    tests: dict[str, list[Prepared]] = {
        path.name: [preparer.prepare(a) for a in load_gold(path, schema)] for path in options.gold
    }
    groups = [p.article.held_out_group for p in articles]
    folds = [
        ([articles[i] for i in inside], [articles[i] for i in outside])
        for inside, outside in GroupKFold(5).split(articles, groups=groups)
    ]
    runs = [(share, seed) for share in shares for seed in range(options.draws if share < 1 else 1)]
    jobs = [(run, "held-out groups", inside, outside) for run in runs for inside, outside in folds]
    jobs += [(run, name, articles, test) for run in runs for name, test in tests.items()]
    found = Parallel(-1)(delayed(outcomes)(draw(i, *run), test, schema) for run, _, i, test in jobs)

    curves: dict[str, dict[str, list[float]]] = {}
    for name in ["held-out groups", *tests]:
        print(f"\n{name}: macro-F1 (addressed: F1), mean of {options.draws} draws; all is {len(articles)} articles")
        rows: dict[str, list[float]] = {}
        last: Report | None = None
        for share in shares:
            mine = [run for run in runs if run[0] == share]
            reports = []
            for run in mine:
                parts = [o for (r, n, *_), o in zip(jobs, found, strict=True) if r == run and n == name]
                reports.append(build_report([o for part in parts for o in part], schema, what=name, model="curve"))
            means = [figures(report) for report in reports]
            for key in means[0]:
                rows.setdefault(key, []).append(sum(m[key] for m in means) / len(means))
            last = reports[-1]
        print(f"{'':<32}" + "".join(f"{share:>7.0%}" for share in shares))
        for key, values in rows.items():
            print(f"{key:<32}" + "".join(f"{value:>7.2f}" for value in values))
        if last and last.pooled and last.topics_macro_f1:
            print(f"from all of it: stance, all targets {last.pooled.macro_f1}; topics {last.topics_macro_f1}")
        curves[name] = rows
    if options.plot:
        plot(curves, [share * len(articles) for share in shares], options.plot)


def plot(curves: dict[str, dict[str, list[float]]], articles: list[float], path: Path) -> None:
    """Draw one panel for each thing measured on."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4.6), layout="constrained")
    axes = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
    keys = list(dict.fromkeys(key for rows in curves.values() for key in rows))
    for ax, (name, rows) in zip(axes, curves.items(), strict=True):
        for key, values in rows.items():
            strong = key in ("stance, all targets", "topics", "addressed")
            ax.plot(
                articles,
                values,
                "o-",
                label=key,
                color=f"C{keys.index(key)}",
                lw=2 if strong else 1,
                alpha=1 if strong else 0.6,
            )
        ax.set(title=name, xlabel="articles learned from", ylim=(0, 1))
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("macro-F1 (addressed: F1)")
    lines = {label: line for ax in axes for line, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(lines.values(), lines.keys(), fontsize=8, loc="outside lower center", ncols=4)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
