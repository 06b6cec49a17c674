"""Where sentences begin and end."""

import re
from functools import cache
from typing import Any

_BLOCK = re.compile(r"\S.*(?:\n(?!\s*\n).*)*")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the character span of each sentence, in order; spans cover all that is not blank.

    A blank line always ends a sentence: titles and list entries have no full stop.
    """
    return [span for block in _BLOCK.finditer(text) for span in spans_in_block(block.group(), block.start())]


def spans_in_block(block: str, start: int = 0) -> list[tuple[int, int]]:
    """Do the same for a text without a blank line that begins at ``start`` of another."""
    spans = []
    for begin, end in _splitter().span_tokenize(block):
        inside = block[begin:end]
        bare = inside.strip()
        if bare:
            begin += start + len(inside) - len(inside.lstrip())
            spans.append((begin, begin + len(bare)))
    return spans


@cache
def _splitter() -> Any:
    import nupunkt

    return nupunkt.load("default")


def doubtful_words() -> set[str]:
    """Return the words, in lower case, behind which a full stop need not end a sentence: abbreviations for the most."""
    splitter = _splitter()
    return {*splitter.abbreviations, *(first for first, _ in splitter.parameters.collocations)}


def abbreviations() -> tuple[set[str], set[str]]:
    """Return the abbreviations of Latin letters without accents, in lower case, and those of them that are titles.

    A full stop behind one ends no sentence when a small letter follows; behind a title, such as `mr`, nor when a
    capital does; and never behind a single letter.
    """
    splitter = _splitter()
    known = {word for word in splitter.abbreviations if word.isascii() and word.replace(".", "").isalpha()}
    # Not public: without it more is asked of nupunkt, and the outcome is the same
    return known, known & set(getattr(splitter, "_TITLE_ABBREVS", ()))
