"""`talante models`: which models there are and which is in use."""

import json
from typing import Annotated

import typer

from talante.cli.table import show_table
from talante.errors import ModelError
from talante.model.card import card_text
from talante.model.files import load, read_card
from talante.model.registry import find_model, find_registry

app = typer.Typer(no_args_is_help=True, help="List, inspect, verify and promote models.")


@app.command("list")
def list_models() -> None:
    """List the models, say which is in use, and where they were looked for.

    Looked up in this order: --model, the folder that TALANTE_MODELS names, ./models, the models that came with talante.
    """
    registry = find_registry()
    current, rows = registry.current(), []
    for model_id in registry.ids():
        try:
            data = read_card(registry.path(model_id)).get("data", {})
            row = [str(data.get("articles", "?")), ", ".join(data.get("languages", {}))]
        except ModelError:
            row = ["damaged", "see talante models verify"]
        rows.append([model_id, "in use" if model_id == current else "", *row])
    show_table(["model", "", "articles", "languages"], rows)
    typer.echo(f"in {registry.folder}, because {registry.why}")


@app.command()
def show(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="An id or folder; default: the one in use.")
    ] = None,
) -> None:
    """Print the card of a model as JSON: data, settings, labels, digests."""
    typer.echo(json.dumps(read_card(find_model(model)), ensure_ascii=False, indent=1))


@app.command()
def verify(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="An id or folder; default: all models.")] = None,
) -> None:
    """Check every file of a model against its digest, and that it loads. Exit code 4 if one is damaged."""
    registry = find_registry() if model is None else None
    folders = [registry.path(i) for i in registry.ids()] if registry else [find_model(model)]
    failures = []
    for folder in folders:
        try:
            card = load(folder).card
            page = folder / "README.md"
            if not page.is_file() or page.read_text(encoding="utf-8", errors="replace") != card_text(card):
                raise ModelError(
                    "not what model.json says",
                    place=str(page),
                    remedy="it is made from model.json; restore it from a copy",
                )
            typer.echo(f"{folder}: sound")
        except ModelError as error:
            failures.append(error)
            typer.echo(f"error: {error}", err=True)
    if failures:
        raise typer.Exit(ModelError.exit_code)


@app.command()
def promote(model: Annotated[str, typer.Argument(metavar="ID", help="The model to put into use.")]) -> None:
    """Put a model into use: point `current` at it and note that in history.jsonl. Going back is the same command."""
    registry = find_registry()
    registry.promote(model)
    typer.echo(f"{model} is in use in {registry.folder}", err=True)
