"""Train a candidate from a data folder and write it beside the other models."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talante import __version__
from talante.corpus.records import Corpus, load_corpus, load_gold
from talante.errors import NotEnoughDataError
from talante.evaluation.card import scores
from talante.evaluation.crossval import CrossValidation, cross_validate
from talante.jobs.corpus import composition, prepare_and_count
from talante.jobs.evaluate import evaluate_gold, report_on_corpus
from talante.model.count import Counted, stance_pairs
from talante.model.files import save
from talante.model.fit import fit
from talante.model.model import Model
from talante.model.records import Record
from talante.model.registry import Registry
from talante.model.settings import Settings
from talante.text.prepare import Prepared

if TYPE_CHECKING:
    from joblib import Memory

log = logging.getLogger("talante")

#: Called with the name of a stage of the work, how many of its steps are done, and of how many.
Stages = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Ready:
    """A corpus that has been prepared and counted, and how many seconds each stage took so far."""

    corpus: Corpus
    articles: list[Prepared]
    counted: Counted
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage of the work, and log that it is done."""
        with timed(name, self.seconds):
            yield


@contextmanager
def timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    """Measure a stage of the work, and log that it is done."""
    begun = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - begun, 3)
    log.info("%s: done in %.1f s", name, seconds[name], extra={"event": "stage", "stage": name, "took": seconds[name]})


@dataclass(frozen=True)
class Fitted:
    """A fitted model, not written yet; what it keeps of its articles, and how it was measured, if it was."""

    model: Model
    records: list[Record]
    cross_validation: CrossValidation | None


def make_ready(
    corpus: Corpus, settings: Settings, cache: "Memory | None" = None, progress: Stages | None = None
) -> Ready:
    """Prepare and count a corpus; what stands in the cache is taken from there."""
    seconds: dict[str, float] = {}
    with timed("reading", seconds):
        articles, counted = prepare_and_count(corpus, settings, cache, _of(progress, "reading"))
    return Ready(corpus, articles, counted, seconds)


def fit_and_measure(
    ready: Ready,
    settings: Settings,
    *,
    golds: Sequence[Path] = (),
    measure: bool = True,
    known: Mapping[str, int] | None = None,
    seed: int = 0,
    progress: Stages | None = None,
) -> Fitted:
    """Fit a model and measure it, by cross-validation and on each file of ``golds``; the figures go into its card.

    ``known``: the folds of articles in an earlier cross-validation; ``seed`` deals the others, see `cross_validate`.
    """
    corpus, articles = ready.corpus, ready.articles
    with ready.stage("fitting"):
        model = fit(articles, corpus.schema, settings, ready.counted)
    labelled = sum(len(a.stances or ()) for a in corpus.articles)
    if unused := labelled - len(stance_pairs(articles)):
        log.warning(
            "%d of %d stances are not learned from: the article names the target by no alias; "
            "`talante corpus lint` lists them",
            unused,
            labelled,
        )
    found = None
    reports = [evaluate_gold(gold, model) for gold in golds]
    if measure:
        try:
            with ready.stage("cross-validation"):
                found = cross_validate(
                    articles,
                    corpus.schema,
                    settings,
                    ready.counted,
                    known=known,
                    seed=seed,
                    progress=_of(progress, "cross-validation"),
                )
                reports.insert(0, report_on_corpus(corpus, found))
        except NotEnoughDataError as error:
            log.warning("not cross-validated: %s", error)
    card: dict[str, Any] = {
        **model.card,
        "talante": __version__,
        "data": {"digest": corpus.digest, **composition(corpus)},
        "scores": [scores(measured) for measured in reports],
    }
    return Fitted(replace(model, card=card), _records(corpus, found), found)


def train(
    data: Path,
    models: Path,
    settings: Settings | None = None,
    *,
    golds: Sequence[Path] = (),
    measure: bool = True,
    cache: "Memory | None" = None,
    progress: Stages | None = None,
) -> Model:
    """Fit a candidate to ``data``, measure it, and write it below ``models``; promote nothing.

    Raises DataError for a faulty corpus or gold file, NotEnoughDataError, WriteError, BusyError.
    """
    settings = settings or Settings()
    corpus = load_corpus(data)
    for gold in golds:  # a fault must show before the work
        load_gold(gold, corpus.schema)
    ready = make_ready(corpus, settings, cache, progress)
    fitted = fit_and_measure(ready, settings, golds=golds, measure=measure, progress=progress)
    with Registry(models, "").changing("writing a model"):
        return save(fitted.model, models, fitted.records)


def _records(corpus: Corpus, found: CrossValidation | None) -> list[Record]:
    outcomes = {o.article.id: o for o in found.outcomes} if found else {}
    folds: Mapping[str, int] = found.folds if found else {}
    records = []
    for article in corpus.articles:
        record = Record(article.id, article.digest, folds.get(article.id))
        if o := outcomes.get(article.id):
            record = replace(record, topics=o.predicted_topics, stances=o.predicted_stances)
        records.append(record)
    return records


def _of(progress: Stages | None, stage: str) -> Callable[[int, int], None] | None:
    return partial(progress, stage) if progress else None
