"""What talante logs to stderr: lines of text for people, lines of JSON for a job."""

import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from talante.cli.log import log_error, set_up
from talante.errors import DataError

log = logging.getLogger("talante")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging belongs to the whole process: leave it as it was."""
    root, level = logging.getLogger(), log.level
    handlers = list(root.handlers)
    yield
    root.handlers[:] = handlers
    log.setLevel(level)
    logging.captureWarnings(False)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_text_shows_warnings_and_worse_in_their_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("text")
    log.info("not for people")
    log.warning("%d of %d stances", 1, 2)
    log.getChild("jobs").error("gone")
    assert capsys.readouterr().err == "warning: 1 of 2 stances\nerror: gone\n"


def test_json_has_time_level_event_message_and_every_extra_field(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json")
    log.info("fitted", extra={"event": "stage", "stage": "fit", "seconds": 9.5, "folder": Path("models")})
    (line,) = lines(capsys)
    time = datetime.fromisoformat(line.pop("time"))
    assert time.utcoffset() == timedelta(0) and abs(datetime.now(UTC) - time) < timedelta(minutes=1)
    assert line == {
        "level": "INFO", "logger": "talante", "event": "stage", "message": "fitted",
        "stage": "fit", "seconds": 9.5, "folder": "models",
    }  # fmt: skip


def test_what_names_no_event_is_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json")
    log.warning("año: «two\nlines»")
    (line,) = lines(capsys)
    assert (line["event"], line["message"]) == ("message", "año: «two\nlines»")


def test_a_warning_of_a_library_does_not_break_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old\nway", DeprecationWarning, stacklevel=1)
    logging.getLogger("some.library").warning("slow")
    logging.getLogger("some.library").info("not ours, not said")
    first, second = lines(capsys)
    assert (first["logger"], first["level"]) == ("py.warnings", "WARNING")
    assert "DeprecationWarning: old\nway" in first["message"]
    assert (second["logger"], second["message"]) == ("some.library", "slow")


def test_an_exception_is_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json")
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("tracking failed")
    (line,) = lines(capsys)
    assert line["message"] == "tracking failed" and line["exception"].endswith("ValueError: odd")


def test_the_last_call_holds_and_nothing_is_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("text")
    set_up("json")
    set_up("json")
    log.info("once")
    assert [line["message"] for line in lines(capsys)] == ["once"]
    set_up("text")
    log.info("not for people")
    log.warning("once")
    assert capsys.readouterr().err == "warning: once\n"


ERROR = DataError("unknown topic 'x'", place="a.jsonl:17", remedy="did you mean 'y'?")


def test_the_error_that_ends_a_run_is_one_line_of_json_with_its_parts(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json")
    log_error(ERROR)
    (line,) = lines(capsys)
    del line["time"]
    assert line == {
        "level": "ERROR", "logger": "talante", "event": "error", "error": "DataError", "message": str(ERROR),
        "place": "a.jsonl:17", "fact": "unknown topic 'x'", "remedy": "did you mean 'y'?", "exit_code": 3,
    }  # fmt: skip


def test_a_bug_and_an_interruption_are_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("json")
    try:
        raise KeyError("gone")
    except KeyError as error:
        log_error(error)
    log_error(KeyboardInterrupt())
    bug, interrupted = lines(capsys)
    assert (bug["exit_code"], bug["error"]) == (1, "KeyError") and "Traceback" in bug["exception"]
    assert (interrupted["exit_code"], interrupted["message"]) == (130, "interrupted")


@pytest.mark.parametrize("set_up_before", [True, False])
def test_without_json_errors_are_what_people_know(set_up_before: bool, capsys: pytest.CaptureFixture[str]) -> None:
    if set_up_before:
        set_up("text")
    log_error(ERROR)
    log_error(KeyError("gone"))
    log_error(KeyboardInterrupt())
    assert capsys.readouterr() == (
        "",
        "error: a.jsonl:17: unknown topic 'x'; did you mean 'y'?\n"
        "error: a bug in talante: KeyError: 'gone'\n"
        "run again with TALANTE_TRACEBACK=1 to see where, and please report it\n"
        "interrupted\n",
    )


def test_importing_sets_nothing_up() -> None:
    code = "import logging, talante.cli.log as l; print(logging.root.handlers, l.log_error.__name__)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout == "[] log_error\n"
