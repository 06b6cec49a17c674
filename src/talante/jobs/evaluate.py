"""Evaluate a model on a gold file, or the corpus by cross-validation."""

from collections.abc import Sequence
from pathlib import Path

from talante.corpus.article import Article
from talante.corpus.records import load_corpus, load_gold
from talante.errors import DataError
from talante.evaluation.crossval import Progress, cross_validate
from talante.evaluation.outcomes import Outcome, outcome
from talante.evaluation.report import Report, build_report
from talante.jobs.train import prepare_corpus
from talante.model.fit import Settings
from talante.model.model import Model


def evaluate_gold(gold: Path, model: Model) -> Report:
    """Compare the predictions of a model with a file of labelled articles.

    An article that cannot be tagged counts as one without any predicted label.
    Raises DataError when the file is faulty or uses labels that the model does not know.
    """
    articles = load_gold(gold, model.schema)
    return build_report(_outcomes(articles, model), model.schema, what=gold.name, model=model.id)


def cross_validate_corpus(
    data: Path, settings: Settings | None = None, jobs: int = -1, progress: Progress | None = None
) -> Report:
    """Cross-validate the corpus with groups held out, and once more at random to show the leak.

    Raises DataError for a faulty corpus, NotEnoughDataError when there are fewer than two groups.
    """
    settings = settings or Settings()
    corpus = load_corpus(data)
    articles = prepare_corpus(corpus)
    held_out = cross_validate(articles, corpus.schema, settings, jobs=jobs, progress=progress)
    random = cross_validate(articles, corpus.schema, settings, by_group=False, jobs=jobs, progress=progress)
    return build_report(
        held_out,
        corpus.schema,
        what=f"{data}, cross-validated with groups held out",
        model="fitted anew for each fold",
        random_split=random,
    )


def _outcomes(articles: Sequence[Article], model: Model) -> list[Outcome]:
    outcomes = []
    for article in articles:
        try:
            prepared = model.preparer.prepare(article)
            outcomes.append(outcome(article, prepared.words, model.predict_prepared(prepared)))
        except DataError:
            outcomes.append(outcome(article, 0, None))
    return outcomes
