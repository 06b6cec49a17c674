"""Bytes in and out: bounded lines, decoding with the offset of a fault, writing that is whole or absent."""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import uuid4

from talante.errors import DataError, WriteError

#: No news article comes near this; a longer input is a mistake, and refusing it keeps memory bounded.
MAX_ARTICLE_BYTES = 10_000_000

#: What reading a file can raise; the last two come from gzip, for a file that was cut short or is damaged.
UNREADABLE = (OSError, EOFError, zlib.error)

_TOO_LONG = f"longer than {MAX_ARTICLE_BYTES // 1_000_000} MB, the limit for one article"


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip where its name ends in `.gz`."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def decode(data: bytes) -> str:
    """Decode UTF-8 (a byte order mark is dropped).

    Raises DataError that says what is wrong with the bytes, and at which offset.
    """
    if not data.strip():
        raise DataError("empty file")
    if len(data) > MAX_ARTICLE_BYTES:
        raise DataError(_TOO_LONG, remedy="split it into articles")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError("UTF-16, not UTF-8", remedy="save it as UTF-8")
    if b"\0" in data[:100_000]:
        raise DataError("binary data, not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # utf-8-sig reports the offset in what follows the mark
        offset = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        raise DataError(f"not UTF-8 at byte {offset}", remedy="save it as UTF-8") from None


def lines(stream: BinaryIO) -> Iterator[tuple[int, str | DataError]]:
    """Yield the number of each non-blank line, and its text or what is wrong with it.

    No more than MAX_ARTICLE_BYTES of a line are held in memory.
    """
    number = 0
    while line := stream.readline(MAX_ARTICLE_BYTES + 1):
        number += 1
        if len(line) > MAX_ARTICLE_BYTES:
            while not line.endswith(b"\n") and (line := stream.readline(MAX_ARTICLE_BYTES)):
                pass
            yield number, DataError(f"a line {_TOO_LONG}")
        elif line.strip():
            try:
                yield number, decode(line).rstrip("\r\n")
            except DataError as error:
                yield number, error


def parse_object(line: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises DataError that says what is wrong, and at which column.
    """
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        fact = error.msg.lower().removesuffix(" at")
        raise DataError(f"not valid JSON: {fact} at column {error.colno}") from None
    except RecursionError:
        raise DataError("not valid JSON: nested too deeply") from None
    except ValueError:  # of more than 4,300 digits
        raise DataError("not valid JSON: a number is too long") from None
    if not isinstance(data, dict):
        raise DataError("not a JSON object", remedy='a record looks like {"id": ..., "text": ...}')
    return data


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """Open a text file that appears under its name only when it is complete.

    Raises WriteError when it cannot be written (no permission, disk full); then nothing is left behind.
    """
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def cannot_read(error: Exception) -> str:
    """Return the fact of a file that could not be read, from one of UNREADABLE."""
    if isinstance(error, zlib.error):
        return "cannot read: damaged gzip data"
    return f"cannot read: {(getattr(error, 'strerror', None) or str(error)).lower()}"


def cannot_write(path: Path, error: OSError) -> WriteError:
    """Return the error for a file or folder that could not be written."""
    reason = (error.strerror or str(error)).lower()
    return WriteError(f"cannot write: {reason}", place=str(path), remedy="nothing was left half-written")
