"""`talante evaluate`: how good, and how sure."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from talante.model.files import load
from talante.model.registry import find_model


def _show_folds(done: int, of: int) -> None:
    typer.echo(f"\rfold {done} of {of}" + ("\n" if done == of else ""), err=True, nl=False)


def evaluate(
    gold: Annotated[
        Path | None, typer.Argument(metavar="GOLD", help="Labelled articles (JSON Lines) to measure on.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model's folder or id, not the current one.")
    ] = None,
    data: Annotated[Path, typer.Option(help="The corpus to cross-validate when no GOLD is given.")] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Measure a model on a gold file, or cross-validate the corpus with groups held out.

    Every figure has a 95 % interval and the number of labels that it rests on. The first line says whether the
    stances beat trivial guessing. Gold records look like corpus records (see `data/articles`); labels listed
    in `disputed_topics` or `disputed_stances` are scored neither way.
    """
    from talante.evaluation.report import render
    from talante.jobs.evaluate import cross_validate_corpus, evaluate_gold

    report = (
        evaluate_gold(gold, load(find_model(model)))
        if gold
        else cross_validate_corpus(data, progress=_show_folds if sys.stderr.isatty() else None)
    )
    typer.echo(json.dumps(report.to_json(), indent=1) if as_json else render(report))
