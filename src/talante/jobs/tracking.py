"""A retraining as a run in MLflow, and the models in its registry: a copy, talante itself needs neither."""

import logging
import os
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from talante.errors import ModelError, TalanteError, UsageError, WriteError, nearest

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: The name of the registered model, and the alias of its version in use: `models:/talante@champion`.
MODEL, ALIAS = "talante", "champion"

_TAG = "model"  # of a version: the id of the model
_BATCH = 100  # MLflow takes no more parameters at once, and ten times as many metrics
_LONG = 200  # characters of a message of MLflow that a line can bear
_REMEDY = "name a server that answers, http://HOST:PORT, or a file, sqlite:///FILE"

#: Unless the environment says otherwise: no usage figures to MLflow's makers, nothing on stdout, and a server that
#: does not answer is given up after seconds, not minutes. MLflow reads them when it is imported or called.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


def check_store(uri: str) -> None:
    """Make sure, before the work, that MLflow is installed and the store answers; a SQLite store is created.

    Raises UsageError without MLflow, WriteError when the store cannot be used.
    """
    with _client(uri) as client:
        client.get_experiment_by_name(MODEL)


def track(
    uri: str,
    found: Mapping[str, Any],
    folder: Path | None,
    card: Mapping[str, Any] | None,
    files: Sequence[Path],
    *,
    experiment: str = "talante",
) -> str:
    """Write a run with what a retraining found, as `Retrained.to_json` gives it, and return its id.

    ``folder`` and ``card``: of the candidate, None without one. The folder goes to the run's artifacts and becomes a
    version of the registered model, unless that model has one; after a promotion the alias `champion` points at it.
    ``files`` become artifacts, too. A figure becomes three metrics, the bounds of its interval end in `/low`, `/high`.
    Raises UsageError without MLflow, WriteError when the store cannot be used; a run that was begun is then marked as
    failed where that is possible. Models and registry of talante are never touched.
    """
    params, metrics, described = _params(found, card), _metrics(found, card), _described(found, card)
    tags = {"outcome": found["outcome"], "why": found["why"], "dry_run": str(found["dry_run"]).lower()}
    name = found["candidate"] or found["outcome"]
    with _client(uri) as client:
        run_id = str(
            client.create_run(
                _experiment(client, uri, experiment), run_name=name, tags={**tags, "mlflow.note.content": described}
            ).info.run_id
        )
        try:
            _log(client, run_id, params, metrics)
            for path in files:
                client.log_artifact(run_id, str(path))
            if folder is not None:
                # Equal ids are equal models: the same verdict night after night is no reason for as many copies
                version = _versions(client).get(folder.name) or _register(client, run_id, folder, described)
                if found["outcome"] == "promoted" and not found["dry_run"]:
                    client.set_registered_model_alias(MODEL, ALIAS, version)
            client.set_terminated(run_id)
        except BaseException:
            with suppress(Exception):
                client.set_terminated(run_id, "FAILED")
            raise
    return run_id


def set_champion(uri: str, model_id: str) -> None:
    """Point the alias `champion` at the version of a model, as after a rollback.

    Raises ModelError when no run brought that model, and leaves the alias as it is; UsageError and WriteError as
    `track` does.
    """
    with _client(uri) as client:
        versions = _versions(client)
        if model_id not in versions:
            raise ModelError(
                f"no version of model '{model_id}', so the alias '{ALIAS}' stays where it is",
                place=_hidden(uri),
                remedy=nearest(model_id, versions),
            )
        client.set_registered_model_alias(MODEL, ALIAS, versions[model_id])


def _params(found: Mapping[str, Any], card: Mapping[str, Any] | None) -> dict[str, str]:
    card, corpus = card or {}, found["corpus"]
    known = {
        "talante": card.get("talante"),
        "candidate": found["candidate"],
        "champion": found["champion"],
        **{f"corpus/{name}": corpus[name] for name in ("digest", "articles", "added", "removed", "changed")},
        **{f"settings/{name}": value for name, value in card.get("settings", {}).items()},
    }
    return {name: str(value) for name, value in known.items() if value is not None}


def _metrics(found: Mapping[str, Any], card: Mapping[str, Any] | None) -> dict[str, float]:
    bounded = {
        f"{score['what']}/{name}": figure[:3]
        for score in (card or {}).get("scores", ())
        for name, figure in score["figures"].items()
    }
    for check in found["checks"]:
        difference = check["difference"]
        bounded[f"gate/{check['on']}/{check['figure']}"] = [difference[key] for key in ("value", "low", "high")]
    metrics = {f"seconds/{stage}": spent for stage, spent in found["seconds"].items()}
    for name, figure in bounded.items():
        metrics |= {f"{name}{end}": value for end, value in zip(("", "/low", "/high"), figure, strict=True)}
    return {_allowed(name): float(value) for name, value in metrics.items() if value is not None and isfinite(value)}


def _allowed(name: str) -> str:
    # MLflow takes letters, digits, _-. / and space, on some systems the colon, too
    return re.sub(r"[^\w\-./ ]", "_", re.sub(r"[,:]", "", name))


def _described(found: Mapping[str, Any], card: Mapping[str, Any] | None) -> str:
    verdicts = [f"**{s['what']}**: {s['verdict']}" for s in (card or {}).get("scores", ())]
    return "\n\n".join([found["why"], *verdicts])[:5000]  # what the registry's column holds


def _experiment(client: "MlflowClient", uri: str, name: str) -> str:
    if experiment := client.get_experiment_by_name(name):
        return str(experiment.experiment_id)
    # Beside the database; MLflow's default is the folder that the job happens to run in
    database = _database(uri)
    beside = database.resolve().with_name("mlartifacts").as_uri() if database else None
    return str(client.create_experiment(name, artifact_location=beside))


def _log(client: "MlflowClient", run_id: str, params: Mapping[str, str], metrics: Mapping[str, float]) -> None:
    from mlflow.entities import Metric, Param

    now = time.time_ns() // 1_000_000  # MLflow counts milliseconds
    pairs, points = list(params.items()), list(metrics.items())
    for start in range(0, len(pairs), _BATCH):
        client.log_batch(run_id, params=[Param(k, v) for k, v in pairs[start : start + _BATCH]])
    for start in range(0, len(points), _BATCH):
        client.log_batch(run_id, metrics=[Metric(k, v, now, 0) for k, v in points[start : start + _BATCH]])


def _versions(client: "MlflowClient") -> dict[str, str]:
    found = sorted(client.search_model_versions(f"name='{MODEL}'"), key=lambda v: int(v.version))
    return {str(version.tags.get(_TAG)): str(version.version) for version in found}


def _register(client: "MlflowClient", run_id: str, folder: Path, described: str) -> str:
    from mlflow.exceptions import MlflowException

    client.log_artifacts(run_id, str(folder), "model")
    try:
        client.create_registered_model(MODEL, description="Models of talante; `champion` is the one in use.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    version = client.create_model_version(MODEL, source, run_id, tags={_TAG: folder.name}, description=described)
    return str(version.version)


@contextmanager
def _client(uri: str) -> "Iterator[MlflowClient]":
    """Yield a client that says nothing; what goes wrong comes out as an error of talante."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # tables made, attempts repeated: what matters is raised
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow import MlflowClient

            if _database(uri):  # MLflow imports them in secret, and without them knows of no SQLite
                import_module("alembic")
                import_module("sqlalchemy")
            _check_uri(uri)
            yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except TalanteError:
        raise
    except ModuleNotFoundError as error:
        ours = (error.name or "").split(".")[0] in ("mlflow", "sqlalchemy", "alembic")
        raise UsageError(
            f"needs the package '{error.name}'",
            place=_hidden(uri),
            remedy="pip install 'talante[mlflow]'" if ours else f"pip install {error.name}",
        ) from None
    except Exception as error:  # of MLflow, of the database below it, of the network: no common base class
        raise _cannot_use(uri, error) from error
    finally:
        logging.disable(before)


def _database(uri: str) -> Path | None:
    return Path(uri.partition("?")[0].removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _check_uri(uri: str) -> None:
    # What MLflow would do: write into the folder that it runs in, and try for minutes to open what is no database
    path = _database(uri)
    if path is None:
        if not uri or uri.startswith("sqlite:"):
            raise UsageError(f"not the address of a store: '{uri}'", remedy=_REMEDY)
    elif not path.parent.is_dir():
        raise WriteError("no such folder", place=str(path.parent), remedy="create it")
    elif path.exists() and not _is_store(path):
        raise WriteError("not a store of MLflow", place=str(path), remedy="name one, or a file that does not exist yet")


def _is_store(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error:
        return False
    # An empty database may become one; somebody else's must not
    return not tables or "experiments" in tables


def _cannot_use(uri: str, error: Exception) -> WriteError:
    fact = next(iter(str(error).strip().splitlines()), type(error).__name__)
    if uri.startswith("http") and isinstance(error.__cause__ or error.__context__, OSError):
        fact = "no answer"
    elif len(fact) > _LONG:
        fact = f"{fact[:_LONG]}..."
    return WriteError(f"MLflow cannot use it: {_hidden(fact)}", place=_hidden(uri), remedy=_REMEDY)


def _hidden(text: str) -> str:
    return re.sub(r"//([^:/@\s]*):[^@/\s]*@", r"//\1:***@", text)
