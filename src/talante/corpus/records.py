"""Labelled records in JSON Lines: the corpus and gold files, read strictly, all faults at once."""

import gc
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from talante.corpus.article import STANCES, Article
from talante.corpus.files import UNREADABLE, cannot_read, lines, open_binary, parse_object
from talante.corpus.schema import LANGUAGES, Schema, load_schema
from talante.errors import DataError, UsageError, nearest

if TYPE_CHECKING:
    from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a data file. Nothing is trained with an ``error``; a ``warning`` should be looked at."""

    place: str
    fact: str
    remedy: str = ""
    check: str = "record"
    """Which check found it."""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.place}: {self.fact}" + (f"; {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class Corpus:
    """The labelled articles of a data folder, its schema, and the digest of both."""

    schema: Schema
    articles: tuple[Article, ...]
    digest: str


@contextmanager
def keeping_all() -> Iterator[None]:
    """Let Python not look for cycles to free while what is made is kept: the more articles, the longer that takes."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


@keeping_all()
def load_corpus(folder: Path) -> Corpus:
    """Read `schema.toml` and `articles/*.jsonl` of a data folder.

    Raises DataError with every finding (the first twenty spelled out) when a record is faulty.
    """
    schema, articles, findings = check_corpus(folder)
    raise_on(findings)
    digest = hashlib.sha256()
    for path in [folder / "schema.toml", *article_files(folder)]:
        digest.update(path.read_bytes())
    return Corpus(schema, tuple(articles), digest.hexdigest())


def check_corpus(folder: Path) -> tuple[Schema, list[Article], list[Finding]]:
    """Read a data folder and return what is sound in it and what is not."""
    schema = load_schema(folder / "schema.toml")
    files = article_files(folder)
    if not files:
        raise DataError("no articles here", place=str(folder / "articles"), remedy="put *.jsonl files there")
    articles, findings = read_records(files, schema)
    if not articles and not findings:
        raise DataError("no articles here", place=str(folder / "articles"), remedy="its files are all empty")
    return schema, articles, findings


def load_gold(path: Path, schema: Schema) -> list[Article]:
    """Read a file of labelled articles to measure on.

    Raises UsageError when there is no such file, DataError with every finding when a record is faulty or no record is
    annotated.
    """
    if not path.is_file():
        raise UsageError("is a folder, not a file" if path.is_dir() else "no such file", place=str(path))
    articles, findings = read_records([path], schema)
    raise_on(findings)
    if not any(a.topics is not None or a.stances is not None for a in articles):
        raise DataError("no record carries labels", place=str(path), remedy="evaluate needs 'topics' or 'stances'")
    return articles


@dataclass(frozen=True, slots=True)
class Reading:
    """What one annotator said of one article."""

    id: str
    topics: frozenset[str]
    stances: Mapping[str, str]


def load_readings(path: Path, schema: Schema) -> list[Reading]:
    """Read the labels in a file of records, whose texts may be missing.

    Raises DataError with every finding when a record is faulty.
    """
    if not path.is_file():
        raise DataError("no such file", place=str(path))
    readings, findings = [], []
    for number, line in _lines_of(path):
        place = f"{path}:{number}"
        try:
            if isinstance(line, DataError):
                raise line
            record = {"title": "", "lang": LANGUAGES[0], **parse_object(line), "text": "not read"}
        except DataError as error:
            findings.append(Finding(place, error.fact, error.remedy))
            continue
        article, faults = parse_record(json.dumps(record), place, schema)
        findings += faults
        if article:
            readings.append(Reading(article.id, article.topics or frozenset(), article.stances or {}))
    raise_on(findings)
    return readings


def read_records(paths: Iterable[Path], schema: Schema) -> tuple[list[Article], list[Finding]]:
    """Read labelled records, sound ones as articles, faults as findings; neither stops the other."""
    articles: list[Article] = []
    findings: list[Finding] = []
    first_place: dict[str, str] = {}
    for path in paths:
        for number, line in _lines_of(path):
            place = f"{path}:{number}"
            if isinstance(line, DataError):
                findings.append(Finding(place, line.fact, line.remedy))
                continue
            article, faults = parse_record(line, place, schema)
            findings += faults
            if article is None:
                continue
            if article.id in first_place:
                findings.append(Finding(place, f"id '{article.id}' stands already at {first_place[article.id]}"))
                continue
            first_place[article.id] = place
            articles.append(article)
    return articles, findings


def _lines_of(path: Path) -> Iterator[tuple[int, str | DataError]]:
    try:
        with open_binary(path) as stream:
            yield from lines(stream)
    except UNREADABLE as error:
        raise DataError(cannot_read(error), place=str(path)) from None


def article_files(folder: Path) -> list[Path]:
    """Return the files of records in a data folder, in order."""
    return sorted((folder / "articles").glob("*.jsonl"))


def raise_on(findings: list[Finding]) -> None:
    """Raise a DataError with all findings, the first twenty spelled out; none, and nothing happens."""
    if findings:
        shown = "".join(f"\nerror: {f}" for f in findings[1:20])
        rest = f"\nand {len(findings) - 20} more" if len(findings) > 20 else ""
        first = findings[0]
        fact = first.fact + (f"; {first.remedy}" if first.remedy else "")
        raise DataError(fact + shown + rest, place=first.place)


def parse_record(line: str, place: str, schema: Schema) -> tuple[Article | None, list[Finding]]:
    """Return the article in one line of JSON, or None and what is wrong with it."""
    from pydantic import ValidationError

    try:
        record: Any = _record_type().model_validate(parse_object(line))
    except DataError as error:
        return None, [Finding(place, error.fact, error.remedy)]
    except ValidationError as error:
        return None, [
            Finding(place, f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}") for fault in error.errors()
        ]
    findings = [
        *_unknown(place, "topic", record.topics or (), schema.topic_ids),
        *_unknown(place, "topic", record.disputed_topics, schema.topic_ids),
        *_unknown(place, "target", record.stances or (), schema.target_ids),
        *_unknown(place, "target", record.disputed_stances, schema.target_ids),
        *_unknown(place, "stance", (record.stances or {}).values(), STANCES),
        *_unknown(place, "language", [record.lang], LANGUAGES),
    ]
    if not record.text.strip():
        findings.append(Finding(place, "text: is empty"))
    if findings:
        return None, findings
    return Article(
        place=place,
        unknown=dict(record.model_extra or {}),
        topics=None if record.topics is None else frozenset(record.topics),
        disputed_topics=frozenset(record.disputed_topics),
        disputed_stances=frozenset(record.disputed_stances),
        stances=record.stances,
        **{
            f: getattr(record, f)
            for f in ("id", "text", "title", "lang", "date", "outlet", "author", "url", "genre", "group", "origin")
        },
    ), []


def _unknown(place: str, kind: str, labels: Iterable[str], known: Iterable[str]) -> list[Finding]:
    known = tuple(known)
    return [
        Finding(place, f"unknown {kind} '{label}'", nearest(label, known)) for label in labels if label not in known
    ]


@cache
def _record_type() -> "type[BaseModel]":
    # pydantic takes 0.07 s to import and `predict` does not need it
    from pydantic import BaseModel, ConfigDict, Field

    class Record(BaseModel):
        model_config = ConfigDict(extra="allow", strict=True)

        id: str = Field(min_length=1)
        lang: str
        title: str
        text: str
        date: str = ""
        outlet: str = ""
        author: str = ""
        url: str = ""
        genre: str = ""
        group: str = ""
        origin: str = ""
        topics: list[str] | None = None
        stances: dict[str, str] | None = None
        disputed_topics: list[str] = []
        disputed_stances: list[str] = []

    return Record
