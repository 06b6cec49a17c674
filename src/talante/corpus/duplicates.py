"""Texts that are the same, or nearly, and runs of words that two texts share."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from zlib import crc32

#: Two texts that share this part of their three-word runs (Jaccard) are the same article with changes.
NEAR_DUPLICATE = 0.5

#: Two articles written apart do not share so many words in a row, names and fixed phrases left aside.
REPEATED_WORDS = 10

#: Words of a run.
SHINGLE = 3

_PERMUTATIONS, _BANDS = 126, 42  # finds a pair at the threshold with probability 0.996, nearer ones with more


def near_duplicates(texts: Sequence[str]) -> list[tuple[int, int, float]]:
    """Return (earlier, later, similarity) of each pair of near-duplicates, in order of the later one.

    Candidates by MinHash (Broder 1997) and locality-sensitive hashing; each is then compared in full, so that no
    pair below `NEAR_DUPLICATE` is returned.
    """
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(NEAR_DUPLICATE, _PERMUTATIONS, _BANDS)
    found = []
    for later, text in enumerate(texts):
        shingles = _runs(text, SHINGLE)
        sketch = RMinHash(num_perm=_PERMUTATIONS, seed=0)
        sketch.update(shingles)
        for earlier in sorted(index.query(sketch)):
            similarity = _jaccard(set(shingles), set(_runs(texts[earlier], SHINGLE)))
            if similarity >= NEAR_DUPLICATE:
                found.append((earlier, later, similarity))
        index.insert(later, sketch)
    return found


def repeated_runs(texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Yield (earlier, later, words) once for each pair of texts that share `REPEATED_WORDS` words in a row."""
    first: dict[str, int] = {}
    for later, text in enumerate(texts):
        met = set()
        for run in _runs(text, REPEATED_WORDS):
            earlier = first.setdefault(run, later)
            if earlier != later and earlier not in met:
                met.add(earlier)
                yield earlier, later, run


#: Hashes kept of a text in a sketch, and how many two texts must share of their smallest to be the same with changes.
SKETCH, _SHARED = 32, 16

#: Stands where a text has fewer runs of words.
NOTHING = 0xFFFFFFFF


def sketch(text: str) -> list[int]:
    """Return the SKETCH smallest hashes of a text's three-word runs, ascending: enough to know it again.

    Two texts share about as many of the smallest of both as they share runs (bottom-k sketch, Cohen & Kaplan 2007).
    """
    smallest = sorted({crc32(run.encode()) for run in _runs(text, SHINGLE)})[:SKETCH]
    return smallest + [NOTHING] * (SKETCH - len(smallest))


def known_texts(texts: Sequence[str], sketches: Sequence[Sequence[int]]) -> list[int]:
    """Return the numbers of the texts that nearly equal one of those that ``sketches`` were made of."""
    having: dict[int, list[int]] = {}
    for number, smallest in enumerate(sketches):
        for value in smallest:
            having.setdefault(value, []).append(number)
    found = []
    for number, text in enumerate(texts):
        own = [value for value in sketch(text) if value != NOTHING]
        met = Counter(other for value in own for other in having.get(value, ()))
        for other, _ in met.most_common(3):
            theirs = {value for value in sketches[other] if value != NOTHING}
            of_both = sorted({*own, *theirs})[: min(SKETCH, len(own), len(theirs)) or 1]
            if sum(v in theirs and v in own for v in of_both) >= len(of_both) * _SHARED / SKETCH:
                found.append(number)
                break
    return found


def _runs(text: str, length: int) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + length]) for i in range(max(1, len(words) - length + 1))]


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b)
