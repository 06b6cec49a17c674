"""Tag many files into a folder. Each is a partition: one task reads it and writes its rows, on whatever machine.

Nothing passes through the process that deals out the tasks but how many rows each file has.
"""

import json
import platform
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import has_magic
from itertools import takewhile
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from joblib import Parallel, delayed
from joblib.parallel import get_active_backend

from talante.corpus.files import cannot_read, cannot_write, locked, written_whole
from talante.corpus.read import SUFFIXES, find_inputs
from talante.corpus.remote import Input, Source, arriving, is_url, local
from talante.errors import DataError, ModelError, UsageError
from talante.jobs.archive import Progress, check_same, run_of, tag_to_file
from talante.jobs.tag import Order, Tagger

#: The file in a folder that says by what model and options the others were tagged.
MANIFEST = ".talante-run.json"

#: Seconds that a task waits for another at the same file: of a worker that was given up and has not ended.
_PATIENCE = 300

#: Bytes of input from which on every worker makes the kernel ready, for small files, too.
_MANY_BYTES = 1 << 20

#: The tagger of each thread: the kernel has room for the articles of one.
_mine = threading.local()


class Partition(NamedTuple):
    """A file to be tagged, where its rows go, and how many bytes it has."""

    source: Source
    output: Source
    size: int


class Done(NamedTuple):
    """A file of rows that is complete: how many there are, and how many of them are errors."""

    output: str
    rows: int
    failed: int


def partitions(names: Sequence[str], folder: str) -> list[Partition]:
    """Return a partition for each file that is named as for `find_inputs`.

    The file of rows is called as the input, and lies as deep below ``folder`` as that below the folder or pattern that
    was named. Raises UsageError where two would be the same file, or an input lies in ``folder``, and as `find_inputs`.
    """
    base, found = _where(folder), dict[str, Partition]()
    for given in map(local, names):
        for path in find_inputs([given]):
            if path is None:
                raise UsageError(
                    "stdin has no name for a file", place="-", remedy="name files, or one file as --output"
                )
            name = _output_name(path, given)
            if name in found:
                fact = f"would be written to the same file {name} as {found[name].source}"
                raise UsageError(fact, place=str(path), remedy="rename one, or name the folder above both")
            source = path if isinstance(path, Source) else Source(str(path.absolute()), str(path))
            if PurePath(source.where).is_relative_to(base):
                raise UsageError(
                    "lies in the folder of the output", place=str(path), remedy="keep inputs and outputs apart"
                )
            output = Source(f"{base}/{name}", f"{folder.rstrip('/')}/{name}")
            found[name] = Partition(source, output, source.stat().st_size)
    return list(found.values())


def _where(folder: str) -> str:
    return folder.rstrip("/") if is_url(folder) else str(Path(folder).absolute())


def _output_name(path: Input, given: str) -> str:
    file, root = PurePath(str(path)), PurePath(given)
    if file != root:
        root = PurePath(*takewhile(lambda part: not has_magic(part), root.parts))
    folder = file.relative_to(root).parent if file.is_relative_to(root) else PurePath()
    ending = max((e for e in SUFFIXES if path.name.lower().endswith(e)), key=len, default="")
    return (folder / (path.name[: len(path.name) - len(ending)] + ".jsonl")).as_posix()


def tag_folder(
    parts: Sequence[Partition],
    folder: str,
    tagger: Tagger,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[Done]:
    """Tag each partition into its file, by whatever `talante.jobs.engine.engine` is in force; return what was done.

    With ``resume`` those stay that were tagged before, alike and after their input was last changed. Raises UsageError
    when the folder was tagged otherwise, BusyError while another run writes there, and as `tag_partition`.
    """
    run, done = run_of([], tagger), list[Done]()
    order = replace(tagger.order, model=tagger.order.model.absolute())
    with _held(folder):
        since = _begin(folder, run, resume)
        todo = [part for part in parts if not (resume and _is_finished(part, since))]
        left = sum(part.size for part in todo)
        sizes = {str(part.output): part.size for part in todo}
        read = sum(part.size for part in parts) - left
        for one in _dealt_out(order, run, todo, many=left >= _MANY_BYTES):
            done.append(one)
            read += sizes[one.output]
            if progress:
                progress(sum(d.rows for d in done), read)
    return done


def _dealt_out(order: Order, run: dict[str, Any], todo: Sequence[Partition], many: bool) -> Iterator[Done]:
    generators = get_active_backend()[0].supports_return_generator
    parallel = Parallel(
        return_as="generator_unordered" if generators else "list",
        batch_size=1,  # what is lost with a worker is one file
        pre_dispatch="all",  # workers that come later get their share
    )
    yield from parallel(delayed(tag_partition)(order, run, part, many) for part in todo)


def tag_partition(order: Order, run: dict[str, Any], part: Partition, many: bool = False) -> Done:
    """Tag one partition: the task of a worker. ``many``: by the kernel, even if it has few articles.

    Raises ModelError where its machine has another model or none at that path, DataError where the input is not there,
    WriteError where the output cannot be written.
    """
    here = f"on {platform.node()}"
    try:
        tagger = _tagger(order, many)
    except ModelError as error:
        remedy = "every machine needs the model's folder at the same path"
        raise ModelError(f"{error.fact}, {here}", place=error.place, remedy=remedy) from None
    if run_of([], tagger) != run:
        raise ModelError(f"another model, or another talante, {here}", place=str(order.model), remedy="make them alike")
    try:
        part.source.stat()
    except OSError as error:
        remedy = "every machine must reach the files by the same path"
        raise DataError(f"{cannot_read(error)}, {here}", place=part.source.where, remedy=remedy) from None
    with arriving(part.output.where) as path:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path.parent, error) from None
        written = tag_to_file([part.source], path, tagger, jobs=1, patience=_PATIENCE)
    return Done(str(part.output), *written)


def _tagger(order: Order, many: bool) -> Tagger:
    if getattr(_mine, "order", None) != order:
        _mine.tagger, _mine.order = Tagger(order), order
    _mine.kernel = many and _mine.tagger.bulk  # being asked for, it is made ready
    return _mine.tagger  # type: ignore[no-any-return]


@contextmanager
def _held(folder: str) -> Iterator[None]:
    """Hold a lock on a folder; a URL has none."""
    if is_url(folder):
        yield
        return
    lock = Path(folder) / ".talante-run.lock"
    with locked(lock, f"tagging into {folder}"):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink(missing_ok=True)


def _begin(folder: str, run: dict[str, Any], resume: bool) -> int:
    """Write the manifest, or check that of the run that is gone on with; return when it was written.

    Raises UsageError when that was another run.
    """
    told = Source(f"{_where(folder)}/{MANIFEST}", f"{folder.rstrip('/')}/{MANIFEST}")
    if resume:
        with suppress(FileNotFoundError, ValueError), told.open() as stream:
            check_same(json.loads(stream.readall()), run, folder)
            return told.stat().st_mtime_ns
    with arriving(told.where) as path, written_whole(path) as text:
        json.dump(run, text)
    return told.stat().st_mtime_ns


def _is_finished(part: Partition, since: int) -> bool:
    """Say whether a file of rows was written by this run, after its input was last changed."""
    try:
        written = part.output.stat().st_mtime_ns
    except OSError:
        return False
    return written >= since and written > part.source.stat().st_mtime_ns
