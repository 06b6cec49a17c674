"""What several tests need: a miniature real corpus, a model trained on it, and the program to run."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from talante.corpus.records import Corpus, load_corpus
from talante.jobs.corpus import prepare_corpus
from talante.jobs.tag import Order, Tagger
from talante.model.files import load, save
from talante.model.fit import fit
from talante.model.model import Model
from talante.model.registry import Registry
from talante.model.settings import Settings
from talante.text.prepare import Prepared

settings.register_profile("talante", deadline=None)  # no test is about time, and the first example imports a lot
settings.load_profile("talante")

ROOT = Path(__file__).parent.parent
MINI = Path(__file__).parent / "mini"
SETTINGS = Settings(min_df=1, folds=3, short=0)


@pytest.fixture(scope="session")
def corpus() -> Corpus:
    """Twenty tiny articles on a harbor town, in two languages, whose labels a person sees at once."""
    return load_corpus(MINI)


@pytest.fixture(scope="session")
def articles(corpus: Corpus) -> list[Prepared]:
    return prepare_corpus(corpus)


@pytest.fixture(scope="session")
def model(corpus: Corpus, articles: list[Prepared]) -> Model:
    return fit(articles, corpus.schema, SETTINGS)


@pytest.fixture(scope="session")
def shipped() -> Model:
    """The model that the project ships."""
    registry = Registry(ROOT / "models", "")
    current = registry.current()
    assert current is not None
    return load(registry.path(current))


@pytest.fixture(scope="session")
def corpus_sample(shipped: Model) -> list[Prepared]:
    """Twenty articles of the corpus that the project ships, prepared for its model."""
    articles = load_corpus(ROOT / "data").articles
    return [shipped.preparer.prepare(article) for article in random.Random(0).sample(articles, 20)]


@pytest.fixture
def registry(model: Model, tmp_path: Path) -> Path:
    """A folder with one model, in use."""
    folder = tmp_path / "models"
    saved = save(model, folder)
    (folder / "current").write_text(saved.id + "\n")
    return folder


Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture
def talante(tmp_path: Path, registry: Path) -> Run:
    """Run the program in an empty folder, with the miniature model in use."""

    def run(*args: object, stdin: bytes = b"", cwd: Path = tmp_path, **env: str) -> subprocess.CompletedProcess[bytes]:
        variables = {**os.environ, "TALANTE_MODELS": str(registry), "NO_COLOR": "1", "COLUMNS": "100"}
        variables |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), **env}
        variables = {name: value for name, value in variables.items() if value}
        command = [sys.executable, "-m", "talante", *map(str, args)]
        return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, env=variables, timeout=120)

    return run


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring material; tests that need it are skipped where it does not exist."""
    folder = Path(os.environ.get("TALANTE_SHARED", ROOT.parent / "shared"))
    if not (folder / "gold/dev.jsonl").exists():
        pytest.skip("no measuring material here (TALANTE_SHARED)")
    return folder


@pytest.fixture
def order(registry: Path) -> Order:
    return Order(registry / (registry / "current").read_text().strip())


@pytest.fixture
def tagger(order: Order) -> Tagger:
    return Tagger(order, load(order.model))
