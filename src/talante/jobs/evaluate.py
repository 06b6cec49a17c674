"""Evaluate a model on a gold file, the predictions of any system, or the corpus by cross-validation."""

import logging
from collections.abc import Sequence
from pathlib import Path

from talante.corpus.article import Article
from talante.corpus.records import Corpus, load_corpus, load_gold
from talante.corpus.schema import Schema
from talante.errors import DataError, NotEnoughDataError, UsageError
from talante.evaluation.compare import Comparison, compare
from talante.evaluation.crossval import CrossValidation, Progress, cross_validate
from talante.evaluation.forecast import Forecast, forecast
from talante.evaluation.leaks import find_leaks, learned_from
from talante.evaluation.mistakes import worst
from talante.evaluation.outcomes import Outcome, outcome, untagged
from talante.evaluation.predictions import Predicted, read_predictions
from talante.evaluation.probes import probe_articles, summarize_probes
from talante.evaluation.report import Extras, Report, build_report
from talante.jobs.corpus import composition, prepare_and_count
from talante.model.files import load
from talante.model.model import Model
from talante.model.registry import find_model
from talante.model.settings import Settings
from talante.text.prepare import Prepared, Preparer

log = logging.getLogger("talante")


def evaluate_gold(gold: Path, model: Model, *, probe: bool = False) -> Report:
    """Compare the predictions of a model with a file of labelled articles.

    An article that cannot be tagged counts as one without any predicted label. ``probe``: look how far changed articles
    move the answers. Raises DataError when the file is faulty or uses labels that the model does not know.
    """
    articles = load_gold(gold, model.schema)
    tagged, outcomes = _outcomes(articles, model)
    return build_report(
        outcomes,
        model.schema,
        what=gold.name,
        model=model.id,
        extras=Extras(
            mistakes=worst(model, tagged, outcomes),
            leaks=[*learned_from(tagged, model), *find_leaks([o.article for o in outcomes])],
            probes=summarize_probes(probe_articles(model, tagged), [p.article.held_out_group for p in tagged])
            if probe
            else (),
            card=model.card,
        ),
    )


def evaluate_predictions(gold: Path, predictions: Path, schema: Schema) -> Report:
    """Compare the predictions of any system, read from a file, with labelled articles.

    Raises DataError when one of the files is faulty or uses labels that the schema does not know.
    """
    articles = load_gold(gold, schema)
    predicted = read_predictions(predictions, articles, schema)
    outcomes = _foreign(articles, predicted, schema)
    scored = any(p.has_scores for p in predicted)
    return build_report(
        outcomes,
        schema,
        what=gold.name,
        model=str(predictions),
        extras=Extras(
            mistakes=worst(None, [], outcomes) if scored else (), leaks=find_leaks([o.article for o in outcomes])
        ),
    )


def outcomes_of(articles: Sequence[Article], model: Model) -> list[Outcome]:
    """Return what a model says of labelled articles; nothing of one that it cannot read."""
    return _outcomes(articles, model)[1]


def _outcomes(articles: Sequence[Article], model: Model) -> tuple[list[Prepared], list[Outcome]]:
    """Return the articles that the model can tag, and the outcomes of all."""
    prepared = [_prepared(article, model.preparer) for article in articles]
    outcomes = [outcome(model, p) if p else untagged(a) for p, a in zip(prepared, articles, strict=True)]
    return [p for p, o in zip(prepared, outcomes, strict=True) if p and o.words], outcomes


def _prepared(article: Article, preparer: Preparer) -> Prepared | None:
    try:
        return preparer.prepare(article)
    except DataError:
        return None


def _foreign(articles: Sequence[Article], predicted: Sequence[Predicted], schema: Schema) -> list[Outcome]:
    """Return the outcomes of articles that another system tagged."""
    preparer, outcomes = Preparer(schema), []
    # With scores of some topics only, those of the others would be made up
    scored = all(set(schema.topic_ids) <= set(said.topic_scores) for said in predicted if not said.missing)
    for article, said in zip(articles, predicted, strict=True):
        prepared = _prepared(article, preparer)
        if said.missing:
            outcomes.append(untagged(article))
            continue
        outcomes.append(
            Outcome(
                # What talante cannot read, another system may
                article=prepared.article if prepared else article,
                words=prepared.words if prepared else len(article.text.split()),
                scores=said.topic_scores if scored else {},
                predicted_topics=frozenset(said.topics),
                predicted_stances=said.stances,
                probabilities=said.probabilities,
                # Such a file says whether a target is treated, and not how sure that is: no scores of ``addressed``
                near={t: context.near for t, context in prepared.contexts.items()} if prepared else {},
            )
        )
    return outcomes


def compare_systems(a: str, b: str, gold: Path) -> Comparison:
    """Compare two systems on a file of labelled articles; each is a model's id or folder, or a file of predictions.

    Raises DataError for a faulty file, ModelError for a missing or damaged model, UsageError when the two do not know
    the same labels.
    """
    for name in (a, b):
        if Path(name).suffix and not Path(name).exists():
            raise UsageError("neither a model nor a file", place=name)
    models = [None if Path(name).is_file() else load(find_model(name)) for name in (a, b)]
    known = [model.schema for model in models if model] or [load(find_model(None)).schema]
    if any((s.topic_ids, s.target_ids) != (known[0].topic_ids, known[0].target_ids) for s in known):
        raise UsageError("the two models do not know the same topics and targets", place=f"{a}, {b}")
    articles = load_gold(gold, known[0])
    of_a, of_b = [
        _outcomes(articles, model)[1]
        if model
        else _foreign(articles, read_predictions(Path(name), articles, known[0]), known[0])
        for name, model in zip((a, b), models, strict=True)
    ]
    return compare(of_a, of_b, known[0])


def cross_validate_corpus(
    data: Path,
    settings: Settings | None = None,
    *,
    probe: bool = False,
    curve: bool = False,
    jobs: int = -1,
    progress: Progress | None = None,
) -> Report:
    """Cross-validate the corpus with groups held out, and once more at random to show the leak.

    ``curve``: learn from parts of it, too, and foretell what more articles would bring. Raises DataError for a faulty
    corpus, NotEnoughDataError when there are fewer than two groups.
    """
    corpus, settings = load_corpus(data), settings or Settings()
    articles, counted = prepare_and_count(corpus, settings)
    found = cross_validate(articles, corpus.schema, settings, counted, probe=probe, jobs=jobs, progress=progress)
    foretold = None
    if curve:
        try:
            foretold = forecast(articles, corpus.schema, settings, found.outcomes, jobs=jobs, progress=progress)
        except NotEnoughDataError as error:  # the rest of the report is worth having
            log.warning("no forecast: %s", error)
    return report_on_corpus(corpus, found, foretold, name=data.resolve().name)


def report_on_corpus(
    corpus: Corpus, found: CrossValidation, foretold: Forecast | None = None, name: str = "the corpus"
) -> Report:
    """Return the report of a cross-validation of the corpus."""
    return build_report(
        found.outcomes,
        corpus.schema,
        what=f"{name}, cross-validated with groups held out",
        model="fitted anew for each fold",
        extras=Extras(
            random=found.random,
            mistakes=found.mistakes,
            leaks=find_leaks([o.article for o in found.outcomes]),
            probes=summarize_probes(found.probes, [o.article.held_out_group for o in found.outcomes])
            if found.probes
            else (),
            forecast=foretold,
            card={"data": {"digest": corpus.digest, **composition(corpus)}},
        ),
    )
