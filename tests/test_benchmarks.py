"""Benchmarks are run seldom; a change of what they use must show before."""

import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT

BENCHMARKS = ROOT / "benchmarks"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_finds_what_it_uses_and_says_how_it_is_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)  # where Python looks first when it runs one
    module = loaded(path)
    assert callable(module.main)
    assert f"python benchmarks/{path.name}" in (module.__doc__ or "")


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_the_benchmark_of_performance_measures_every_part(tmp_path: Path) -> None:
    news = tmp_path / "news.jsonl.gz"
    with gzip.open(news, "wt", encoding="utf-8") as stream:
        for path in sorted((ROOT / "data/articles").glob("*.jsonl"))[:8]:
            for line in path.read_text(encoding="utf-8").splitlines():
                stream.write(json.dumps({**json.loads(line), "outlet": path.stem}) + "\n")
    small = {"rounds": 1, "articles": 20, "repeat": 300, "sizes": 60, "stream": 600, "kill": 1200}
    options = [word for name, number in small.items() for word in (f"--{name}", str(number))]
    command = [sys.executable, str(BENCHMARKS / "performance.py"), str(news), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tables = done.stdout.split("\n## ")[1:]
    names = ["One core", "The kernel", "`talante predict`", "Cold start", "Learning topics", "Predicting topics",
             "Topics and stances", "Memory of all processes", "kill -9"]  # fmt: skip
    assert [name for name, table in zip(names, tables, strict=True) if not table.startswith(name)] == []
    killed = dict(
        zip(*([cell.strip() for cell in row.split("|")] for row in tables[-1].splitlines()[2::2]), strict=True)
    )
    assert (killed["lost"], killed["doubled"], killed["in order"], killed["same bytes"]) == ("0", "0", "True", "True")
