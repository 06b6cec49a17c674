"""Check a corpus: what must be mended, and what should be looked at."""

from pathlib import Path

from talante.corpus.records import Finding, check_corpus
from talante.errors import DataError
from talante.text.language import identify
from talante.text.prepare import Preparer


def lint(data: Path) -> tuple[list[Finding], list[Finding]]:
    """Return faults, with which nothing is trained, and warnings, in the order of the files.

    Raises DataError when there is no schema or no article file at all.
    """
    schema, articles, faults = check_corpus(data)
    preparer, warnings = Preparer(schema), []
    for article in articles:
        try:
            prepared = preparer.prepare(article)
        except DataError as error:
            faults.append(Finding(article.place, str(error)))
            continue
        spoken = identify(prepared.text)
        if spoken not in (None, article.lang):
            warnings.append(Finding(article.place, f"lang is '{article.lang}', the text looks like '{spoken}'"))
        warnings += [
            Finding(
                article.place,
                f"stance toward '{target}', which the article names by no alias",
                "it is not learned from; add an alias to schema.toml or drop the stance",
            )
            for target in article.stances or {}
            if target not in prepared.mentions
        ]
    return faults, warnings
