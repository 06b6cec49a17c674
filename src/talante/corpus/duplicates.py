"""Texts that are the same, or nearly, and runs of words that two texts share."""

import re
from collections.abc import Iterator, Sequence

#: Two texts that share this part of their three-word runs (Jaccard) are the same article with changes.
NEAR_DUPLICATE = 0.5

#: Two articles written apart do not share so many words in a row, names and fixed phrases left aside.
REPEATED_WORDS = 10

_SHINGLE = 3  # words
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
        shingles = _runs(text, _SHINGLE)
        sketch = RMinHash(num_perm=_PERMUTATIONS, seed=0)
        sketch.update(shingles)
        for earlier in sorted(index.query(sketch)):
            similarity = _jaccard(set(shingles), set(_runs(texts[earlier], _SHINGLE)))
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


def _runs(text: str, length: int) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + length]) for i in range(max(1, len(words) - length + 1))]


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b)
