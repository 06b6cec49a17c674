"""Where the work that joblib deals out is done: in processes of this machine, or by a cluster."""

import logging
import os
import threading
import time
from asyncio import CancelledError as Abandoned
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from pkgutil import resolve_name
from typing import Any

from joblib import parallel_config
from joblib.parallel import BACKENDS, ParallelBackendBase

from talante import __version__
from talante.corpus.files import library
from talante.errors import UsageError, WriteError

#: Backends that another library makes known to joblib: its module, the function that does it, what installs it.
_OTHERS = {
    "ray": ("ray.util.joblib", "register_ray", "pip install ray"),
    "spark": ("joblibspark", "register_spark", "pip install joblibspark pyspark"),
}

#: Seconds until a scheduler must have answered, and a first worker be there.
_PATIENCE = 10

#: Seconds between two looks at whether the parent is there.
_LOOK = 1

_STAYS = "what is finished stays"


@contextmanager
def engine(backend: str | None = None, scheduler: str | None = None, jobs: int | None = None) -> Iterator[None]:
    """Let a backend of joblib do what `joblib.Parallel` deals out within, by default ``jobs`` processes.

    ``scheduler``: the address of that of dask. Raises UsageError for a backend that there is not, or that cannot be
    reached; WriteError when processes or workers were lost and not replaced.
    """
    if scheduler and backend != "dask":
        raise UsageError("only dask has one", place="--scheduler", remedy="add --backend dask")
    if backend == "dask":
        with _dask(scheduler):
            yield
        return
    if backend in _OTHERS and backend not in BACKENDS:
        _register(backend)
    if backend and backend not in BACKENDS:
        known = ", ".join(sorted({*BACKENDS, *_OTHERS, "dask"}))
        raise UsageError(
            f"unknown '{backend}'", place="--backend", remedy=f"known: {known}; pip install 'talante[dask]' for dask"
        )
    of_ours = {"initializer": _end_with, "initargs": (os.getpid(),)} if backend in (None, "loky") else {}
    try:
        with parallel_config(backend or "loky", n_jobs=jobs or -1, **of_ours):
            yield
    except BrokenProcessPool:
        raise WriteError(
            "a process was killed, perhaps for lack of memory", remedy=f"{_STAYS}; try fewer --jobs"
        ) from None


def _end_with(parent: int) -> None:
    """End this process soon after its parent: killed by force, it could not tell, and its workers would wait."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _register(backend: str) -> None:
    module, function, installed_by = _OTHERS[backend]
    try:
        getattr(import_module(module), function)()
    except ImportError as error:
        raise UsageError(f"{backend} is not installed: {error}", place="--backend", remedy=installed_by) from None


@contextmanager
def _dask(scheduler: str | None) -> Iterator[None]:
    if not scheduler:
        raise UsageError("dask needs --scheduler", place="--backend", remedy="such as --scheduler tcp://host:8786")
    distributed, place = library("distributed", "dask"), f"--scheduler {scheduler}"
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # the errors below say it, in a line
    try:
        client = distributed.Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        fact = str(error).partition("\n")[0] if isinstance(error, ValueError) else "no scheduler answers there"
        raise UsageError(fact, place=place, remedy="`dask scheduler` starts one and prints its address") from None
    with client:
        _check_workers(client, place)
        try:
            with parallel_config(backend=_Dask(client)):
                yield
        except distributed.scheduler.KilledWorker as error:
            fact = f"{error.allowed_failures + 1} workers died at the same task, the last at"
            remedy = f"{_STAYS}; did they run out of memory? Their logs tell"
            raise WriteError(f"{fact} {error.last_worker.address}", place=place, remedy=remedy) from None
        except (CancelledError, Abandoned, distributed.comm.CommClosedError):
            raise WriteError("the scheduler is lost", place=place, remedy=f"{_STAYS}; start it anew") from None


def _check_workers(client: Any, place: str) -> None:
    """Raise UsageError when there is no worker, or one has not this talante."""
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
    except TimeoutError:
        raise UsageError(
            "no workers there", place=place, remedy="start some: `dask worker ADDRESS --nthreads 1`"
        ) from None
    versions: Mapping[str, object] = client.run(resolve_name, "talante:__version__", on_error="return")
    for worker, version in versions.items():
        if version != __version__ and not isinstance(version, OSError):  # OSError: it is gone already
            raise UsageError(
                f"worker {worker} has not talante {__version__}: {version}", place=place, remedy="install it there"
            )


class _Dask(ParallelBackendBase):  # type: ignore[misc]
    """Deals out to workers of dask, which runs a task elsewhere when its worker dies, up to three times.

    joblib's own waits for ever for a task that dask gave up, and for a result that was lost with the scheduler.
    """

    supports_retrieve_callback = True

    def __init__(self, client: Any) -> None:
        super().__init__()
        self._client = client

    def effective_n_jobs(self, n_jobs: int) -> int:  # noqa: ARG002 - as many as there are
        return max(2, int(sum(self._client.nthreads().values())))  # 1 would be done here

    def submit(self, func: Any, callback: Callable[[Any], None]) -> Any:
        future = self._client.submit(func, pure=False)

        async def tell() -> None:
            try:
                out = await future.result()
            except BaseException as error:
                out = error
            callback(out)

        self._client.loop.add_callback(tell)
        return future

    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, BaseException):
            raise out
        return out
