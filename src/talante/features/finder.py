"""Find in many texts what `talante.text.prepare` needs to know of them, compiled."""

from collections.abc import Iterator, Sequence

import numpy as np

from talante.features.kernel import (
    as_chars,
    batches,
    compiled,
    letters,
    most_words,
    number_words,
    split_words,
    table,
    term_hashes,
)
from talante.features.passages import doubts, find_passages, sentences_in
from talante.features.phrases import as_arrays, find, first_words
from talante.text.contexts import Span
from talante.text.mentions import Mention, PhraseFinder


class Finder:
    """Finds what two finders find, and the sentences with what the second one found.

    Raises ValueError for a phrase with something behind its `*`.
    """

    def __init__(self, topics: PhraseFinder, targets: PhraseFinder) -> None:
        finders = (topics, targets)
        words = list(dict.fromkeys(word for finder in finders for word in first_words(finder)))
        self._letters, self._doubts = letters(), doubts(letters())
        self._slots, self._shift, _ = table(term_hashes(words, self._letters))
        self._labels = [finder.labels for finder in finders]
        self._phrases = tuple(
            as_arrays(finder, labels, words, self._letters)
            for finder, labels in zip(finders, self._labels, strict=True)
        )

    def find(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Mention], list[Mention], list[Span]]]:
        """Yield for each text how many pieces white space divides it into, and what was found in it.

        That is the occurrences of both kinds, and the sentences that have one of the second.
        """
        for batch in batches(texts):
            yield from self._find(batch)

    def _find(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Mention], list[Mention], list[Span]]]:
        chars, bounds = as_chars(texts)
        self._letters.know(chars)
        size, n = most_words(bounds), len(texts) + 1
        passages = np.zeros((size, 4), dtype=np.int64)
        found = [(np.zeros((size, 3), dtype=np.int64), np.zeros(n, dtype=np.int64)) for _ in self._phrases]
        spaced = np.zeros(n, dtype=np.int64)
        parts = _find_all(
            chars, bounds, self._letters.folded, self._letters.accentless, self._slots, self._shift, self._phrases,
            self._doubts, np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size, np.uint64),
            np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(n, np.int64), spaced,
            tuple(found), passages,
        )  # fmt: skip
        sentences, sentence_at = sentences_in(texts, bounds, passages[:parts])
        words = spaced.tolist()
        for a, low in enumerate(bounds[:-1].tolist()):
            topics, targets = (
                [Mention(start - low, end - low, labels[of]) for start, end, of in spans[at[a] : at[a + 1]].tolist()]
                for labels, (spans, at) in zip(self._labels, found, strict=True)
            )
            of_text = (sentences[sentence_at[a] : sentence_at[a + 1]] - low).tolist()
            yield words[a], topics, targets, [(start, end) for start, end in of_text]


@compiled
def _find_all(chars, bounds, folded, accentless, slots, shift, phrases, doubt, start, end, hashes, numbers, tried,
              first, spaced, found, passages):  # fmt: skip
    words = split_words(chars, bounds, folded, start, end, hashes, first, spaced)
    number_words(hashes, words, slots, shift, numbers)
    of_topics, of_targets = phrases
    (topics, topic_at), (targets, target_at) = found
    topic_guards, target_guards = np.empty(len(of_topics.label), np.int8), np.empty(len(of_targets.label), np.int8)
    for a in range(len(bounds) - 1):
        stop, low, high = bounds[a + 1], first[a], first[a + 1]
        topic_at[a + 1] = find(chars, stop, folded, accentless, start, end, numbers, low, high, of_topics,
                               topic_guards, tried, topics, topic_at[a])  # fmt: skip
        target_at[a + 1] = find(chars, stop, folded, accentless, start, end, numbers, low, high, of_targets,
                                target_guards, tried, targets, target_at[a])  # fmt: skip
    return find_passages(chars, bounds, folded, accentless, doubt, targets, target_at, passages)
