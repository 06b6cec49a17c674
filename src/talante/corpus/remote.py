"""Files elsewhere: at a URL that fsspec knows, or called otherwise than they are reached.

Local paths do not come here: reading them needs nothing of this.
"""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePath
from stat import S_IFREG
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from talante.corpus.files import library
from talante.errors import UsageError, WriteError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Where an object appears when it is complete, so that none need be written under another name first.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "hf"}


def is_url(name: str) -> bool:
    """Say whether a name is a URL; what `local` makes of `file://` is none."""
    return re.match("[a-z][a-z0-9+.-]+://", name) is not None


def local(name: str) -> str:
    """Return the path that a URL with `file://` names; other names stay as they are."""
    return name.removeprefix("file://")


def is_folder(output: str) -> bool:
    """Say whether an output is a folder: it ends in a slash, or is there and is one."""
    return output.endswith(("/", os.sep)) or (not is_url(output) and Path(output).is_dir())


class _Status(NamedTuple):
    st_size: int
    st_mode: int
    st_mtime_ns: int


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read that lies at ``where``, a URL or a path, and is called ``shown``.

    It has those methods of a Path that reading needs; they raise OSError, and UsageError where a library is missing.
    """

    where: str
    shown: str

    def __str__(self) -> str:
        return self.shown

    @property
    def _path(self) -> PurePath:
        return PurePath(self.where.partition("?")[0] if is_url(self.where) else self.where)

    @property
    def name(self) -> str:
        """Return the last part of it."""
        return self._path.name

    @property
    def stem(self) -> str:
        """Return the name without its last ending."""
        return self._path.stem

    @property
    def suffix(self) -> str:
        """Return the last ending."""
        return self._path.suffix

    def open(self, mode: str = "rb", buffering: int = 0) -> io.RawIOBase:  # noqa: ARG002 - as that of a Path
        """Open it for reading."""
        if not is_url(self.where):
            return Path(self.where).open("rb", buffering=0)
        files, path = _file_system(self.where)
        with _faults():
            return _Stream(files.open(path, "rb"))

    def stat(self) -> "os.stat_result | _Status":
        """Return its size, kind and time; 0 where the place tells none."""
        if not is_url(self.where):
            return Path(self.where).stat()
        files, path = _file_system(self.where)
        with _faults():
            size, time = files.info(path).get("size"), 0
            with suppress(NotImplementedError, LookupError):
                time = int(files.modified(path).timestamp() * 1e9)
        return _Status(size or 0, 0 if size is None else S_IFREG, time)


#: What articles are read from, besides stdin.
Input = Path | Source


class _Stream(io.RawIOBase):
    """What fsspec opened."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._stream.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _faults():
            self._stream.seek(offset, whence)
            return self.tell()

    def tell(self) -> int:
        return int(self._stream.tell())

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        with _faults():
            data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def look_up(url: str, wanted: Callable[[PurePath], bool]) -> tuple[str, list[Source]]:
    """Return what a URL names, a `file`, a `folder` or a `pattern`, and the files there, in order.

    ``wanted`` says of a path below a folder whether it is one of them. Raises UsageError for what cannot be read.
    """
    files, path = _file_system(url)
    try:
        with _faults():
            page = url.startswith(("http:", "https:"))  # asking whether one is a folder would read all of it
            if not page and files.isdir(path):
                below = sorted(p for p in files.find(path) if wanted(PurePath(p[len(path) :].lstrip("/"))))
                return "folder", [_named(url, path, p) for p in below]
            if files.exists(path):
                return "file", [Source(url, url)]
            if page or not has_magic(path):
                return "file", []
            matches = [p for p, info in files.glob(path, detail=True).items() if info["type"] == "file"]
            shown = sorted(p for p in matches if not PurePath(p).name.startswith("."))
            return "pattern", [_named(url, path, p) for p in shown]
    except OSError as error:
        raise UsageError(f"cannot read: {error}", place=url) from None


def _named(given: str, path: str, found: str) -> Source:
    """Return a file that was found for a URL, with a URL that begins as the given one does."""
    given, path = given.rstrip("/"), path.rstrip("/")
    url = given.removesuffix(path) + found if given.endswith(path) else f"{given.partition('://')[0]}://{found}"
    return Source(url, url)


@contextmanager
def arriving(where: str) -> Iterator[Path]:
    """Yield the path of a file to be written that appears at a URL when it is complete; a local path is that file.

    Raises WriteError when it cannot be put there.
    """
    if not is_url(where):
        yield Path(where)
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="talante-") as folder:
        path = Path(folder) / PurePath(where).name
        yield path
        try:
            with _faults():
                _put(path, where)
        except OSError as error:
            raise WriteError(f"cannot write: {error}", place=where, remedy="nothing was left half-written") from None


def _put(path: Path, url: str) -> None:
    files, target = _file_system(url)
    if url.partition("://")[0] in _OBJECT_STORES:
        files.put_file(str(path), target)
        return
    folder, _, name = target.rpartition("/")
    beside = f"{folder}/.{name}.{uuid4().hex[:8]}"
    files.makedirs(folder, exist_ok=True)
    try:
        files.put_file(str(path), beside)
        with suppress(FileNotFoundError):
            files.rm_file(target)  # not every place lets one file take the place of another
        files.mv(beside, target)
    except Exception:
        with suppress(Exception):
            files.rm_file(beside)
        raise


def _file_system(url: str) -> tuple[Any, str]:
    """Return what reads and writes at a URL, and what it calls this one.

    Raises UsageError where nothing does, or a library is missing.
    """
    try:
        files, path = library("fsspec", "remote").core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        fact = str(error).partition("\n")[0]
        raise UsageError(fact, place=url, remedy="docs/archive.md says what a URL needs") from None
    except UsageError as error:
        raise UsageError(error.fact, place=url, remedy=error.remedy) from None
    return files, path


@contextmanager
def _faults() -> Iterator[None]:
    """Let an error be an OSError: every kind of place has its own."""
    try:
        yield
    except (OSError, UsageError):
        raise
    except Exception as error:
        raise OSError(str(error) or type(error).__name__) from None
