"""Where the work on unchanged articles is kept between trainings."""

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from joblib import Memory

log = logging.getLogger("talante")

_OFF = "none"

#: What no training has used for so long is removed.
_KEPT = timedelta(days=30)

Cache = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Keeps what unchanged articles cost to read, texts included; default: talante in the user's cache folder; "
        "'none': keep nothing.",
    ),
]


def opened(cache: str | None) -> "Memory":
    """Open the cache, and remove from it what has not been used for a month."""
    from joblib import Memory

    from talante.jobs.corpus import no_cache

    if cache == _OFF:
        return no_cache()
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(cache) if cache else home / "talante"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK):
            raise PermissionError
    except OSError:
        log.warning("%s: cannot be written to; nothing is kept for the next time", folder)
        return no_cache()
    memory = Memory(folder, verbose=0)
    memory.reduce_size(age_limit=_KEPT)
    return memory
