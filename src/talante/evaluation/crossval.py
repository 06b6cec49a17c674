"""Cross-validation of the corpus: every article is predicted by a model that saw nothing of its group."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed

from talante.corpus.schema import Schema
from talante.errors import NotEnoughDataError
from talante.evaluation.outcomes import Outcome, outcome
from talante.model.fit import Settings, fit
from talante.text.prepare import Prepared

FOLDS = 10

Progress = Callable[[int, int], None]


def cross_validate(
    articles: Sequence[Prepared],
    schema: Schema,
    settings: Settings,
    *,
    by_group: bool = True,
    jobs: int = -1,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Return the out-of-fold outcome of each article, in order.

    ``by_group=False`` splits at random instead: the figure that leaks the outlet, for the report to show.
    ``progress`` is called after each fold with the number of folds done and of all.
    Raises NotEnoughDataError with fewer than two groups.
    """
    from sklearn.model_selection import GroupKFold, KFold

    groups = [p.article.held_out_group for p in articles]
    if len(set(groups)) < 2:
        raise NotEnoughDataError(
            "cross-validation needs articles of two groups at least",
            remedy="name the 'group' or 'outlet' of each record",
        )
    if by_group:
        splits = list(GroupKFold(min(FOLDS, len(set(groups)))).split(articles, groups=groups))
    else:
        splits = list(KFold(min(FOLDS, len(articles)), shuffle=True, random_state=0).split(articles))
        # Inside the training part groups must leak too, or the thresholds would still be honest
        articles = [replace(p, article=replace(p.article, group=p.article.id)) for p in articles]
    parts = Parallel(jobs, return_as="generator")(
        delayed(_fold)([articles[i] for i in inside], [articles[i] for i in outside], schema, settings)
        for inside, outside in splits
    )
    outcomes: dict[int, Outcome] = {}
    for done, ((_, outside), part) in enumerate(zip(splits, parts, strict=True), 1):
        outcomes.update(zip(np.asarray(outside).tolist(), part, strict=True))
        if progress:
            progress(done, len(splits))
    return [outcomes[i] for i in range(len(articles))]


def _fold(inside: list[Prepared], outside: list[Prepared], schema: Schema, settings: Settings) -> list[Outcome]:
    model = fit(inside, schema, settings)
    return [
        outcome(p.article, p.words, model.predict_prepared(p) if p.article.lang in model.languages else None)
        for p in outside
    ]
