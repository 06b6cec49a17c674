"""Retraining is killed, or told that the disk is full, at every file operation in turn: the champion still predicts."""

import json
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pytest

from talante.corpus.article import Article
from talante.errors import BusyError, TalanteError, WriteError
from talante.jobs import retrain as module
from talante.jobs.train import Fitted
from talante.model.files import load
from talante.model.registry import Registry
from tests.conftest import MINI, SETTINGS

NEW = {
    "id": "new-crane", "lang": "en", "title": "A new crane", "group": "crane-news", "topics": ["harbor"],
    "text": "The harbor of Toral has a new crane, and ships are unloaded in half the time. Fishermen watched it rise.",
    "stances": {},
}  # fmt: skip
LENIENT = "[margins]\noverall = 1\nlanguage = 1\nlabel = 1\n"
ARTICLE = Article(id="x", text="Toral lies about the harbor and its ships, and the mayor of Toral knows it.", lang="en")

_WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink", "shutil.rmtree"}


@dataclass(frozen=True)
class Scene:
    """A corpus with one new article, a champion that has not seen it, and what training on it gives."""

    folder: Path
    champion: str
    fitted: Fitted

    def copy(self, to: Path) -> Path:
        shutil.copytree(self.folder, to)
        return to


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene") / "site"
    shutil.copytree(MINI, folder / "data")
    first = module.retrain(folder / "data", folder / "models", SETTINGS)
    (folder / "models/gate.toml").write_text(LENIENT)
    with (folder / "data/articles/new.jsonl").open("w") as stream:
        stream.write(json.dumps(NEW) + "\n")
    # Training touches no file, so it is done once; all that is written after it is done for real each time
    fitted: list[Fitted] = []
    real = module.fit_and_measure
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fit_and_measure", lambda *a, **k: fitted.append(real(*a, **k)) or fitted[-1])
        module.retrain(folder / "data", folder / "models", SETTINGS, dry_run=True)
        patch.setattr(module, "fit_and_measure", lambda *_, **__: fitted[0])
        assert first.candidate
        yield Scene(folder, first.candidate, fitted[0])


def forked(work: Callable[[], int]) -> int:
    """Do some work in a copy of this process; return its exit code, minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        try:
            code = work()
        except BaseException:
            traceback.print_exc()
            code = 1
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def retrained(site: Path, fault: Callable[[str], None] | None = None) -> int:
    """Retrain in a copy of this process; ``fault`` is told of every file operation in the site before it happens."""

    def work() -> int:
        def hook(event: str, arguments: tuple[object, ...]) -> None:
            writes = event in _WRITES or (event == "open" and opens_to_write(arguments))
            if fault and writes and str(site) in str(arguments[0]):
                fault(f"{event} {arguments[0]}")

        sys.addaudithook(hook)
        try:
            return module.retrain(site / "data", site / "models", SETTINGS).exit_code
        except TalanteError as error:
            return error.exit_code

    return forked(work)


def opens_to_write(arguments: tuple[object, ...]) -> bool:
    _, mode, flags = arguments
    if isinstance(mode, str):
        return not mode.startswith("r") or "+" in mode
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def operations(site: Path) -> list[str]:
    told = site.parent / "operations"

    def note(operation: str) -> None:
        with told.open("a") as stream:
            stream.write(operation + "\n")

    assert retrained(site, note) == 0
    return told.read_text().splitlines()


def kill(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def no_room(operation: str) -> None:
    if operation.split()[0] in ("open", "os.mkdir", "os.rename"):  # removing needs no room
        raise OSError(28, "No space left on device")


def at(number: int, fault: Callable[[str], None]) -> Callable[[str], None]:
    seen = 0

    def counted(operation: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            fault(operation)

    return counted


def check_champion(site: Path) -> str:
    """Check that the model in use is whole, and the former or the new one; return its id."""
    registry = Registry(site / "models", "")
    current = registry.current()
    assert current is not None
    model = load(registry.path(current))
    assert model.predict(ARTICLE).scores
    registry.history()
    return current


@pytest.mark.parametrize(("fault", "codes"), [(kill, {-9}), (no_room, {WriteError.exit_code, 0})])
def test_whatever_happens_the_champion_predicts_and_the_next_run_finishes(
    scene: Scene, tmp_path: Path, fault: Callable[[str], None], codes: set[int]
) -> None:
    there = operations(scene.copy(tmp_path / "counting"))
    outcomes: Counter[str] = Counter()
    for number in range(1, len(there) + 1):
        site = scene.copy(tmp_path / f"{number}")
        where = f"{fault.__name__} before operation {number} of {len(there)}, {there[number - 1]}"
        assert retrained(site, at(number, fault)) in codes, where
        in_use = check_champion(site)
        outcomes["candidate" if in_use != scene.champion else "champion"] += 1
        assert retrained(site) == 0, where
        after = check_champion(site)
        assert after != scene.champion, where
        left = [p.name for p in (site / "models").iterdir() if p.name.startswith(".") and ".lock" not in p.name]
        assert left == [], where
        events = Registry(site / "models", "").history()
        promoted = [e for e in events if e["event"] == "promoted" and e["model"] == after]
        given_up = [e for e in events if e["event"] == "interrupted"]
        assert len(promoted) == 1 + len(given_up), where
        shutil.rmtree(site)
    print(  # noqa: T201 - shown by `pytest -rP`
        f"{fault.__name__}: {len(there)} operations, in use afterwards: {dict(outcomes)}"
    )
    assert len(there) > 50 and outcomes["champion"] and outcomes["candidate"]


def test_predicting_while_models_are_promoted_reads_one_or_the_other(scene: Scene, tmp_path: Path) -> None:
    site = scene.copy(tmp_path / "site")
    assert retrained(site) == 0
    registry = Registry(site / "models", "")
    both = registry.ids()
    assert len(both) == 2
    context = get_context("fork")
    stop = context.Event()

    def promote_in_turn() -> None:
        number = 0
        while not stop.is_set():
            with registry.changing("turning"):
                registry.promote(both[number % 2])
            number += 1

    turning = context.Process(target=promote_in_turn)
    turning.start()
    seen: Counter[str] = Counter()
    try:
        for _ in range(2000):
            current = registry.current()
            assert current in both
            seen[current] += 1
        assert load(registry.path(current)).predict(ARTICLE).scores
    finally:
        stop.set()
        turning.join()
    assert turning.exitcode == 0 and len(seen) == 2


def test_of_two_retrainings_at_once_the_second_says_who_holds_the_lock(scene: Scene, tmp_path: Path) -> None:
    site = scene.copy(tmp_path / "site")
    with module.locked(site / "models/.lock-retrain", "retraining"):
        with pytest.raises(BusyError, match=rf"busy: retraining, process {os.getpid()} on .* since \d"):
            module.retrain(site / "data", site / "models", SETTINGS)
        assert retrained(site) == BusyError.exit_code


def test_a_retraining_that_waits_goes_on_when_the_other_ends(scene: Scene, tmp_path: Path) -> None:
    site = scene.copy(tmp_path / "site")

    def waiting() -> int:
        return module.retrain(site / "data", site / "models", SETTINGS, wait=60).exit_code

    with module.locked(site / "models/.lock-retrain", "retraining"):
        pid = os.fork()
        if pid == 0:
            os._exit(waiting())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert check_champion(site) != scene.champion


def test_a_champion_that_came_into_use_meanwhile_is_not_replaced(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = scene.copy(tmp_path / "site")
    registry = Registry(site / "models", "")
    other = site / "models/other"

    def overtaken(*_: object, **__: object) -> Fitted:
        with registry.changing("meanwhile"):
            (site / "models/current").write_text("another\n")
        return scene.fitted

    monkeypatch.setattr(module, "fit_and_measure", overtaken)
    with pytest.raises(BusyError, match="another model came into use"):
        module.retrain(site / "data", site / "models", SETTINGS)
    assert registry.current() == "another" and not other.exists()
