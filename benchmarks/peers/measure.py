"""Run something in a fresh process, measure its time and memory, and write the figures down."""

import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).parents[1] / "performance.py"

#: Seconds between two looks at the memory of a process and all that it started.
_STEP = 0.1

_SOME_ROWS_FAILED = 8  # an exit code of talante

_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMBA")
_LIBRARIES = (
    "talante", "numpy", "numba", "scikit-learn", "scipy", "joblib", "fasttext-community", "vowpalwabbit",
)  # fmt: skip


@dataclass
class Run:
    """A process that ended well: its seconds, what it printed, and its megabytes at every look.

    These are of the process and all that it started.
    """

    seconds: float
    output: str
    memory: list[float]


def run(command: Sequence[str | Path], core: int | None = None, watched: bool = True) -> Run:
    """Run a command, with one thread for each numeric library, on one core if that is named.

    ``watched``: look at its memory now and then, which takes some percent of another core.
    Ends this program when the command fails; that some rows could not be tagged is no failure.
    """
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = started(command, core, output)
        memory: list[float] = []
        ended = threading.Event()

        def watch() -> None:
            while watched and not ended.wait(_STEP):
                memory.append(megabytes(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        status = process.wait()
        seconds = time.perf_counter() - begun
        ended.set()
        watcher.join()
        if status not in (0, _SOME_ROWS_FAILED):
            sys.exit(f"failed: {' '.join(map(str, command))}")
        output.seek(0)
        told = output.read().decode()
    return Run(seconds, told, memory)


def started(
    command: Sequence[str | Path], core: int | None = None, output: Any = None, apart: bool = False
) -> "subprocess.Popen[bytes]":
    """Start a command; ``apart``: in a group of its own, so that all that it starts can be killed with it."""
    env = {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD}}

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    return subprocess.Popen(command, stdout=output, env=env, preexec_fn=pin, process_group=0 if apart else None)


def one(name: str, core: int | None = None, **arguments: Any) -> dict[str, Any]:
    """Run one part of the benchmark in a fresh process; return what it says and its ``peak`` in megabytes."""
    given = json.dumps({key: str(value) if isinstance(value, Path) else value for key, value in arguments.items()})
    done = run([sys.executable, PROGRAM, "--one", name, given], core)
    told = json.loads(done.output.splitlines()[-1])
    return {**told, "peak": max([told["peak"], *done.memory])}


def peak() -> float:
    """Return the most megabytes that this process has had."""
    # getrusage would say no less than the process that started this one had
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def megabytes(pid: int) -> float:
    """Return the resident megabytes of a process and of all that it started."""
    parents = {process: parent for process, parent, _ in _processes()}
    family, more = set[int](), {pid}
    while more:
        family |= more
        more = {child for child, parent in parents.items() if parent in family} - family
    return sum(map(_resident, family))


def of_group(group: int) -> int:
    """Return how many processes of a group there are."""
    return sum(of == group for _, _, of in _processes())


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield each process that has not ended, its parent and its group."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            state, parent, group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
            if state != "Z":
                yield int(path.name), int(parent), int(group)


def _resident(pid: int) -> float:
    """Return the megabytes of a process; a page that several share counts in each by its share (PSS)."""
    with suppress(OSError, StopIteration):  # it has ended
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
    return 0.0


def last_core() -> int:
    """Return the core for what runs on one; the first ones are left to this program and the system."""
    return max(os.sched_getaffinity(0))


def per_call(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """Return how long a call takes, on average of as many as fit into some seconds, at least one."""
    begun, calls = time.perf_counter(), 0
    while True:
        call()
        calls += 1
        took = time.perf_counter() - begun
        if took >= seconds:
            return took / calls


def machine() -> str:
    """Name the machine and the versions of all that is measured, as a list."""
    cpu = next(line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name"))
    total = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    versions = []
    for name in _LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} missing")
    return (
        f"- {cpu}, {len(os.sched_getaffinity(0))} cores, {total / 1e6:.0f} GB\n"
        f"- {' '.join(os.uname()[i] for i in (0, 2, 4))}, Python {sys.version.split()[0]}\n"
        f"- {', '.join(versions)}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


def missing(package: str) -> bool:
    """Say whether a package of the Python registry is not installed."""
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return True
    return False


def shown(values: Sequence[float], digits: int = 0) -> str:
    """Return the median of some rounds, with the least and the most of them; nothing where there were none."""
    if not values:
        return ""
    middle = statistics.median(values)
    if len(values) == 1:
        return f"{middle:,.{digits}f}"
    return f"{middle:,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table in Markdown."""
    print(f"\n## {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(map(str, row)) + " |")
    sys.stdout.flush()
