"""What a model keeps of each article that it learned from: enough to know it again, and no text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from talante.corpus.article import Stance


@dataclass(frozen=True, slots=True)
class Record:
    """One article that a model learned from.

    ``digest`` changes with the article or its labels. ``fold``: the part of cross-validation that it was in;
    ``topics`` and ``stances``: what a model fitted in the same way, which saw nothing of its group, said of it. These
    are None where nothing was measured.
    """

    id: str
    digest: str
    fold: int | None = None
    topics: frozenset[str] | None = None
    stances: Mapping[str, Stance] | None = None


def records_to_text(records: Sequence[Record]) -> str:
    """Return records as JSON Lines."""
    return "".join(json.dumps(_plain(record), ensure_ascii=False) + "\n" for record in records)


def _plain(record: Record) -> dict[str, Any]:
    plain: dict[str, Any] = {"id": record.id, "digest": record.digest}
    if record.fold is not None:
        plain["fold"] = record.fold
    if record.topics is not None and record.stances is not None:
        plain |= {"topics": sorted(record.topics), "stances": dict(sorted(record.stances.items()))}
    return plain


def records_from_text(text: str) -> tuple[Record, ...]:
    """Read what `records_to_text` wrote."""
    found = []
    for line in text.split("\n")[:-1]:  # an id may hold other line breaks
        plain = json.loads(line)
        topics = plain.get("topics")
        found.append(
            Record(
                plain["id"],
                plain["digest"],
                plain.get("fold"),
                None if topics is None else frozenset(topics),
                plain.get("stances"),
            )
        )
    return tuple(found)
