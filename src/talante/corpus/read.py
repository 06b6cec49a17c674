"""Read what a user names (files, folders, globs, stdin) as articles, one after the other, in order."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from difflib import get_close_matches
from functools import lru_cache
from glob import glob, has_magic
from io import BufferedReader
from itertools import chain
from pathlib import Path, PurePath
from stat import S_ISREG
from typing import Any, BinaryIO, Literal, NamedTuple

from talante.corpus.article import Article, Format, Unreadable
from talante.corpus.files import (
    MAX_ARTICLE_BYTES,
    TOO_LONG,
    UNREADABLE,
    byte_lines,
    cannot_read,
    decode,
    library,
    parse_object,
    unpacked,
    zstandard,
)
from talante.corpus.remote import Input, is_url, local, look_up
from talante.errors import DataError, UsageError

_FORMATS: dict[str, Format] = {
    ".txt": "plain",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}
_PACKED = ("", ".gz", ".zst")
JSON_LINES = tuple(ending + packed for packed in _PACKED for ending in (".jsonl", ".ndjson"))
_TABS = tuple(".tsv" + packed for packed in _PACKED)
TABLES = (*(".csv" + packed for packed in _PACKED), *_TABS)
PARQUET = ".parquet"

#: What a folder is searched for.
SUFFIXES = (*_FORMATS, *JSON_LINES, *TABLES, PARQUET)

#: The columns of a table that are read; all but `text` may be missing.
_COLUMNS = ("id", "title", "text", "lang")

_QUOTES = "is a quote left open, or one within a field not doubled?"

#: Rows of a Parquet file that are held in memory at once.
_ROWS = 256


class Unparsed(NamedTuple):
    """The bytes of what may be an article, and where they stand."""

    data: bytes
    place: str
    form: Format | Literal["json"]


#: What becomes one article or one reason, small enough to be sent to another process.
Raw = Unparsed | Article | Unreadable


def find_inputs(names: Iterable[str]) -> list[Input | None]:
    """Resolve files, folders (searched below), globs and URLs, in order; `-` becomes None, for stdin.

    Raises UsageError for what does not exist or needs a library that is missing, DataError for a folder or glob without
    articles: all before anything is read, so that a run with a misspelled name does no half of the work.
    """
    found: list[Input | None] = []
    for name in names:
        if name == "-":
            found.append(None)
            continue
        kind, files = look_up(local(name), _is_wanted) if is_url(local(name)) else _look_up(local(name))
        if not files and kind == "folder":
            raise DataError("no articles in this folder", place=name, remedy=f"looked for {' '.join(SUFFIXES)}")
        if not files:
            fact = "no file matches this pattern" if kind == "pattern" else "no such file or folder"
            raise UsageError(fact, place=name)
        found += files
    _check_libraries(found)
    return found


def _look_up(name: str) -> tuple[str, list[Path]]:
    """Return whether a name is that of a file, a folder or a pattern, and the files."""
    path = Path(name)
    if path.is_dir():
        return "folder", sorted(p for p in path.rglob("*") if _is_wanted(p.relative_to(path)) and p.is_file())
    if path.exists() or not has_magic(name):
        return "file", [path] if path.exists() else []
    return "pattern", sorted(p for p in map(Path, glob(name, recursive=True)) if p.is_file())


def _is_wanted(path: PurePath) -> bool:
    """Say of a path below a folder whether it is one of articles."""
    return path.name.lower().endswith(SUFFIXES) and not any(part.startswith(".") for part in path.parts)


def read_articles(inputs: Iterable[Input | None]) -> Iterator[Article | Unreadable]:
    """Yield one article, or the reason why there is none, for each file, line of JSON Lines and row of a table."""
    return map(article, raw_articles(inputs))


def raw_articles(inputs: Iterable[Input | None], on_read: Callable[[int], None] | None = None) -> Iterator[Raw]:
    """Yield what `article` makes an article of, one item for each, in the same order every time.

    This is the cheap part of reading and must be done in one process; no more than one article is held in memory, or
    256 rows of a Parquet file. ``on_read`` is told now and then how many bytes of all files are read, of which
    `total_bytes` tells the number.
    """
    before = 0
    for path in inputs:
        if path is None:
            # Not `sys.stdin`: a thread that still waits for it when the program ends would hold its lock
            with open(0, "rb", closefd=False) as stream:
                yield from _of_stdin(stream)
            continue
        told = 0
        for raw, read in _of_file(path):
            if on_read and read > told:
                on_read(before + read)
                told = read
            yield raw
        before += _size(path) or 0
        if on_read:
            on_read(before)


def article(raw: Raw) -> Article | Unreadable:
    """Return the article, or the reason why there is none, of what `raw_articles` yields: the costly part."""
    if not isinstance(raw, Unparsed):
        return raw
    return _from_json(raw.data, raw.place) if raw.form == "json" else _from_file(raw.data, raw.place, raw.form)


def total_bytes(inputs: Iterable[Input | None]) -> int | None:
    """Return how many bytes all files have, packed as they are, or None where stdin or a pipe is among them."""
    total = 0
    for path in inputs:
        size = _size(path) if path else None
        if size is None:
            return None
        total += size
    return total


def _size(path: Input) -> int | None:
    """Return the size of a file, or None where it cannot be told."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size if S_ISREG(status.st_mode) else None


def _check_libraries(inputs: Iterable[Input | None]) -> None:
    for path in inputs:
        name = path.name.lower() if path else ""
        try:
            if name.endswith(PARQUET):
                library("pyarrow", "parquet")
            elif name.endswith(".zst"):
                zstandard()
        except UsageError as error:
            raise UsageError(error.fact, place=str(path), remedy=error.remedy) from None


def _of_file(path: Input) -> Iterator[tuple[Raw, int]]:
    """Yield what is in a file, each with the bytes of the file that have been read."""
    try:
        if path.name.lower().endswith(PARQUET):
            yield from _of_parquet(path)
            return
        with path.open("rb", buffering=0) as file, unpacked(file, path.name) as stream:
            sized = file.seekable()
            for raw in _of_stream(stream, path):
                yield raw, file.tell() if sized else 0
    except UNREADABLE as error:
        yield Unreadable(str(path), cannot_read(error)), 0
    except UsageError as error:
        yield Unreadable(str(path), str(error)), 0


def _of_stream(stream: BinaryIO, path: Input) -> Iterator[Raw]:
    name = path.name.lower()
    if name.endswith(JSON_LINES):
        yield from _of_json_lines(stream, str(path))
    elif name.endswith(TABLES):
        yield from _of_table(stream, str(path), tabs=name.endswith(_TABS))
    else:
        data = stream.read(MAX_ARTICLE_BYTES + 1)
        yield Unparsed(data, str(path), _FORMATS.get(path.suffix.lower(), "plain"))


def _of_stdin(stream: BinaryIO) -> Iterator[Raw]:
    first = b""
    while not first.strip() and (line := stream.readline(MAX_ARTICLE_BYTES + 1)):
        first = line
    if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        yield from _of_json_lines(_Continued(first, stream), "stdin")  # type: ignore[arg-type]
    else:
        data = first + stream.read(MAX_ARTICLE_BYTES + 1)
        yield Unparsed(data, "stdin", "html" if data.lstrip().startswith(b"<") else "plain")


class _Continued:
    """A stream whose first line was read already."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = first, rest

    def readline(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.readline(size)


def _of_json_lines(stream: BinaryIO, name: str) -> Iterator[Raw]:
    empty = True
    for number, line in byte_lines(stream):
        empty = False
        place = f"{name}:{number}"
        yield Unreadable(place, line.fact) if isinstance(line, DataError) else Unparsed(line, place, "json")
    if empty:
        yield Unreadable(name, "empty file")


def _of_table(stream: BinaryIO, name: str, tabs: bool) -> Iterator[Raw]:
    records = _records(stream, tabs)
    header = next(records, (0, DataError("empty file")))[1]
    try:
        if isinstance(header, DataError):
            raise header
        columns = _columns(header)
    except DataError as error:
        yield Unreadable(name, str(error))
        return
    empty = True
    for number, row in records:
        empty = False
        place = f"{name}:{number}"
        if isinstance(row, DataError):
            yield Unreadable(place, str(row))
        elif len(row) != len(header):
            fault = f"{len(row)} fields, the header has {len(header)}; quote a field that holds a separator"
            yield Unreadable(place, fault)
        else:
            yield _from_record({column: row[i] for column, i in columns.items()}, place)
    if empty:
        yield Unreadable(name, "no rows below the header")


def _columns(header: Iterable[str]) -> dict[str, int]:
    """Return where in the header each column stands that is read.

    Raises DataError when there is no column `text`, or two have the same name.
    """
    names = [name.strip().lower() for name in header]
    twice = [name for name, count in Counter(filter(None, names)).items() if count > 1]
    if twice:
        raise DataError(f"two columns are named '{twice[0]}'", remedy="rename or remove one")
    if "text" not in names:
        shown = names[:20]
        near = get_close_matches("text", shown, n=1)
        listed = ", ".join(name[:40] for name in shown) + (", ..." if len(names) > len(shown) else "")
        remedy = f"rename '{near[0]}' to 'text'" if near else "the first line must name the columns, one of them 'text'"
        raise DataError(f"no column 'text' among {listed}", remedy=remedy)
    return {name: names.index(name) for name in _COLUMNS if name in names}


def _records(stream: BinaryIO, tabs: bool) -> Iterator[tuple[int, list[str] | DataError]]:
    """Yield the line on which each record of a table begins, and its fields or what is wrong with it.

    Where the quotes are wrong, nobody can tell where the next record begins: from such a fault on there are no more.
    """
    import csv

    csv.field_size_limit(MAX_ARTICLE_BYTES)
    lines = _TableLines(stream)
    try:
        first = next((line for line in lines if line.strip()), "")
        # A table that a Spanish spreadsheet writes has semicolons
        delimiter = "\t" if tabs else ";" if ";" in first and "," not in first else ","
        for fields in csv.reader(chain([first], lines), delimiter=delimiter, strict=True):
            data = lines.take()
            if data.strip():
                yield lines.begin, _fault(data) or fields
    except csv.Error as error:
        why = str(error).partition(" - ")[0]  # what follows is for programmers
        wrong = DataError(f"not a valid table: {why}; nothing below was read", remedy=_QUOTES)
        yield lines.begin, _fault(lines.take()) or wrong
    except DataError as error:
        yield lines.begin, error


class _TableLines:
    """The lines of a table, for the csv module, which takes as many as a record has."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0
        self._taken = bytearray()
        self.begin = 0
        """The line on which the current record begins."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._stream.readline(MAX_ARTICLE_BYTES + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self.begin = self.begin if self._taken else self._number
        self._taken += line
        if len(self._taken) > MAX_ARTICLE_BYTES:
            raise DataError(f"a row {TOO_LONG}; nothing below was read", remedy=_QUOTES)
        return line.decode("utf-8-sig" if self._number == 1 else "utf-8", "surrogateescape")

    def take(self) -> bytes:
        """Return the bytes of the current record; what follows is the next."""
        data = bytes(self._taken)
        self._taken.clear()
        return data


def _fault(data: bytes) -> DataError | None:
    try:
        decode(data)
    except DataError as error:
        return error if data.strip() else None
    return None


def _of_parquet(path: Input) -> Iterator[tuple[Raw, int]]:
    arrow, parquet = library("pyarrow", "parquet"), library("pyarrow.parquet", "parquet")
    name, size, number = str(path), _size(path) or 0, 0
    try:
        # Otherwise it would hold a group of rows in memory, and often all rows of a file are one group
        with (
            nullcontext(path) if isinstance(path, Path) else BufferedReader(path.open()) as source,
            parquet.ParquetFile(source, buffer_size=1 << 20, pre_buffer=False) as file,
        ):
            names = file.schema_arrow.names
            columns = {column: names[i] for column, i in _columns(names).items()}
            for batch in file.iter_batches(_ROWS, columns=list(columns.values()), use_threads=False):
                values = {column: batch.column(stored) for column, stored in columns.items()}
                read = size * (number + len(batch)) // file.metadata.num_rows
                for row in range(len(batch)):
                    number += 1
                    yield _of_row(values, row, f"{name}:row {number}"), read
    except DataError as error:
        yield Unreadable(name, str(error)), 0
    except arrow.ArrowException as error:
        yield Unreadable(name, cannot_read(error)), 0
    else:
        if not number:
            yield Unreadable(name, "no rows"), 0


def _of_row(values: Mapping[str, Any], row: int, place: str) -> Article | Unreadable:
    try:
        record = {column: value for column in values if (value := values[column][row].as_py()) is not None}
    except UnicodeDecodeError as error:
        return Unreadable(place, f"not UTF-8 at byte {error.start}")
    if isinstance(text := record.setdefault("text", ""), str) and len(text) > MAX_ARTICLE_BYTES:
        return Unreadable(place, f"field 'text' is {TOO_LONG}")
    return _from_record(record, place)


def _from_file(data: bytes, name: str, form: Format) -> Article | Unreadable:
    try:
        text = _decode_html(data) if form == "html" else decode(data)
    except DataError as error:
        return Unreadable(name, str(error))
    return Article(id=name, text=text, format=form, place=name)


def _decode_html(data: bytes) -> str:
    """Decode a page as UTF-8, or in the character set that it declares."""
    try:
        return decode(data)
    except DataError:
        declared = re.search(rb"""charset\s*=\s*["']?\s*([\w-]+)""", data[:4096])
        if not declared or b"\0" in data[:100_000] or len(data) > MAX_ARTICLE_BYTES:
            raise
        try:
            return data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            raise DataError(f"not in its declared character set '{declared[1].decode('ascii')}'") from None


def _from_json(line: bytes, place: str) -> Article | Unreadable:
    try:
        record = parse_object(decode(line.rstrip(b"\r\n")))
    except DataError as error:
        return Unreadable(place, error.fact)
    if b"\\u" in line:  # nothing else can make half of a character
        record = {key: _whole(value) if isinstance(value, str) else value for key, value in record.items()}
    return _from_record(record, place)


def _whole(text: str) -> str:
    """Return a text with U+FFFD for each half of a character, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@lru_cache
def _language(tag: str) -> str:
    """Return the language of a tag such as `es-PE`."""
    return re.split("[-_]", tag)[0].lower()


def _from_record(record: Mapping[str, Any], place: str) -> Article | Unreadable:
    identity = record.get("id")
    name = str(identity) if isinstance(identity, str | int) and identity != "" else place
    if "text" not in record:
        return Unreadable(name, "no field 'text'")
    text = record["text"]
    if not isinstance(text, str) or not text or text.isspace():
        return Unreadable(name, "field 'text' is empty" if isinstance(text, str) else "field 'text' is not a string")
    title, lang = record.get("title"), record.get("lang")
    return Article(
        id=name,
        text=text,
        title=title if isinstance(title, str) else "",
        lang=_language(lang) if isinstance(lang, str) else "",
        place=place,
    )
