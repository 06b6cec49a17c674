"""Add labelled articles to a corpus: cleaned, checked, and all of them or none."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talante.corpus.article import Article, Unreadable
from talante.corpus.duplicates import near_duplicates
from talante.corpus.files import append_whole, lines, locked, open_binary, parse_object
from talante.corpus.read import JSON_LINES, find_inputs, read_articles
from talante.corpus.records import Finding, check_corpus, parse_record
from talante.corpus.remote import Input
from talante.corpus.schema import Schema, load_schema
from talante.errors import DataError, UsageError
from talante.jobs.lint import check_article
from talante.text.clean import clean
from talante.text.language import identify
from talante.text.prepare import Preparer

#: Another `add` takes a second or so; what holds the lock for longer hangs.
_LOCK_SECONDS = 60.0

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Labels:
    """What is said of each added article that does not say it itself; None = not said."""

    topics: Sequence[str] | None = None
    stances: Mapping[str, str] | None = None
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Added:
    """The records that were appended to ``path``, and doubts about them."""

    path: Path
    ids: list[str]
    warnings: list[Finding]


def add(names: Sequence[str], data: Path, file: str, labels: Labels) -> Added:
    """Append the articles of files (text, Markdown, HTML, JSON Lines) to ``articles/<file>`` of a data folder.

    Text is cleaned as `predict` cleans it. A record of JSON Lines keeps its own labels, its unknown fields and their
    order. Two runs at once wait for each other; a run that is killed leaves the file as it was.

    Raises DataError with every fault found: then nothing is added. Raises UsageError, WriteError, BusyError.
    """
    if not file.endswith(".jsonl") or Path(file).name != file:
        raise UsageError(f"'{file}' is not the name of a .jsonl file", remedy="such as --to added.jsonl")
    schema = load_schema(data / "schema.toml")
    preparer = Preparer(schema)
    new: list[tuple[Record, Article]] = []
    faults: list[Finding] = []
    warnings: list[Finding] = []
    for place, record in _records(find_inputs(names), labels):
        article, wrong = _check(record, place, schema) if isinstance(record, dict) else (None, [record])
        faults += wrong
        if article:
            prepared, doubts = check_article(article, preparer)
            (warnings if prepared else faults).extend(doubts)
            new.append((record, article))  # type: ignore[arg-type]
    path = data / "articles" / file
    with locked(path.parent / ".lock", "adding articles", _LOCK_SECONDS):
        articles = check_corpus(data)[1] if any(path.parent.glob("*.jsonl")) else []
        faults += _duplicates(articles, [article for _, article in new])
        if faults:
            raise _refusal(faults)
        append_whole(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record, _ in new))
    return Added(path, [article.id for _, article in new], warnings)


def _records(inputs: Sequence[Input | None], labels: Labels) -> Iterator[tuple[str, Record | Finding]]:
    """Yield the place and the record of each article, or what is wrong with it."""
    for path in inputs:
        if path and path.name.lower().endswith(JSON_LINES):
            with open_binary(path) as stream:
                for number, line in lines(stream):
                    place = f"{path}:{number}"
                    try:
                        yield place, _completed(parse_object(_text_or_raise(line)), labels)
                    except DataError as error:
                        yield place, Finding(place, error.fact, error.remedy)
            continue
        for article in read_articles([path]):
            place = article.id
            if isinstance(article, Unreadable):
                yield place, Finding(place, article.error)
                continue
            try:
                cleaned = clean(article)
            except DataError as error:
                yield place, Finding(place, error.fact, error.remedy)
                continue
            own = {
                "id": labels.fields.get("id") or _slug(path.stem if path else cleaned.title),
                "title": cleaned.title,
                "text": cleaned.text,
                "date": cleaned.date,
                "outlet": cleaned.outlet,
                "author": cleaned.author,
                "url": cleaned.url,
            }
            yield place, _completed({name: value for name, value in own.items() if value or name == "title"}, labels)


def _text_or_raise(line: str | DataError) -> str:
    if isinstance(line, DataError):
        raise line
    return line


def _completed(record: Record, labels: Labels) -> Record:
    """Return a record with cleaned text, its language, and the labels that it has not itself; options come last."""
    record = record | {name: value for name, value in labels.fields.items() if value and not record.get(name)}
    text, title = record.get("text"), record.get("title")
    if isinstance(text, str) and text.strip():
        cleaned = clean(Article("", text, title if isinstance(title, str) else ""))
        record |= {"title": cleaned.title, "text": cleaned.text}
        record["lang"] = record.get("lang") or identify(cleaned.text) or ""
    if labels.topics is not None:
        record.setdefault("topics", list(labels.topics))
    if labels.stances is not None:
        record.setdefault("stances", dict(labels.stances))
    return {**record, "origin": record.get("origin") or "added"}


def _check(record: Record, place: str, schema: Schema) -> tuple[Article | None, list[Finding]]:
    if "topics" not in record and "stances" not in record:
        return None, [Finding(place, "no labels", "give --topics or --stance; 'none' says that somebody looked")]
    if record.get("lang") == "":
        return None, [Finding(place, "language cannot be told", "give it with --lang")]
    return parse_record(json.dumps(record), place, schema)


def _duplicates(old: Sequence[Article], new: Sequence[Article]) -> Iterator[Finding]:
    places = {article.id: article.place for article in old}
    for article in new:
        if article.id in places:
            yield Finding(article.place, f"id '{article.id}' stands already at {places[article.id]}", "give it another")
        places[article.id] = article.place
    both = [*old, *new]
    for earlier, later, similarity in near_duplicates([f"{a.title}\n\n{a.text}" for a in both]):
        if later >= len(old):
            fact = f"near-duplicate of {both[earlier].place} (similarity {similarity:.2f})"
            yield Finding(both[later].place, fact, "keep one")


def _refusal(faults: Sequence[Finding]) -> DataError:
    first, *others = faults
    fact = f"{first.fact}; {first.remedy}" if first.remedy else first.fact
    more = "".join(f"\nerror: {fault}" for fault in others)
    return DataError(f"{fact}{more}\nnothing was added", place=first.place)


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
