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
def test_the_benchmark_of_performance_measures_the_kernel_beside_its_peers(tmp_path: Path) -> None:
    news = tmp_path / "news.jsonl.gz"
    with gzip.open(news, "wt", encoding="utf-8") as stream:
        for path in sorted((ROOT / "data/articles").glob("*.jsonl"))[:8]:
            for line in path.read_text(encoding="utf-8").splitlines():
                stream.write(json.dumps({**json.loads(line), "outlet": path.stem}) + "\n")
    options = ["--only", "bulk", "kernel", "--rounds", "1", "--articles", "20"]
    command = [sys.executable, str(BENCHMARKS / "performance.py"), str(news), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tables = done.stdout.split("\n## ")[1:]
    assert [table.split(",")[0] for table in tables] == ["One core", "The kernel beside its limit"]
