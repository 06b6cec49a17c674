"""Which model is used: --model, TALANTE_MODELS, ./models, the one that came along; and promoting another."""

import json
from pathlib import Path

import pytest

from talante.errors import ModelError, WriteError
from talante.model import registry as module
from talante.model.registry import Registry, find_model, find_registry


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.delenv("TALANTE_MODELS", raising=False)
    monkeypatch.setattr(module, "_PACKAGED", tmp_path / "packaged")
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path / "checkout")


def test_the_order_of_looking(registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no models found"):
        find_registry()
    registry.rename(tmp_path / "packaged")
    assert find_registry().why == "it came with talante"
    Path("models").mkdir()
    assert find_registry().why == "it came with talante", "an empty ./models hides nothing"
    (tmp_path / "packaged").rename("elsewhere")
    Path("models").rmdir()
    Path("elsewhere").rename("models")
    assert find_registry().why == "it is ./models"
    monkeypatch.setenv("TALANTE_MODELS", str(tmp_path / "cwd/models"))
    assert find_registry().why == "TALANTE_MODELS names it"
    monkeypatch.setenv("TALANTE_MODELS", "nowhere")
    with pytest.raises(ModelError, match="nowhere: no such folder"):
        find_registry()


def test_a_model_is_named_by_id_or_folder_and_is_otherwise_the_current_one(
    registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALANTE_MODELS", str(registry))
    current = find_model(None)
    assert find_model(current.name) == find_model(str(current)) == current
    with pytest.raises(ModelError, match="did you mean"):
        find_model(current.name[:-1] + "z")
    with pytest.raises(ModelError, match="no model here"):
        find_model(str(registry))


@pytest.mark.parametrize(("current", "message"), [(None, "no model is in use"), ("gone\n", "no model 'gone'")])
def test_a_current_that_is_missing_or_wrong_is_said(
    registry: Path, monkeypatch: pytest.MonkeyPatch, current: str | None, message: str
) -> None:
    monkeypatch.setenv("TALANTE_MODELS", str(registry))
    (registry / "current").unlink() if current is None else (registry / "current").write_text(current)
    with pytest.raises(ModelError, match=message):
        find_model(None)


def test_promoting_points_current_and_writes_history(registry: Path) -> None:
    (model_id,) = Registry(registry, "").ids()
    (registry / "current").unlink()
    Registry(registry, "").promote(model_id)
    assert Registry(registry, "").current() == model_id
    (event,) = map(json.loads, (registry / "history.jsonl").read_text().splitlines())
    assert (event["event"], event["model"], event["before"]) == ("promoted", model_id, None)


def test_what_cannot_be_promoted_leaves_the_current_model(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (registry / "current").read_text()
    with pytest.raises(ModelError):
        Registry(registry, "").promote("nothing")

    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(WriteError, match="cannot write: read-only file system"):
        Registry(registry, "").promote(before.strip())
    assert (registry / "current").read_text() == before
    assert not list(registry.glob(".current*"))
