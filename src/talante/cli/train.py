"""`talante train`: fit a candidate."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from talante.jobs import train as job


def train(
    data: Annotated[Path, typer.Option(help="Folder with schema.toml and articles/*.jsonl.")] = Path("data"),
    models: Annotated[Path, typer.Option(help="Folder to write the model to.")] = Path("models"),
) -> None:
    """Fit a candidate model to the labelled corpus and write it beside the others.

    It is not in use until `talante models promote ID`. The same corpus, settings and version give the same
    model. Prints the id on stdout.
    """
    logging.basicConfig(format="warning: %(message)s", level=logging.WARNING)
    model = job.train(data, models)
    elsewhere = "" if models == Path("models") else f"TALANTE_MODELS={models} "
    typer.echo(f"written: {models / model.id}", err=True)
    typer.echo(f"put it into use with: {elsewhere}talante models promote {model.id}", err=True)
    typer.echo(model.id)
