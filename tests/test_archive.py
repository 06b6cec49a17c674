"""Tagging in bulk: order, one row for each article, and an interrupted run that goes on."""

import csv
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from talante.corpus.article import Article
from talante.corpus.read import Raw, Unparsed, raw_articles
from talante.errors import BusyError, UsageError, WriteError
from talante.jobs import archive
from talante.jobs.archive import is_unfinished, tag_all, tag_to_file
from talante.jobs.output import columns
from talante.jobs.tag import MANY, Order, Tagger
from talante.text.clean import clean
from tests.conftest import Run

TEXTS = (
    "Toral lies about the harbor and its ships.",
    "El puerto no miente, dijo el alcalde Toral ayer en la ciudad.",
    "The fishermen of the town praise mayor Toral for the new crane.",
)


def write_articles(path: Path, number: int) -> Path:
    records = ({"id": f"a{i}", "lang": "es" if i % 3 == 1 else "en", "text": TEXTS[i % 3]} for i in range(number))
    lines = [json.dumps(record) for record in records]
    for i in range(50, number, 400):
        lines[i] = '{"id": "broken'
    path.write_text("\n".join(lines) + "\n")
    return path


def ids(path: Path) -> list[str]:
    return [json.loads(line)["id"] for line in path.read_text().splitlines()]


def test_rows_come_in_order_whatever_the_number_of_processes(tagger: Tagger, tmp_path: Path) -> None:
    source = write_articles(tmp_path / "in.jsonl", 3 * MANY + 7)
    for jobs in (1, 2):
        written = tag_to_file([source], tmp_path / f"{jobs}.jsonl", tagger, jobs=jobs)
        assert (written.rows, written.failed) == (3 * MANY + 7, 2)
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    plain = [row["id"] for row in tagger.rows(map(archive.article, raw_articles([source])))]
    assert ids(tmp_path / "1.jsonl") == plain
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.jsonl", "2.jsonl", "in.jsonl", "models"]


def test_an_article_that_comes_alone_is_tagged_at_once(tagger: Tagger) -> None:
    answered = threading.Event()

    def slowly() -> Iterator[Raw]:
        yield Unparsed(json.dumps({"id": "first", "lang": "en", "text": TEXTS[0]}).encode(), "stdin:1", "json")
        assert answered.wait(60)

    parts = tag_all(slowly(), tagger)
    assert '"first"' in next(parts).text
    answered.set()
    assert list(parts) == []


def test_what_reading_raises_reaches_the_caller(tagger: Tagger) -> None:
    def broken() -> Iterator[Raw]:
        yield Unparsed(b'{"text": "Toral."}', "stdin:1", "json")
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        list(tag_all(broken(), tagger))


class Bomb:
    """Ends the process that unpacks it, as one does that has no memory left."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


def test_a_worker_that_dies_is_no_bug(tagger: Tagger) -> None:
    with pytest.raises(WriteError, match="a process was killed"):
        list(tag_all(iter(2 * MANY * [Bomb()]), tagger, jobs=2))  # type: ignore[list-item]


def test_no_more_is_read_than_needed(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_AHEAD", 4000)
    monkeypatch.setattr(archive, "_AT_ONCE", 1000)
    read = []

    def endless() -> Iterator[Raw]:
        while True:
            read.append(1)
            yield Unparsed(json.dumps({"lang": "en", "text": TEXTS[0]}).encode(), "stdin", "json")

    parts = tag_all(endless(), tagger, jobs=1)
    for _ in range(3):
        next(parts)
        time.sleep(0.05)
    assert len(read) < 500
    parts.close()


def killed(
    source: Path, tmp_path: Path, registry: Path, signal_: signal.Signals, rows: int, jobs: int = 1
) -> tuple[int, bytes]:
    """Start to tag, and end it by a signal when so many rows are written; wait until nobody holds its stderr."""
    command = [sys.executable, "-m", "talante", "predict", str(source), "-o", "out.jsonl", "--jobs", str(jobs)]
    env = {**os.environ, "TALANTE_MODELS": str(registry)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path, env=env, start_new_session=True)
    part = tmp_path / ".out.jsonl.part"
    while not part.exists() or part.read_bytes().count(b"\n") < rows:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal_)
    _, error = process.communicate(timeout=60)
    assert not (tmp_path / "out.jsonl").exists()
    return process.returncode, error


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_goes_on_without_losing_or_doubling_a_row(
    signal_: signal.Signals, talante: Run, tmp_path: Path, registry: Path
) -> None:
    source = write_articles(tmp_path / "in.jsonl", 40 * MANY)
    code, error = killed(source, tmp_path, registry, signal_, MANY)
    if signal_ == signal.SIGINT:
        assert code == 130 and b"--resume goes on" in error
    part = tmp_path / ".out.jsonl.part"
    done = part.read_bytes()
    first = done.split(b"\n")[0]
    kept = {**json.loads(first), "title": "kept"}
    torn = b'{"id": "a9999", "ti'
    part.write_bytes(json.dumps(kept).encode() + done[len(first) : done.rindex(b"\n") + 1] + torn)
    result = talante("predict", source, "-o", "out.jsonl", "--resume")
    assert result.returncode == 8, result.stderr
    whole = talante("predict", source, "-o", "whole.jsonl", "--jobs", 1)
    assert whole.returncode == 8 and whole.stderr == result.stderr  # the same number of errors
    out, expected = ((tmp_path / name).read_bytes() for name in ("out.jsonl", "whole.jsonl"))
    assert json.loads(out.split(b"\n")[0])["title"] == "kept"
    assert out.split(b"\n")[1:] == expected.split(b"\n")[1:]
    assert not list(tmp_path.glob(".out*"))


def test_processes_do_not_outlive_a_run_that_is_killed(talante: Run, tmp_path: Path, registry: Path) -> None:
    source = write_articles(tmp_path / "in.jsonl", 60 * MANY)
    killed(source, tmp_path, registry, signal.SIGKILL, 2 * MANY, jobs=2)
    assert talante("predict", source, "-o", "out.jsonl", "--resume").returncode == 8
    assert ids(tmp_path / "out.jsonl")[::401] == [f"a{i}" for i in range(0, 60 * MANY, 401)]


def test_another_run_cannot_be_gone_on_with(talante: Run, tmp_path: Path, registry: Path) -> None:
    source = write_articles(tmp_path / "in.jsonl", 40 * MANY)
    killed(source, tmp_path, registry, signal.SIGKILL, MANY)
    result = talante("predict", source, "-o", "out.jsonl", "--resume", "--all")
    assert (
        result.returncode == 2
        and b"out.jsonl: the interrupted run had other options; run it as before" in result.stderr
    )
    write_articles(source, 10)
    result = talante("predict", source, "-o", "out.jsonl", "--resume")
    assert result.returncode == 2 and b"had other input files, or they have changed" in result.stderr
    assert is_unfinished(tmp_path / "out.jsonl")
    assert talante("predict", source, "-o", "out.jsonl").returncode == 0
    assert len(ids(tmp_path / "out.jsonl")) == 10 and not is_unfinished(tmp_path / "out.jsonl")


def test_a_run_that_was_killed_before_its_first_row_begins_anew(tagger: Tagger, tmp_path: Path) -> None:
    source, output = write_articles(tmp_path / "in.jsonl", 3), tmp_path / "out.jsonl"
    (tmp_path / ".out.jsonl.run").write_text(json.dumps(archive.run_of([source], tagger)))
    assert tag_to_file([source], output, tagger, resume=True).rows == 3
    assert ids(output) == ["a0", "a1", "a2"] and not is_unfinished(output)


def test_resume_needs_an_output(talante: Run) -> None:
    result = talante("predict", "-", "--resume", stdin=b"Toral.")
    assert result.returncode == 2 and b"--resume: nothing to go on with" in result.stderr


def test_two_runs_do_not_write_one_file(tagger: Tagger, tmp_path: Path) -> None:
    source = write_articles(tmp_path / "in.jsonl", 3)

    def busy(rows: int, read: int) -> None:
        assert rows == 3 and read > 0
        with pytest.raises(BusyError, match=r"tagging into out\.jsonl"):
            tag_to_file([source], tmp_path / "out.jsonl", tagger)

    assert tag_to_file([source], tmp_path / "out.jsonl", tagger, progress=busy).rows == 3


def test_what_cannot_be_written_leaves_nothing_behind(tagger: Tagger, tmp_path: Path) -> None:
    source = write_articles(tmp_path / "in.jsonl", 3)
    with pytest.raises(WriteError, match="no such file"):
        tag_to_file([source], tmp_path / "nowhere/out.jsonl", tagger)
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(WriteError, match="directory"):
        tag_to_file([source], tmp_path / "folder.jsonl", tagger)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.jsonl", "in.jsonl", "models"]


@pytest.mark.parametrize("ending", ["jsonl.gz", "jsonl.zst", "csv", "tsv.gz", "csv.zst", "parquet"])
def test_every_kind_of_file_holds_the_same_rows(ending: str, talante: Run, tmp_path: Path) -> None:
    if "zst" in ending and sys.version_info < (3, 14):
        pytest.importorskip("backports.zstd")
    source = write_articles(tmp_path / "in.jsonl", 60)
    assert talante("predict", source, "--all", "-o", "plain.jsonl").returncode == 8
    result = talante("predict", source, "--all", "-o", f"out.{ending}")
    assert result.returncode == 8, result.stderr
    plain = [json.loads(line) for line in (tmp_path / "plain.jsonl").read_text().splitlines()]
    found = read_rows(tmp_path / f"out.{ending}")
    if "jsonl" in ending:
        assert found == plain
        return
    assert [row["id"] for row in found] == [row["id"] for row in plain]
    assert [row["error"] or None for row in found] == [row.get("error") for row in plain]
    sound = [(a, b) for a, b in zip(found, plain, strict=True) if "error" not in b]
    for row, expected in sound:
        assert row["topics"] == " ".join(expected["topics"])
        assert {k.removeprefix("topic "): float(v) for k, v in row.items() if k.startswith("topic ")} == expected[
            "all_topics"
        ]
        for target, said in expected["stances"].items():
            assert row[target] == said["stance"] and float(row[f"{target} score"]) == said["score"]


def read_rows(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        parquet = pytest.importorskip("pyarrow.parquet")
        return parquet.read_table(path).to_pylist()
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zst":
        from talante.corpus.files import zstandard

        data = zstandard().decompress(data)
    lines = data.decode().splitlines()
    if ".jsonl" in path.name:
        return [json.loads(line) for line in lines]
    return list(csv.DictReader(lines, delimiter="\t" if ".tsv" in path.name else ","))


def test_a_table_has_a_column_for_all_that_a_row_can_say(tagger: Tagger) -> None:
    names = list(columns(tagger.model.schema, every_score=False))
    assert names[:4] == ["id", "title", "lang", "topics"] and names[-2:] == ["model", "error"]
    assert all(target in names and f"{target} score" in names for target in tagger.model.schema.target_ids)


def test_without_cleaning_every_line_stays(tagger: Tagger, order: Order) -> None:
    page = Article("a", "Skip to content\n\nNothing here is of note to anyone.\n\nHarbor", lang="en")
    rows = [next(Tagger(replace(order, chrome=chrome), tagger.model).rows([page])) for chrome in (True, False)]
    titles = [row["title"] for row in rows]
    assert titles == ["", ""]
    texts = [clean(page, chrome=chrome).text for chrome in (True, False)]
    assert texts == ["Nothing here is of note to anyone.\n\nHarbor", page.text]


def test_a_run_that_nobody_can_resume_is_named(tagger: Tagger, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another model"):
        archive.check_same({"talante": archive.__version__, "model": "x"}, archive.run_of([], tagger), tmp_path)
