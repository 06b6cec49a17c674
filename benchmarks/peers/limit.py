"""The kernel's own functions put together to do less: the words of a text alone, and these with topics."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from talante.features.kernel import Letters, as_chars, compiled, count, number_words, split_words, table, term_hashes
from talante.model.model import Model

_LOGS = 1.0 + np.log(np.maximum(np.arange(4096), 1))


@compiled
def _weigh(numbers, first, idf, weights, counts, met, logits):  # type: ignore[no-untyped-def]
    """Add up the weights of the words of each text, as a vector of length 1."""
    for a in range(len(first) - 1):
        n = 0
        for w in range(first[a], first[a + 1]):
            n = count(counts, met, n, numbers[w])
        squared = 0.0
        logits[a] = 0.0
        for i in range(n):
            number = met[i]
            times = counts[number]
            counts[number] = 0
            if idf[number] > 0.0:
                value = _LOGS[min(times, len(_LOGS) - 1)] * idf[number]
                squared += value * value
                for k in range(logits.shape[1]):
                    logits[a, k] += value * weights[number, k]
        if squared > 0.0:
            logits[a] /= np.sqrt(squared)


class Limit:
    """Batches of texts, as code points, and room for what is found in them."""

    def __init__(self, model: Model, batches: Sequence[Sequence[str]]) -> None:
        letters = Letters()
        self._folded = letters.folded
        self._batches = [as_chars(texts) for texts in batches]
        for chars, _ in self._batches:
            letters.know(chars)
        words = model.article_terms.words
        self._slots, self._shift = table(term_hashes(words, letters))[:2]
        idf = dict(zip(model.article_terms.terms, model.article_terms.idf.tolist(), strict=True))
        self._idf = np.array([*(idf[word] for word in words), 0.0])  # the last one for what the table does not have
        self._weights = np.vstack([model.topics.coef.T, np.zeros(len(model.topics.coef))]).astype(np.float32)
        most = max(len(chars) for chars, _ in self._batches) // 2 + 2
        self._start, self._end, self._numbers, self._met = (np.zeros(most, dtype=np.int32) for _ in range(4))
        self._hashes = np.zeros(most, dtype=np.uint64)
        self._counts = np.zeros(len(self._idf), dtype=np.int32)

    def words(self) -> None:
        """Fold, split and hash all characters: whatever looks at words does that much."""
        self._each(with_topics=False)

    def topics(self) -> None:
        """Look the words up, too, count them, and add up what they weigh for each topic."""
        self._each(with_topics=True)

    def _each(self, with_topics: bool) -> None:
        split = partial(split_words, folded=self._folded, start=self._start, end=self._end, hashes=self._hashes)
        for chars, bounds in self._batches:
            first, spaced = (np.zeros(len(bounds), dtype=np.int64) for _ in range(2))
            words = split(chars, bounds, first=first, spaced=spaced)
            if with_topics:
                number_words(self._hashes, words, self._slots, self._shift, self._numbers)
                logits = np.zeros((len(bounds) - 1, self._weights.shape[1]))
                _weigh(self._numbers, first, self._idf, self._weights, self._counts, self._met, logits)
