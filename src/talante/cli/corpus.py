"""`talante corpus`: look after the labelled articles."""

from pathlib import Path
from typing import Annotated

import typer

from talante.cli.table import show_table
from talante.corpus.article import STANCES
from talante.corpus.records import load_corpus
from talante.errors import DataError
from talante.jobs.lint import lint as check
from talante.jobs.train import composition

app = typer.Typer(no_args_is_help=True, help="Check and count the labelled articles.")

_Data = Annotated[Path, typer.Option(help="Folder with schema.toml and articles/*.jsonl.")]


@app.command()
def lint(data: _Data = Path("data")) -> None:
    """Check every record and print all findings at once, as file:line. Exit code 3 if a fault must be mended."""
    faults, warnings = check(data)
    for finding in warnings:
        typer.echo(f"warning: {finding}")
    for finding in faults:
        typer.echo(f"error: {finding}")
    typer.echo(f"{len(faults)} errors, {len(warnings)} warnings", err=True)
    if faults:
        raise typer.Exit(DataError.exit_code)


@app.command()
def stats(data: _Data = Path("data")) -> None:
    """Count articles, topics and stances."""
    counts = composition(load_corpus(data))
    languages = ", ".join(f"{n} {lang}" for lang, n in counts["languages"].items())
    typer.echo(f"{counts['articles']} articles ({languages}), {counts['groups']} groups, {counts['words']} words")
    show_table(["topic", "articles"], [*counts["topics"].items(), ("no topic", counts["no_topic"])])
    show_table(["stance toward", *STANCES], [(t, *(c[s] for s in STANCES)) for t, c in counts["stances"].items()])
