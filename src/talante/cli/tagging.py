"""What `talante predict` does with its options, and what `explain` reads and loads as it does."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from talante.cli.progress import archive_progress
from talante.corpus.article import Article, Unreadable
from talante.corpus.read import find_inputs, raw_articles, read_articles, total_bytes
from talante.corpus.remote import Input, arriving, is_folder, is_url, local
from talante.corpus.schema import LANGUAGES, Target
from talante.errors import UsageError
from talante.jobs.archive import is_unfinished, tag_all, tag_to_file
from talante.jobs.output import check_kind
from talante.jobs.tag import Order, Tagger
from talante.model.files import load
from talante.model.model import Model
from talante.model.registry import find_model
from talante.text.fold import fold
from talante.text.mentions import target_phrases


def tag(
    paths: list[str] | None,
    model: str | None,
    output: str | None,
    lang: str,
    target: list[str] | None,
    min_score: float,
    every: bool,
    clean: bool,
    jobs: int | None,
    resume: bool,
    backend: str | None,
    scheduler: str | None,
) -> int:
    """Tag as the options of `predict` say; return how many rows are errors."""
    output = local(output) if output else None
    folder = output is not None and is_folder(output)
    if not output and resume:
        raise UsageError("nothing to go on with", place="--resume", remedy="it needs the --output of that run")
    if (backend or scheduler) and not folder:
        raise UsageError("needs a folder to write to", place="--backend", remedy="name one, such as -o tags/")
    if output and not folder:
        _check_file(output, resume)
    names = _names(paths, lang)
    inputs = [] if folder else find_inputs(names)
    loaded = model_for(model, target)
    added = loaded.schema.targets[len(loaded.schema.targets) - len(target or ()) :]
    order = Order(find_model(model), added, lang, min_score, every, clean)
    tagger = Tagger(order, loaded)
    if output and folder:
        failed = _into_folder(names, output, tagger, (backend, scheduler, jobs), resume)
    elif output:
        failed = _into_file(inputs, output, tagger, jobs, resume)
    elif sys.stdout.isatty():
        from talante.cli.table import show_rows

        failed = show_rows(tagger.rows(read_articles(inputs)))
    else:
        failed = 0
        for part in tag_all(raw_articles(inputs), tagger, jobs):
            sys.stdout.write(part.text)
            sys.stdout.flush()
            failed += part.failed
    return failed


def _check_file(output: str, resume: bool) -> None:
    check_kind(Path(output.rpartition("/")[2] if is_url(output) else output))
    if is_url(output) and resume:
        fact = "a file at a URL is put there at the end, or not at all"
        raise UsageError(fact, place="--resume", remedy="name a folder, -o URL/: it keeps what is finished")


def _into_file(inputs: Sequence[Input | None], output: str, tagger: Tagger, jobs: int | None, resume: bool) -> int:
    """Tag into one file; return how many rows are errors."""
    with arriving(output) as path:
        try:
            with archive_progress(total_bytes(inputs)) as progress:
                return tag_to_file(inputs, path, tagger, jobs=jobs, resume=resume, progress=progress).failed
        except KeyboardInterrupt:
            if is_unfinished(path) and not is_url(output):
                typer.echo("the rows so far are kept; the same command with --resume goes on", err=True)
            raise


def _into_folder(
    names: Sequence[str], output: str, tagger: Tagger, by: tuple[str | None, str | None, int | None], resume: bool
) -> int:
    """Tag each file into its own; return how many rows are errors."""
    from talante.jobs.engine import engine
    from talante.jobs.partitions import partitions, tag_folder

    parts = partitions(names, output)
    try:
        with engine(*by), archive_progress(sum(part.size for part in parts)) as progress:
            done = tag_folder(parts, output, tagger, resume=resume, progress=progress)
    except KeyboardInterrupt:
        typer.echo("complete files are kept; the same command with --resume goes on", err=True)
        raise
    return sum(one.failed for one in done)


def _names(paths: list[str] | None, lang: str) -> list[str]:
    """Return the names of what is to be read, `-` for stdin.

    Raises UsageError for an unknown language, and when nobody pipes anything in.
    """
    if lang and lang not in LANGUAGES:
        raise UsageError(f"unknown language '{lang}'", place="--lang", remedy=f"known: {', '.join(LANGUAGES)}")
    if not paths and sys.stdin.isatty():
        raise UsageError("nothing to read", remedy="name files or folders, or pipe text in; --help says more")
    return paths or ["-"]


def read(paths: list[str] | None, lang: str) -> Iterator[Article | Unreadable]:
    """Return the articles that a command names, or those of stdin; raises UsageError as `_names` and `find_inputs`."""
    return read_articles(find_inputs(_names(paths, lang)))


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
