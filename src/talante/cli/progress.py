"""A progress bar on stderr, on a terminal only, with the time that is left."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from talante.evaluation.crossval import Progress
    from talante.jobs.archive import Progress as Archived
    from talante.jobs.train import Stages


@contextmanager
def shown(what: str) -> "Iterator[Progress | None]":
    """Yield what to call with how many steps are done and how many there are; None where nobody would see it."""
    with stages() as progress:
        yield (lambda done, of: progress(what, done, of)) if progress else None


@contextmanager
def stages() -> "Iterator[Stages | None]":
    """Do the same for work in several stages, each with its name and its own bar."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=of)
            bar.update(tasks[stage], completed=done, total=of)

        yield progress


@contextmanager
def archive_progress(total: int | None) -> "Iterator[Archived | None]":
    """Yield what to call with the rows that are done and the bytes that are read, of ``total`` if that is known."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("getting ready (the first time, the kernel is compiled)", total=total)
        begun: tuple[int, float] | None = None

        def progress(rows: int, read: int) -> None:
            nonlocal begun
            elapsed = bar.tasks[task].elapsed or 0.0
            # Neither what an interrupted run has done is speed of this one, nor is getting ready
            first, since = begun = begun or (rows, elapsed)
            rate = (rows - first) / (elapsed - since) if elapsed > since else 0.0
            bar.update(task, completed=read, description=f"{rows:,} articles, {rate:,.0f}/s")

        yield progress
