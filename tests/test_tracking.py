"""A retraining becomes a run in MLflow, and its registry follows what is in use; with the real client and SQLite."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talante.errors import ModelError, UsageError, WriteError
from talante.jobs import tracking
from talante.jobs.tracking import check_store, set_champion, track
from talante.model.files import save
from talante.model.model import Model

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytest.importorskip("mlflow", reason="the extra talante[mlflow] is not installed")

CREATE = """
import logging, sys
logging.basicConfig(level=0)
from talante.jobs.tracking import check_store
check_store(sys.argv[1])
from mlflow.telemetry import get_telemetry_client
print("usage reported:", get_telemetry_client() is not None, logging.root.manager.disable)
"""
FIGURE = "stance, all targets: macro-F1"


def retrained(outcome: str, candidate: str | None, champion: str | None, dry_run: bool = False) -> dict[str, Any]:
    difference = {"value": 0.01, "low": -0.004, "high": 0.02, "n": 40}
    check = {
        "on": "held-out groups", "figure": FIGURE, "kind": "overall", "champion": 0.74, "candidate": 0.75,
        "difference": difference, "margin": 0.02, "floor": None, "answer": "passed", "more_articles": None,
    }  # fmt: skip
    return {
        "outcome": outcome, "why": f"It was {outcome}.", "candidate": candidate, "champion": champion,
        "dry_run": dry_run, "checks": [check] if candidate else [], "seconds": {"fit": 9.0},
        "corpus": {"digest": "d1", "articles": 20, "added": 3, "removed": 0, "changed": 1},
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Store:
    """A store with three runs: one promoted, then one refused, then one that promoted and only tried."""

    uri: str
    client: "MlflowClient"
    promoted: str
    refused: str
    tried: str
    models: tuple[str, str]
    creating: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def store(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Store:
    from mlflow import MlflowClient

    base = tmp_path_factory.mktemp("tracking")
    uri = f"sqlite:///{base / 'mlflow.db'}"
    command = [sys.executable, "-W", "default", "-c", CREATE, uri]
    creating = subprocess.run(command, capture_output=True, text=True, cwd=base, timeout=60, env={})
    report = base / "report.html"
    report.write_text("<p>A report.</p>")
    scores = [{"what": "mini, cross-validated", "verdict": "Good.", "figures": {FIGURE: [0.7, 0.6, 0.8, 40]}}]
    first = save(model, base / "models")
    second = first.id[::-1]
    other = base / second
    other.mkdir()
    (other / "model.json").write_text("{}")

    def run(outcome: str, candidate: str, folder: Path, dry_run: bool = False) -> str:
        card = {**first.card, "id": candidate, "talante": "0.1.0", "scores": scores}
        return track(uri, retrained(outcome, candidate, None, dry_run), folder, card, [report])

    promoted = run("promoted", first.id, base / "models" / first.id)
    refused = run("refused", second, other)
    tried = run("promoted", second, other, dry_run=True)
    return Store(uri, MlflowClient(uri, uri), promoted, refused, tried, (first.id, second), creating)


def in_use(store: Store) -> str:
    return str(store.client.get_model_version_by_alias("talante", "champion").tags["model"])


def test_a_run_says_what_came_of_it_and_why(store: Store) -> None:
    run = store.client.get_run(store.refused)
    assert run.info.status == "FINISHED"
    assert {name: run.data.tags[name] for name in ("outcome", "why", "dry_run")} == {
        "outcome": "refused",
        "why": "It was refused.",
        "dry_run": "false",
    }
    assert store.client.get_run(store.tried).data.tags["dry_run"] == "true"


def test_a_run_has_the_settings_the_version_and_the_corpus(store: Store) -> None:
    params = store.client.get_run(store.promoted).data.params
    assert params["candidate"] == store.models[0] and "champion" not in params  # there was none
    assert (params["talante"], params["corpus/digest"], params["corpus/articles"]) == ("0.1.0", "d1", "20")
    assert params["settings/folds"] == "3"


def test_a_figure_is_three_metrics_with_the_bounds_of_its_interval(store: Store) -> None:
    metrics = store.client.get_run(store.promoted).data.metrics
    assert metrics == {
        "mini cross-validated/stance all targets macro-F1": 0.7,
        "mini cross-validated/stance all targets macro-F1/low": 0.6,
        "mini cross-validated/stance all targets macro-F1/high": 0.8,
        "gate/held-out groups/stance all targets macro-F1": 0.01,
        "gate/held-out groups/stance all targets macro-F1/low": -0.004,
        "gate/held-out groups/stance all targets macro-F1/high": 0.02,
        "seconds/fit": 9.0,
    }


def test_the_artifacts_are_the_files_and_the_whole_model_beside_the_database(store: Store, tmp_path: Path) -> None:
    assert {a.path for a in store.client.list_artifacts(store.promoted)} == {"report.html", "model"}
    source = Path(store.uri.removeprefix("sqlite:///")).parent / "models" / store.models[0]
    copy = Path(store.client.download_artifacts(store.promoted, "model", str(tmp_path)))
    assert {p.name: p.read_bytes() for p in copy.iterdir()} == {p.name: p.read_bytes() for p in source.iterdir()}
    assert (Path(store.uri.removeprefix("sqlite:///")).parent / "mlartifacts").is_dir()


def test_every_candidate_is_one_version_that_names_its_model_and_its_run(store: Store) -> None:
    versions = {int(v.version): v for v in store.client.search_model_versions("name='talante'")}
    assert [versions[n].tags["model"] for n in (1, 2)] == list(store.models)
    assert [versions[n].run_id for n in (1, 2)] == [store.promoted, store.refused]
    assert "Good." in versions[1].description
    # The third run had the model of the second
    assert len(versions) == 2 and {a.path for a in store.client.list_artifacts(store.tried)} == {"report.html"}


def test_the_alias_moves_on_promotion_alone_and_back_with_a_rollback(store: Store) -> None:
    """One test for both, since the second changes what the first looks at."""
    assert in_use(store) == store.models[0]
    set_champion(store.uri, store.models[1])
    assert in_use(store) == store.models[1]
    set_champion(store.uri, store.models[0])
    assert in_use(store) == store.models[0]


def test_an_unknown_model_leaves_the_alias_where_it_is(store: Store) -> None:
    before = in_use(store)
    with pytest.raises(ModelError, match="no version of model 'abc', so the alias 'champion' stays"):
        set_champion(store.uri, "abc")
    assert in_use(store) == before


def test_a_run_with_nothing_new_has_no_model(store: Store) -> None:
    run = store.client.get_run(track(store.uri, retrained("nothing new", None, store.models[0]), None, None, []))
    assert run.data.tags["outcome"] == "nothing new" and run.data.params["champion"] == store.models[0]
    assert store.client.list_artifacts(run.info.run_id) == []


def test_a_run_that_breaks_off_is_marked_as_failed(store: Store, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="MLflow cannot use it"):
        track(store.uri, retrained("refused", "x", "y"), None, None, [tmp_path / "gone.html"], experiment="broken")
    experiment = store.client.get_experiment_by_name("broken")
    assert [r.info.status for r in store.client.search_runs([experiment.experiment_id])] == ["FAILED"]


def test_creating_a_store_says_nothing_and_reports_no_usage(store: Store) -> None:
    """In a process of its own that logs all there is, and has nothing in its environment."""
    assert (store.creating.stdout, store.creating.stderr) == ("usage reported: False 0\n", "")


def photo(path: Path) -> None:
    path.write_bytes(b"\xff\xd8\xff\xe0" + bytes(range(256)) * 9)


def other_database(path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE accounts (id)")


@pytest.mark.parametrize("make", [photo, other_database, Path.mkdir])
def test_a_file_that_is_no_store_is_left_alone_and_said_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(WriteError, match=r"store\.db: not a store of MLflow; name one") as caught:
        check_store(f"sqlite:///{path}")
    assert caught.value.exit_code == 9
    assert before is None or path.read_bytes() == before


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="no such folder"):
        check_store(f"sqlite:///{tmp_path}/sub/store.db")


@pytest.mark.parametrize("uri", ["", "sqlite:", "sqlite://"])
def test_an_address_without_a_place_is_wrong_usage(uri: str) -> None:
    with pytest.raises(UsageError, match="not the address of a store"):
        check_store(uri)


def test_a_server_that_does_not_answer_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(WriteError, match=r"http://me:\*\*\*@127\.0\.0\.1:9: MLflow cannot use it: no answer") as caught:
        check_store("http://me:secret@127.0.0.1:9")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("missing", ["mlflow", "sqlalchemy"])
def test_a_missing_package_is_named_with_how_to_install_it(missing: str, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules[sys.argv[1]] = None\n"
        "from talante.jobs.tracking import check_store\nfrom talante.errors import UsageError\n"
        "try: check_store('sqlite:///new.db')\nexcept UsageError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, missing], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert run.stdout.endswith("pip install 'talante[mlflow]'\n"), run.stderr


@given(st.text(st.characters(blacklist_characters="/", codec="utf-8"), min_size=1, max_size=40))
def test_mlflow_takes_every_name_of_a_figure(name: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(tracking._allowed(f"gold/{name} F1/low"))
