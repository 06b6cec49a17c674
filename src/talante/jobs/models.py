"""What there is in a registry, what became of each model, and what is damaged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from talante.errors import ModelError, TalanteError
from talante.evaluation.gate import load_gate
from talante.jobs.drift import load_limits
from talante.jobs.floors import FILE, load_floors
from talante.model.card import card_text
from talante.model.files import load, read_card
from talante.model.registry import Event, Registry

#: What an event was to the model that it names.
_BECAME = {
    "promoted": "promoted",
    "rolled back": "back in use",
    "interrupted": "interrupted",
    "refused": "refused",
    "undecided": "undecided",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A model of a registry.

    ``articles`` it learned from and their ``languages``, unless it is ``damaged``, which says how. ``last`` became of
    it, at the ``time`` of that event; both are None where it is not in the history.
    """

    model: str
    in_use: bool
    articles: int | None
    languages: tuple[str, ...]
    damaged: str | None
    last: str | None
    time: str | None


def list_models(registry: Registry, history: Sequence[Event]) -> list[Listed]:
    """Return the models of a registry and what became of them."""
    current, found = registry.current(), []
    for model_id in registry.ids():
        articles: int | None = None
        languages: tuple[str, ...] = ()
        damaged = None
        try:
            data = read_card(registry.path(model_id)).get("data", {})
            articles, languages = data.get("articles"), tuple(data.get("languages", {}))
        except ModelError as error:
            damaged = str(error)
        last, time = next((told for event in reversed(history) if (told := _became(event, model_id))), (None, None))
        found.append(Listed(model_id, model_id == current, articles, languages, damaged, last, time))
    return found


def _became(event: Event, model_id: str) -> tuple[str, str] | None:
    name, time = event["event"], event["time"]
    if event.get("model") == model_id and name in _BECAME:
        return _BECAME[name], time
    if event.get("before") == model_id and name == "rolled back":
        return "rolled back", time
    return None


def reason(current: str | None, history: Sequence[Event]) -> Event | None:
    """Return the event that put the model in use there; None when the history does not have it."""
    into_use = ("promoted", "rolled back")
    return next((e for e in reversed(history) if e["event"] in into_use and e["model"] == current), None)


def verify_model(folder: Path) -> None:
    """Check every file of a model.

    Raises ModelError when one is damaged, or the page of its card is not what it was made from.
    """
    card, page = load(folder).card, folder / "README.md"
    if not page.is_file() or page.read_text(encoding="utf-8", errors="replace") != card_text(card):
        remedy = "it is made from model.json; restore it from a copy"
        raise ModelError("not what model.json says", place=str(page), remedy=remedy)


def verify_registry(registry: Registry) -> Iterator[tuple[Path, TalanteError | None]]:
    """Yield each model and each other file of a registry, with what is wrong with it."""
    folder = registry.folder
    checks: dict[Path, Callable[[], object]] = {
        **{folder / model_id: partial(verify_model, folder / model_id) for model_id in registry.ids()},
        folder / "current": partial(_verify_current, registry),
        folder / "history.jsonl": registry.history,
        folder / FILE: partial(load_floors, folder),
        folder / "gate.toml": partial(_verify_gate, folder),
    }
    for path, check in checks.items():
        if path.exists():
            try:
                check()
            except TalanteError as error:
                yield path, error
            else:
                yield path, None


def _verify_gate(folder: Path) -> None:
    load_gate(folder)
    load_limits(folder / "gate.toml")


def _verify_current(registry: Registry) -> None:
    if (current := registry.current()) is None:
        raise ModelError("empty", place=str(registry.folder / "current"), remedy="`talante models promote ID`")
    load(registry.path(current))
