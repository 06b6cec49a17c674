"""`talante compare`: which of two systems is better, and whether the articles can tell."""

import json
from pathlib import Path
from typing import Annotated

import typer


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A model's id or folder, or a file with a system's answers.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="Labelled articles (JSON Lines) to measure both on.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Compare two systems on the same articles, paired: for each figure which is better, or "cannot tell".

    A difference counts when its 95 % interval, by bootstrap over groups with the same draws for both, leaves out 0.
    Where it cannot tell, it says about how many more articles would. Files with answers are those that
    `talante evaluate --predictions` takes.

    - `talante compare 430edcce2a3a models/candidate gold.jsonl`

    - `talante compare 430edcce2a3a answers.csv gold.jsonl`
    """
    from talante.evaluation.compare import render_comparison
    from talante.jobs.evaluate import compare_systems

    found = compare_systems(a, b, gold)
    typer.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if as_json else render_comparison(found))
