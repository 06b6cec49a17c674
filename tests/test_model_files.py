"""A stored model: whole or absent, and any damage is named before the model is used."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from talante.errors import ModelError, WriteError
from talante.model import files
from talante.model.files import load, read_card, read_records, save
from talante.model.model import Model
from talante.model.records import Record


@pytest.fixture
def folder(registry: Path) -> Path:
    (path,) = (p for p in registry.iterdir() if p.is_dir())
    return path


def test_a_model_is_json_text_and_plain_arrays(folder: Path) -> None:
    assert {p.suffix for p in folder.iterdir()} == {".json", ".jsonl", ".md", ".txt", ".npy"}
    for path in folder.glob("*.npy"):
        assert np.load(path, allow_pickle=False).dtype in (np.float64, np.float32, np.uint32)


def test_what_is_loaded_is_what_was_saved(model: Model, folder: Path) -> None:
    loaded = load(folder)
    assert (loaded.schema, loaded.languages) == (model.schema, model.languages)
    assert list(loaded.whole_terms.terms) == list(model.whole_terms.terms)
    for name in ("near", "whole", "own", "own_intercept", "intercept"):
        np.testing.assert_array_equal(getattr(loaded.stances, name), getattr(model.stances, name))
    for name in ("coef", "word_coef", "intercept", "threshold"):
        np.testing.assert_array_equal(getattr(loaded.topics, name), getattr(model.topics, name))


def swap(folder: Path) -> None:
    a, b = folder / "topics.intercept.npy", folder / "topics.threshold.npy"
    data = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(data)


def edit_card(folder: Path, **changes: object) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def resign(folder: Path, **changes: object) -> None:
    """Change the card and make its id right again, as a clumsy or hostile hand would."""
    edit_card(folder, **changes)
    edit_card(folder, id=files._card_id(json.loads((folder / "model.json").read_text())))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: shutil.rmtree(f), "no model here"),
        (lambda f: (f / "model.json").unlink(), "no model here"),
        (lambda f: (f / "model.json").write_text('{"format": '), "damaged: not valid JSON"),
        (lambda f: (f / "model.json").write_bytes(b"\x80\x04pickle"), "damaged: not valid JSON"),
        (lambda f: (f / "model.json").write_text("{}"), "not a talante model"),
        (lambda f: edit_card(f, format="other"), "not a talante model"),
        (lambda f: edit_card(f, format_version=99), "format version 99, and this talante reads version 5"),
        (lambda f: edit_card(f, languages=[]), "model.json: changed since it was written"),
        (lambda f: (f / "article.idf.npy").unlink(), "article.idf.npy: missing"),
        (lambda f: os.truncate(f / "stances.own.npy", 200), "stances.own.npy: changed"),
        (lambda f: (f / "near.terms.txt").write_text("x"), "near.terms.txt: changed"),
        (swap, "changed since it was written"),
        (lambda f: resign(f, files={}), "not a complete model"),
        (lambda f: resign(f, files={"../../current": "0"}), "names a file outside its folder"),
        (lambda f: resign(f, schema={"topics": [], "targets": []}), "not a complete model"),
    ],
)
def test_damage_is_named(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)
    with pytest.raises(ModelError, match=message):
        load(folder)


def test_a_pickle_inside_a_model_is_never_opened(folder: Path) -> None:
    array = np.empty(1, dtype=object)
    array[0] = {"harm": "done"}
    np.save(folder / "article.idf.npy", array, allow_pickle=True)
    card = read_card(folder)
    card["files"]["article.idf.npy"] = files._sha256((folder / "article.idf.npy").read_bytes())
    resign(folder, files=card["files"])
    with pytest.raises(ModelError, match="not a complete model"):
        load(folder)


@pytest.mark.parametrize("failing", ["write_bytes", "replace", "fsync"])
def test_a_full_disk_leaves_nothing_half_written(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = {"write_bytes": (Path, "write_bytes"), "replace": (Path, "replace"), "fsync": (os, "fsync")}[failing]
    monkeypatch.setattr(*target, fail)
    with pytest.raises(WriteError, match="cannot write: no space left on device"):
        save(model, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_saving_the_same_model_again_notices_that_the_first_one_is_damaged(model: Model, folder: Path) -> None:
    (folder / "near.terms.txt").write_text("x")
    with pytest.raises(ModelError, match="changed since it was written"):
        save(model, folder.parent)


def test_records_are_kept_whole(model: Model, tmp_path: Path) -> None:
    records = [
        Record("a\u2028b", "0123456789abcdef", 3, frozenset({"harbor"}), {"mayor": "favor"}),
        Record("none of it", "fedcba9876543210", 0, frozenset(), {}),
        Record("not measured", "0000000000000000"),
    ]
    saved = save(model, tmp_path, records)
    assert read_records(tmp_path / saved.id) == tuple(records)
    (tmp_path / saved.id / "records.jsonl").write_text("")
    with pytest.raises(ModelError, match=r"records.jsonl: changed since it was written"):
        read_records(tmp_path / saved.id)
