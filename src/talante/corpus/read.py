"""Read what a user names (files, folders, globs, stdin) as articles, one after the other, in order."""

import re
import sys
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import BinaryIO

from talante.corpus.article import Article, Format, Unreadable
from talante.corpus.files import MAX_ARTICLE_BYTES, UNREADABLE, cannot_read, decode, lines, open_binary, parse_object
from talante.errors import DataError, UsageError

_FORMATS: dict[str, Format] = {
    ".txt": "plain",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
}
JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")

#: What a folder is searched for.
SUFFIXES = (*_FORMATS, *JSON_LINES)


def find_inputs(names: Iterable[str]) -> list[Path | None]:
    """Resolve files, folders (searched below) and globs, in order; `-` becomes None, for stdin.

    Raises UsageError for what does not exist, DataError for a folder or glob without articles: both before
    anything is read, so that a run with a misspelled name does no half of the work.
    """
    found: list[Path | None] = []
    for name in names:
        path = Path(name)
        if name == "-":
            found.append(None)
        elif path.is_dir():
            inside = sorted(p for p in path.rglob("*") if _is_article_file(p, path))
            if not inside:
                raise DataError("no articles in this folder", place=name, remedy=f"looked for {' '.join(SUFFIXES)}")
            found += inside
        elif path.exists():
            found.append(path)
        elif has_magic(name):
            matches = sorted(p for p in map(Path, glob(name, recursive=True)) if p.is_file())
            if not matches:
                raise UsageError("no file matches this pattern", place=name)
            found += matches
        else:
            raise UsageError("no such file or folder", place=name)
    return found


def read_articles(inputs: Iterable[Path | None]) -> Iterator[Article | Unreadable]:
    """Yield one article, or the reason why there is none, for each file and each line of JSON Lines."""
    for path in inputs:
        if path is None:
            yield from _read_stdin(sys.stdin.buffer)
            continue
        try:
            with open_binary(path) as stream:
                if path.name.lower().endswith(JSON_LINES):
                    yield from _read_json_lines(stream, str(path))
                else:
                    data = stream.read(MAX_ARTICLE_BYTES + 1)
                    yield _read_one(data, str(path), _FORMATS.get(path.suffix.lower(), "plain"))
        except UNREADABLE as error:
            yield Unreadable(str(path), cannot_read(error))


def _is_article_file(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return not hidden and path.name.lower().endswith(SUFFIXES) and path.is_file()


def _read_stdin(stream: BinaryIO) -> Iterator[Article | Unreadable]:
    first = b""
    while not first.strip() and (line := stream.readline(MAX_ARTICLE_BYTES + 1)):
        first = line
    if first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        yield from _read_json_lines(_Continued(first, stream), "stdin")  # type: ignore[arg-type]
    else:
        data = first + stream.read(MAX_ARTICLE_BYTES + 1)
        yield _read_one(data, "stdin", "html" if data.lstrip().startswith(b"<") else "plain")


class _Continued:
    """A stream whose first line was read already."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        self._first, self._rest = first, rest

    def readline(self, size: int) -> bytes:
        first, self._first = self._first, b""
        return first or self._rest.readline(size)


def _read_one(data: bytes, name: str, form: Format) -> Article | Unreadable:
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


def _read_json_lines(stream: BinaryIO, name: str) -> Iterator[Article | Unreadable]:
    empty = True
    for number, line in lines(stream):
        empty = False
        place = f"{name}:{number}"
        yield Unreadable(place, line.fact) if isinstance(line, DataError) else _from_json(line, place)
    if empty:
        yield Unreadable(name, "empty file")


def _whole(text: str) -> str:
    """Return a text with U+FFFD for each half of a character, which JSON can hold and UTF-8 cannot."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _from_json(line: str, place: str) -> Article | Unreadable:
    try:
        record = parse_object(line)
    except DataError as error:
        return Unreadable(place, error.fact)
    record = {key: _whole(value) if isinstance(value, str) else value for key, value in record.items()}
    identity = record.get("id")
    name = str(identity) if isinstance(identity, str | int) and identity != "" else place
    if "text" not in record:
        return Unreadable(name, "no field 'text'")
    text = record["text"]
    if not isinstance(text, str) or not text.strip():
        return Unreadable(name, "field 'text' is empty" if isinstance(text, str) else "field 'text' is not a string")
    title, lang = record.get("title"), record.get("lang")
    return Article(
        id=name,
        text=text,
        title=title if isinstance(title, str) else "",
        lang=re.split("[-_]", lang)[0].lower() if isinstance(lang, str) else "",
        place=place,
    )
