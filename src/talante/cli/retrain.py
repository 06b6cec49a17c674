"""`talante retrain`: the nightly job."""

import json
import tempfile
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from talante.cli.cache import Cache, opened
from talante.cli.log import log_error, set_up
from talante.cli.progress import stages
from talante.cli.retrain_report import report_text, tells
from talante.corpus.files import written_whole
from talante.errors import REFUSED, ModelError, TalanteError, UsageError
from talante.model.files import read_card

if TYPE_CHECKING:
    from talante.jobs.retrain import Retrained


class LogFormat(StrEnum):
    """How stderr speaks."""

    text = "text"
    json = "json"


def retrain(
    data: Annotated[Path, typer.Option(help="Folder with schema.toml and articles/*.jsonl.")] = Path("data"),
    models: Annotated[
        Path, typer.Option(envvar="TALANTE_MODELS", help="Folder of models, with gate.toml and history.jsonl.")
    ] = Path("models"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing there.")] = False,
    aa: Annotated[
        bool, typer.Option("--aa", help="Try the gate itself: how often it stops a model that is no worse.")
    ] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another retraining to end.")] = 0,
    by: Annotated[str, typer.Option(help="Who asked, for the history; default: user@machine.")] = "",
    cache: Cache = None,
    report: Annotated[Path | None, typer.Option(help="Write what was found as Markdown to this file.")] = None,
    metrics_file: Annotated[
        Path | None, typer.Option(help="Write metrics for Prometheus' node exporter to this .prom file.")
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option(metavar="URI", help="Record the run in this MLflow store, such as sqlite:///FILE.")
    ] = None,
    log_format: Annotated[LogFormat, typer.Option(help="How stderr speaks.")] = LogFormat.text,
    as_json: Annotated[bool, typer.Option("--json", help="Print all that was found as JSON.")] = False,
) -> None:
    """Train a candidate, compare it with the model in use, and put it into use only if it is no worse.

    Made for a job that nobody watches: the last line says what happened and why, models/history.jsonl keeps it, and
    whatever goes wrong, the model in use stays whole. The candidate must be shown to be no worse than the margins of
    models/gate.toml allow, on held-out groups of the corpus and on the gold files named there, and not below its floors
    (`talante models pin`). Nothing new in the corpus: nothing is done.

    Exit codes: 0 promoted, or nothing new; 5 refused; 7 cannot tell, the champion stays; 3 faulty data; 10 another
    retraining is running.
    """
    from talante.jobs import retrain as job

    set_up(log_format.value)
    _check(models, report, metrics_file)
    if aa:
        from talante.jobs.aa import try_gate

        with stages() as progress:
            tried = try_gate(data, models, cache=opened(cache), progress=progress)
        typer.echo(json.dumps(tried.to_json(), indent=1) if as_json else str(tried))
        raise typer.Exit(0 if tried.holds else REFUSED)
    try:
        if mlflow:
            from talante.jobs.tracking import check_store

            check_store(mlflow)
        with stages() as progress:
            found = job.retrain(data, models, dry_run=dry_run, wait=wait, by=by, cache=opened(cache), progress=progress)
    except TalanteError as error:
        _measured(metrics_file, None, error.exit_code)
        raise
    typer.echo(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if as_json else str(found))
    code = _told(found, models, report, mlflow)
    raise typer.Exit(_measured(metrics_file, found, code))


def _check(models: Path, report: Path | None, metrics_file: Path | None) -> None:
    """Refuse what cannot be written to, before anything takes time."""
    if not models.is_dir():
        if models.exists():
            raise UsageError("is a file, not a folder", place=str(models))
        raise UsageError(
            "no such folder", place=str(models), remedy=f"`mkdir {models}` makes one for models that begin anew"
        )
    if report and (report.is_dir() or not report.absolute().parent.is_dir()):
        fact = "is a folder" if report.is_dir() else f"no such folder: {report.parent}"
        raise UsageError(fact, place=str(report), remedy="--report takes a file")
    if metrics_file:
        from talante.jobs.metrics_file import check_path

        check_path(metrics_file)


def _measured(metrics_file: Path | None, found: "Retrained | None", code: int) -> int:
    """Write the metrics; return the exit code, which is that of the file if it cannot be written."""
    if metrics_file is None:
        return code
    from talante.jobs.metrics_file import write_failure, write_metrics

    try:
        if found:
            write_metrics(metrics_file, found.to_json(), time.time(), exit_code=code)
        else:
            write_failure(metrics_file, code, time.time())
    except TalanteError as error:  # what was decided, or went wrong before, must still be said
        log_error(error)
        return error.exit_code
    return code


def _told(found: "Retrained", models: Path, report: Path | None, mlflow: str | None) -> int:
    """Write the report and record the run; return the exit code, which is that of what could not be written."""
    try:
        if report and not (found.repeated and tells(report, found)):
            with written_whole(report) as stream:
                stream.write(report_text(found))
        if mlflow:
            from talante.jobs.tracking import set_champion, track

            written = found.candidate and not found.dry_run and not found.repeated
            kept = models / str(found.candidate) if written else None
            with tempfile.TemporaryDirectory() as folder:
                files = [Path(folder) / "report.md", Path(folder) / "gate.json"]
                files[0].write_text(report_text(found), encoding="utf-8")
                files[1].write_text(json.dumps(found.to_json(), indent=1, ensure_ascii=False), encoding="utf-8")
                track(mlflow, found.to_json(), kept, read_card(kept) if kept else None, files)
            if found.outcome != "promoted" and found.champion and not found.dry_run:
                with suppress(ModelError):  # one that MLflow has never seen
                    set_champion(mlflow, found.champion)  # it may have come into use by hand, as by a rollback
    except TalanteError as error:  # what was decided stands
        log_error(error)
        return error.exit_code
    return found.exit_code
