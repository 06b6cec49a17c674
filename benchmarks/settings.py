"""Search of the settings of `talante train`: one at a time around the defaults, on writing sessions held out.

python benchmarks/settings.py [--data data] [--only stances topics addressed] [--cache FOLDER]
    [--backend dask --scheduler tcp://HOST:PORT]

A writing session is a file of data/articles: articles of one file share a hand, and outlets of the real world differ at
least as much as two files do. The files are dealt into three parts; each part is predicted by a model that was fitted,
calibrated and cut on the others. Nothing here looks at gold. Deterministic; what has been computed is cached, and the
search can be interrupted and run again. On two cores each line takes about a minute; `--backend` lets a cluster do it,
see docs/archive.md. What the views of an article weigh is in benchmarks/views.py.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from joblib import Memory, Parallel, delayed
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold

import talante
from talante.corpus.article import STANCES
from talante.corpus.records import load_corpus
from talante.corpus.schema import Schema
from talante.errors import TalanteError
from talante.evaluation.outcomes import Outcome, outcome
from talante.evaluation.report import build_report
from talante.jobs.corpus import prepare_corpus
from talante.jobs.engine import engine
from talante.model.fit import fit
from talante.model.model import sigmoid
from talante.model.settings import Settings
from talante.text.prepare import Prepared

GRID: dict[str, dict[str, Sequence[float]]] = {
    "stances": {"stance_c": (10, 100, 300), "near_weight": (0.25, 0.5), "whole_weight": (0.5, 1)},
    "topics": {"topic_c": (10, 30, 100), "word_weight": (0, 0.5, 1)},
    "addressed": {"addressed_near": (0, 3), "addressed_words": (0, 0.3)},
}

#: A session with fewer labelled stances is too few for a worst one.
FEWEST = 20


def by_session(articles: Sequence[Prepared]) -> list[Prepared]:
    """Return the articles with their file for a group."""
    return [replace(p, article=replace(p.article, group=p.article.place.rpartition(":")[0])) for p in articles]


def part(kind: str, schema: Schema) -> Schema:
    """Leave out what the settings of a kind do not touch: fitting it would take most of the time."""
    if kind == "topics":
        return replace(schema, targets=())
    return replace(schema, topics=()) if kind == "stances" else schema


def predicted(
    inside: Sequence[Prepared], outside: Sequence[Prepared], schema: Schema, settings: Settings
) -> list[tuple[Outcome, dict[str, float]]]:
    """Fit to ``inside``; return outcomes of ``outside``, and how sure the model is that each target is treated."""
    model = fit(inside, schema, settings)
    return [
        (
            outcome(model, p),
            {
                target: float(sigmoid(model.addressed_logit(p, target)))
                for target in p.mentions
                if target in schema.target_ids
            },
        )
        for p in outside
    ]


def figures(
    kind: str, articles: Sequence[Prepared], schema: Schema, found: Sequence[tuple[Outcome, dict[str, float]]]
) -> dict[str, float]:
    """Return the figures of a kind, by name."""
    outcomes = [o for o, _ in found]
    if kind == "addressed":
        pairs = [
            (target in (p.article.stances or ()), score)
            for p, (_, scores) in zip(articles, found, strict=True)
            for target, score in scores.items()
            if p.article.stances is not None and target not in p.article.disputed_stances
        ]
        report = build_report(outcomes, schema, what="", model="")
        assert report.addressed
        area = float(roc_auc_score([gold for gold, _ in pairs], [score for _, score in pairs]))
        a = report.addressed
        return {"area under ROC": area, "F1": a.f1.value, "precision": a.precision, "recall": a.recall}
    report = build_report(outcomes, schema, what="", model="")
    if kind == "topics":
        assert report.topics_macro_f1 and report.topics_micro
        return {
            "macro-F1": report.topics_macro_f1.value,
            "micro-F1": report.topics_micro.f1.value,
            "worst topic": min(t.f1.value for t in report.topics),
            "ECE": report.calibration["topics"].ece.value,
        }
    scored = [(g, o.probabilities[t], o.article.group) for o in outcomes for t, g, p in o.pairs if p]
    gold, scores = [STANCES.index(g) for g, _, _ in scored], np.array([s for _, s, _ in scored])
    right = np.array(gold) == scores.argmax(axis=1)
    sessions = np.array([session for _, _, session in scored])
    shares = [right[sessions == s].mean() for s in np.unique(sessions) if (sessions == s).sum() >= FEWEST]
    assert report.pooled and report.opposed
    return {
        "macro-F1": report.pooled.macro_f1.value,
        report.stances[0].target: report.stances[0].macro_f1.value,
        "opposite stances": report.opposed.value,
        "log loss": float(log_loss(gold, scores, labels=[0, 1, 2])),
        "worst session": float(min(shares)),
        "ECE": report.calibration["stances"].ece.value,
    }


def measured(
    kind: str,
    articles: list[Prepared],
    schema: Schema,
    settings: Settings,
    version: str,  # noqa: ARG001  only a key of the cache
) -> dict[str, float]:
    """Predict every session by a model that has not seen it. ``version`` names the data and the code in the cache."""
    groups = [p.article.held_out_group for p in articles]
    splits = list(GroupKFold(3).split(articles, groups=groups))
    parts = Parallel(-1)(
        delayed(predicted)([articles[i] for i in inside], [articles[i] for i in outside], schema, settings)
        for inside, outside in splits
    )
    found: dict[int, Any] = {}
    for (_, outside), rows in zip(splits, parts, strict=True):
        found.update(zip(outside.tolist(), rows, strict=True))
    return figures(kind, articles, schema, [found[i] for i in range(len(articles))])


def main() -> None:
    """Search, here or on a cluster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[1] / "data")
    parser.add_argument("--only", nargs="+", choices=list(GRID), default=list(GRID))
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "talante")
    parser.add_argument("--backend")
    parser.add_argument("--scheduler")
    options = parser.parse_args()
    try:
        with engine(options.backend, options.scheduler):
            search(options.data, options.only, options.cache)
    except TalanteError as error:
        sys.exit(f"error: {error}")


def search(data: Path, kinds: Sequence[str], cache: Path) -> None:
    """Print a table for each kind."""
    corpus = load_corpus(data)
    source = [Path(__file__), *sorted(Path(talante.__file__).parent.rglob("*.py"))]
    version = hashlib.sha256(b"".join(path.read_bytes() for path in source)).hexdigest()
    version += corpus.digest + sklearn.__version__
    measure = Memory(cache, verbose=0).cache(measured, ignore=["articles", "schema"])
    for kind in kinds:
        schema = part(kind, corpus.schema)
        labelled = corpus.articles
        if not schema.targets:  # what is left out must not be scored
            labelled = tuple(replace(article, stances=None) for article in labelled)
        articles = by_session(prepare_corpus(replace(corpus, schema=schema, articles=labelled)))
        head: list[str] = []
        for name, values in GRID[kind].items():
            for value in values:
                default = Settings()
                settings = replace(default, **{name: type(getattr(default, name))(value)})
                # What the figures of this kind do not show may be fitted roughly
                rough = replace(settings, topic_c=0.01, stance_c=0.01) if kind == "addressed" else settings
                found = measure(kind, articles, schema, rough, version)
                if not head:
                    head = list(found)
                    print(f"\n| {kind} | " + " | ".join(head) + " |\n|" + " --- |" * (len(head) + 1))
                mark = " (default)" if settings == default else ""
                cells = " | ".join(f"{found[figure]:.3f}" for figure in head)
                print(f"| {name} {value}{mark} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
