"""`talante drift`: what an incoming stream has that an earlier one had not."""

import json
from pathlib import Path
from typing import Annotated

import typer

from talante.cli.progress import shown
from talante.corpus.files import written_whole
from talante.corpus.read import SUFFIXES
from talante.errors import DRIFT_ALARM, UsageError
from talante.model.registry import find_model


def drift(
    new: Annotated[
        list[str],
        typer.Argument(metavar="NEW...", help=f"The new articles: files, folders, globs ({' '.join(SUFFIXES)})."),
    ],
    reference: Annotated[
        list[str] | None,
        typer.Option("--reference", "-r", help="Earlier articles, such as last month's; may be repeated."),
    ] = None,
    data: Annotated[Path, typer.Option(help="The corpus to compare with when there is no --reference.")] = Path("data"),
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A model's folder or id, not the current one.")
    ] = None,
    to_label: Annotated[
        Path | None, typer.Option(help="Write the articles that most need a label to this file (.jsonl).")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of them.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Tell what new articles have that earlier ones had not; exit code 6 when a figure is beyond its limit.

    Compared are the words that the model does not know, rising words and names, how often each topic, target and
    stance is given and how surely, languages, length, and what cannot be tagged. A figure is an alarm when its whole
    95 % interval is beyond the limit; limits stand in table [drift] of gate.toml beside the models. `--to-label`
    writes records for `talante corpus add`, once somebody has put topics and stances into them.

    - `talante drift june.jsonl --reference may.jsonl`

    - `talante drift june.jsonl --reference may.jsonl --to-label wanted.jsonl --top 30`
    """
    if to_label and to_label.suffix != ".jsonl":
        raise UsageError(f"'{to_label}' does not end in .jsonl", place="--to-label")
    from talante.evaluation.drift_text import render_drift
    from talante.jobs.drift import find_drift

    with shown("tagging") as progress:
        found = find_drift(new, reference or [], data, find_model(model), top=top if to_label else 0, progress=progress)
    if to_label:
        with written_whole(to_label) as stream:
            stream.writelines(json.dumps(w.record(), ensure_ascii=False) + "\n" for w in found.to_label)
        typer.echo(f"{len(found.to_label)} articles to label written: {to_label}", err=True)
    result = found.drift
    typer.echo(json.dumps(result.to_json(), indent=1, ensure_ascii=False) if as_json else render_drift(result))
    if result.alarms:
        typer.echo(f"drift: {len(result.alarms)} of {len(result.shifts)} figures are beyond their limits", err=True)
        raise typer.Exit(DRIFT_ALARM)
