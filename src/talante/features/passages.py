"""Cut a text where any splitter of sentences would, so that the real one is asked only about what is left in doubt.

nupunkt decides where sentences end (`talante.text.sentences`), and takes longer for it than all the rest of the kernel.
But most ends are in no doubt: a plain word, which is no abbreviation, a full stop, white space, and a plain word with
a capital. The tests hold the outcome to nupunkt's.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talante.features.kernel import (
    BORDER,
    ENDS,
    LETTER,
    LINE,
    LOWER,
    SPACE,
    UPPER,
    WORD,
    Letters,
    compiled,
    look_up,
    table,
    term_hashes,
    whole_hash,
)
from talante.text.sentences import abbreviations, doubtful_words, spans_in_block

_STOP, _LINE, _BLANK = map(ord, (".", LINE, " "))
_ZERO, _NINE = map(ord, "09")
_LAST_ASCII = 127
_ENDS, _CALLS = tuple(map(ord, ENDS)), tuple(map(ord, "?!"))
_CLOSING, _OPENING = tuple(map(ord, "\"')”’»")), tuple(map(ord, '“«¿¡("'))

#: Behind a word at the head of a passage, these may make a number of a list of it.
_AFTER_NUMBER = tuple(map(ord, ".)"))

#: A letter alone may be an initial or the number of a list.
_SHORTEST = 2

#: A longer word is no number of a list, in Roman figures or others, even at the head of a line.
_LONGEST_NUMBER = 6


class Doubts(NamedTuple):
    """A table of the words that need not end a sentence before a full stop, and one of abbreviations.

    The first ``titles`` of these are such as `Mr`.
    """

    slots: NDArray[np.uint64]
    shift: np.uint64
    short_slots: NDArray[np.uint64]
    short_shift: np.uint64
    titles: int


@cache
def doubts(letters: Letters) -> Doubts:
    """Lay out what nupunkt knows. Accents and case are folded, which leaves more in doubt, never less."""
    known, titles = abbreviations()
    short = [*sorted(titles), *sorted(known - titles)]
    return Doubts(
        *table(np.unique(term_hashes(sorted(doubtful_words()), letters)))[:2],
        *table(term_hashes(short, letters))[:2],
        len(titles),
    )


def sentences_in(
    texts: Sequence[str], bounds: NDArray[np.int64], passages: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sentences of passages, (sentences, 2), and where those of each text begin among them, (texts + 1,)."""
    at, spans = bounds.tolist(), []
    number = [0] * (len(texts) + 1)
    for a, start, end, unsure in passages.tolist():
        if unsure:
            low = at[a]
            found = spans_in_block(texts[a][start - low : end - low], start)
            spans += found
            number[a + 1] += len(found)
        else:
            spans.append((start, end))
            number[a + 1] += 1
    return np.array(spans, dtype=np.int64).reshape(-1, 2), np.cumsum(number)


@compiled
def find_passages(chars, bounds, folded, accentless, doubts, mentions, mention_at, passages):
    """Find the `passage` of every mention, each passage once; return how many there are.

    ``mentions``: of text ``a`` those from ``mention_at[a]`` to ``mention_at[a + 1]``, their start in the first column.
    The passages go into ``passages``: text, start, end and whether it is in doubt.
    """
    n = 0
    for a in range(len(bounds) - 1):
        done = bounds[a] - 1
        for i in range(mention_at[a], mention_at[a + 1]):
            if mentions[i, 0] >= done:
                at = mentions[i, 0]
                start, end, doubt = passage(chars, bounds[a], bounds[a + 1], at, folded, accentless, doubts)
                passages[n, 0], passages[n, 1], passages[n, 2], passages[n, 3] = a, start, end, doubt
                n += 1
                done = end
    return n


@compiled
def passage(chars, low, high, at, folded, accentless, doubts):
    """Return start and end of the passage around ``at`` in the text from ``low`` to ``high``, and if it is in doubt.

    ``at`` is in a word. A passage that is not in doubt is one sentence. Neither begins nor ends with white space.
    """
    start, doubt = low, False
    i = at - 1
    while i >= low:
        char = chars[i]
        if not accentless[char] & BORDER:
            i -= 1
            continue
        if char in _ENDS and _may_end(chars, low, high, i, accentless, folded, doubts):
            sure = _sure_end(chars, low, high, i, accentless, folded, doubts)
            if sure > 0:
                start = sure
                break
            doubt = True
        if char == _LINE and _has_line_break(chars, i - 1, low - 1, -1, accentless):
            start = i + 1
            break
        i -= 1
    i, end, last_end = at, high, -1
    while i < high:
        char = chars[i]
        if not accentless[char] & BORDER:
            i += 1
            continue
        if char in _ENDS and _may_end(chars, low, high, i, accentless, folded, doubts):
            sure = _sure_end(chars, low, high, i, accentless, folded, doubts)
            if sure > 0:
                end = sure
                break
            doubt |= last_end >= 0
            last_end = i
        if char == _LINE and _has_line_break(chars, i + 1, high, 1, accentless):
            end = i
            break
        i += 1
    while end > start and accentless[chars[end - 1]] & SPACE:
        end -= 1
    while start < end and accentless[chars[start]] & SPACE:
        start += 1
    return start, end, doubt or (last_end >= 0 and (last_end < end - 1 or (i < high and chars[i] in _ENDS)))


@compiled
def _may_end(chars, low, high, i, accentless, folded, doubts):
    """Say whether the sign at ``i`` may end a sentence: not in a word, and not behind an abbreviation amid one."""
    if i + 1 == high:
        return True
    if folded[chars[i + 1]] & WORD:
        return False
    return chars[i] != _STOP or not _goes_on(chars, low, high, i, accentless, folded, doubts)


@compiled
def _goes_on(chars, low, high, stop, accentless, folded, doubts):
    """Say whether an abbreviation ends with the full stop at ``stop`` and its sentence surely goes on."""
    begin = stop + 1
    while begin < high and chars[begin] == _BLANK:
        begin += 1
    if begin == stop + 1 or begin == high:
        return False
    before = stop - 1
    while before >= low and (chars[before] == _STOP or accentless[chars[before]] & LETTER):
        if chars[before] > _LAST_ASCII:  # of those with accents, which are folded, none is in the table
            return False
        before -= 1
    if before + 1 == stop or chars[before + 1] == _STOP or (before >= low and not accentless[chars[before]] & SPACE):
        return False
    number = look_up(doubts.short_slots, doubts.short_shift, whole_hash(chars, before + 1, stop, folded))
    if number < 0:
        return False
    kind = accentless[chars[begin]]
    if kind & LOWER:
        return True
    return kind & UPPER and (number < doubts.titles or stop - before == 2)


@compiled
def _has_line_break(chars, i, bound, step, accentless):
    """Say whether from ``i`` on, until ``bound``, white space has a line break."""
    while i != bound and accentless[chars[i]] & SPACE:
        if chars[i] == _LINE:
            return True
        i += step
    return False


@compiled
def _sure_end(chars, low, high, stop, accentless, folded, doubts):
    """Return where a sentence surely ends, with the sign at ``stop`` and what closes behind it, -1 if in doubt."""
    last = stop
    while last > low and chars[stop] == _STOP and chars[last - 1] in _CLOSING:
        last -= 1
    before = last - 1
    while before >= low and accentless[chars[before]] & LETTER:
        before -= 1
    length = last - 1 - before
    if length < _SHORTEST:
        return -1
    if before >= low and not accentless[chars[before]] & SPACE and (last == stop or chars[before] not in _OPENING):
        return -1
    end = stop + 1
    if chars[stop] == _STOP:
        if length <= _LONGEST_NUMBER:
            i = before
            while i >= low and chars[i] != _LINE and accentless[chars[i]] & SPACE:
                i -= 1
            if i < low or chars[i] == _LINE:
                return -1
        while end < high and chars[end] in _CLOSING:
            end += 1
    elif chars[stop] not in _CALLS:
        return -1
    begin = end
    while begin < high and accentless[chars[begin]] & SPACE:
        begin += 1
    if begin == end or (chars[stop] != _STOP and begin > end + 1):
        return -1
    if begin < high and chars[stop] == _STOP and chars[begin] in _OPENING:
        begin += 1
    if begin >= high:
        return -1
    is_number = chars[stop] == _STOP and last == stop and _ZERO <= chars[begin] <= _NINE
    if not is_number and not accentless[chars[begin]] & UPPER:
        return -1
    i = begin
    while i < high and accentless[chars[i]] & WORD:
        i += 1
    if i < high and chars[i] in _AFTER_NUMBER:
        return -1
    if look_up(doubts.slots, doubts.shift, whole_hash(chars, before + 1, last, folded)) >= 0:
        return -1
    return end
