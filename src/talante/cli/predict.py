"""`talante predict`: tag articles."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Annotated

import typer

from talante.corpus.files import written_whole
from talante.corpus.read import SUFFIXES, find_inputs, read_articles
from talante.corpus.schema import LANGUAGES
from talante.errors import SOME_ROWS_FAILED, UsageError
from talante.jobs.tag import Row, tag
from talante.model.files import load
from talante.model.registry import find_model


def predict(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH", help=f"Files, folders or globs ({' '.join(SUFFIXES)}); - or nothing reads stdin."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model's folder or id, not the current one.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write JSON Lines to this file (.jsonl).")
    ] = None,
    lang: Annotated[str, typer.Option(help="Language of all articles: en or es. Otherwise it is identified.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Add the scores of all topics and all three stances.")] = False,
) -> None:
    """Tag articles: topics, and the stance toward each target that an article treats.

    One row for each article in, in order: JSON Lines, or a table on a terminal. An article that cannot be tagged
    keeps its place as a row with an error, and the exit code is 8. HTML is reduced to the article; JSON Lines need
    a field `text` and may have `id`, `title`, `lang`.

    - `talante predict article.txt`

    - `talante predict news/ 'archive/*.html' -o tags.jsonl`

    - `zcat articles.jsonl.gz | talante predict - | jq .stances`
    """
    if lang and lang not in LANGUAGES:
        raise UsageError(f"unknown language '{lang}'", place="--lang", remedy=f"known: {', '.join(LANGUAGES)}")
    if output and output.suffix != ".jsonl":
        raise UsageError(f"'{output}' does not end in .jsonl", place="--output", remedy="only JSON Lines are written")
    if not paths and sys.stdin.isatty():
        raise UsageError("nothing to tag", remedy="name files or folders, or pipe text in; see talante predict --help")
    inputs = find_inputs(paths or ["-"])
    rows = tag(read_articles(inputs), load(find_model(model)), lang=lang, every_score=every)
    if output:
        with written_whole(output) as stream:
            failed = _write(rows, stream)
    elif sys.stdout.isatty():
        from talante.cli.table import show_rows

        failed = show_rows(rows)
    else:
        failed = _write(rows, sys.stdout)
    if failed:
        typer.echo(f"{failed} of the articles could not be tagged; their rows say why", err=True)
        raise typer.Exit(SOME_ROWS_FAILED)


def _write(rows: Iterable[Row], stream: IO[str]) -> int:
    failed = 0
    for row in rows:
        failed += "error" in row
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        stream.flush()
    return failed
