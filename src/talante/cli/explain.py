"""`talante explain`: the sentences and terms behind each label."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from talante.cli.predict import LANG, MODEL, PATHS, TARGET
from talante.corpus.files import written_whole
from talante.errors import SOME_ROWS_FAILED, UsageError


def explain(
    paths: PATHS = None,
    model: MODEL = None,
    lang: LANG = "",
    target: TARGET = None,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page to read, to this file.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Explain the labels that were not given, too.")] = False,
    terms: Annotated[int, typer.Option(min=0, help="Terms to list for each label in JSON.")] = 20,
) -> None:
    """Show why: for each label the sentences and terms that speak for and against it.

    Every score comes from a sum: what each word in its place adds (its share) and an intercept; the shares of the
    sentences, of what stands in no one place, and the intercept add up to the logit exactly. The score of a stance
    weighs its logit against those of the other two. Apart from that, "addressed" says whether the article treats a
    target at all, and does not only name it. ⟦target⟧ stands for any name of the target, ⟦other⟧ for those of others.

    On a terminal the strongest shares are shown; otherwise JSON Lines are written, with the place of every sentence in
    `title` or `text`.

    - `talante explain article.txt`

    - `talante explain article.html --html why.html`
    """
    from talante.cli.tagging import model_for, read  # numpy: not for --help
    from talante.jobs.explain import explain_articles

    shown = sys.maxsize if html else terms  # the page makes its own choice of terms
    articles, chosen = read(paths, lang), model_for(model, target)
    rows = explain_articles(articles, chosen, lang=lang, every=every, terms=shown, as_read=html is not None)
    failed = 0
    if html:
        if html.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"'{html}' does not end in .html", place="--html")
        from talante.cli.page import explanation_page

        listed = list(rows)
        failed = sum("error" in row for row in listed)
        with written_whole(html) as stream:
            stream.write(explanation_page(listed))
        typer.echo(f"written: {html}", err=True)
    else:
        from talante.cli.table import show_explanation

        for row in rows:
            failed += "error" in row
            if sys.stdout.isatty():
                show_explanation(row)
            else:
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
    if failed:
        typer.echo(f"{failed} of the articles could not be tagged; their rows say why", err=True)
        raise typer.Exit(SOME_ROWS_FAILED)
