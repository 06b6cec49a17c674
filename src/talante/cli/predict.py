"""`talante predict`: tag articles."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Annotated

import typer

from talante.corpus.article import Article, Unreadable
from talante.corpus.files import written_whole
from talante.corpus.read import SUFFIXES, find_inputs, read_articles
from talante.corpus.schema import LANGUAGES, Target
from talante.errors import SOME_ROWS_FAILED, UsageError
from talante.jobs.tag import Row, tag
from talante.model.files import load
from talante.model.model import Model
from talante.model.registry import find_model
from talante.text.fold import fold
from talante.text.mentions import target_phrases

# What `predict` and `explain` are told alike
PATHS = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help=f"Files, folders or globs ({' '.join(SUFFIXES)}); - or nothing reads stdin."),
]
MODEL = Annotated[str | None, typer.Option("--model", "-m", help="A model's folder or id, not the current one.")]
LANG = Annotated[str, typer.Option(help="Language of all articles: en or es. Otherwise it is identified.")]
TARGET = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=ALIAS,ALIAS",
        help="A target that the schema does not know, and how articles name it; may be repeated.",
    ),
]


def predict(
    paths: PATHS = None,
    model: MODEL = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write JSON Lines to this file (.jsonl).")
    ] = None,
    lang: LANG = "",
    target: TARGET = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="A stance with a lower score becomes null: unsure.")
    ] = 0.0,
    every: Annotated[bool, typer.Option("--all", help="Add the scores of all topics and all three stances.")] = False,
) -> None:
    """Tag articles: topics, and the stance toward each target that an article treats.

    One row for each article in, in order: JSON Lines, or a table on a terminal. An article that cannot be tagged
    keeps its place as a row with an error, and the exit code is 8. HTML is reduced to the article; JSON Lines need
    a field `text` and may have `id`, `title`, `lang`. Scores are probabilities.

    - `talante predict article.txt`

    - `talante predict news/ 'archive/*.html' -o tags.jsonl`

    - `zcat articles.jsonl.gz | talante predict - | jq .stances`

    - `talante predict --target 'brazil=Lula,Brazilian government' --min-score 0.6 article.txt`
    """
    if output and output.suffix != ".jsonl":
        raise UsageError(f"'{output}' does not end in .jsonl", place="--output", remedy="only JSON Lines are written")
    articles = read(paths, lang)
    rows = tag(articles, model_for(model, target), lang=lang, min_score=min_score, every_score=every)
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


def read(paths: list[str] | None, lang: str) -> Iterator[Article | Unreadable]:
    """Return the articles that a command names, or those of stdin.

    Raises UsageError for an unknown language, for what does not exist, and when nobody pipes anything in.
    """
    if lang and lang not in LANGUAGES:
        raise UsageError(f"unknown language '{lang}'", place="--lang", remedy=f"known: {', '.join(LANGUAGES)}")
    if not paths and sys.stdin.isatty():
        raise UsageError("nothing to read", remedy="name files or folders, or pipe text in; --help says more")
    return read_articles(find_inputs(paths or ["-"]))


def model_for(name: str | None, targets: list[str] | None) -> Model:
    """Load the model to use, with targets added as the command line names them.

    Raises ModelError when there is none, UsageError for a target that is misspelled or there already.
    """
    model = load(find_model(name))
    for given in targets or ():
        model = model.with_target(_target(given, model))
    return model


def _target(given: str, model: Model) -> Target:
    name, _, listed = given.partition("=")
    name, aliases = name.strip(), tuple(alias.strip() for alias in listed.split(",") if alias.strip())
    if not name or not aliases or not all(alias[0].isalnum() for alias in aliases):
        raise UsageError(
            f"'{given}' is not NAME=ALIAS,ALIAS", place="--target", remedy="an alias begins with a letter or digit"
        )
    if name in model.schema.target_ids:
        raise UsageError(f"the model knows '{name}' already", place="--target", remedy="choose another name")
    owners = {fold(phrase.text): phrase.label for phrase in target_phrases(model.schema) if phrase.label}
    if taken := [alias for alias in aliases if fold(alias) in owners]:
        owner = owners[fold(taken[0])]
        raise UsageError(f"'{taken[0]}' is an alias of '{owner}'", place="--target", remedy="leave it out")
    return Target(name, {}, "", dict.fromkeys(LANGUAGES, aliases))


def _write(rows: Iterable[Row], stream: IO[str]) -> int:
    failed = 0
    for row in rows:
        failed += "error" in row
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        stream.flush()
    return failed
