"""`talante predict`: tag articles."""

from typing import Annotated

import typer

from talante.corpus.read import SUFFIXES
from talante.errors import SOME_ROWS_FAILED

# What `predict` and `explain` are told alike
PATHS = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH", help=f"Files, folders, globs or URLs of them ({' '.join(SUFFIXES)}); - or nothing reads stdin."
    ),
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
BACKEND = Annotated[
    str | None,
    typer.Option(help="Who tags the files of a folder, not processes here: dask, ray, spark; see docs/archive.md."),
]
SCHEDULER = Annotated[str | None, typer.Option(metavar="ADDRESS", help="The scheduler of dask, tcp://HOST:PORT.")]


def predict(
    paths: PATHS = None,
    model: MODEL = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER/",
            help="Write rows to this file: .jsonl, .csv, .tsv, these with .gz or .zst, or .parquet; or to a file of "
            "the same name in this folder for each file that is read.",
        ),
    ] = None,
    lang: LANG = "",
    target: TARGET = None,
    min_score: Annotated[
        float, typer.Option(min=0, max=1, help="A stance with a lower score becomes null: unsure.")
    ] = 0.0,
    every: Annotated[bool, typer.Option("--all", help="Add the scores of all topics and all three stances.")] = False,
    clean: Annotated[
        bool,
        typer.Option("--clean/--no-clean", help="Take off lines that belong to the page: menus, sharing, footers."),
    ] = True,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Processes; default: all cores, if there are many articles."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run that had the same --output.")
    ] = False,
    backend: BACKEND = None,
    scheduler: SCHEDULER = None,
) -> None:
    """Tag articles: topics, and the stance toward each target that an article treats.

    One row for each article in, in order: JSON Lines, or a table on a terminal. An article that cannot be tagged
    keeps its place as a row with an error, and the exit code is 8. HTML is reduced to the article; JSON Lines and
    tables need a field `text` and may have `id`, `title`, `lang`. Scores are probabilities.

    - `talante predict article.txt`

    - `talante predict news/ 'archive/*.html' -o tags.jsonl`

    - `zcat articles.jsonl.gz | talante predict - | jq .stances`

    - `talante predict archive.jsonl.zst -o tags.parquet --resume`

    - `talante predict archive/ -o tags/ --backend dask --scheduler tcp://10.0.0.1:8786`

    - `talante predict --target 'brazil=Lula,Brazilian government' --min-score 0.6 article.txt`
    """
    from talante.cli.tagging import tag  # numpy, and what needs it: not for --help

    failed = tag(paths, model, output, lang, target, min_score, every, clean, jobs, resume, backend, scheduler)
    if failed:
        typer.echo(f"{failed} of the articles could not be tagged; their rows say why", err=True)
        raise typer.Exit(SOME_ROWS_FAILED)
