"""Floors: figures that no candidate may fall below, pinned once and lowered only when somebody says so.

The gate lets a candidate be a little worse than the model before it, as far as chance goes; night after night that
could add up. A floor lies one margin below what a model showed when it was pinned, on articles that stay the same:
those of gold files, and those that the pinned model had learned from, each answered by a model that saw nothing of its
group.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from talante.corpus.files import written_whole
from talante.corpus.records import load_corpus, load_gold
from talante.errors import DataError, ModelError, NotEnoughDataError
from talante.evaluation.compare import compare
from talante.evaluation.gate import HELD_OUT, Gate, Margins, load_gate, protected
from talante.evaluation.outcomes import Outcome, remembered, untagged
from talante.jobs.evaluate import outcomes_of
from talante.model.files import load, read_records
from talante.model.registry import Registry, asked_by

if TYPE_CHECKING:
    from talante.corpus.schema import Schema

FILE = "floors.json"

#: Part of the pinned articles that must still be in the corpus for their floors to mean the same.
STILL_THERE = 0.9

log = logging.getLogger("talante")


@dataclass(frozen=True, slots=True)
class Floors:
    """What was pinned: the model, and for HELD_OUT and each gold file (by its digest) the floor of each figure."""

    model: str
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def of(self, on: str) -> Mapping[str, float]:
        """Return the floors on some articles; none where nothing is pinned."""
        return self.values.get(on, {})


def load_floors(models: Path) -> Floors | None:
    """Read the floors of a registry; None when none have been pinned.

    Raises DataError when the file is damaged.
    """
    path = models / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        values = {on: {name: float(v) for name, v in of.items()} for on, of in told["floors"].items()}
        return Floors(str(told["model"]), values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"cannot be read: {error}",
            place=str(path),
            remedy="restore it, or pin anew with `talante models pin --lower`",
        ) from None


def pin(data: Path, models: Path, *, lower: bool = False, by: str = "") -> Floors:
    """Pin the figures of the model in use as floors, each one margin below; none is lowered unless ``lower``.

    Raises ModelError when no model is in use, NotEnoughDataError when it was never cross-validated, DataError,
    WriteError.
    """
    registry = Registry(models, "")
    gate = load_gate(models)
    current = registry.current()
    if current is None:
        raise ModelError("no model is in use", place=str(models), remedy="`talante models promote ID`")
    model = load(registry.path(current))
    corpus = load_corpus(data)
    articles = {article.id: article for article in corpus.articles}
    records = read_records(registry.path(current))
    held_out = [
        remembered(record, untagged(articles[record.id]))
        for record in records
        if record.topics is not None and record.id in articles and articles[record.id].digest == record.digest
    ]
    if len(held_out) < STILL_THERE * sum(record.topics is not None for record in records) or not held_out:
        raise NotEnoughDataError(
            f"only {len(held_out)} articles of this corpus have an answer by a model that had not seen their group",
            place=str(registry.path(current)),
            remedy="pin on the corpus that it has learned from, and train without --quick",
        )
    values = {HELD_OUT: _floors(held_out, corpus.schema, gate, gate.margins)}
    for gold in gate.golds:
        outcomes = outcomes_of(load_gold(gold.path, model.schema), model)
        values[gold.sha256] = _floors(outcomes, model.schema, gate, gold.margins)
    with registry.changing("pinning floors"):
        before = None if lower else load_floors(models)
        if before:
            kept = [(n, before.of(on)[n], v) for on, of in values.items() for n, v in of.items() if n in before.of(on)]
            for name, floor, own in kept:
                if floor > own:
                    log.warning("%s: the floor stays %.3f, by %s it would be %.3f (--lower)", name, floor, current, own)
            values = {
                on: {
                    name: max(v for v in (values.get(on, {}).get(name), before.of(on).get(name)) if v is not None)
                    for name in {**before.of(on), **values.get(on, {})}
                }
                for on in {**before.values, **values}
            }
        floors = Floors(current, values)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with written_whole(models / FILE) as stream:
            told = {"pinned": now, "by": by or asked_by(), "model": current, "floors": values}
            stream.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        registry.record("pinned", model=current, lowered=lower, by=by or asked_by())
    return floors


def _floors(outcomes: list[Outcome], schema: "Schema", gate: Gate, margins: Margins) -> dict[str, float]:
    rows = compare(outcomes, outcomes, schema).rows
    return {row.figure: round(row.a - margins.of(row.kind), 4) for row in rows if protected(row, gate)}
