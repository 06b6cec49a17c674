"""`talante.corpus.duplicates.sketch` for many texts, compiled."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from talante.corpus.duplicates import NOTHING, SHINGLE, SKETCH
from talante.features.kernel import WORD, as_chars, batches, compiled, letters

_BLANK, _BYTE, _SIX = np.uint32(ord(" ")), np.uint32(0xFF), np.uint32(6)
_CONTINUED, _LOW_SIX = np.uint32(0x80), np.uint32(0x3F)
_ALL = np.uint32(0xFFFFFFFF)


def _remainders() -> NDArray[np.uint32]:
    """Return what each byte does to a CRC-32 (polynomial 0xEDB88320, as in zlib), (256,)."""
    found = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        found = np.where(found & 1, (found >> 1) ^ np.uint32(0xEDB88320), found >> 1).astype(np.uint32)
    return found


_REMAINDERS = _remainders()


def sketches(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Return the sketch of each text, (texts, SKETCH)."""
    found = [np.zeros((0, SKETCH), dtype=np.uint32)]
    for batch in batches(text.lower() for text in texts):
        chars, bounds = as_chars(batch)
        letters().know(chars)
        of_batch = np.full((len(batch), SKETCH), NOTHING, dtype=np.uint32)
        _sketch(chars, bounds, letters().accentless, _REMAINDERS, of_batch)
        found.append(of_batch)
    return np.concatenate(found)


@compiled
def _sketch(chars, bounds, accentless, remainders, sketches):
    # Each word is the last of one run, the middle of the next and the first of the one after: three sums side by side
    for a in range(len(bounds) - 1):
        last, middle, first = _ALL, _ALL, _ALL
        words, kept, inside, stop = 0, 0, False, bounds[a + 1]
        too_short = np.uint32(0)  # the sum of all words, where they are no whole run
        for i in range(bounds[a], stop + 1):
            if i < stop and accentless[chars[i]] & WORD:
                inside = True
                last = _add_char(last, chars[i], remainders)
                middle = _add_char(middle, chars[i], remainders)
                first = _add_char(first, chars[i], remainders)
            elif inside:
                inside = False
                words += 1
                if words >= SHINGLE:
                    kept = _keep(sketches[a], kept, last ^ _ALL)
                else:
                    too_short = (first if words == 1 else middle) ^ _ALL
                last, middle, first = _add(middle, _BLANK, remainders), _add(first, _BLANK, remainders), _ALL
        if words < SHINGLE:
            _keep(sketches[a], kept, too_short)


@compiled
def _add_char(crc, code, remainders):
    """Go on with a CRC-32 by the bytes that a character has in UTF-8."""
    if code < np.uint32(0x80):
        return _add(crc, code, remainders)
    if code < np.uint32(0x800):
        crc = _add(crc, np.uint32(0xC0) | (code >> _SIX), remainders)
    else:
        if code < np.uint32(0x10000):
            crc = _add(crc, np.uint32(0xE0) | (code >> np.uint32(12)), remainders)
        else:
            crc = _add(crc, np.uint32(0xF0) | (code >> np.uint32(18)), remainders)
            crc = _add(crc, _CONTINUED | ((code >> np.uint32(12)) & _LOW_SIX), remainders)
        crc = _add(crc, _CONTINUED | ((code >> _SIX) & _LOW_SIX), remainders)
    return _add(crc, _CONTINUED | (code & _LOW_SIX), remainders)


@compiled
def _add(crc, byte, remainders):
    return remainders[(crc ^ byte) & _BYTE] ^ (crc >> np.uint32(8))


@compiled
def _keep(smallest, kept, value):
    """Put a value among the smallest, which ascend, if it is one and is not there; return how many there are."""
    if kept == SKETCH and value >= smallest[kept - 1]:
        return kept
    place = 0
    while place < kept and smallest[place] < value:
        place += 1
    if place < kept and smallest[place] == value:
        return kept
    kept = min(kept + 1, SKETCH)
    for i in range(kept - 1, place, -1):
        smallest[i] = smallest[i - 1]
    smallest[place] = value
    return kept
