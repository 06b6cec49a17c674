"""Cut a text where any splitter of sentences would, so that the real one is asked only about what is left in doubt.

nupunkt decides where sentences end (`talante.text.sentences`), and takes longer for it than all the rest of the kernel.
But most ends are in no doubt: a plain word, which is no abbreviation, a full stop, white space, and a plain word with
a capital. The tests hold the outcome to nupunkt's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talante.features.kernel import (
    LETTER,
    SPACE,
    UPPER,
    WORD,
    Letters,
    compiled,
    look_up,
    pair_hash,
    table,
    term_hashes,
    whole_hash,
)
from talante.text.sentences import known_abbreviations, known_pairs

_STOP, _LINE, _COMMA = (ord(c) for c in ".\n,")
_ENDS = tuple(map(ord, ".?!…"))

#: A shorter word may be an initial or the number of a list.
_SHORTEST = 3

#: A longer word is no number of a list, in Roman figures or others, even at the head of a line.
_LONGEST_NUMBER = 6


class Doubts(NamedTuple):
    """Tables of words that do not end a sentence before a full stop, and of pairs that one does not part."""

    abbreviations: NDArray[np.uint64]
    abbreviations_shift: np.uint64
    pairs: NDArray[np.uint64]
    pairs_shift: np.uint64


def doubts(letters: Letters) -> Doubts:
    """Lay out what nupunkt knows. Accents and case are folded, which leaves more in doubt, never less."""
    hashes = (np.unique(term_hashes(sorted(known), letters)) for known in (known_abbreviations(), known_pairs()))
    (abbreviations, a), (pairs, b) = map(table, hashes)
    return Doubts(abbreviations, a, pairs, b)


@compiled
def passage(chars, low, high, at, folded, accentless, doubts):
    """Return start and end of the passage around ``at`` in the text from ``low`` to ``high``, and if it is in doubt.

    One that is not is one sentence. Neither begins or ends with white space.
    """
    first, start, doubt = at, low, False
    i = at - 1
    while i >= low:
        char = chars[i]
        if char == _STOP and _is_sure_end(chars, low, high, i, folded, accentless, doubts):
            start = i + 1
            break
        if char == _LINE and _is_blank_line(chars, low, i - 1, -1, accentless):
            start = i + 1
            break
        doubt |= _may_end(chars, high, i, folded)
        i -= 1
    i = first
    end = high
    last_end = -1
    while i < high:
        char = chars[i]
        if char == _STOP and _is_sure_end(chars, low, high, i, folded, accentless, doubts):
            end = i + 1
            break
        if char == _LINE and _is_blank_line(chars, high, i + 1, 1, accentless):
            end = i
            break
        if _may_end(chars, high, i, folded):
            doubt |= last_end >= 0
            last_end = i
        i += 1
    while end > start and folded[chars[end - 1]] & SPACE:
        end -= 1
    while start < end and folded[chars[start]] & SPACE:
        start += 1
    return start, end, doubt or (0 <= last_end < end - 1)


@compiled
def _may_end(chars, high, i, folded):
    char = chars[i]
    if char not in _ENDS:
        return False
    return i + 1 == high or not folded[chars[i + 1]] & WORD


@compiled
def _is_blank_line(chars, bound, i, step, accentless):
    """Say whether from ``i`` on, towards ``bound``, white space has a line break."""
    while i != bound - (step < 0) and accentless[chars[i]] & SPACE:
        if chars[i] == _LINE:
            return True
        i += step
    return False


@compiled
def _is_sure_end(chars, low, high, stop, folded, accentless, doubts):
    before = stop - 1
    while before >= low and accentless[chars[before]] & LETTER:
        before -= 1
    length = stop - 1 - before
    if length < _SHORTEST or (before >= low and not accentless[chars[before]] & SPACE):
        return False
    if length <= _LONGEST_NUMBER:
        i = before
        while i >= low and chars[i] != _LINE and accentless[chars[i]] & SPACE:
            i -= 1
        if i < low or chars[i] == _LINE:
            return False
    begin = stop + 1
    if begin >= high or not accentless[chars[begin]] & SPACE:
        return False
    while begin < high and accentless[chars[begin]] & SPACE:
        begin += 1
    if begin == high or not accentless[chars[begin]] & UPPER:
        return False
    end = begin
    while end < high and accentless[chars[end]] & LETTER:
        end += 1
    if end == high or not (accentless[chars[end]] & SPACE or chars[end] == _COMMA):
        return False
    word = whole_hash(chars, before + 1, stop, folded)
    if look_up(doubts.abbreviations, doubts.abbreviations_shift, word) >= 0:
        return False
    pair = pair_hash(word, whole_hash(chars, begin, end, folded))
    return look_up(doubts.pairs, doubts.pairs_shift, pair) < 0
