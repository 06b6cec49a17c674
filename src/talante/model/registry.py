"""Where models lie, which one is in use and was before, and making another the one in use.

Of a registry only two files ever change. `history.jsonl` is appended to and is the truth on why a model is in use;
`current` has the id of that model and is replaced as a whole. The event is written first: if the process dies in
between, `settle` notes in the history that it never came into use.
"""

import getpass
import json
import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from talante.corpus.files import append_whole, cannot_write, locked, written_whole
from talante.errors import ModelError, UsageError, WriteError, nearest
from talante.model.files import load

_PACKAGED = Path(__file__).parent.parent / "_models"
_CHECKOUT = Path(__file__).parents[3] / "models"

#: Changing the registry takes well under a second; what holds its lock for longer hangs.
_LOCK_SECONDS = 60.0

Event = dict[str, Any]

#: What an event must say for `Registry.in_use`.
_TOLD = {"promoted": ("model",), "rolled back": ("model",), "interrupted": ("model", "meant")}


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

    def history(self) -> list[Event]:
        """Return all that has been decided here, the oldest first.

        Raises ModelError, which names the line, when one is not an event.
        """
        path, events = self.folder / "history.jsonl", []
        try:
            listed = path.read_text(encoding="utf-8").split("\n")  # not splitlines: U+2028 is no end of a line
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"cannot be read: {error}", place=str(path)) from None
        for number, line in enumerate(listed, 1):
            if not line.strip():
                continue
            try:
                event = json.loads(line)
                told = [event["event"], event["time"], *(event[name] for name in _TOLD.get(event["event"], ()))]
                if not all(isinstance(value, str) for value in told):
                    raise TypeError
                events.append(event)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise ModelError(
                    "not an event of the history", place=f"{path}:{number}", remedy="restore the file from a copy"
                ) from None
        return events

    def in_use(self) -> list[str]:
        """Return the models that a rollback can go through, the one in use last."""
        stack: list[str] = []
        for event in self.history():
            if event["event"] == "promoted":
                if not stack and event.get("before"):  # a history that begins later than the registry
                    stack.append(event["before"])
                if stack[-1:] != [event["model"]]:
                    stack.append(event["model"])
            elif event["event"] == "interrupted" and event["meant"] == "rolled back":
                stack.append(str(event.get("in_use")))
            elif event["event"] in ("rolled back", "interrupted") and stack:
                stack.pop()
        return stack

    @contextmanager
    def changing(self, what: str) -> Iterator[None]:
        """Hold the lock of the registry; nobody else changes it meanwhile. What a killed run left is settled first.

        Raises BusyError, WriteError.
        """
        with locked(self.folder / ".lock", what, _LOCK_SECONDS):
            for left in self.folder.glob(".*-????????"):
                if left.name.startswith((".writing-", ".removing-")):
                    shutil.rmtree(left, ignore_errors=True)
            for left in [*self.folder.glob(".current.*"), *self.folder.glob(".history.jsonl.*")]:
                with suppress(OSError):
                    left.unlink()
            self._settle()
            yield

    def _settle(self) -> None:
        """Note in the history where `current` is not what the last event says."""
        events, current = self.history(), self.current()
        changes = [e for e in events if e["event"] in ("promoted", "rolled back", "interrupted")]
        if not changes or (current is None and events[-1] is not changes[-1]):
            return  # `current` was there when the last event was written: it has been lost, and people must mend that
        last = changes[-1]
        said = last.get("in_use") if last["event"] == "interrupted" else last["model"]
        if current == said:
            return
        if last["event"] != "interrupted" and current == last.get("before"):
            why = f"a run died before {said} came into use"
            self.record("interrupted", meant=last["event"], model=said, in_use=current, why=why, by=asked_by())
        elif current is not None:
            why = "`current` was changed by hand"
            self.record("promoted", model=current, before=said, why=why, by="unknown")

    def record(self, event: str, **facts: Any) -> Event:
        """Append an event to the history; call it with the lock of `changing`.

        Raises WriteError when it cannot be written; then the history is as it was.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        written: Event = {"time": now, "event": event, **facts}
        before = max((str(e.get("time", "")) for e in self.history()), default="")
        if now < before:  # events stand in their true order, whatever the clock says
            written["clock"] = f"set back: an event before this one has {before}"
        line = json.dumps(written, ensure_ascii=False).encode(errors="replace").decode()  # a --by need not be UTF-8
        append_whole(self.folder / "history.jsonl", line + "\n")
        return written

    def promote(self, model_id: str, *, by: str = "", **facts: Any) -> Event:
        """Make a model the one in use; call it with the lock of `changing`. Return the event in the history.

        Raises ModelError when it is not here or damaged, WriteError when the folder cannot be written to.
        """
        load(self.path(model_id))
        return self._use("promoted", model_id, {"by": by or asked_by(), **facts})

    def rollback(self, *, by: str = "") -> Event:
        """Go back to the model that was in use before; call it with the lock of `changing`.

        Raises UsageError when there is none, ModelError when that one is gone or damaged.
        """
        stack = self.in_use()
        if len(stack) < 2:
            raise UsageError("no model was in use before this one", place=str(self.folder / "history.jsonl"))
        if stack[-2] not in self.ids():
            raise ModelError(
                f"the model that was in use before, {stack[-2]}, is no longer here",
                place=str(self.folder),
                remedy="put any other into use with `talante models promote ID`",
            )
        load(self.path(stack[-2]))
        return self._use("rolled back", stack[-2], {"by": by or asked_by()})

    def _use(self, event: str, model_id: str, facts: Mapping[str, Any]) -> Event:
        before, path = self.current(), self.folder / "current"
        written = self.record(event, model=model_id, before=before, **facts)
        with written_whole(path) as stream:
            stream.write(model_id + "\n")
        if self.current() != model_id:
            raise WriteError(
                "does not hold what was written: this file system does not replace files as a whole",
                place=str(path),
                remedy="keep models on a local one",
            )
        return written

    def prune(self, keep: int, needed: set[str], *, by: str = "", dry_run: bool = False) -> list[str]:
        """Remove the models that are neither among the last ``keep`` in use nor ``needed``; return their ids.

        Call it with the lock of `changing`. Raises UsageError, WriteError.
        """
        if keep < 1:
            raise UsageError(f"cannot keep {keep} models", place="--keep", remedy="the one in use always stays")
        last = list(dict.fromkeys(reversed(self.in_use())))[:keep]
        gone = [i for i in self.ids() if i not in {*last, *needed, self.current()}]
        if gone and not dry_run:
            self.record("pruned", models=gone, by=by or asked_by())
            for model_id in gone:
                beside = self.folder / f".removing-{uuid4().hex[:8]}"
                try:
                    (self.folder / model_id).rename(beside)  # gone at once, whatever becomes of the rest
                    shutil.rmtree(beside)
                except OSError as error:
                    raise cannot_write(self.folder / model_id, error) from None
        return gone


def asked_by() -> str:
    """Return who runs this, as `user@machine`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may know no names
        user = str(os.getuid())
    return f"{user}@{platform.node()}"


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
