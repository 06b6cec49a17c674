"""Where the text of a cleaned article stands in what was given: cleaning drops lines and changes characters."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from talante.corpus.article import Article
from talante.text.clean import plain


@dataclass(frozen=True, slots=True)
class Place:
    """A span of the given title or text."""

    field: Literal["title", "text"]
    start: int
    end: int


class Origin:
    """Finds spans of `full_text(cleaned)` in the given article.

    For HTML and Markdown, whose text is not a part of what was given, the places are in the title and text of
    ``cleaned`` instead; ``article`` is the one that they are in.
    """

    def __init__(self, given: Article, cleaned: Article) -> None:
        self.article = given if given.format == "plain" else cleaned
        in_title = _Letters(self.article.title) if plain(self.article.title).strip() else None
        in_text = _Letters(self.article.text)
        self._places: list[Place | None] = []
        if cleaned.title:
            self._places += in_title.line(cleaned.title, "title") if in_title else in_text.line(cleaned.title, "text")
            self._places += [None, None] if cleaned.text else []
        for number, line in enumerate(cleaned.text.split("\n")):
            self._places += [None] if number else []
            self._places += in_text.line(line, "text")

    def place(self, start: int, end: int) -> Place:
        """Return the place of a span that begins and ends with a character that is not blank."""
        first, last = self._places[start], self._places[end - 1]
        assert first and last
        return Place(first.field, first.start, last.end)


class _Letters:
    """The lines of a given text, read once from top to bottom."""

    def __init__(self, text: str) -> None:
        self._lines = iter(_lines(text))

    def line(self, cleaned: str, field: Literal["title", "text"]) -> list[Place | None]:
        """Return the place of each character of a line that was kept; None for blanks."""
        letters = "".join(cleaned.split())
        if not letters:
            return [None] * len(cleaned)
        # What was kept are whole lines, in their order, so the next equal line is the one
        found = iter(next(places for line, places in self._lines if line == letters))
        return [None if char.isspace() else Place(field, *next(found)) for char in cleaned]


def _lines(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield each line without its blanks as `plain` makes it, and the span of each of its characters in ``text``."""
    letters: list[str] = []
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        end = start + 1
        # A letter and its combining marks become one character
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        piece = plain(text[start:end])
        if "\n" in piece:
            yield "".join(letters), spans
            letters, spans = [], []
        for char in piece:
            if not char.isspace():
                letters.append(char)
                spans.append((start, end))
        start = end
    yield "".join(letters), spans
