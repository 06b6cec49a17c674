"""From text to terms: words of two letters or more, and pairs of them."""

import re
from itertools import pairwise

from talante.text.fold import fold

# A mask (text/contexts.py) is one word, and no other word has its brackets.
_WORD = re.compile(r"⟦\w+⟧|\w\w+")


def terms(text: str) -> list[str]:
    """Return the words of a text, case and accents folded, followed by its pairs of neighboring words.

    On text without masks these are the terms of scikit-learn's TfidfVectorizer with
    ``strip_accents="unicode", ngram_range=(1, 2)``.

    >>> terms("El Perú, hoy")
    ['el', 'peru', 'hoy', 'el peru', 'peru hoy']
    """
    words = _WORD.findall(fold(text))
    return words + [f"{a} {b}" for a, b in pairwise(words)]


def placed_terms(text: str) -> list[tuple[str, int, int]]:
    """Return the same terms with the place of each: ``text[start:end]``.

    >>> placed_terms("El Perú")
    [('el', 0, 2), ('peru', 3, 7), ('el peru', 0, 7)]
    """
    words = [(match[0], *match.span()) for match in _WORD.finditer(fold(text))]
    return words + [(f"{a} {b}", start, end) for (a, start, _), (b, _, end) in pairwise(words)]
