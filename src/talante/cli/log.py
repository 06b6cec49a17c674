"""What talante says on stderr while it runs: lines of text for people, JSON Lines for the log of a job."""

import logging
import sys
from typing import Literal

import typer

from talante.errors import TalanteError

_NAME = "talante-cli"
_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {super().format(record)}"


def set_up(log_format: Literal["text", "json"] = "text") -> None:
    """Send what is logged to stderr; called again, the last call holds.

    `text`: warnings and worse, `warning: ...`, of talante and of libraries. `json`: also what talante says of its
    progress, one object a line with `time` (ISO 8601, UTC), `level`, `logger`, `event`, `message`, every field given
    as `extra=`, and `exception` where there is one; Python's own warnings, too, so that every line is JSON.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.name = _NAME
    handler.setFormatter(_Text() if log_format == "text" else _json_formatter())
    root = logging.getLogger()
    # On the root: a library that warns through `logging` must not break the lines either
    for old in [h for h in root.handlers if h.name == _NAME]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.getLogger("talante").setLevel(logging.WARNING if log_format == "text" else logging.INFO)
    logging.captureWarnings(log_format == "json")


def log_error(error: BaseException) -> None:
    """Say on stderr what ended the run: as text, or as a line of JSON after `set_up("json")`.

    The line has `exit_code`, and of a TalanteError `place`, `fact` and `remedy`; what is neither that nor an
    interruption is a bug and has its `exception` with the traceback.
    """
    bug = False
    if isinstance(error, TalanteError):
        message = str(error)
        fields = {"place": error.place, "fact": error.fact, "remedy": error.remedy, "exit_code": error.exit_code}
    elif isinstance(error, KeyboardInterrupt):
        message, fields = "interrupted", {"exit_code": _INTERRUPTED}
    else:
        bug = True
        message, fields = f"a bug in talante: {type(error).__name__}: {error}", {"exit_code": 1}
    if _logs_json():
        extra = {"event": "error", "error": type(error).__name__, **fields}
        logging.getLogger("talante").error(message, extra=extra, exc_info=error if bug else None)
        return
    typer.echo(message if isinstance(error, KeyboardInterrupt) else f"error: {message}", err=True)
    if bug:
        typer.echo("run again with TALANTE_TRACEBACK=1 to see where, and please report it", err=True)


def _logs_json() -> bool:
    return any(h.name == _NAME and not isinstance(h.formatter, _Text) for h in logging.getLogger().handlers)


def _json_formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter(
        ["levelname", "name", "message"],
        rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
        timestamp="time",
        defaults={"event": "message"},
        json_ensure_ascii=False,
    )
