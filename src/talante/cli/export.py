"""`talante export`: the model in another shape."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from talante.cli.predict import MODEL
from talante.model.files import load
from talante.model.registry import find_model


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, such as model.joblib.")],
    model: MODEL = None,
    form: Annotated[Literal["sklearn"], typer.Option("--format", help="What to write.")] = "sklearn",
) -> None:
    """Write the model as scikit-learn pipelines, for people who live there.

    The file is a joblib dump. Loading one runs code: load it only where you trust who wrote it, and with the same
    version of scikit-learn. docs/export.md shows how to use it.
    """
    from talante.model.export import dump

    dump(load(find_model(model)), output)
    typer.echo(f"written: {output} ({form})", err=True)
