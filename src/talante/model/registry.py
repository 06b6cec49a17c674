"""Where models lie, which one is in use, and making another the one in use."""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from talante.corpus.files import cannot_write, written_whole
from talante.errors import ModelError, nearest
from talante.model.files import read_card

_PACKAGED = Path(__file__).parent.parent / "_models"
_CHECKOUT = Path(__file__).parents[3] / "models"


@dataclass(frozen=True, slots=True)
class Registry:
    """A folder of models, and why it is the one that is used."""

    folder: Path
    why: str

    def ids(self) -> list[str]:
        """Return the ids of all models here."""
        return sorted(path.parent.name for path in self.folder.glob("[!.]*/model.json"))

    def current(self) -> str | None:
        """Return the id of the model in use, None when none has been promoted."""
        try:
            return (self.folder / "current").read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise ModelError(
                "cannot be read", place=str(self.folder / "current"), remedy="it must hold one line, the id of a model"
            ) from None

    def path(self, model_id: str) -> Path:
        """Return the folder of a model.

        Raises ModelError when it is not here.
        """
        if model_id not in self.ids():
            raise ModelError(f"no model '{model_id}'", place=str(self.folder), remedy=nearest(model_id, self.ids()))
        return self.folder / model_id

    def promote(self, model_id: str) -> None:
        """Make a model the one in use and write that into the history.

        Raises ModelError when it is not here or damaged, WriteError when the folder cannot be written to.
        """
        read_card(self.path(model_id))
        before = self.current()
        time = datetime.now(UTC).isoformat(timespec="seconds")
        event = {"time": time, "event": "promoted", "model": model_id, "before": before}
        path = self.folder / "history.jsonl"
        try:
            # Opened first: a history that cannot be written to must not be found out after the change
            with path.open("a", encoding="utf-8") as history, written_whole(self.folder / "current") as current:
                current.write(model_id + "\n")
                history.write(json.dumps(event) + "\n")
        except OSError as error:
            raise cannot_write(path, error) from None


def find_registry() -> Registry:
    """Return the folder of models to use: TALANTE_MODELS, else ./models, else the packaged one.

    Raises ModelError when TALANTE_MODELS names no folder, or when there is no folder at all.
    """
    if named := os.environ.get("TALANTE_MODELS"):
        if not Path(named).is_dir():
            raise ModelError("no such folder", place=named, remedy="TALANTE_MODELS must name a folder of models")
        return Registry(Path(named), "TALANTE_MODELS names it")
    for registry in (
        Registry(Path("models"), "it is ./models"),
        Registry(_PACKAGED, "it came with talante"),
        Registry(_CHECKOUT, "it belongs to the source checkout that talante runs from"),
    ):
        # A folder that just happens to be called `models` must not hide the packaged model
        if registry.ids() or registry.current():
            return registry
    raise ModelError(
        "no models found", remedy="looked for TALANTE_MODELS, ./models and the packaged one; `talante train` makes one"
    )


def find_model(name: str | None) -> Path:
    """Return the folder of the model to use: ``name`` as a folder or an id, else the current one.

    Raises ModelError when there is none.
    """
    if name is not None and (Path(name) / "model.json").exists():
        return Path(name)
    if name is not None and (Path(name).is_dir() or os.sep in name):
        raise ModelError("no model here: no model.json", place=name)
    registry = find_registry()
    if name is not None:
        return registry.path(name)
    current = registry.current()
    if current is None:
        raise ModelError(
            "no model is in use", place=str(registry.folder), remedy="choose one with `talante models promote ID`"
        )
    return registry.path(current)
