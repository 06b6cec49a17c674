"""The compiled pass over many texts at once: fold, split into words, hash, look up, count, weigh, multiply.

`talante.features.tokens` and `talante.features.tfidf` say in plain Python what is computed here; the tests hold both to
the same numbers. numba compiles these functions when they are first called and keeps the machine code in its cache.
All of them release the GIL, none allocates for each article.

Texts lie one behind the other as code points, ``chars``, (characters,) uint32; text ``a`` is
``chars[bounds[a]:bounds[a + 1]]``. A word is known by a hash of 64 bits, a pair of words by one of both.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from talante.text.fold import fold, fold_accents


def _forget_older_code() -> None:
    """Remove machine code that is older than one of the files that it was compiled from.

    numba looks at the file of a function alone, not at those of the functions that it calls.
    """
    package = Path(__file__).parents[1]
    folders = (package / "features", package / "model")
    newest = max(path.stat().st_mtime for folder in folders for path in folder.glob("*.py"))
    for folder in folders:
        for index in (folder / "__pycache__").glob("*.nbi"):
            with suppress(OSError):  # another process was faster, or the folder cannot be written to
                if index.stat().st_mtime < newest:
                    index.unlink()


_forget_older_code()


def compiled(function: Any) -> Any:
    """Have numba compile a function when it is first called, and keep the machine code where that can be."""
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written to
        return njit(function, nogil=True)


U64 = np.uint64
_PRIME = U64(0x100000001B3)
_SCATTER = U64(0x9E3779B97F4A7C15)
_SPREAD = U64(0xD6E8FEB86659FD93)
SEED = U64(0xCBF29CE484222325)
_HALF = U64(32)

#: A slot of a table: the number of an entry plus one in the lower bits, the lower 40 bits of its hash above. Where it
#: stands says the upper ones, so that two hashes are taken for one in less than 1 of 10^15 look-ups.
_NUMBER_BITS = U64(24)
_NUMBER = U64((1 << 24) - 1)
_PRINT = U64((1 << 40) - 1)

#: The logarithm of the bits that a table has for each slot.
_SPARSE = U64(2)

#: An entry of ``Letters``: a character, and above it what kind of character it is.
CHARACTER = np.uint32((1 << 21) - 1)
WORD, SPACE, UPPER, LETTER, LOWER, BORDER = (np.uint32(1 << bit) for bit in (24, 25, 26, 27, 28, 29))
_WORD_BIT, _SPACE_BIT, _BIT = np.uint32(24), np.uint32(25), np.uint32(1)

#: Signs that may stand at the border of a sentence.
ENDS, LINE = ".?!…", "\n"

_ALL_CHARACTERS = 0x110000
_FILLED = 0x3000  # the scripts of Europe, the Near East and India; others are filled in when they occur


class Letters:
    """What each character becomes: ``folded`` without accents and case, ``accentless`` without accents.

    Both are (code points,) uint32: the character, with its kind in the bits above.
    """

    def __init__(self) -> None:
        # Pages of zeros that nobody touches take no memory
        self.folded = np.zeros(_ALL_CHARACTERS, dtype=np.uint32)
        self.accentless = np.zeros(_ALL_CHARACTERS, dtype=np.uint32)
        self._fill(range(_FILLED))

    def know(self, chars: NDArray[np.uint32]) -> None:
        """Fill in the characters of a text that are not there yet."""
        rare = chars[chars >= _FILLED]
        if len(rare):
            rare = rare[self.folded[rare] == 0]
            self._fill(np.unique(rare).tolist())

    def _fill(self, codes: Iterable[int]) -> None:
        for code in codes:
            char = chr(code)
            self.folded[code] = _entry(fold(char))
            # The kind of the character itself: what is folded is hashed, and must not differ by them
            kind = (UPPER if char.isupper() else 0) | (LOWER if char.islower() else 0)
            kind |= (LETTER if char.isalpha() else 0) | (BORDER if char in ENDS + LINE else 0)
            self.accentless[code] = _entry(fold_accents(char)) | kind


def _entry(char: str) -> np.uint32:
    # The brackets of masks are in no text but those that have masks, and belong to them
    is_word = char.isalnum() or char in "_⟦⟧"
    return np.uint32(ord(char)) | (WORD if is_word else 0) | (SPACE if char.isspace() else 0)


@cache
def letters() -> Letters:
    """Return the letters that all of a process shares."""
    return Letters()


#: Texts are worked on in batches of so many characters, so that what belongs to one stays in the processor's cache.
_BATCH = 100_000


def batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Cut texts into batches that are worked on at once."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def as_chars(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return the code points of texts, one behind the other, and where each begins, (texts + 1,)."""
    chars = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return chars, np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)


def most_words(bounds: NDArray[np.int64]) -> int:
    """Return room for the words of texts: no text has more than half as many as it has characters, rounded up."""
    return int(bounds[-1]) // 2 + len(bounds) + 1


@compiled
def mixed(h):
    """Spread what differs over all bits of a hash."""
    h ^= h >> _HALF
    h *= _SPREAD
    return h ^ (h >> _HALF)


@compiled
def hash_on(h, entry):
    """Go on with the hash of a word, which begins with SEED and ends with `mixed`, by an entry of ``folded``."""
    return (h ^ U64(entry)) * _PRIME


@compiled
def pair_hash(first, second):
    """Return the hash of two neighboring words from theirs."""
    return mixed(first * _SCATTER + second)


@compiled
def split_words(chars, bounds, folded, start, end, hashes, first, spaced):
    r"""Find the words (`\w+`) of texts and hash them; return how many there are.

    Those of text ``a`` are ``first[a]`` to ``first[a + 1]`` in ``start``, ``end`` (int32, one place more than words)
    and ``hashes``, which `number_words` completes; ``spaced[a]``: how many pieces white space divides the text into.
    """
    # Without a branch in the inner loop, which a processor would guess wrong at every end of a word: each character
    # is hashed and each place written, and only the end of a word moves on to the next one
    one, n = U64(1), U64(0)
    for a in range(len(bounds) - 1):
        first[a] = n
        h, inside, begin, pieces, apart = SEED, U64(0), U64(0), U64(0), one
        for i in range(U64(bounds[a]), U64(bounds[a + 1])):
            entry = folded[chars[i]]
            word, space = U64((entry >> _WORD_BIT) & _BIT), U64((entry >> _SPACE_BIT) & _BIT)
            hashes[n] = h
            end[n] = i
            n += inside & (one - word)
            h = ((h if word else SEED) ^ U64(entry)) * _PRIME if word else SEED
            begin = begin if inside else i
            start[n] = begin
            pieces += apart & (one - space)
            apart = space
            inside = word
        hashes[n] = h
        end[n] = U64(bounds[a + 1])
        n += inside
        spaced[a] = pieces
    first[len(bounds) - 1] = n
    return np.int64(n)


@compiled
def number_words(hashes, words, slots, shift, numbers):
    """Complete the hashes of the first ``words`` words, and look up their ``numbers``, -1 where there is none."""
    for i in range(U64(words)):
        h = mixed(hashes[i])
        hashes[i] = h
        numbers[i] = look_up(slots, shift, h)


@compiled
def look_up(slots, shift, h):
    """Return the number that a table has for a hash, -1 if none."""
    place = h >> shift
    last = U64(len(slots) - 1)
    while True:
        slot = slots[place]
        if slot == U64(0):
            return np.int64(-1)
        if (slot >> _NUMBER_BITS) == (h & _PRINT):
            return np.int64(slot & _NUMBER) - 1
        place = (place + U64(1)) & last


@compiled
def number_pairs(hashes, first, last, slots, shift, known, numbers, scratch, kept):
    """Look up the ``numbers`` of the pairs that each of the words from ``first`` on makes with the next one.

    ``scratch`` and ``kept`` are room for as many words.
    """
    # Few pairs are terms: bits that fit into the nearest cache leave out most of the others, without a branch
    n = 0
    for w in range(first, last - 1):
        h = pair_hash(hashes[w], hashes[w + 1])
        scratch[w] = h
        numbers[w] = -1
        kept[n] = w
        bit = h >> (shift - _SPARSE)
        n += np.int64((known[bit >> U64(6)] >> (bit & U64(63))) & U64(1))
    for i in range(n):
        w = kept[i]
        numbers[w] = look_up(slots, shift, scratch[w])


class Table(NamedTuple):
    """Hashes and their numbers, for `look_up`; ``known`` has four bits for each slot, of which few are set."""

    slots: NDArray[np.uint64]
    shift: np.uint64
    known: NDArray[np.uint64]


def table(hashes: NDArray[np.uint64]) -> Table:
    """Make a table in which each hash has its index for a number; at most half full, so that a look-up is short.

    Raises ValueError when two hashes are equal or there are more than 2^24 of them.
    """
    if len(hashes) >= int(_NUMBER) or len(np.unique(hashes)) != len(hashes):
        raise ValueError("too many terms for a table, or two of the same hash")
    bits = max(4, int(2 * len(hashes)).bit_length())
    slots = np.zeros(1 << bits, dtype=np.uint64)
    shift = U64(64 - bits)
    known = np.zeros((len(slots) << int(_SPARSE)) // 64, dtype=np.uint64)
    _insert(slots, shift, known, hashes)
    return Table(slots, shift, known)


@compiled
def _insert(slots, shift, known, hashes):
    last = U64(len(slots) - 1)
    for i in range(len(hashes)):
        place = hashes[i] >> shift
        while slots[place] != U64(0):
            place = (place + U64(1)) & last
        bit = hashes[i] >> (shift - _SPARSE)
        known[bit >> U64(6)] |= U64(1) << (bit & U64(63))
        slots[place] = ((hashes[i] & _PRINT) << _NUMBER_BITS) | U64(i + 1)


def term_hashes(terms: Sequence[str], letters: Letters) -> NDArray[np.uint64]:
    """Return the hash of each term: a word, or two with a blank between."""
    words: dict[str, int] = {}
    numbers = [[words.setdefault(word, len(words)) for word in term.split(" ")] for term in terms]
    first = np.array([of[0] for of in numbers], dtype=np.int64)
    second = np.array([of[1] if len(of) > 1 else -1 for of in numbers], dtype=np.int64)
    chars, bounds = as_chars(list(words))
    letters.know(chars)
    hashes = np.zeros(len(terms), dtype=np.uint64)
    _hash_terms(chars, bounds, letters.folded, first, second, hashes)
    return hashes


@compiled
def _hash_terms(chars, bounds, folded, first, second, hashes):
    for i in range(len(hashes)):
        hashes[i] = whole_hash(chars, bounds[first[i]], bounds[first[i] + 1], folded)
        if second[i] >= 0:
            hashes[i] = pair_hash(hashes[i], whole_hash(chars, bounds[second[i]], bounds[second[i] + 1], folded))


@compiled
def whole_hash(chars, start, end, folded):
    """Return the hash of the word ``chars[start:end]``, as `number_words` completes it."""
    h = SEED
    for i in range(start, end):
        h = hash_on(h, folded[chars[i]])
    return mixed(h)


@compiled
def count(counts, met, n, number):
    """Count a term; return the number of different ones, the first ``n`` of which are in ``met``.

    What has number -1 is counted in the last place: a branch that leaves it out would cost more than that.
    """
    met[n] = number
    n += np.int64(counts[number] == 0)
    counts[number] += 1
    return n


class Distinct(NamedTuple):
    """The different terms of texts and how often each text has them.

    ``terms``: their spelling, UTF-8, joined by line breaks; ``hashes``, (terms,). The counts are a matrix in compressed
    rows: ``times`` and ``columns``, (counts,), and ``row_at``, (texts + 1,).
    """

    terms: bytes
    hashes: NDArray[np.uint64]
    times: NDArray[np.int32]
    columns: NDArray[np.int32]
    row_at: NDArray[np.int64]


def count_terms(texts: Sequence[str], letters: Letters) -> Distinct:
    """Count the words and pairs of words of texts: what `talante.features.tokens.terms` returns, masks included."""
    # Only behind a mask may a word follow without anything between
    chars, bounds = as_chars([text.replace("⟧", "⟧ ") if "⟧" in text else text for text in texts])
    letters.know(chars)
    size = most_words(bounds)
    start, end = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    hashes = np.zeros(size, dtype=np.uint64)
    first, spaced = np.zeros(len(texts) + 1, dtype=np.int64), np.zeros(len(texts) + 1, dtype=np.int64)
    split_words(chars, bounds, letters.folded, start, end, hashes, first, spaced)
    words = _terms_only(start, end, hashes, first)
    row_at = np.zeros(len(texts) + 1, dtype=np.int64)
    bits = max(4, int(4 * words).bit_length())
    slots, keys = np.zeros(1 << bits, dtype=np.uint32), np.zeros(2 * words, dtype=np.uint64)
    place, times = np.zeros((2 * words, 2), dtype=np.int32), np.zeros(2 * words, dtype=np.int32)
    columns = np.zeros(2 * words, dtype=np.int32)
    distinct, counts = _count_rows(hashes, first, slots, U64(64 - bits), keys, place, times, columns, row_at)
    spelled = np.zeros(_spelled_size(start, end, place, distinct), dtype=np.uint8)
    length = _spell(chars, letters.folded, start, end, place, distinct, spelled)
    return Distinct(spelled[: max(length - 1, 0)].tobytes(), keys[:distinct], times[:counts], columns[:counts], row_at)


@compiled
def _terms_only(start, end, hashes, first):
    """Complete the hashes of words and leave out those of one letter, which are no terms; return how many are left."""
    n = 0
    for a in range(len(first) - 1):
        low, high = first[a], first[a + 1]
        first[a] = n
        for w in range(low, high):
            start[n], end[n], hashes[n] = start[w], end[w], mixed(hashes[w])
            n += np.int64(end[n] - start[n] > 1)
    first[len(first) - 1] = n
    return n


@compiled
def _count_rows(hashes, first, slots, shift, keys, place, times, columns, row_at):
    """Count the terms of texts, numbered as they come; return how many there are, and how many counts."""
    row, at = np.full(len(keys), -1, dtype=np.int32), np.zeros(len(keys), dtype=np.int32)
    distinct, n, last = 0, 0, U64(len(slots) - 1)
    for a in range(len(first) - 1):
        for w in range(first[a], first[a + 1]):
            for is_pair in range(2 if w + 1 < first[a + 1] else 1):
                h = pair_hash(hashes[w], hashes[w + 1]) if is_pair else hashes[w]
                slot = h >> shift
                while slots[slot] != 0 and keys[slots[slot] - 1] != h:
                    slot = (slot + U64(1)) & last
                term = np.int64(slots[slot]) - 1
                if term < 0:
                    term = distinct
                    distinct += 1
                    slots[slot] = distinct
                    keys[term] = h
                    place[term, 0], place[term, 1] = w, w + is_pair
                if row[term] != a:
                    row[term], at[term] = a, n
                    columns[n], times[n] = term, 0
                    n += 1
                times[at[term]] += 1
        row_at[a + 1] = n
    return distinct, n


@compiled
def _spelled_size(start, end, place, distinct):
    size = 0
    for term in range(distinct):
        for w in range(place[term, 0], place[term, 1] + 1):
            size += 4 * (end[w] - start[w]) + 1
    return size


@compiled
def _spell(chars, folded, start, end, place, distinct, out):
    """Write terms as UTF-8, a line break behind each; return the number of bytes."""
    n = 0
    for term in range(distinct):
        for w in range(place[term, 0], place[term, 1] + 1):
            for i in range(start[w], end[w]):
                code = folded[chars[i]] & CHARACTER
                if code < 0x80:
                    out[n] = code
                    n += 1
                    continue
                more = 1 if code < 0x800 else 2 if code < 0x10000 else 3
                out[n] = (0xFF << (7 - more)) & 0xFF | (code >> np.uint32(6 * more))
                for k in range(more - 1, -1, -1):
                    n += 1
                    out[n] = 0x80 | (code >> np.uint32(6 * k)) & 0x3F
                n += 1
            out[n] = 0x20 if w < place[term, 1] else 0x0A
            n += 1
    return n


def new_buckets(terms: int) -> NDArray[np.uint16]:
    """Return buckets for so many terms, counting each part's: as many as there are different ones, about."""
    return np.zeros(1 << min(28, max(10, int(terms).bit_length())), dtype=np.uint16)


@compiled
def add_to_buckets(keys, articles, buckets):
    """Add to the bucket of each term the articles that it occurs in; no bucket holds more than 65,535."""
    last = len(buckets) - 1
    for i in range(len(keys)):
        bucket = np.int64(keys[i] & U64(last))
        buckets[bucket] = min(np.int64(buckets[bucket]) + articles[i], 65535)


@compiled
def in_full_buckets(keys, buckets, least):
    """Say for each term whether its bucket has ``least`` articles: where it has not, neither has the term."""
    last = len(buckets) - 1
    full = np.zeros(len(keys), dtype=np.bool_)
    for i in range(len(keys)):
        full[i] = buckets[np.int64(keys[i] & U64(last))] >= min(least, 65535)
    return full
