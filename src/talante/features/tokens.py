"""From text to terms: words of two letters or more and pairs of them; for short texts also signs and parts of words."""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from talante.text.fold import fold

# A mask (text/contexts.py) is one word, and no other word has its brackets.
_WORD = re.compile(r"⟦\w+⟧|\w\w+")

# In a short text every sign counts, and #word is not the word.
_WORD_OR_SIGN = re.compile(r"⟦\w+⟧|[#@]?\w+|[^\w\s~·]")

# No word contains either sign: one begins each part of a word, the other stands for the borders of the word.
_PART, _BORDER = "~", "·"
_PART_LENGTHS = range(2, 7)


def terms(text: str, parts: bool = False) -> list[str]:
    """Return the words of a text, case and accents folded, followed by its pairs of neighboring words.

    On text without masks these are the terms of scikit-learn's TfidfVectorizer with
    ``strip_accents="unicode", ngram_range=(1, 2)``. With ``parts`` signs and single letters are words too, and the
    parts of each word follow: all that it has of two to six letters in a row, its borders counted.

    >>> terms("El Perú, hoy")
    ['el', 'peru', 'hoy', 'el peru', 'peru hoy']
    >>> terms("no!", parts=True)
    ['no', '!', 'no !', '~·n', '~no', '~o·', '~·no', '~no·', '~·!', '~!·']
    """
    words = (_WORD_OR_SIGN if parts else _WORD).findall(fold(text))
    found = words + [f"{a} {b}" for a, b in pairwise(words)]
    return found + [part for word in words for part, _, _ in _parts(word)] if parts else found


def placed_terms(text: str, parts: bool = False) -> list[tuple[str, int, int]]:
    """Return the same terms with the place of each: ``text[start:end]``.

    >>> placed_terms("El Perú")
    [('el', 0, 2), ('peru', 3, 7), ('el peru', 0, 7)]
    """
    pattern = _WORD_OR_SIGN if parts else _WORD
    words = [(match[0], *match.span()) for match in pattern.finditer(fold(text))]
    found = words + [(f"{a} {b}", start, end) for (a, start, _), (b, _, end) in pairwise(words)]
    if parts:
        found += [(part, at + start, at + end) for word, at, _ in words for part, start, end in _parts(word)]
    return found


def is_word(term: str) -> bool:
    """Say whether a term is a single word, and not a pair of words or a part of one."""
    return " " not in term and not term.startswith(_PART)


def are_words(listed: Iterable[str]) -> list[bool]:
    """Say so of each of many terms, without a call for each."""
    return [" " not in term and term[:1] != _PART for term in listed]


@lru_cache(100_000)
def _parts(word: str) -> tuple[tuple[str, int, int], ...]:
    if word.startswith("⟦"):
        return ()
    framed = f"{_BORDER}{word}{_BORDER}"
    return tuple(
        (_PART + framed[i : i + n], max(i - 1, 0), min(i - 1 + n, len(word)))
        for n in _PART_LENGTHS
        for i in range(len(framed) - n + 1)
        if n < len(framed)
    )
