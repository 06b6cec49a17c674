"""`talante train`: fit a candidate."""

from pathlib import Path
from typing import Annotated

import typer

from talante.cli.cache import Cache, opened
from talante.cli.log import set_up
from talante.cli.progress import stages


def train(
    data: Annotated[Path, typer.Option(help="Folder with schema.toml and articles/*.jsonl.")] = Path("data"),
    models: Annotated[Path, typer.Option(envvar="TALANTE_MODELS", help="Folder to write the model to.")] = Path(
        "models"
    ),
    gold: Annotated[
        list[Path] | None, typer.Option(help="Labelled articles to measure it on, too; may be repeated.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Do not cross-validate: faster, and its card has no such figures.")
    ] = False,
    cache: Cache = None,
) -> None:
    """Fit a candidate model to the labelled corpus, measure it, and write it beside the others.

    Its figures, by cross-validation of the corpus with groups held out, stand in its card: `model.json`, and
    `README.md` to read. It is not in use until `talante models promote ID`. The same corpus, settings and versions give
    the same arrays. Prints the id on stdout.
    """
    from talante.jobs import train as job

    set_up()
    with stages() as progress:
        model = job.train(data, models, golds=gold or (), measure=not quick, cache=opened(cache), progress=progress)
    elsewhere = "" if models == Path("models") else f"TALANTE_MODELS={models} "
    typer.echo(f"written: {models / model.id}", err=True)
    typer.echo(f"put it into use with: {elsewhere}talante models promote {model.id}", err=True)
    typer.echo(model.id)
