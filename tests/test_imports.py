"""Folders import one way, importing acts on nothing, and predicting needs neither scikit-learn nor scipy."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MINI, ROOT

SOURCE = ROOT / "src/talante"
ORDER = ["corpus", "text", "features", "model", "evaluation", "jobs", "cli"]


def imported(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return froms | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


@pytest.mark.parametrize("folder", ORDER)
def test_a_folder_imports_only_from_those_before_it(folder: str) -> None:
    allowed = set(ORDER[: ORDER.index(folder) + 1]) | {"errors", ""}
    for path in (SOURCE / folder).glob("*.py"):
        ours = {name for name in imported(path) if name.split(".")[0] == "talante"}
        assert {[*name.split("."), ""][1] for name in ours} <= allowed, path


@pytest.mark.parametrize(
    ("library", "folders"),
    [
        ("typer", {"cli"}),
        ("rich", {"cli"}),
        ("jinja2", {"cli"}),
        ("sklearn", {"features", "model", "evaluation"}),
        ("joblib", {"model", "evaluation", "jobs", "cli"}),
        ("rensa", {"corpus"}),
        ("filelock", {"corpus"}),
        ("mlflow", {"jobs"}),
        ("prometheus_client", {"jobs"}),
        ("pythonjsonlogger", {"cli"}),
        ("matplotlib", {"jobs", "cli"}),
        ("distributed", {"jobs"}),
        ("dask", {"jobs"}),
        ("fsspec", {"corpus"}),
    ],
)
def test_a_library_stays_where_it_belongs(library: str, folders: set[str]) -> None:
    users = {p.parent.name for p in SOURCE.rglob("*.py") if any(n.split(".")[0] == library for n in imported(p))}
    assert users <= folders


def test_errors_know_no_library() -> None:
    assert imported(SOURCE / "errors.py") <= {"collections.abc", "difflib"}


STARTED = """
import sys
from talante.cli.app import main
try:
    main()
except SystemExit as done:
    print(done.code, *sys.modules, file=sys.stderr)
"""


def imported_by(registry: Path, *args: str) -> set[str]:
    """Run talante in a fresh process; return the modules that it has imported at its end."""
    result = subprocess.run(
        [sys.executable, "-c", STARTED, *args], input=b"Toral lies about the harbor and its ships.",
        capture_output=True, env={"TALANTE_MODELS": str(registry), "PATH": ""}, timeout=60,
    )  # fmt: skip
    code, *modules = result.stderr.decode().split()
    assert code == "0" and (b'"harbor"' in result.stdout or "--help" in args)
    return set(modules)


@pytest.mark.parametrize(
    ("args", "most", "never"),
    [
        (
            ["predict", "-"],
            330,
            "sklearn scipy joblib dask distributed fsspec pandas numba trafilatura lxml rich pygments jinja2 "
            "markdown_it matplotlib pydantic filelock rensa threadpoolctl prometheus_client pythonjsonlogger asyncio "
            "concurrent multiprocessing logging email tomllib importlib.metadata",
        ),
        (
            ["--help"],
            330,
            "numpy gcld3 nupunkt sklearn scipy joblib pydantic jinja2 filelock asyncio concurrent multiprocessing "
            "email tomllib json importlib.metadata",
        ),
        (
            ["predict", "--help"],
            345,
            "numpy nupunkt sklearn scipy joblib pydantic jinja2 filelock asyncio email tomllib",
        ),
    ],
)
def test_what_is_called_often_imports_little(registry: Path, args: list[str], most: int, never: str) -> None:
    """Modules are counted and not seconds, which hang on the machine; one more costs from 0.2 to 1 ms."""
    modules = imported_by(registry, *args)
    assert not modules & set(never.split())
    assert len(modules) <= most


def test_importing_prints_and_writes_nothing(tmp_path: Path) -> None:
    modules = [".".join(p.relative_to(ROOT / "src").with_suffix("").parts) for p in SOURCE.rglob("*.py")]
    code = "".join(f"import {m.removesuffix('.__init__')}\n" for m in modules if not m.endswith("__main__"))
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, timeout=120)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert not list(tmp_path.iterdir())


def test_the_miniature_corpus_is_sound() -> None:
    from talante.jobs.lint import lint

    assert lint(MINI).findings == []
