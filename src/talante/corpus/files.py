"""Bytes in and out: bounded lines, decoding with the offset of a fault, writing that is whole or absent."""

import io
import json
import os
import platform
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

from talante.errors import BusyError, DataError, UsageError, WriteError

if TYPE_CHECKING:
    from talante.corpus.remote import Source

#: No news article comes near this; a longer input is a mistake, and refusing it keeps memory bounded.
MAX_ARTICLE_BYTES = 10_000_000

#: What reading a file can raise; the last two come from what unpacks it, for a file that was cut short or is damaged.
UNREADABLE = (OSError, EOFError, zlib.error)

#: What is said of it.
TOO_LONG = f"longer than {MAX_ARTICLE_BYTES // 1_000_000} MB, the limit for one article"

#: Bytes that are read of a file at once.
_BUFFER = 1 << 17


@contextmanager
def open_binary(path: "Path | Source") -> Iterator[BinaryIO]:
    """Open a file for reading, unpacked where its name ends in `.gz` or `.zst`.

    Raises UsageError where the library is missing that unpacks it, OSError for what cannot be opened.
    """
    with path.open("rb", buffering=0) as file, unpacked(file, path.name) as stream:
        yield stream


def unpacked(file: io.RawIOBase, name: str) -> BinaryIO:
    """Return what is in an open file, unpacked where its name ends in `.gz` or `.zst`.

    Raises UsageError where the library is missing that unpacks it.
    """
    packed = io.BufferedReader(file, _BUFFER)
    if name.lower().endswith(".gz"):
        from gzip import GzipFile

        return GzipFile(fileobj=packed, mode="rb")  # type: ignore[return-value]
    return io.BufferedReader(_Zstandard(packed), _BUFFER) if name.lower().endswith(".zst") else packed


@contextmanager
def packing(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file for writing, packed where ``name`` ends in `.gz` or `.zst`.

    Raises UsageError where the library is missing that packs it.
    """
    if name.lower().endswith(".gz"):
        from gzip import GzipFile

        # Without name and time in its head: equal rows make equal files
        with path.open("wb") as file, GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as stream:
            yield stream  # type: ignore[misc]
    elif name.lower().endswith(".zst"):
        with zstandard().open(path, "wb") as stream:
            yield stream
    else:
        with path.open("wb") as stream:
            yield stream


class _Zstandard(io.RawIOBase):
    """Unpacks Zstandard, and says what is wrong with it by one of UNREADABLE."""

    def __init__(self, packed: BinaryIO) -> None:
        library = zstandard()
        self._stream, self._error = library.ZstdFile(packed), library.ZstdError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read1(len(buffer))  # `read` would lose what comes before a fault
        except self._error as error:
            raise OSError(str(error)) from None
        buffer[: len(data)] = data
        return len(data)


def zstandard() -> Any:
    """Import what unpacks Zstandard: a part of Python from 3.14 on.

    Raises UsageError when it is not installed.
    """
    return library("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd", "zst")


def library(name: str, extra: str) -> Any:
    """Import what an extra installs.

    Raises UsageError when it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise UsageError(f"needs the library {name}", remedy=f"pip install 'talante[{extra}]'") from None


def decode(data: bytes) -> str:
    """Decode UTF-8 (a byte order mark is dropped).

    Raises DataError that says what is wrong with the bytes, and at which offset.
    """
    if not data.strip():
        raise DataError("empty file")
    if len(data) > MAX_ARTICLE_BYTES:
        raise DataError(TOO_LONG, remedy="split it into articles")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError("UTF-16, not UTF-8", remedy="save it as UTF-8")
    if b"\0" in data[:100_000]:
        raise DataError("binary data, not text")
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 at byte {error.start}", remedy="save it as UTF-8") from None


def byte_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | DataError]]:
    """Yield the number of each non-blank line, and its bytes or that it is too long.

    No more than MAX_ARTICLE_BYTES of a line are held in memory.
    """
    number = 0
    while line := stream.readline(MAX_ARTICLE_BYTES + 1):
        number += 1
        if len(line) > MAX_ARTICLE_BYTES:
            while not line.endswith(b"\n") and (line := stream.readline(MAX_ARTICLE_BYTES)):
                pass
            yield number, DataError(f"a line {TOO_LONG}")
        elif not line.isspace():
            yield number, line


def lines(stream: BinaryIO) -> Iterator[tuple[int, str | DataError]]:
    """Yield the number of each non-blank line, and its text or what is wrong with it.

    No more than MAX_ARTICLE_BYTES of a line are held in memory.
    """
    for number, line in byte_lines(stream):
        try:
            yield number, line if isinstance(line, DataError) else decode(line).rstrip("\r\n")
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
    with _replacing(path) as beside, beside.open("w", encoding="utf-8", newline="\n", errors="replace") as stream:
        yield stream
        _to_disk(stream)


def append_whole(path: Path, text: str) -> None:
    """Append to a file so that it holds all of the text or, after a crash, none; the bytes before it stay.

    Raises WriteError when it cannot be written (no permission, disk full).
    """
    with _replacing(path) as beside:
        if path.exists():
            shutil.copy(path, beside)
        with beside.open("a+b") as stream:
            if stream.tell() and not _ends_with_newline(stream):
                stream.write(b"\n")
            stream.write(text.encode("utf-8", "replace"))
            _to_disk(stream)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield the path of a file that takes the place of another when it is complete, and is removed when it is not."""
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        raise cannot_write(path, error) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _to_disk(stream: IO[Any]) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _ends_with_newline(stream: BinaryIO) -> bool:
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) == b"\n"


@contextmanager
def locked(path: Path, what: str, wait: float = 0) -> Iterator[None]:
    """Hold a lock file; the lock ends with the process, however that ends.

    ``what``: what the holder does, for others to read. Raises BusyError, which says who holds it, when it is not free
    after ``wait`` seconds, WriteError where no lock can be made.
    """
    from filelock import FileLock, Timeout

    holder, lock = path.with_name(path.name + ".holder"), FileLock(path)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait)
        holder.write_text(f"{what}, process {os.getpid()} on {platform.node()} since {now}", encoding="utf-8")
    except Timeout:
        raise BusyError(_held_by(holder), place=str(path.parent), remedy="wait for it to end, then try again") from None
    except NotImplementedError:
        raise WriteError(
            "this file system has no locks", place=str(path.parent), remedy="use a local one, or NFS version 4"
        ) from None
    except OSError as error:
        lock.release()
        raise cannot_write(path.parent, error) from None
    try:
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _held_by(holder: Path) -> str:
    try:
        return f"busy: {holder.read_text(encoding='utf-8')}"
    except (OSError, UnicodeDecodeError):
        return "busy: another process is writing here"


def cannot_read(error: Exception) -> str:
    """Return the fact of a file that could not be read, from one of UNREADABLE or what a library raises."""
    if isinstance(error, zlib.error):
        return "cannot read: damaged gzip data"
    return f"cannot read: {' '.join((getattr(error, 'strerror', None) or str(error)).lower().split())}"


def cannot_write(path: Path, error: OSError) -> WriteError:
    """Return the error for a file or folder that could not be written."""
    reason = (error.strerror or str(error)).lower()
    return WriteError(f"cannot write: {reason}", place=str(path), remedy="nothing was left half-written")
