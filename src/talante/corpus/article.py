"""The one document type: what every reader yields and every later step takes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Stance = Literal["against", "neutral", "favor"]

#: The stances in their fixed order; index in this tuple = class number in every model.
STANCES: tuple[Stance, ...] = get_args(Stance)

Format = Literal["plain", "markdown", "html"]


@dataclass(frozen=True, slots=True)
class Article:
    """One article, with its labels where it has been annotated.

    ``topics`` and ``stances`` are None where nobody annotated them and empty where an annotator found
    none. A target absent from ``stances`` is not addressed. What two annotators disagreed on stands in
    ``disputed_topics`` and ``disputed_stances`` and is scored neither way.
    """

    id: str
    text: str
    title: str = ""
    lang: str = ""
    format: Format = "plain"
    date: str = ""
    outlet: str = ""
    author: str = ""
    url: str = ""
    genre: str = ""
    group: str = ""
    origin: str = ""
    topics: frozenset[str] | None = None
    stances: Mapping[str, Stance] | None = None
    disputed_topics: frozenset[str] = frozenset()
    disputed_stances: frozenset[str] = frozenset()
    place: str = ""
    """Where it was read, as `file` or `file:line`; messages begin with it."""
    unknown: Mapping[str, object] = field(default_factory=dict)
    """Fields of the record that talante has no use for."""
    _digest: str = field(default="", init=False, repr=False, compare=False)

    @property
    def held_out_group(self) -> str:
        """Name what must not be split between training and test: group, else outlet, else author, else id."""
        return self.group or self.outlet or self.author or self.id

    @property
    def digest(self) -> str:
        """Return 16 hexadecimal digits that change with what a model learns from, and with nothing else.

        Outlet and author count only where they name the held-out group; date, url, genre and origin never do.
        """
        if not self._digest:  # it is asked for again and again
            object.__setattr__(self, "_digest", self._digested())
        return self._digest

    def _digested(self) -> str:
        told = {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name in _LEARNED_FROM
            if (value := getattr(self, name))
            or isinstance(value, (frozenset, dict))  # annotated as none is not the same as not annotated
        }
        data = json.dumps(told, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(data.encode("utf-8", "surrogatepass")).hexdigest()[:16]


_LEARNED_FROM = (
    "id", "text", "title", "lang", "held_out_group", "topics", "stances", "disputed_topics", "disputed_stances",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input that could not become an article; it keeps its place in the output as a row with an error."""

    id: str
    error: str
