"""Train a candidate from a data folder and write it beside the other models."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from talante import __version__
from talante.corpus.records import load_corpus, load_gold
from talante.errors import NotEnoughDataError
from talante.evaluation.card import scores
from talante.evaluation.crossval import Progress
from talante.jobs.corpus import composition, prepare_corpus
from talante.jobs.evaluate import cross_validate_corpus, evaluate_gold
from talante.model.files import save
from talante.model.fit import Settings, fit, stance_pairs
from talante.model.model import Model

log = logging.getLogger("talante")


def train(
    data: Path,
    models: Path,
    settings: Settings | None = None,
    *,
    golds: Sequence[Path] = (),
    measure: bool = True,
    progress: Progress | None = None,
) -> Model:
    """Fit a candidate to ``data``, measure it, and write it below ``models``; promote nothing.

    ``measure``: by cross-validation of the corpus, and on each file of ``golds``; the figures go into its card.
    Raises DataError for a faulty corpus or gold file, NotEnoughDataError, WriteError.
    """
    settings = settings or Settings()
    corpus = load_corpus(data)
    for gold in golds:  # a fault must show before the work
        load_gold(gold, corpus.schema)
    articles = prepare_corpus(corpus)
    model = fit(articles, corpus.schema, settings)
    labelled = sum(len(a.stances or ()) for a in corpus.articles)
    if unused := labelled - len(stance_pairs(articles)):
        log.warning(
            "%d of %d stances are not learned from: the article names the target by no alias; "
            "`talante corpus lint` lists them",
            unused,
            labelled,
        )
    card = {**model.card, "talante": __version__, "data": {"digest": corpus.digest, **composition(corpus)}}
    reports = [evaluate_gold(gold, model) for gold in golds]
    if measure:
        try:
            reports.insert(0, cross_validate_corpus(data, settings, progress=progress))
        except NotEnoughDataError as error:
            log.warning("not cross-validated: %s", error)
    return save(replace(model, card={**card, "scores": [scores(report) for report in reports]}), models)
