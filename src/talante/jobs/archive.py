"""Tag any number of articles: reading, tagging and writing overlap, and memory stays the same.

Rows come out in the order of the articles. A file of rows appears under its name when it is complete; until then they
stand in a file beside it, from which an interrupted run can be continued.
"""

import json
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from talante import __version__
from talante.corpus.article import Article
from talante.corpus.files import cannot_write, locked
from talante.corpus.read import Raw, Unparsed, article, raw_articles
from talante.corpus.remote import Input
from talante.errors import UsageError
from talante.jobs.output import complete
from talante.jobs.tag import MANY, Order, Part, Tagger, part_of, tag_part

#: How long those articles wait that are there for more to be tagged with them, in seconds.
_PATIENCE = 0.1

#: Bytes of articles that are tagged at once at most, and that are read ahead.
_AT_ONCE, _AHEAD = 1 << 22, 1 << 24

#: So many parts one process tags before others are started, where nobody says how many.
_ALONE = 16

#: Called with how many rows are done and how many bytes of the input have been read.
Progress = Callable[[int, int], None]


class _Reader(threading.Thread):
    """Reads ahead, so that unpacking and waiting for a disk or a pipe cost the tagger no time."""

    def __init__(self, raws: Iterator[Raw]) -> None:
        super().__init__(daemon=True)
        self._raws = raws
        self._ready: list[Raw] = []
        self._bytes = 0
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def run(self) -> None:
        """Read until the end, no further than _AHEAD."""
        try:
            for raw in self._raws:
                with self._changed:
                    self._changed.wait_for(lambda: self._bytes < _AHEAD or self._ended)
                    if self._ended:
                        return
                    self._ready.append(raw)
                    self._bytes += _size(raw)
                    if self._is_enough():
                        self._changed.notify()
        except BaseException as error:
            self._error = error
        finally:
            self._end()

    def parts(self) -> Iterator[list[Raw]]:
        """Yield what has been read, by the hundred where articles come fast; raise what reading raised."""
        self.start()
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(self._is_enough, _PATIENCE)
                    number, size = 0, 0
                    while number < min(MANY, len(self._ready)) and size < _AT_ONCE:
                        size += _size(self._ready[number])
                        number += 1
                    part, self._ready = self._ready[:number], self._ready[number:]
                    self._bytes -= size
                    ended = self._ended and not self._ready
                    self._changed.notify()
                if part:
                    yield part
                if ended:
                    break
            if self._error:
                raise self._error
        finally:
            self._end()

    def _is_enough(self) -> bool:
        return len(self._ready) >= MANY or self._bytes >= _AT_ONCE or self._ended

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()


def _size(raw: Raw) -> int:
    if isinstance(raw, Unparsed):
        return len(raw.data)
    return len(raw.text) if isinstance(raw, Article) else 0


def tag_all(raws: Iterator[Raw], tagger: Tagger, jobs: int | None = None) -> Iterator[Part]:
    """Yield the rows of all articles, in their order, by parts.

    Few articles, or such as come in slowly, are tagged in plain Python, others by the kernel, in ``jobs`` processes;
    without a number in as many as there are cores, if it takes longer than starting them.
    """
    parts = _Reader(raws).parts()
    for number, raw in enumerate(parts):
        full = len(raw) >= MANY or sum(map(_size, raw)) >= _AT_ONCE
        if full and (number >= _ALONE if jobs is None else jobs != 1):
            yield from _in_processes(chain([raw], parts), tagger.order, jobs or -1)
            return
        yield part_of(tagger.rows(map(article, raw), many=full or "bulk" in tagger.__dict__))


def _in_processes(parts: Iterator[Sequence[Raw]], order: Order, jobs: int) -> Iterator[Part]:
    from joblib import Parallel, delayed

    from talante.jobs.engine import engine

    # It says so when nobody wants the rest, as behind `| head`
    warnings.filterwarnings("ignore", message=".*tasks which were still being processed", category=UserWarning)
    with engine(jobs=jobs):
        yield from Parallel(return_as="generator", batch_size=1)(delayed(tag_part)(order, part) for part in parts)


class Written(NamedTuple):
    """How many rows a file has, and how many of them are errors."""

    rows: int
    failed: int


def tag_to_file(
    inputs: Sequence[Input | None],
    output: Path,
    tagger: Tagger,
    *,
    jobs: int | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    patience: float = 0,
) -> Written:
    """Tag articles into a file of the kind that its name ends in, see `talante.jobs.output`.

    With ``resume`` the rows that an interrupted run left behind are kept, and it goes on with the next article.
    Raises UsageError when that run was another one, BusyError when it is still at work after ``patience`` seconds,
    WriteError.
    """
    with _unfinished(output, run_of(inputs, tagger), resume, patience) as (stream, done):
        read, rows, failed = 0, done.rows, done.failed

        def on_read(size: int) -> None:
            nonlocal read
            read = size

        raws = islice(raw_articles(inputs, on_read), done.rows, None)
        for part in tag_all(raws, tagger, jobs):
            stream.write(part.text.encode("utf-8", "replace"))
            stream.flush()
            rows, failed = rows + part.rows, failed + part.failed
            if progress:
                progress(rows, read)
        complete(stream, output, tagger.model.schema, tagger.order.every_score)
    return Written(rows, failed)


def run_of(inputs: Sequence[Input | None], tagger: Tagger) -> dict[str, Any]:
    """Return what a run must have in common with the one that it goes on from."""
    named = {key: value for key, value in asdict(tagger.order).items() if key != "model"}
    files = [[str(p), p.stat().st_size, p.stat().st_mtime_ns] if p else ["stdin"] for p in inputs]
    told = {"talante": __version__, "model": tagger.model.id, "order": named, "inputs": files}
    return dict(json.loads(json.dumps(told)))


@contextmanager
def _unfinished(
    output: Path, what: dict[str, Any], resume: bool, patience: float
) -> Iterator[tuple[BinaryIO, Written]]:
    """Open the file of rows beside ``output`` for more, with how many it has; it stays only when it is worth it."""
    if not output.parent.is_dir():
        raise cannot_write(output, FileNotFoundError(2, "No such file or directory"))
    rows, told, fresh, lock = (_beside(output, ending) for ending in ("part", "run", "run.new", "lock"))
    with locked(lock, f"tagging into {output.name}", patience):
        try:
            done = Written(0, 0)
            if resume and told.exists() and rows.exists():
                check_same(json.loads(told.read_bytes()), what, output)
                done = _whole_rows(rows)
            with rows.open("r+b" if done.rows else "w+b") as stream:
                # Only now, and whole: what it says must never stand beside the rows of another run
                fresh.write_text(json.dumps(what))
                fresh.replace(told)
                stream.seek(0, os.SEEK_END)
                try:
                    yield stream, done
                except BaseException:
                    keep = _whole_rows(rows).rows >= MANY
                    raise
                else:
                    keep = False
                finally:
                    if not keep:
                        for path in (rows, told, fresh):
                            path.unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(output, error) from None
        finally:
            with suppress(OSError):
                lock.unlink(missing_ok=True)


def is_unfinished(output: Path) -> bool:
    """Say whether an interrupted run left rows behind that the next one can go on from."""
    return _beside(output, "run").exists()


def _beside(output: Path, ending: str) -> Path:
    return output.with_name(f".{output.name}.{ending}")


def check_same(before: dict[str, Any], now: dict[str, Any], output: object) -> None:
    """Raise UsageError where two runs into ``output`` differ, see `run_of`."""
    names = {"talante": "another version of talante", "model": "another model", "order": "other options"}
    for key, value in now.items():
        if before.get(key) != value:
            raise UsageError(
                f"the interrupted run had {names.get(key, 'other input files, or they have changed')}",
                place=str(output),
                remedy="run it as before, or without --resume from the beginning",
            )


def _whole_rows(path: Path) -> Written:
    """Cut off a row that was not written to its end; return how many there are, and how many errors."""
    rows = failed = end = 0
    with path.open("r+b") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            rows += 1
            failed += b'"error": ' in line and "error" in json.loads(line)
        stream.truncate(end)
    return Written(rows, failed)
