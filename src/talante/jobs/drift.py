"""Read two windows of a stream, tag them, and tell how they differ and which articles to label."""

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path

from talante.corpus.article import Article, Unreadable
from talante.corpus.files import UNREADABLE, cannot_read, lines, open_binary, parse_object
from talante.corpus.read import JSON_LINES, find_inputs, read_articles
from talante.corpus.records import load_corpus
from talante.corpus.remote import Input
from talante.errors import DataError, NotEnoughDataError, UsageError, nearest
from talante.evaluation.crossval import Progress
from talante.evaluation.drift import Drift, Limits, check_enough, drift
from talante.evaluation.seen import Seen, see
from talante.evaluation.to_label import Wanted, most_wanted
from talante.model.files import load
from talante.model.model import Model

#: Articles that a worker takes at once; starting workers takes as long as tagging so many.
_AT_ONCE = 200

#: What a record may say of an article besides what `predict` reads of it.
_FIELDS = ("date", "outlet", "author", "url", "group")


@dataclass(frozen=True, slots=True)
class Found:
    """How a stream has drifted, and its articles that need a label most."""

    drift: Drift
    to_label: list[Wanted]


def find_drift(
    new: Sequence[str],
    reference: Sequence[str],
    data: Path,
    model_folder: Path,
    *,
    top: int = 0,
    progress: Progress | None = None,
) -> Found:
    """Compare new articles with those of a reference, or, where none is named, with the corpus in ``data``.

    Limits come from `gate.toml` beside the model's folder. Raises NotEnoughDataError for a window that is too small,
    DataError for a faulty corpus or faulty limits, UsageError for what does not exist.
    """
    limits = load_limits(model_folder.parent / "gate.toml")
    model = load(model_folder)
    stream = list(read_window(new))
    before = list(read_window(reference)) if reference else _corpus(data)
    _check_enough(stream, before)
    seen = see_all([*stream, *before], model, progress=progress)
    ours, theirs = seen[: len(stream)], seen[len(stream) :]
    found = drift(ours, theirs, model, limits)
    return Found(found, most_wanted(ours, found, model, top))


def _corpus(data: Path) -> list[Article | Unreadable]:
    if not (data / "schema.toml").exists():
        raise UsageError(
            "no corpus here to compare with",
            place=str(data),
            remedy="name earlier articles with --reference, or a corpus with --data",
        )
    return list(load_corpus(data).articles)


def _check_enough(stream: Sequence[Article | Unreadable], before: Sequence[Article | Unreadable]) -> None:
    """Refuse windows that are too small, and say so when that is since something cannot be read."""
    try:
        check_enough(len(stream), len(before))
    except NotEnoughDataError as error:
        unread = [a for a in [*stream, *before] if isinstance(a, Unreadable)]
        told = f", of these {len(unread)} cannot be read, such as {unread[0].id}: {unread[0].error}" if unread else ""
        raise NotEnoughDataError(error.fact + told, place=error.place, remedy=error.remedy) from None


def read_window(names: Sequence[str]) -> Iterator[Article | Unreadable]:
    """Yield the articles of files, folders and globs as `predict` reads them, with outlet, author, date, url, group.

    A name without a path is left of an article that has no id of its own.
    """
    for path in find_inputs(names):
        records = _records(path) if path and path.name.lower().endswith(JSON_LINES) else {}
        for article in read_articles([path]):
            if isinstance(article, Unreadable):
                yield article
                continue
            named = Path(article.id).name if article.id == article.place else article.id
            said = {field: records.get(article.place, {}).get(field, "") for field in _FIELDS}
            yield replace(article, id=named, **said)  # type: ignore[arg-type]  # all of _FIELDS are strings


def _records(path: Input) -> dict[str, dict[str, str]]:
    """Return the fields of each sound record in a file of JSON Lines by its place; `read_articles` tells the faults."""
    found: dict[str, dict[str, str]] = {}
    with suppress(*UNREADABLE), open_binary(path) as stream:
        for number, line in lines(stream):
            with suppress(DataError):
                record = {} if isinstance(line, DataError) else parse_object(line)
                found[f"{path}:{number}"] = {f: v for f in _FIELDS if isinstance(v := record.get(f), str)}
    return found


def see_all(articles: Sequence[Article | Unreadable], model: Model, *, progress: Progress | None = None) -> list[Seen]:
    """Tag articles on all cores, in order."""
    from joblib import Parallel, delayed

    parts = [articles[i : i + _AT_ONCE] for i in range(0, len(articles), _AT_ONCE)]
    parallel = Parallel(-1 if len(parts) > 1 else 1, return_as="generator")
    seen: list[Seen] = []
    for part in parallel(delayed(see)(part, model) for part in parts):
        seen += part
        if progress:
            progress(len(seen), len(articles))
    return seen


def load_limits(path: Path) -> Limits:
    """Read the limits of drift in table `[drift]` of a TOML file; what it does not say keeps its default.

    Raises DataError for a file that is not TOML, an unknown limit, or one that is not a positive number.
    """
    if not path.exists():
        return Limits()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("drift", {})
    except OSError as error:
        raise DataError(cannot_read(error), place=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not valid TOML: {error}", place=str(path)) from None
    if not isinstance(table, dict):
        raise DataError("drift is not a table", place=str(path), remedy="write [drift], and a limit on each line below")
    known = [field.name for field in fields(Limits)]
    for name, value in table.items():
        if name not in known:
            raise DataError(f"unknown limit '{name}' in [drift]", place=str(path), remedy=nearest(name, known))
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise DataError(f"[drift] {name} is not a positive number", place=str(path), remedy="such as 0.1")
    if table.get("length", 2) <= 1:
        raise DataError("[drift] length is a ratio and must exceed 1", place=str(path), remedy="such as 1.5")
    return Limits(**{name: float(value) for name, value in table.items()})
