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
