"""Adding to a corpus: cleaned, checked, all or nothing, and nothing lost when two do it at once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from talante.corpus.records import load_corpus
from talante.errors import DataError, UsageError, WriteError
from talante.jobs.add import Labels, add
from tests.conftest import MINI, Run
from tests.test_lint import OTHER, TEXT


@pytest.fixture
def data(tmp_path: Path) -> Path:
    shutil.copytree(MINI, tmp_path / "data")
    return tmp_path / "data"


PAGE = f"""<html><head><title>Harbor night</title><meta name="date" content="2019-03-04"></head><body>
<nav><a href="/">Home</a></nav><article><h1>Harbor night</h1><p>{TEXT}</p><p>{OTHER}</p></article></body></html>"""


def test_a_page_becomes_a_record_with_the_given_labels(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "Harbor Night.html"
    page.write_text(PAGE)
    labels = Labels(["harbor"], {"mayor": "neutral"}, {"outlet": "The Quay"})
    done = add([str(page)], data, "added.jsonl", labels)
    (record,) = [json.loads(line) for line in done.path.read_text().splitlines()]
    assert done.ids == ["harbor-night"] and not done.warnings
    assert record["text"] == f"{TEXT}\n\n{OTHER}" and record["title"] == "Harbor night"
    assert (record["topics"], record["stances"]) == (["harbor"], {"mayor": "neutral"})
    assert (record["lang"], record["outlet"], record["origin"]) == ("en", "The Quay", "added")
    assert "harbor-night" in [a.id for a in load_corpus(data).articles]


def test_a_record_keeps_its_own_labels_unknown_fields_and_their_order(data: Path, tmp_path: Path) -> None:
    record = {"note": "ñ", "id": "r", "lang": "en", "title": "T", "text": TEXT, "x": {"y": [1]}, "topics": []}
    (tmp_path / "r.jsonl").write_text(json.dumps(record) + "\n")
    add([str(tmp_path / "r.jsonl")], data, "mini.jsonl", Labels(["harbor"], {}, {"genre": "report"}))
    lines = (data / "articles/mini.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[:-1] == (MINI / "articles/mini.jsonl").read_text(encoding="utf-8").splitlines()
    added = json.loads(lines[-1])
    assert list(added)[:7] == list(record)
    assert {k: added[k] for k in record} == record
    assert (added["genre"], added["stances"]) == ("report", {})


def test_a_file_without_a_last_newline_gets_one(data: Path, tmp_path: Path) -> None:
    path = data / "articles/mini.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    (tmp_path / "n.txt").write_text(TEXT)
    add([str(tmp_path / "n.txt")], data, "mini.jsonl", Labels([]))
    assert len(load_corpus(data).articles) == 21


@pytest.mark.parametrize(
    ("name", "content", "fact"),
    [
        ("empty.txt", b"", "empty file"),
        ("photo.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF", "binary data"),
        ("half.jsonl", b'{"id": "h", "text": "ab', "not valid JSON"),
        ("m01.txt", TEXT.encode(), "id 'm01' stands already at"),
        (
            "new.txt",
            json.loads((MINI / "articles/mini.jsonl").read_text().splitlines()[0])["text"].encode(),
            "near-dup",
        ),
        ("german.txt", b"Der Hafen der Stadt ist heute ruhig, die Schiffe liegen still.", "unknown language 'de'"),
        ("short.txt", b"Ah.", "language cannot be told"),
        (
            "list.jsonl",
            b'{"id": "l", "lang": "en", "title": "", "text": "Ships sail.", "topics": ["ports"]}',
            "unknown topic",
        ),
    ],
)
def test_one_fault_refuses_all_and_changes_nothing(
    data: Path, tmp_path: Path, name: str, content: bytes, fact: str
) -> None:
    before = (data / "articles/mini.jsonl").read_bytes()
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.txt").write_text(TEXT)
    with pytest.raises(DataError, match="nothing was added") as refusal:
        add([str(tmp_path / "good.txt"), str(tmp_path / name)], data, "mini.jsonl", Labels(["harbor"]))
    assert fact in str(refusal.value) and name.split(".")[0] in str(refusal.value)
    assert (data / "articles/mini.jsonl").read_bytes() == before


def test_without_labels_nothing_is_added(data: Path, tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text(TEXT)
    with pytest.raises(DataError, match="no labels; give --topics or --stance"):
        add([str(tmp_path / "n.txt")], data, "added.jsonl", Labels())
    assert not (data / "articles/added.jsonl").exists()


def test_the_same_article_twice_in_one_run_is_refused(data: Path, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(TEXT)
    with pytest.raises(DataError, match=r"near-duplicate of .*a.txt"):
        add([str(tmp_path / "a.txt"), str(tmp_path / "b.txt")], data, "added.jsonl", Labels([]))


@pytest.mark.parametrize("file", ["../x.jsonl", "x.txt", "a/b.jsonl"])
def test_the_file_must_lie_in_the_folder_of_articles(data: Path, file: str) -> None:
    with pytest.raises(UsageError, match=r"not the name of a \.jsonl file"):
        add([str(MINI)], data, file, Labels([]))


def test_a_failed_write_leaves_the_file_as_it_was(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (data / "articles/mini.jsonl").read_bytes()
    (tmp_path / "n.txt").write_text(TEXT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteError, match="no space left"):
        add([str(tmp_path / "n.txt")], data, "mini.jsonl", Labels([]))
    assert (data / "articles/mini.jsonl").read_bytes() == before
    assert [p.name for p in (data / "articles").iterdir() if not p.name.startswith(".lock")] == ["mini.jsonl"]


def test_runs_at_once_lose_nothing(data: Path, tmp_path: Path) -> None:
    words = [TEXT, OTHER, *(f"The school of {'abcdef'[i] * 5} has a roof. " + "uvwxyz"[i] * 9 for i in range(4))]
    runs = []
    for i, text in enumerate(words):
        (tmp_path / f"n{i}.txt").write_text(text)
        command = ["corpus", "add", f"n{i}.txt", "--topics", "none", "--lang", "en", "--data", str(data)]
        runs.append(subprocess.Popen([sys.executable, "-m", "talante", *command], cwd=tmp_path, stderr=-3, stdout=-3))
    assert [run.wait(120) for run in runs] == [0] * len(words)
    assert {a.id for a in load_corpus(data).articles} >= {f"n{i}" for i in range(len(words))}


def test_the_command_prints_ids_and_doubts(talante: Run, data: Path, tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text(OTHER)
    options = ("--topics", "schools, harbor", "--stance", "mayor=against", "--data", data, "--outlet", "Quay")
    result = talante("corpus", "add", "n.txt", *options)
    assert result.stdout.decode() == "n\n"
    assert "warning: n.txt: stance toward 'mayor', which the article names by no alias" in result.stderr.decode()
    wrong = talante("corpus", "add", "n.txt", "--stance", "mayor", "--data", data)
    assert (wrong.returncode, "write TARGET=against" in wrong.stderr.decode()) == (2, True)
