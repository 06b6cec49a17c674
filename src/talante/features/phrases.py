"""Find phrases as `talante.text.mentions` does, compiled, in words that the kernel has split."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talante.features.kernel import (
    CHARACTER,
    SPACE,
    WORD,
    Letters,
    compiled,
    look_up,
    table,
    term_hashes,
    whole_hash,
)
from talante.text.mentions import OPEN_END, PhraseFinder, letter_forms, spelled

_BLANKS, _REST, _END, _APOSTROPHE, _HYPHEN = -1, -2, -3, -4, -5
_PIECES = {" ": _BLANKS, "*": _REST, "'": _APOSTROPHE, "’": _APOSTROPHE, "-": _HYPHEN}
_APOSTROPHES = tuple(map(ord, "'’"))
_HYPHENS = tuple(map(ord, "-‐‑–"))


class Phrases(NamedTuple):
    """A `PhraseFinder` as arrays: phrases have numbers, and so have words, by the table of terms.

    What may begin with word ``w`` is ``listed[listed_at[w]:listed_at[w + 1]]``; with a prefix, looked up in
    ``prefix_slots``, the same of ``prefixed``. The steps that spell phrase ``p`` are
    ``steps[steps_at[p]:steps_at[p + 1]]``: two characters of which the text must have one, or one of the signs above.
    ``label``: the number of its label, -1 if none; ``guard``: which needs, in ``needs``, guard it, -1 if none.
    """

    listed_at: NDArray[np.int32]
    listed: NDArray[np.int32]
    prefix_slots: NDArray[np.uint64]
    prefix_shift: np.uint64
    prefix_lengths: NDArray[np.int64]
    prefixed_at: NDArray[np.int32]
    prefixed: NDArray[np.int32]
    steps_at: NDArray[np.int32]
    steps: NDArray[np.int32]
    label: NDArray[np.int32]
    guard: NDArray[np.int32]
    needs_at: NDArray[np.int32]
    needs: NDArray[np.int32]


def as_arrays(finder: PhraseFinder, labels: Sequence[str], words: Sequence[str], letters: Letters) -> Phrases:
    """Lay out a finder whose phrases have ``labels``, for a table that numbers ``words``, folded.

    Raises ValueError for what the compiled finder cannot: a phrase in which a letter follows a `*`.
    """
    entries = list(dict.fromkeys(e for index in (finder.by_word, finder.by_prefix) for of in index.values() for e in of))
    number = {entry: i for i, entry in enumerate(entries)}
    guards: dict[tuple[str, ...], int] = {}
    for entry in entries:
        if entry.phrase.needs:
            guards.setdefault(entry.phrase.needs, len(guards))
    needs = list(dict.fromkeys(phrase for guard in guards for phrase in guard))
    programs = [_steps(entry.phrase.text) for entry in entries] + [_steps(phrase) for phrase in needs]
    need = {phrase: len(entries) + i for i, phrase in enumerate(needs)}
    prefixes = list(finder.by_prefix)
    slots, shift = table(term_hashes(prefixes, letters))
    listed_at, listed = _rows([[number[e] for e in finder.candidates(word)] for word in words])
    prefixed_at, prefixed = _rows([[number[e] for e in finder.by_prefix[prefix]] for prefix in prefixes])
    steps_at, steps = _rows(programs)
    needs_at, needed = _rows([[need[phrase] for phrase in guard] for guard in guards])
    return Phrases(
        listed_at, listed, slots, shift,
        np.array(sorted({len(prefix) for prefix in prefixes}, reverse=True), dtype=np.int64),
        prefixed_at, prefixed, steps_at, steps.reshape(-1, 2),
        np.array([-1 if e.phrase.label is None else labels.index(e.phrase.label) for e in entries], dtype=np.int32),
        np.array([guards[e.phrase.needs] if e.phrase.needs else -1 for e in entries], dtype=np.int32),
        needs_at, needed,
    )  # fmt: skip


def _rows(rows: Sequence[Sequence[object]]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    at = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int32)
    return at, np.array([value for row in rows for value in row], dtype=np.int32)


def _steps(phrase: str) -> list[tuple[int, int]]:
    text = spelled(phrase)
    if any(a == "*" and (b.isalnum() or b in "_*") for a, b in zip(text, text[1:], strict=False)):
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
        if a == _END:
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
            char = np.int64(accentless[chars[at]] & CHARACTER)
            if a == _APOSTROPHE:
                if char not in _APOSTROPHES:
                    return -1
            elif a == _HYPHEN:
                if char not in _HYPHENS:
                    return -1
            elif char not in (a, b):
                return -1
            at += 1
    return at


@compiled
def _is_met(chars, stop, accentless, start, words, last, phrases, guard):
    """Say whether a text has one of the phrases that a guard needs."""
    for w in range(words, last):
        for i in range(phrases.needs_at[guard], phrases.needs_at[guard + 1]):
            p = phrases.needs[i]
            if _match(chars, start[w], stop, accentless, phrases.steps, phrases.steps_at[p], phrases.steps_at[p + 1]) >= 0:
                return True
    return False


@compiled
def find(chars, stop, folded, accentless, start, end, numbers, words, last, phrases, guards, found, n):
    """Find phrases in the words ``words`` to ``last`` of a text that ends at ``stop``.

    Occurrences are added to ``found``, (…, 3): start, end and label, from row ``n`` on; returns the number of its rows
    then. ``guards``, (guards,), is scratch.
    """
    guards[:] = -1
    done = 0
    for w in range(words, last):
        at = np.int64(start[w])
        if at < done:
            continue
        number = numbers[w]
        if number >= 0:
            for i in range(phrases.listed_at[number], phrases.listed_at[number + 1]):
                p = phrases.listed[i]
                finish = _try(chars, at, stop, accentless, start, words, last, phrases, guards, p)
                if finish >= 0:
                    done = finish
                    n = _add(found, n, at, done, phrases.label[p])
                    break
            continue
        # A word that the table does not know: its beginnings, the longest first
        for length in phrases.prefix_lengths:
            if length > end[w] - at:
                continue
            prefix = look_up(phrases.prefix_slots, phrases.prefix_shift, whole_hash(chars, at, at + length, folded))
            if prefix < 0:
                continue
            for i in range(phrases.prefixed_at[prefix], phrases.prefixed_at[prefix + 1]):
                p = phrases.prefixed[i]
                finish = _try(chars, at, stop, accentless, start, words, last, phrases, guards, p)
                if finish >= 0:
                    done = finish
                    n = _add(found, n, at, done, phrases.label[p])
                    break
            if done > at:
                break
    return n


@compiled
def _try(chars, at, stop, accentless, start, words, last, phrases, guards, p):
    finish = _match(chars, at, stop, accentless, phrases.steps, phrases.steps_at[p], phrases.steps_at[p + 1])
    guard = phrases.guard[p]
    if finish >= 0 and guard >= 0:
        if guards[guard] < 0:
            guards[guard] = _is_met(chars, stop, accentless, start, words, last, phrases, guard)
        if not guards[guard]:
            return -1
    return finish


@compiled
def _add(found, n, start, end, label):
    if label < 0:
        return n
    found[n, 0], found[n, 1], found[n, 2] = start, end, label
    return n + 1
