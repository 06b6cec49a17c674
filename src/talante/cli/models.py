"""`talante models`: which models there are, which is in use and why, what changed, and putting another into use."""

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talante.cli.table import show_table
from talante.corpus.files import locked
from talante.errors import SOME_ROWS_FAILED, ModelError
from talante.model.files import read_card
from talante.model.registry import Event, Registry, find_model, find_registry

if TYPE_CHECKING:  # it measures, and `predict` imports none of that
    from talante.jobs.models import Listed

app = typer.Typer(no_args_is_help=True, help="List, compare, verify, promote, roll back and prune models.")

BY = Annotated[str, typer.Option(help="Who asked, for the history; default: user@machine.")]


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """List the models, say which is in use and why, what became of the others, and where they were looked for.

    Looked up in this order: --model, the folder that TALANTE_MODELS names, ./models, the models that came with talante.
    """
    from talante.jobs import models as job

    registry = find_registry()
    history = _history(registry)
    current, listed = registry.current(), job.list_models(registry, history)
    since = job.reason(current, history)
    if as_json:
        told = {"folder": str(registry.folder), "why": registry.why, "in_use": current, "since": since}
        typer.echo(json.dumps({**told, "models": [asdict(m) for m in listed]}, ensure_ascii=False, indent=1))
        return
    show_table(["model", "", "articles", "languages", "last"], map(_cells, listed))
    typer.echo(f"in {registry.folder}, because {registry.why}")
    typer.echo(_why(current, since))


def _history(registry: Registry) -> list[Event]:
    try:
        return registry.history()
    except ModelError as error:  # models can be listed all the same
        typer.echo(f"error: {error}", err=True)
        return []


def _cells(model: "Listed") -> list[str]:
    last = f"{model.last} {model.time[:10]}" if model.last and model.time else "not in the history"
    told = [str(model.articles or "?"), ", ".join(model.languages)]
    if model.damaged:
        told = ["damaged", "see talante models verify"]
    return [model.model, "in use" if model.in_use else "", *told, last]


def _why(current: str | None, since: Event | None) -> str:
    if current is None:
        return "no model is in use; choose one with `talante models promote ID`"
    if since is None:
        return f"{current} is in use; the history does not say why"
    why = since.get("why") or {"promoted": "promoted by hand"}.get(since["event"], since["event"])
    return f"{current} is in use since {since['time']}: {why}; by {since.get('by') or 'unknown'}"


@app.command()
def show(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="An id or folder; default: the one in use.")
    ] = None,
) -> None:
    """Print the card of a model as JSON: data, settings, labels, digests."""
    typer.echo(json.dumps(read_card(find_model(model)), ensure_ascii=False, indent=1))


@app.command()
def promote(
    model: Annotated[str, typer.Argument(metavar="ID", help="The model to put into use.")],
    by: BY = "",
) -> None:
    """Put a model into use, in one atomic step, and write that into history.jsonl; `rollback` undoes it."""
    registry = find_registry()
    with registry.changing("promoting"):
        if registry.current() == registry.path(model).name:
            typer.echo(f"{model} is in use already in {registry.folder}", err=True)
            return
        event = registry.promote(model, by=by)
    _tell_change(registry, event, "`talante models rollback`")


@app.command()
def rollback(by: BY = "") -> None:
    """Put the model that was in use before into use again, in one atomic step; twice goes two models back.

    What is rolled back stays in the folder and in history.jsonl, and can be promoted again.
    """
    registry = find_registry()
    with registry.changing("rolling back"):
        event = registry.rollback(by=by)
    _tell_change(registry, event, f"`talante models promote {event['before']}`")


def _tell_change(registry: Registry, event: Event, undo: str) -> None:
    before = event["before"]
    was = f"before it was {before}; undo it with {undo}" if before else "before it was none"
    typer.echo(f"{event['model']} is in use in {registry.folder}; {was}", err=True)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="How many of the models last in use stay.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would be removed.")] = False,
    by: BY = "",
) -> None:
    """Remove models: all but those last in use, which `rollback` can go back to, and print the ids of the others.

    Candidates that were never in use go, too, whether refused or not looked at yet. The model in use always stays, and
    so does the one that floors were pinned with.
    """
    from talante.jobs.floors import load_floors

    registry = find_registry()
    floors = load_floors(registry.folder)
    with (
        # A retraining must find its candidate where it has put it
        nullcontext() if dry_run else locked(registry.folder / ".lock-retrain", "pruning"),
        nullcontext() if dry_run else registry.changing("pruning"),
    ):
        gone = registry.prune(keep, {floors.model} if floors else set(), by=by, dry_run=dry_run)
    for model_id in gone:
        typer.echo(model_id)
    typer.echo(f"{len(gone)} models {'would be ' if dry_run else ''}removed from {registry.folder}", err=True)


@app.command()
def pin(
    data: Annotated[Path, typer.Option(help="The corpus that the model in use learned from.")] = Path("data"),
    lower: Annotated[bool, typer.Option("--lower", help="Let floors go down, too; otherwise each only rises.")] = False,
    by: BY = "",
) -> None:
    """Pin the figures of the model in use as floors that `talante retrain` lets no candidate fall below.

    A candidate may be worse than the model before it by a margin, and over many nights such margins add up. A floor
    lies one margin below a figure of today and stands until somebody pins anew with --lower.
    """
    from talante.evaluation.gate import load_gate
    from talante.jobs import floors

    registry = find_registry()
    found = floors.pin(data, registry.folder, lower=lower, by=by)
    golds = {gold.sha256: gold.path.name for gold in load_gate(registry.folder).golds}
    values = [(golds.get(on, on[:16]), figures) for on, figures in found.values.items()]
    rows = [[on, name, f"{value:.4f}"] for on, figures in values for name, value in figures.items()]
    show_table(["on", "figure", "floor"], rows)
    typer.echo(f"pinned with {found.model} in {registry.folder / floors.FILE}", err=True)


@app.command()
def verify(
    model: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="An id or folder; default: all models and the registry.")
    ] = None,
) -> None:
    """Check every file of a model against its digest, and that it loads. Exit code 4 if one is damaged.

    Without MODEL, all models are checked, and the registry: that the model in use is one of them, that each line of
    history.jsonl is an event, and that floors.json and gate.toml, where they are, can be read.
    """
    from talante.jobs.models import verify_model, verify_registry

    if model is not None:
        folder = find_model(model)
        verify_model(folder)
        typer.echo(f"{folder}: sound")
        return
    failed = False
    for path, error in verify_registry(find_registry()):
        typer.echo(f"{path}: sound" if error is None else f"error: {error}", err=error is not None)
        failed |= error is not None
    if failed:
        raise typer.Exit(ModelError.exit_code)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A model's id or folder, usually the earlier one.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, usually the later one.")],
    on: Annotated[
        list[str] | None,
        typer.Option("--on", help="Tag these articles with both: a file, folder or glob; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Tell what changed from model A to model B: articles learned from, labels, settings, figures, words, answers.

    Answers are compared on the articles that both learned from: each model keeps what one fitted in the same way, but
    without the article's group, said of it. `--on` adds what the two themselves say of other articles.

    - `talante models diff 430edcce2a3a 881e7512827c`

    - `talante models diff 430edcce2a3a 881e7512827c --on news.jsonl.gz --json`
    """
    from talante.cli.diff_text import render_diff
    from talante.jobs import diff as job

    found = job.diff(find_model(a), find_model(b), on or [])
    typer.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if as_json else render_diff(found))
    if found.on and found.on.untagged:
        typer.echo(f"{found.on.untagged} of the articles could not be tagged; their rows in --json say why", err=True)
        raise typer.Exit(SOME_ROWS_FAILED)
