"""`talante corpus`: look after the labelled articles."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from talante.cli.table import show_goals, show_table
from talante.corpus.read import SUFFIXES
from talante.errors import DataError, UsageError

app = typer.Typer(no_args_is_help=True, help="Check and count the labelled articles.")

_Data = Annotated[Path, typer.Option(help="Folder with schema.toml and articles/*.jsonl.")]


class _Format(StrEnum):
    text = "text"
    json = "json"


_FormatOption = Annotated[_Format, typer.Option("--format", help="Text to read, or JSON.")]


@app.command()
def lint(data: _Data = Path("data"), form: _FormatOption = _Format.text) -> None:
    """Check every record and the corpus as a whole, and print all findings at once, worst first.

    Looked for: faulty or missing labels, duplicates, a wrong language, stances toward what the text does not name,
    page chrome, broken characters, desks of a single stance. The audit at the end says how well the stance can be
    told from length, genre, punctuation and the like alone, beside chance. Exit code 3 if a fault must be mended.
    """
    from talante.jobs.lint import lint as check

    found = check(data)
    if form is _Format.json:
        typer.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False))
    else:
        for finding in found.findings:
            typer.echo(f"{finding.level}: {finding}")
        for audit in found.audits:
            show_table(
                [f"{audit.target} told from", "mean recall", f"chance {audit.chance:.2f}"],
                [(cue, str(e), "above" if e.low > audit.chance else "") for cue, e in audit.recall.items()],
            )
        warnings = len(found.findings) - found.errors
        typer.echo(f"{found.articles} articles, {found.errors} errors, {warnings} warnings", err=True)
    if found.errors:
        raise typer.Exit(DataError.exit_code)


@app.command()
def stats(
    data: _Data = Path("data"),
    plot: Annotated[Path | None, typer.Option(help="Draw the table to this file (svg, png, pdf).")] = None,
    form: _FormatOption = _Format.text,
) -> None:
    """Count articles by label, kind and era, in each language, beside the goals of goals.toml; gaps in red."""
    from talante.jobs import stats as job

    rows = job.stats(data)
    if plot:
        job.plot(rows, plot)
    if form is _Format.json:
        typer.echo(json.dumps([asdict(row) | {"gap": row.gap} for row in rows], indent=1))
    else:
        show_goals(rows)


@app.command()
def add(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help=f"Files, folders or globs ({' '.join(SUFFIXES)}).")
    ],
    topics: Annotated[
        str | None, typer.Option(help="Topics, with commas between them; 'none' says that there are none.")
    ] = None,
    stance: Annotated[
        list[str] | None, typer.Option(help="TARGET=against, neutral or favor; once for each target; or 'none'.")
    ] = None,
    data: _Data = Path("data"),
    to: Annotated[str, typer.Option(help="The file in articles/ to append to.")] = "added.jsonl",
    identity: Annotated[str, typer.Option("--id", help="Id of the article, not the name of its file.")] = "",
    title: Annotated[str, typer.Option(help="Title, where the file has none.")] = "",
    lang: Annotated[str, typer.Option(help="Language: en or es. Otherwise it is identified.")] = "",
    date: Annotated[str, typer.Option(help="Day of publication, YYYY-MM-DD.")] = "",
    outlet: Annotated[str, typer.Option(help="Where it appeared; never split between training and test.")] = "",
    genre: Annotated[str, typer.Option(help="Such as report, analysis, opinion, editorial.")] = "",
    annotator: Annotated[str, typer.Option(help="Who labelled it.")] = "",
) -> None:
    """Add labelled articles to the corpus: cleaned, checked, and all of them or none.

    Labels are those of docs/guidelines.md. Options say what the articles do not say themselves: a record in JSON
    Lines keeps its own labels and fields. Duplicates are refused. Prints the ids.
    """
    from talante.jobs.add import Labels
    from talante.jobs.add import add as job

    fields = {"title": title, "lang": lang, "date": date, "outlet": outlet, "genre": genre, "annotator": annotator}
    done = job(paths, data, to, Labels(_topics(topics), _stances(stance), {"id": identity, **fields}))
    for finding in done.warnings:
        typer.echo(f"warning: {finding}", err=True)
    typer.echo(f"{len(done.ids)} added to {done.path}", err=True)
    typer.echo("\n".join(done.ids))


@app.command()
def agreement(
    first: Annotated[Path, typer.Argument(help="Labels of one annotator: JSON Lines with id, topics, stances.")],
    second: Annotated[Path, typer.Argument(help="Labels of the other.")],
    data: _Data = Path("data"),
) -> None:
    """Say how far two annotators agree who labelled the same articles apart, with 95 % intervals.

    F1 for topics and for which targets are treated, Cohen's kappa for the stance where both name the target.
    """
    from talante.corpus.records import load_readings
    from talante.corpus.schema import load_schema
    from talante.evaluation.agreement import agreement as compare

    schema = load_schema(data / "schema.toml")
    found = compare(load_readings(first, schema), load_readings(second, schema), schema)
    typer.echo(f"{found.articles} articles labelled by both")
    show_table(["topic", "F1"], found.topics.items())
    show_table(["target treated", "F1"], found.addressed.items())
    show_table(["stance toward", "Cohen's kappa"], found.stances.items())


def _topics(given: str | None) -> list[str] | None:
    if given is None:
        return None
    return [topic.strip() for topic in given.split(",") if topic.strip()] if given.strip() != "none" else []


def _stances(given: list[str] | None) -> dict[str, str] | None:
    if not given:
        return None
    stances = {}
    for text in given:
        target, sign, label = text.partition("=")
        if sign:
            stances[target.strip()] = label.strip()
        elif text != "none":
            raise UsageError(
                f"--stance {text}: no stance", remedy="write TARGET=against, TARGET=neutral or TARGET=favor"
            )
    return stances
