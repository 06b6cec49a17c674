"""What can go wrong, each with the exit code that the command line gives it."""

from collections.abc import Iterable
from difflib import get_close_matches


class TalanteError(Exception):
    """A failure that a user can understand and mend.

    The message puts the place first (a file, a line), then the fact, then the remedy.
    """

    exit_code = 1

    def __init__(self, fact: str, *, place: str = "", remedy: str = "") -> None:
        self.fact, self.place, self.remedy = fact, place, remedy
        super().__init__((f"{place}: " if place else "") + fact + (f"; {remedy}" if remedy else ""))


class UsageError(TalanteError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class DataError(TalanteError):
    """The input data are not what they must be."""

    exit_code = 3


class ModelError(TalanteError):
    """The model is missing, damaged, or of another format."""

    exit_code = 4


class NotEnoughDataError(TalanteError):
    """There is too little data to decide or to fit."""

    exit_code = 7


class WriteError(TalanteError):
    """Output could not be written: no permission, no room. Nothing half-written is left."""

    exit_code = 9


class BusyError(TalanteError):
    """Another process holds the lock."""

    exit_code = 10


#: Exit code of a retraining whose candidate the gate refused.
REFUSED = 5

#: Exit code of `drift` when a figure is beyond its limit.
DRIFT_ALARM = 6

#: Exit code of a run whose rows are all there, some of them with an `error` instead of tags.
SOME_ROWS_FAILED = 8


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the known word nearest to ``word``, or all of them.

    >>> nearest("venezuelan", ["venezuela", "peru"])
    "did you mean 'venezuela'?"
    """
    known = sorted(known)
    match = get_close_matches(word, known, n=1, cutoff=0.7)
    return f"did you mean '{match[0]}'?" if match else f"known: {', '.join(known) or 'none'}"
