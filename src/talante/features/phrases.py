"""Find phrases as `talante.text.mentions` does, compiled, in words that the kernel has split."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talante.features.kernel import (
    CHARACTER,
    SEED,
    SPACE,
    WORD,
    Letters,
    compiled,
    hash_on,
    look_up,
    mixed,
    table,
    term_hashes,
)
from talante.text.fold import fold
from talante.text.mentions import OPEN_END, Entry, Phrase, PhraseFinder, letter_forms, spelled

_BLANKS, _REST, _END, _APOSTROPHE, _HYPHEN = -1, -2, -3, -4, -5
_PIECES = {" ": _BLANKS, "*": _REST, "'": _APOSTROPHE, "’": _APOSTROPHE, "-": _HYPHEN}
_APOSTROPHES = tuple(map(ord, "'’"))
_HYPHENS = tuple(map(ord, "-‐‑–"))
#: The bits of a hash that are not looked at in ``beginnings``.
_BEGINNING = np.uint64(52)

#: The bits of a letter by which those that phrases begin with are told from most others.
_INITIAL = 31

_AFTER = re.compile(r"\w+\s+(\w)")


class Needs(NamedTuple):
    """The phrases that guarded ones need, by the words that they begin with, as in `Phrases`.

    ``inflected``: those that begin with a prefix, to be tried at every word that the table does not know and that
    begins with one of their ``initials``, a bit for each letter; ``program``: the number that the steps of each are
    listed under; ``guarded``: the guards that each satisfies.
    """

    may_begin: NDArray[np.int32]
    listed_at: NDArray[np.int32]
    listed: NDArray[np.int32]
    inflected: NDArray[np.int32]
    initials: int
    program: NDArray[np.int32]
    guarded_at: NDArray[np.int32]
    guarded: NDArray[np.int32]


class Phrases(NamedTuple):
    """A `PhraseFinder` as arrays: phrases have numbers, and so have words, by the table of terms.

    ``may_begin`` says of each word whether a phrase may begin with it, in the last place of those without a number.
    What may begin with word ``w`` is ``listed[listed_at[w]:listed_at[w + 1]]``; with a prefix, looked up in
    ``prefix_slots``, the same of ``prefixed``. ``prefix_lengths`` says of each length whether a prefix has it,
    ``beginnings`` of the hash of the ``shortest`` first letters whether one may begin with them. The steps that spell
    phrase ``p`` are ``steps[steps_at[p]:steps_at[p + 1]]``: two characters of which the text must have one, or one
    of the signs above. ``follows``: the folded character that must stand behind its first word and a blank, 0 where
    it is one word: most phrases that begin with a frequent word fail there. ``label``: the number of its label, -1
    if none; ``guard``: the number of its guard, -1 if it has none.
    """

    may_begin: NDArray[np.int32]
    listed_at: NDArray[np.int32]
    listed: NDArray[np.int32]
    prefix_slots: NDArray[np.uint64]
    prefix_shift: np.uint64
    prefix_lengths: NDArray[np.bool_]
    shortest: int
    beginnings: NDArray[np.bool_]
    prefixed_at: NDArray[np.int32]
    prefixed: NDArray[np.int32]
    steps_at: NDArray[np.int32]
    steps: NDArray[np.int32]
    follows: NDArray[np.uint32]
    label: NDArray[np.int32]
    guard: NDArray[np.int32]
    needs: Needs


def first_words(finder: PhraseFinder) -> list[str]:
    """Return the words that a table must have for the phrases of a finder."""
    return [*finder.by_word, *_needed(finder).by_word]


def as_arrays(finder: PhraseFinder, labels: Sequence[str], words: Sequence[str], letters: Letters) -> Phrases:
    """Lay out a finder whose phrases have ``labels``, for a table that numbers ``words``, its own among them.

    Raises ValueError for what the compiled finder cannot: a phrase in which a letter follows a `*`.
    """
    entries, needed = _entries(finder), _needed(finder)
    number = {entry: i for i, entry in enumerate(entries)}
    need = {entry: i for i, entry in enumerate(_entries(needed))}
    guards = list(dict.fromkeys(entry.phrase.needs for entry in entries if entry.phrase.needs))
    prefixes = list(finder.by_prefix)
    slots, shift, _ = table(term_hashes(prefixes, letters))
    shortest = min(map(len, prefixes), default=1)
    beginnings = np.zeros(1 << (64 - int(_BEGINNING)), dtype=np.bool_)
    beginnings[term_hashes([prefix[:shortest] for prefix in prefixes], letters) >> _BEGINNING] = True
    inflected = [need[entry] for of in needed.by_prefix.values() for entry in of]
    follows = [_AFTER.match(fold(entry.phrase.text)) for entry in entries]
    return Phrases(
        *_listed([[number[e] for e in finder.candidates(word)] for word in words], bool(prefixes)),
        slots,
        shift,
        np.bincount([len(prefix) for prefix in prefixes], minlength=1) > 0,
        shortest,
        beginnings,
        *_rows([[number[e] for e in finder.by_prefix[prefix]] for prefix in prefixes]),
        *_programs([_steps(entry.phrase.text) for entry in (*entries, *need)]),
        np.array([letters.folded[ord(after[1])] if after else 0 for after in follows], dtype=np.uint32),
        np.array([-1 if e.phrase.label is None else labels.index(e.phrase.label) for e in entries], dtype=np.int32),
        np.array([guards.index(e.phrase.needs) if e.phrase.needs else -1 for e in entries], dtype=np.int32),
        Needs(
            *_listed([[need[e] for e in needed.candidates(word)] for word in words], bool(inflected)),
            np.array(inflected, dtype=np.int32),
            sum({1 << (ord(prefix[0]) & _INITIAL) for prefix in needed.by_prefix}),
            np.arange(len(entries), len(entries) + len(need), dtype=np.int32),
            *_rows([[g for g, phrases in enumerate(guards) if entry.phrase.text in phrases] for entry in need]),
        ),
    )


def _entries(finder: PhraseFinder) -> list[Entry]:
    indexes = (finder.by_word, finder.by_prefix)
    return list(dict.fromkeys(entry for index in indexes for of in index.values() for entry in of))


def _needed(finder: PhraseFinder) -> PhraseFinder:
    return PhraseFinder(Phrase(text, None) for entry in _entries(finder) for text in entry.phrase.needs)


def _listed(
    rows: Sequence[Sequence[int]], others: bool
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """Return which rows hold something, and in the last place ``others``, and `_rows`."""
    at, listed = _rows(rows)
    return np.append(np.diff(at) > 0, others).astype(np.int32), at, listed


def _rows(rows: Sequence[Sequence[object]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    at = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    return at, np.array([value for row in rows for value in row], dtype=np.int32)


def _programs(programs: Sequence[Sequence[tuple[int, int]]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    at, _ = _rows(programs)
    return at, np.array([step for program in programs for step in program], dtype=np.int32).reshape(-1, 2)


def _steps(phrase: str) -> list[tuple[int, int]]:
    text = spelled(phrase)
    if any(a == "*" and (b.isalnum() or b in "_*") for a, b in pairwise(text)):
        raise ValueError(f"'{phrase}' goes on after its *")
    found = []
    for char in text:
        forms = letter_forms(char)
        found.append((_PIECES.get(char, ord(forms[0])), ord(forms[-1])))
    return found if phrase.endswith(OPEN_END) else [*found, (_END, 0)]


@compiled
def _match(chars, at, stop, accentless, steps, first, last):
    """Return where a phrase that begins at ``at`` ends, -1 if it does not stand there."""
    for i in range(first, last):
        a, b = steps[i, 0], steps[i, 1]
        if a >= 0:
            if at == stop:
                return -1
            char = np.int32(accentless[chars[at]] & CHARACTER)
            if char not in (a, b):
                return -1
            at += 1
        elif a == _END:
            if at < stop and accentless[chars[at]] & WORD:
                return -1
        elif a == _REST:
            while at < stop and accentless[chars[at]] & WORD:
                at += 1
        elif at == stop:
            return -1
        elif a == _BLANKS:
            if not accentless[chars[at]] & SPACE:
                return -1
            while at < stop and accentless[chars[at]] & SPACE:
                at += 1
        else:
            char = np.int32(accentless[chars[at]] & CHARACTER)
            if a == _APOSTROPHE:
                if char not in _APOSTROPHES:
                    return -1
            elif char not in _HYPHENS:
                return -1
            at += 1
    return at


@compiled
def _look_for_needs(chars, stop, folded, accentless, start, numbers, words, last, needs, steps_at, steps, guards):
    """Say in ``guards``, (guards,), for each guard whether a text has one of the phrases that it needs."""
    may_begin, listed_at, listed, inflected, initials, program, guarded_at, guarded = needs
    guards[:] = 0
    for w in range(words, last):
        number = numbers[w]
        if not may_begin[number]:
            continue
        if number < 0 and not (initials >> np.int64(folded[chars[start[w]]] & _INITIAL)) & 1:
            continue
        low, high = (listed_at[number], listed_at[number + 1]) if number >= 0 else (0, len(inflected))
        for i in range(low, high):
            need = listed[i] if number >= 0 else inflected[i]
            p = program[need]
            if _match(chars, np.int64(start[w]), stop, accentless, steps, steps_at[p], steps_at[p + 1]) >= 0:
                for j in range(guarded_at[need], guarded_at[need + 1]):
                    guards[guarded[j]] = 1


@compiled
def find(chars, stop, folded, accentless, start, end, numbers, words, last, phrases, guards, tried, found, n):
    """Find phrases in the words ``words`` to ``last`` of a text that ends at ``stop``.

    Occurrences are added to ``found``, (…, 3): start, end and label, from row ``n`` on; returns the number of its rows
    then. ``guards``, (guards,), and ``tried``, (words,), are scratch.
    """
    (
        may_begin, listed_at, listed, prefix_slots, prefix_shift, lengths, shortest, beginnings, prefixed_at, prefixed,
        steps_at, steps, follows, label, guard, needs,
    ) = phrases  # fmt: skip
    guards_are_known = False
    prefixes = np.empty(len(lengths), np.int64)
    done = 0
    # Most words begin none: to leave them out without a branch is faster
    trials = 0
    for w in range(words, last):
        tried[trials] = w
        trials += may_begin[numbers[w]]
    for trial in range(trials):
        w = tried[trial]
        at, finish = np.int64(start[w]), np.int64(end[w])
        if at < done:
            continue
        number = numbers[w]
        if number >= 0:
            known, lists = 1, 1
            low, high = listed_at[number], listed_at[number + 1]
        else:  # a word that the table does not know: its beginnings
            known, lists, low, high = 0, 0, 0, 0
            h = SEED
            for i in range(min(finish - at, len(lengths) - 1)):
                h = hash_on(h, folded[chars[at + i]])
                if i + 1 == shortest and not beginnings[mixed(h) >> _BEGINNING]:
                    break
                if lengths[i + 1]:
                    prefix = look_up(prefix_slots, prefix_shift, mixed(h))
                    if prefix >= 0:
                        prefixes[lists] = prefix
                        lists += 1
        while lists > 0:  # the longest first
            lists -= 1
            if not known:
                low, high = prefixed_at[prefixes[lists]], prefixed_at[prefixes[lists] + 1]
            for i in range(low, high):
                p = listed[i] if known else prefixed[i]
                if follows[p] and finish + 1 < stop:
                    entry = folded[chars[finish + 1]]
                    if entry != follows[p] and not entry & SPACE:
                        continue
                ends = _match(chars, at, stop, accentless, steps, steps_at[p], steps_at[p + 1])
                if ends < 0:
                    continue
                if guard[p] >= 0:
                    if not guards_are_known:
                        _look_for_needs(chars, stop, folded, accentless, start, numbers, words, last, needs, steps_at,
                                        steps, guards)  # fmt: skip
                        guards_are_known = True
                    if not guards[guard[p]]:
                        continue
                done = ends
                if label[p] >= 0:
                    found[n, 0], found[n, 1], found[n, 2] = at, ends, label[p]
                    n += 1
                break
            if done > at:
                break
    return n
