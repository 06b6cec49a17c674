"""Where the text of a cleaned article stands in what was given: cleaning drops lines and changes characters."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from talante.corpus.article import Article
from talante.text.clean import plain

Field = Literal["title", "text"]
Letters = list[tuple[str, tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Place:
    """A span of the given title or text."""

    field: Field
    start: int
    end: int


class Origin:
    """Finds spans of `full_text(cleaned)` in the given article.

    Where the text is not a part of what was given, as with HTML and Markdown, the places are in the title and text of
    ``cleaned`` instead; ``article`` is the one that they are in.
    """

    def __init__(self, given: Article, cleaned: Article) -> None:
        places = _places(given, cleaned) if given.format == "plain" else None
        self.article = cleaned if places is None else given
        self._places = places or _places(cleaned, cleaned) or []

    def place(self, start: int, end: int) -> Place:
        """Return the place of a span that begins and ends with a character that is not blank.

        Of one that begins in the title and ends in the text only what is in the title.
        """
        inside = [place for place in self._places[start:end] if place]
        first = inside[0]
        return Place(first.field, first.start, max(place.end for place in inside if place.field == first.field))


def _places(given: Article, cleaned: Article) -> list[Place | None] | None:
    """Return the place of each character of `full_text(cleaned)`, None for blanks; or None where a line is missing."""
    title = [letter for line in _lines(given.title) for letter in line]
    lines = _lines(given.text)
    kept = cleaned.text.split("\n") if cleaned.text else []
    found: list[Place | None] | None = []
    if cleaned.title:
        name = _bare(cleaned.title)
        if not title:
            found = _line(cleaned.title, lines, "text")
        elif _joined(title) == name:
            found = _line(cleaned.title, iter([title]), "title")
            # Once more at the head of the text it was dropped there
            if sum(_joined(line) == name for line in _lines(given.text)) > sum(_bare(line) == name for line in kept):
                _line(cleaned.title, lines, "text")
        else:
            return None
        if found is not None and kept:
            found += [None, None]
    for number, line in enumerate(kept):
        places = _line(line, lines, "text")
        if found is None or places is None:
            return None
        found += [None] * (number > 0) + places
    return found


def _line(cleaned: str, lines: Iterator[Letters], field: Field) -> list[Place | None] | None:
    """Return the place of each character of a line that was kept: what was kept are whole lines, in their order."""
    bare = _bare(cleaned)
    if not bare:
        return [None] * len(cleaned)
    letters = next((line for line in lines if _joined(line) == bare), None)
    if letters is None:
        return None
    spans = (span for _, span in letters)
    return [None if char.isspace() else Place(field, *next(spans)) for char in cleaned]


def _lines(text: str) -> Iterator[Letters]:
    """Yield each line without its blanks as `plain` makes it, each character with its span in ``text``."""
    letters: Letters = []
    start = 0
    while start < len(text):
        end = start + 1
        # A letter, its marks, and what is invisible among them become one character
        while end < len(text) and (unicodedata.combining(text[end]) or len(plain(text[start : end + 1])) <= 1):
            end += 1
        piece = plain(text[start:end])
        if "\n" in piece:
            yield letters
            letters = []
        letters += [(char, (start, end)) for char in piece if not char.isspace()]
        start = end
    yield letters


def _joined(letters: Letters) -> str:
    return "".join(letter for letter, _ in letters)


def _bare(text: str) -> str:
    return "".join(text.split())
