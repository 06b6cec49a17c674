"""`talante evaluate`: how good, and how sure."""

import json
from pathlib import Path
from typing import Annotated

import typer

from talante.cli.log import set_up
from talante.cli.progress import shown
from talante.corpus.files import written_whole
from talante.errors import UsageError
from talante.model.files import load
from talante.model.registry import find_model


def evaluate(
    gold: Annotated[
        Path | None, typer.Argument(metavar="GOLD", help="Labelled articles (JSON Lines) to measure on.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model's folder or id, not the current one.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Measure this file, the answers of any system, and not a model: .jsonl, .csv, fastText."),
    ] = None,
    data: Annotated[Path, typer.Option(help="The corpus to cross-validate when no GOLD is given.")] = Path("data"),
    probe: Annotated[
        bool, typer.Option("--probe", help="Change each article in known ways and see how far the answers move.")
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve", help="Learn from parts of the corpus, too, and foretell what more would bring.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write the report as one self-contained page with plots, to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Measure a model on a gold file, or cross-validate the corpus with groups held out.

    Every figure has a 95 % interval and the number of labels that it rests on. The first line says whether the
    stances beat trivial guessing; the next ones, what makes the figures better than they will be elsewhere. Gold
    records look like corpus records (see `data/articles`); labels listed in `disputed_topics` or `disputed_stances`
    are scored neither way.

    - `talante evaluate gold.jsonl --html report.html`

    - `talante evaluate --probe`

    - `talante evaluate gold.jsonl --predictions answers.csv`
    """
    _check(gold, model, predictions, probe, curve, html)
    from talante.evaluation.text import render
    from talante.jobs.evaluate import cross_validate_corpus, evaluate_gold, evaluate_predictions

    set_up()
    if gold is None:
        with shown("cross-validation") as progress:
            report = cross_validate_corpus(data, probe=probe, curve=curve, progress=progress)
    elif predictions:
        report = evaluate_predictions(gold, predictions, load(find_model(model)).schema)
    else:
        report = evaluate_gold(gold, load(find_model(model)), probe=probe)
    if html:
        from talante.cli.report_page import report_page

        page = report_page(report)
        with written_whole(html) as stream:
            stream.write(page)
        typer.echo(f"written: {html}", err=True)
    typer.echo(json.dumps(report.to_json(), indent=1, ensure_ascii=False) if as_json else render(report))


def _check(
    gold: Path | None, model: str | None, predictions: Path | None, probe: bool, curve: bool, html: Path | None
) -> None:
    """Refuse what does not go together, before anything takes time."""
    if html:
        from talante.cli.plots import require_matplotlib

        if html.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"'{html}' does not end in .html", place="--html")
        if not html.absolute().parent.is_dir():
            raise UsageError(f"no such folder: {html.parent}", place="--html")
        require_matplotlib()
    if predictions and gold is None:
        raise UsageError("needs GOLD, the labelled articles that they are answers to", place="--predictions")
    if predictions and probe:
        raise UsageError("needs a model to ask again, and --predictions has none", place="--probe")
    if model and gold is None:
        raise UsageError(
            "needs GOLD: a model is not measured on the corpus that it has learned from",
            place="--model",
            remedy="without --model the corpus is cross-validated by models fitted anew",
        )
    if curve and gold:
        raise UsageError("is about the corpus", place="--curve", remedy="leave out GOLD")
