"""A folder of partitions: who tags them, what is redone, what happens when a worker dies, and files at URLs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joblib import Parallel, delayed

from talante.corpus.read import find_inputs, read_articles, total_bytes
from talante.corpus.remote import Input, Source, arriving
from talante.errors import DataError, ModelError, TalanteError, UsageError, WriteError
from talante.jobs import engine as module
from talante.jobs.archive import run_of
from talante.jobs.engine import engine
from talante.jobs.partitions import MANIFEST, partitions, tag_folder, tag_partition
from talante.jobs.tag import Order, Tagger
from tests.conftest import Run
from tests.test_archive import write_articles

#: Each is tagged by the kernel, and takes long enough to be caught at it.
ROWS, FILES = 2000, 6

FAILED = "of the articles could not be tagged; their rows say why\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=3, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as started:
        yield started


def write_inputs(folder: Path, files: int = 3, rows: int = 5) -> Path:
    (folder / "sub").mkdir(parents=True)
    for number in range(files):
        write_articles(folder / ("sub" if number % 2 else "") / f"{number}.jsonl", rows)
    return folder


def outputs(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.jsonl"))}


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.rglob(".*"))


def until(found: Callable[[], Any]) -> Any:
    for _ in range(6000):
        if result := found():
            return result
        time.sleep(0.01)
    raise AssertionError("it does not happen")


def test_each_input_gets_a_file_of_its_own_with_the_rows_of_a_single_run(talante: Run, tmp_path: Path) -> None:
    write_inputs(tmp_path / "in")
    (tmp_path / "page.md").write_text("# Harbor\n\nToral lies about the harbor and its ships.")
    (tmp_path / "no-id.jsonl").write_text('{"text": "Toral lies about the harbor.", "lang": "en"}\n')
    assert talante("predict", "in", "page.md", "*.jsonl", "-o", "out/").returncode == 0
    found = outputs(tmp_path / "out")
    assert list(found) == ["0.jsonl", "2.jsonl", "no-id.jsonl", "page.jsonl", "sub/1.jsonl"]
    assert left(tmp_path / "out") == [MANIFEST]
    single = talante("predict", "in", "page.md", "no-id.jsonl").stdout
    order = ("0.jsonl", "2.jsonl", "sub/1.jsonl", "page.jsonl", "no-id.jsonl")
    assert b"".join(found[name] for name in order) == single


def test_a_pattern_keeps_the_folders_below_its_first_star(tmp_path: Path) -> None:
    for year in ("2023", "2024"):
        write_inputs(tmp_path / "archive" / year)
    found = partitions([str(tmp_path / "archive/20*/sub/*.jsonl")], str(tmp_path / "out"))
    assert [p.output.where for p in found] == [f"{tmp_path}/out/{year}/sub/1.jsonl" for year in ("2023", "2024")]
    names = [str(tmp_path / f"archive/2023/{name}") for name in ("0.jsonl", "sub/1.jsonl")]
    assert [p.output.name for p in partitions(names, "out")] == ["0.jsonl", "1.jsonl"]


@pytest.mark.parametrize("ending", [".jsonl.gz", ".csv", ".parquet", ".HTML"])
def test_the_endings_of_an_input_are_left_out(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"part.1{ending}").write_bytes(b"")
    (part,) = partitions([str(tmp_path / f"part.1{ending}")], "out/")
    assert part.output.shown == "out/part.1.jsonl"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["in", "a/0.jsonl"], "error: a/0.jsonl: would be written to the same file 0.jsonl as in/0.jsonl; rename one"),
        (["in", "0.txt"], "error: 0.txt: would be written to the same file 0.jsonl as in/0.jsonl"),
        (["-"], "error: -: stdin has no name for a file"),
        (["."], "error: out/x.jsonl: lies in the folder of the output; keep inputs and outputs apart"),
        (["in", "--backend", "flink"], "error: --backend: unknown 'flink'; known: dask, loky, multiprocessing, ray"),
        (["in", "--backend", "ray"], "error: --backend: ray is not installed: No module named 'ray'; pip install ray"),
        (["in", "--backend", "dask"], "error: --backend: dask needs --scheduler"),
        (["in", "--scheduler", "tcp://localhost:1"], "error: --scheduler: only dask has one; add --backend dask"),
        (["in", "--backend", "dask", "-o", "x.jsonl"], "error: --backend: needs a folder to write to; name one"),
        (["in", "--resume", "-o", "memory://x.jsonl"], "error: --resume: a file at a URL is put there at the end"),
    ],
)
def test_what_cannot_work_is_said_before_any_work(talante: Run, tmp_path: Path, args: list[str], message: str) -> None:
    write_inputs(tmp_path / "in")
    write_inputs(tmp_path / "a")
    (tmp_path / "0.txt").write_text("Toral.")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/x.jsonl").write_text("")
    result = talante("predict", "-o", "out", *args)
    assert result.returncode == 2 and result.stderr.decode().startswith(message)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["x.jsonl"] and not (tmp_path / "x.jsonl").exists()


def test_going_on_does_what_is_missing_or_older_than_its_input(order: Order, tagger: Tagger, tmp_path: Path) -> None:
    source, folder = write_inputs(tmp_path / "in"), str(tmp_path / "out/")

    def tagged(resume: bool, tagger: Tagger = tagger) -> list[str]:
        with engine(jobs=1):
            done = tag_folder(partitions([str(source)], folder), folder, tagger, resume=resume)
        return [Path(one.output).name for one in done]

    every = ["0.jsonl", "2.jsonl", "1.jsonl"]
    assert tagged(resume=True) == every  # nothing is known of the folder
    assert tagged(resume=True) == []
    assert tagged(resume=False) == every
    (tmp_path / "out/2.jsonl").unlink()
    write_articles(source / "sub/1.jsonl", 7)
    before = (tmp_path / "out/0.jsonl").stat()
    assert tagged(resume=True) == ["2.jsonl", "1.jsonl"]
    assert (tmp_path / "out/0.jsonl").stat() == before
    assert len((tmp_path / "out/sub/1.jsonl").read_text().splitlines()) == 7
    other = Tagger(replace(order, min_score=0.9), tagger.model)
    with pytest.raises(UsageError, match=r"other options; run it as before, or without --resume"):
        tagged(resume=True, tagger=other)
    assert tagged(resume=False, tagger=other) == every
    with pytest.raises(UsageError, match=r"other options"):
        tagged(resume=True)
    (tmp_path / "out" / MANIFEST).write_text("{")  # of which run these files are, nobody knows
    assert tagged(resume=True) == every


def test_failed_rows_are_counted_over_all_files(talante: Run, tmp_path: Path) -> None:
    write_inputs(tmp_path / "in", rows=60)
    result = talante("predict", "in", "-o", "out/", "--jobs", "2")
    assert (result.returncode, result.stderr.decode()) == (8, f"3 {FAILED}")


def test_a_worker_says_what_its_machine_has_not(order: Order, tagger: Tagger, tmp_path: Path) -> None:
    source, run = write_articles(tmp_path / "in.jsonl", 3), run_of([], tagger)
    (part,) = partitions([str(source)], str(tmp_path / "out"))
    with pytest.raises(ModelError, match=r"no model.json, on .*; every machine needs the model's folder at the same"):
        tag_partition(replace(order, model=tmp_path / "nowhere"), run, part)
    with pytest.raises(ModelError, match=r"another model, or another talante, on "):
        tag_partition(order, {**run, "model": "x"}, part)
    with pytest.raises(DataError, match=r"no such file or directory, on .*; every machine must reach the files"):
        tag_partition(order, run, part._replace(source=Source("/nowhere/a.jsonl", "a.jsonl")))
    with pytest.raises(WriteError, match=r"cannot write"):
        tag_partition(order, run, part._replace(output=Source(f"{source}/a.jsonl", "a.jsonl")))
    assert not (tmp_path / "out").exists()


def test_a_scheduler_that_does_not_answer_is_named_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    assert module._PATIENCE <= 10
    monkeypatch.setattr(module, "_PATIENCE", 1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    for wrong, message in [(address, "no scheduler answers there"), ("no://x", "unknown address scheme 'no'")]:
        start = time.monotonic()
        with pytest.raises(UsageError, match=rf"^--scheduler {wrong}: {message}"), engine("dask", wrong):
            pass
        assert time.monotonic() - start < 8


def test_a_process_that_is_killed_is_an_error_with_a_remedy() -> None:
    with (
        pytest.raises(WriteError, match=r"a process was killed, .*; what is finished stays; try fewer --jobs"),
        engine(jobs=2),
    ):
        Parallel()(delayed(os._exit)(9) for _ in range(2))


def test_a_worker_that_is_killed_costs_a_retry(cluster: Any, talante: Run, registry: Path, tmp_path: Path) -> None:
    write_inputs(tmp_path / "in", FILES, ROWS)
    folder = tmp_path / "out"
    command = [sys.executable, "-m", "talante", "predict", "in", "-o", "out/", "--backend", "dask"]
    command += ["--scheduler", cluster.scheduler_address]
    env = {**os.environ, "TALANTE_MODELS": str(registry)}
    driver = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path, env=env)

    def caught() -> Path | None:
        """Kill a worker that has a file in its hands; return the file that it did not complete."""
        workers = {str(nanny.pid) for nanny in cluster.workers.values()}
        for holder in folder.rglob(".*.jsonl.lock.holder"):
            with suppress(OSError):  # that file was completed meanwhile
                pid = holder.read_text().partition("process ")[2].partition(" ")[0]
                if pid in workers:
                    os.kill(int(pid), signal.SIGKILL)
                    time.sleep(0.05)
                    output = holder.with_name(holder.name[1:].removesuffix(".lock.holder"))
                    return None if output.exists() else output
        return None

    until(lambda: list(folder.rglob("[!.]*.jsonl")))  # the first is finished
    lost = until(caught)
    _, error = driver.communicate(timeout=60)
    assert (driver.returncode, error.decode().partition(" ")[2]) == (8, FAILED)
    assert lost.exists() and left(folder) == [MANIFEST]

    alone = talante("predict", "in", "-o", "alone.jsonl", "--jobs", "1")
    assert alone.returncode == 8
    found = outputs(folder)
    assert len(found) == FILES
    assert b"".join(found.values()) == (tmp_path / "alone.jsonl").read_bytes()

    (folder / "0.jsonl").unlink()
    before = {p: p.stat() for p in folder.rglob("*.jsonl")}
    again = talante(*command[3:], "--resume")
    assert again.returncode == 8, again.stderr
    assert outputs(folder) == found
    assert before == {p: p.stat() for p in before}  # neither written nor replaced


def test_a_task_that_kills_every_worker_ends_the_run(cluster: Any) -> None:
    allowed, cluster.scheduler.allowed_failures = cluster.scheduler.allowed_failures, 1
    try:
        with (
            pytest.raises(
                WriteError, match=r"2 workers died at the same task, the last at tcp:.* what is finished stays"
            ),
            engine("dask", cluster.scheduler_address),
        ):
            Parallel()(delayed(os._exit)(9) for _ in range(1))
    finally:
        cluster.scheduler.allowed_failures = allowed


def test_what_a_task_raises_comes_back_as_it_is(cluster: Any, order: Order, tagger: Tagger, tmp_path: Path) -> None:
    (part,) = partitions([str(write_articles(tmp_path / "in.jsonl", 3))], str(tmp_path / "out"))
    call = delayed(tag_partition)(replace(order, model=tmp_path), run_of([], tagger), part)
    with (
        pytest.raises(ModelError, match=rf"^{tmp_path}: no model here: no model.json, on .*; every machine") as raised,
        engine("dask", cluster.scheduler_address),
    ):
        Parallel()([call])
    assert raised.value.place == str(tmp_path)


def test_workers_of_another_version_are_named(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "__version__", "9.9")
    with (
        pytest.raises(UsageError, match=r"worker tcp://.* has not talante 9.9: 0.*; install it there"),
        engine("dask", cluster.scheduler_address),
    ):
        pass


def test_a_file_url_is_a_path(talante: Run, tmp_path: Path) -> None:
    write_inputs(tmp_path / "in")
    by_path = talante("predict", tmp_path / "in")
    by_url = talante("predict", f"file://{tmp_path}/in")
    assert by_path.stdout == by_url.stdout and by_path.stdout
    assert talante("predict", f"file://{tmp_path}/in", "-o", f"file://{tmp_path}/out/").returncode == 0
    assert b"".join(outputs(tmp_path / "out").values()) == by_path.stdout


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Any]:
    """Files at memory://b: the same as in a folder on disk."""
    files = pytest.importorskip("fsspec").filesystem("memory")
    write_inputs(tmp_path / "in", rows=60)
    import gzip

    (tmp_path / "in/packed.jsonl.gz").write_bytes(gzip.compress((tmp_path / "in/0.jsonl").read_bytes()))
    (tmp_path / "in/.hidden.jsonl").write_text("{}")
    files.put(str(tmp_path / "in"), "/b", recursive=True)
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.mark.usefixtures("memory")
def test_files_at_urls_are_read_as_those_on_disk(tmp_path: Path) -> None:
    def below(paths: Sequence[Input | None], folder: str) -> list[str]:
        return [str(path).removeprefix(folder) for path in paths]

    for name in ("", "/*.jsonl", "/packed.jsonl.gz", "/**/*.jsonl", "/sub/"):
        there, here = find_inputs([f"memory://b{name}"]), find_inputs([f"{tmp_path}/in{name}"])
        assert below(there, "memory://b") == below(here, f"{tmp_path}/in") != []
        assert total_bytes(there) == total_bytes(here)
        told = [str(one).replace("memory://b", f"{tmp_path}/in") for one in read_articles(there)]
        assert told == [str(one) for one in read_articles(here)]


def test_a_table_at_a_url_is_read(memory: Any, tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"id": ["a", "b"], "text": ["Toral.", "Oda."]}), tmp_path / "t.parquet")
    memory.put_file(str(tmp_path / "t.parquet"), "/b/t.parquet")
    assert [a.id for a in read_articles(find_inputs(["memory://b/t.parquet"]))] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("memory://b/gone.jsonl", UsageError, "memory://b/gone.jsonl: no such file or folder"),
        ("memory://b/*.csv", UsageError, r"memory://b/\*.csv: no file matches this pattern"),
        ("memory://b/empty", DataError, "memory://b/empty: no articles in this folder; looked for"),
        ("nothing://b/a.jsonl", UsageError, "nothing://b/a.jsonl: Protocol not known: nothing; docs/archive.md"),
    ],
)
def test_a_url_of_nothing_is_named(memory: Any, name: str, error: type[TalanteError], message: str) -> None:
    memory.mkdir("/b/empty")
    with pytest.raises(error, match=rf"^{message}"):
        find_inputs([name])


def test_without_fsspec_a_url_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match=r"^s3://b/a.jsonl: needs the library fsspec; pip install 'talante\[remote\]'"):
        find_inputs(["s3://b/a.jsonl"])


def test_a_fault_on_the_way_is_an_error_of_that_file(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> bytes:
        raise RuntimeError("Connection reset")

    (path,) = find_inputs(["memory://b/0.jsonl"])
    monkeypatch.setattr(memory.store["/b/0.jsonl"].__class__, "read", lost)
    (row,) = read_articles([path])
    assert (row.id, getattr(row, "error", "")) == ("memory://b/0.jsonl", "cannot read: connection reset")


def test_a_folder_at_a_url_holds_complete_files_and_is_gone_on_with(
    memory: Any, tagger: Tagger, tmp_path: Path
) -> None:
    parts = partitions(["memory://b"], "memory://tags/")
    with engine("threading", jobs=2):
        done = tag_folder(parts, "memory://tags/", tagger)
        names = ["0.jsonl", "2.jsonl", "packed.jsonl", "sub/1.jsonl"]
        assert sorted(one.output for one in done) == [f"memory://tags/{name}" for name in names]
        assert [one.failed for one in done] == [1] * 4
        assert sorted(p.removeprefix("/tags/") for p in memory.find("/tags")) == [MANIFEST, *names]
        memory.rm_file("/tags/2.jsonl")
        done = tag_folder(parts, "memory://tags/", tagger, resume=True)
    assert [one.output for one in done] == ["memory://tags/2.jsonl"]
    local = partitions([str(tmp_path / "in")], str(tmp_path / "out"))
    with engine(jobs=1):
        tag_folder(local, str(tmp_path / "out"), tagger)
    for name, rows in outputs(tmp_path / "out").items():
        told = rows.replace(f"{tmp_path}/in/".encode(), b"memory://b/")
        assert memory.cat_file(f"/tags/{name}") == told


def test_a_file_arrives_at_a_url_whole_or_not_at_all(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("a", "b"):
        with arriving("memory://new/sub/x.jsonl") as path:
            path.write_text(text)
            assert memory.exists("/new/sub/x.jsonl") == (text == "b")
        assert memory.cat_file("/new/sub/x.jsonl").decode() == text
    with pytest.raises(KeyError), arriving("memory://new/y.jsonl") as path:
        raise KeyError
    monkeypatch.setattr(memory.__class__, "mv", lambda *_: 1 / 0)
    with (
        pytest.raises(WriteError, match=r"memory://new/z.jsonl: cannot write: division by zero"),
        arriving("memory://new/z.jsonl") as path,
    ):
        path.write_text("z")
    assert memory.find("/new") == ["/new/sub/x.jsonl"] and not path.parent.exists()
