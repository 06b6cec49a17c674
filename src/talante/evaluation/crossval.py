"""Cross-validation of the corpus: articles are predicted by a model that saw nothing of their group."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed, parallel_config

from talante.corpus.article import Article
from talante.corpus.duplicates import near_duplicates
from talante.corpus.schema import Schema
from talante.errors import NotEnoughDataError
from talante.evaluation.mistakes import Mistake, worst, worst_of
from talante.evaluation.outcomes import Outcome, outcome
from talante.evaluation.probes import ProbeMoves, probe_articles
from talante.model.count import Counted, count
from talante.model.fit import Split, enough, fit
from talante.model.settings import Settings
from talante.text.contexts import Context
from talante.text.prepare import Prepared

FOLDS = 8

#: The random split only serves to show the leak: one fold of it for so many others is enough.
_RANDOM_PART = 4

#: Of more articles two folds at once take more memory than a usual machine has.
_MOST_AT_ONCE = 30_000

Progress = Callable[[int, int], None]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """The out-of-fold outcomes of articles, in order, with whole groups held out.

    All have one, or, where these are more, those of as many folds as hold out `talante.model.fit.ENOUGH`. ``folds``:
    the fold of every article by id. ``random``: the outcomes of some articles when all are split at random, learned
    from as many. ``mistakes``: the worst of the former. ``probes``: how changed articles move the answers, where that
    was asked for.
    """

    outcomes: list[Outcome]
    folds: dict[str, int]
    random: list[Outcome]
    mistakes: list[Mistake]
    probes: list[ProbeMoves]


@dataclass(frozen=True, slots=True)
class _Part:
    outcomes: list[Outcome]
    mistakes: list[Mistake]
    probes: list[ProbeMoves]


def cross_validate(
    articles: Sequence[Prepared],
    schema: Schema,
    settings: Settings,
    counted: Counted | None = None,
    *,
    known: Mapping[str, int] | None = None,
    seed: int = 0,
    probe: bool = False,
    jobs: int = -1,
    progress: Progress | None = None,
) -> CrossValidation:
    """Predict articles by a model that saw none of their group, and some by one from a random split.

    Groups that share near-duplicates are one group. ``counted``: their terms, if they have been counted before.
    ``known``: the folds of articles by id in an earlier cross-validation, which they keep, so that two corpora are
    measured on the same held-out groups; ``seed`` deals the others. ``progress`` is called after each fold with the
    number of folds done and of all. Raises NotEnoughDataError with fewer than two groups.
    """
    from sklearn.model_selection import KFold

    groups = joined_groups([p.article for p in articles])
    if len(set(groups)) < 2:
        raise NotEnoughDataError(
            "cross-validation needs articles of two groups at least",
            remedy="name the 'group' or 'outlet' of each record",
        )
    articles = [replace(p, article=replace(p.article, group=g)) for p, g in zip(articles, groups, strict=True)]
    learned = [_without_text(p) for p in articles]
    # Inside the training part of a random split groups must leak too, or the thresholds would still be honest
    loose = [replace(p, article=replace(p.article, group=p.article.id)) for p in learned]
    counted = counted or count(articles, settings)
    grouped = list(group_splits([p.article for p in articles], FOLDS, known, seed))
    splitter = KFold(min(FOLDS, len(articles)), shuffle=True, random_state=seed)
    measured = [split for split in enough(grouped) if len(split[1])]
    random = list(islice(splitter.split(articles), max(1, len(measured) // _RANDOM_PART)))
    tasks = [*((split, learned, True) for split in measured), *((split, loose, False) for split in random)]
    one_by_one = len(articles) > _MOST_AT_ONCE
    calls = (
        delayed(_fold)(
            [of[i] for i in inside],
            [articles[i] for i in outside],
            schema,
            settings,
            counted,
            look=main,
            probe=main and probe,
            alone=one_by_one,
        )
        for (inside, outside), of, main in tasks
    )
    parts = (
        (fold(*given, **named) for fold, given, named in calls)
        if one_by_one
        else Parallel(jobs, return_as="generator")(calls)
    )
    found: list[_Part] = []
    for part in parts:
        found.append(part)
        if progress:
            progress(len(found), len(tasks))
    held_out = found[: len(measured)]
    outcomes = _in_order(measured, [part.outcomes for part in held_out])
    ids = {o.article.id for o in outcomes}
    return CrossValidation(
        outcomes=outcomes,
        folds={articles[i].article.id: fold for fold, (_, outside) in enumerate(grouped) for i in outside},
        random=[o for part in found[len(measured) :] for o in part.outcomes if o.article.id in ids],
        mistakes=worst_of([mistake for part in held_out for mistake in part.mistakes]),
        probes=_in_order(measured, [part.probes for part in held_out]) if probe else [],
    )


def _without_text(p: Prepared) -> Prepared:
    """Return what a fold needs to learn from an article whose terms have been counted: little to send to a worker."""
    nothing = Context("", "")
    return replace(p, article=replace(p.article, text=""), text="", contexts=dict.fromkeys(p.contexts, nothing))


def joined_groups(articles: Sequence[Article]) -> list[str]:
    """Return the group of each article, one name for all groups that near-duplicates join."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    names = sorted({a.held_out_group for a in articles})
    number = {name: i for i, name in enumerate(names)}
    ends = [
        (number[articles[a].held_out_group], number[articles[b].held_out_group])
        for a, b, _ in near_duplicates([article.text for article in articles])
    ]
    a, b = np.array(ends, dtype=np.intp).reshape(-1, 2).T
    _, component = connected_components(coo_matrix((np.ones(len(ends)), (a, b)), shape=(len(names), len(names))))
    first: dict[int, str] = {}
    for name, of in zip(names, component.tolist(), strict=True):
        first.setdefault(of, name)
    return [first[component[number[article.held_out_group]]] for article in articles]


def group_splits(
    articles: Sequence[Article], folds: int, known: Mapping[str, int] | None = None, seed: int = 0
) -> Iterator[Split]:
    """Deal whole groups into folds so that each has its part of the rare labels.

    Balanced on the rarest label of each article, topics and stances alike, which keeps the others near balance. Where
    the folds of some articles are ``known``, by id, their groups keep them, and each other group, the largest first,
    goes to the fold with the fewest articles.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if known and (splits := _dealt_on(articles, folds, known)):
        yield from splits
        return
    labels = [
        [*(a.topics or ()), *(f"{target}={stance}" for target, stance in (a.stances or {}).items())] for a in articles
    ]
    frequency = Counter(label for of in labels for label in of)
    rarest = [min(of, key=lambda label: (frequency[label], label), default="") for of in labels]
    members = Counter(rarest)
    # A class must not have fewer members than there are folds
    classes = ["" if members[label] < folds else label for label in rarest]
    groups = [a.held_out_group for a in articles]
    folds = min(folds, len(set(groups)))
    if Counter(classes)[""] < folds:
        common = Counter(classes).most_common(1)[0][0]
        classes = [common if label == "" else label for label in classes]
    if min(Counter(classes).values()) < folds:
        classes = [""] * len(classes)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    for inside, outside in splitter.split(classes, classes, groups):
        if len(outside):
            yield inside, outside


def _dealt_on(articles: Sequence[Article], folds: int, known: Mapping[str, int]) -> list[Split]:
    """Deal whole groups on from known folds, a group where most of its members were; none where one fold has all."""
    members: dict[str, list[int]] = {}
    for i, article in enumerate(articles):
        members.setdefault(article.held_out_group, []).append(i)
    fold_of: dict[str, int] = {}
    for group, inside in members.items():
        if before := Counter(known[articles[i].id] for i in inside if articles[i].id in known):
            fold_of[group] = min(before, key=lambda fold: (-before[fold], fold))
    # A corpus that began with few groups gets its other folds now
    number = max(min(folds, len(members)), *(fold + 1 for fold in fold_of.values()), 1)
    sizes = Counter(dict.fromkeys(range(number), 0))
    for group, fold in fold_of.items():
        sizes[fold] += len(members[group])
    for group in sorted(members.keys() - fold_of.keys(), key=lambda g: (-len(members[g]), g)):
        fold_of[group] = min(sizes, key=lambda fold: (sizes[fold], fold))
        sizes[fold_of[group]] += len(members[group])
    if len(set(fold_of.values())) < 2:
        return []
    fold_of_article = np.array([fold_of[a.held_out_group] for a in articles])
    return [(np.flatnonzero(fold_of_article != f), np.flatnonzero(fold_of_article == f)) for f in sorted(sizes)]


def _fold(
    inside: list[Prepared],
    outside: list[Prepared],
    schema: Schema,
    settings: Settings,
    counted: Counted,
    *,
    look: bool,
    probe: bool,
    alone: bool,
) -> _Part:
    try:
        # Either the folds are the parallel work, or what is done in each
        with nullcontext() if alone else parallel_config("sequential"):
            model = fit(inside, schema, settings, counted, exact=False)
    except NotEnoughDataError as error:
        raise NotEnoughDataError(f"without the groups of one part, {error.fact}", remedy="label more groups") from None
    outcomes = [outcome(model, p) for p in outside]
    return _Part(
        outcomes,
        worst(model, outside, outcomes) if look else [],
        probe_articles(model, outside) if probe else [],
    )


def _in_order(splits: Sequence[Split], parts: Sequence[Sequence[T]]) -> list[T]:
    found: dict[int, T] = {}
    for (_, outside), part in zip(splits, parts, strict=True):
        found.update(zip(outside.tolist(), part, strict=True))
    return [found[i] for i in sorted(found)]
