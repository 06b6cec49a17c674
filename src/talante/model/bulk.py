"""A model laid out for the compiled kernel: what `Model.predict` says, for many articles at a time.

Needs numba (`pip install 'talante[fast]'`). Everything that is not numbers stays where it is: cleaning, language and
the cases of doubt about sentences are the same code as for one article.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Article
from talante.errors import DataError
from talante.features.kernel import (
    Letters,
    U64,
    as_chars,
    compiled,
    count,
    look_up,
    number_words,
    pair_hash,
    split_words,
    table,
    term_hashes,
)
from talante.features.passages import doubts, passage
from talante.features.phrases import as_arrays, find
from talante.features.tfidf import Tfidf
from talante.features.tokens import is_word
from talante.model.model import MENTION_FEATURES, Model, Prediction, StancePrediction
from talante.text.contexts import OTHER_MASK, TARGET_MASK
from talante.text.prepare import OPENING
from talante.text.sentences import sentence_spans

#: Texts are worked on in batches of so many characters, so that what belongs to one stays in the processor's cache.
_BATCH = 100_000

_LOGS = 1.0 + np.log(np.maximum(np.arange(4096), 1))


class _Terms(NamedTuple):
    """All terms of a model in one table, the frequent ones first, single words before pairs.

    ``article``, ``near`` and ``whole`` are inverse document frequencies, (terms,), 0 where a view has no such term;
    the others are weights in the same order: ``topics`` (words, topics), ``own`` (targets, terms, 3), ``in_near``
    (terms, 4): the stances and whether a target is addressed; ``in_whole`` (terms, 3).
    """

    slots: NDArray[np.uint64]
    shift: np.uint64
    article: NDArray[np.float64]
    near: NDArray[np.float64]
    whole: NDArray[np.float64]
    topics: NDArray[np.float32]
    own: NDArray[np.float32]
    in_near: NDArray[np.float32]
    in_whole: NDArray[np.float32]
    masks: NDArray[np.int64]
    mask_hashes: NDArray[np.uint64]


class _Rest(NamedTuple):
    """The weights of a model that do not belong to terms."""

    word_coef: NDArray[np.float64]
    topic_intercept: NDArray[np.float64]
    addressed_coef: NDArray[np.float64]
    topic_words: NDArray[np.float64]
    addressed: NDArray[np.float64]
    own_intercept: NDArray[np.float64]
    intercept: NDArray[np.float64]


class _Space(NamedTuple):
    """Room for a batch of up to so many words, used again and again."""

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    numbers: NDArray[np.int32]
    pairs: NDArray[np.int32]
    counts: NDArray[np.int32]
    met: NDArray[np.int32]
    found: NDArray[np.int64]
    mentions: NDArray[np.int64]


def _space(words: int, terms: int) -> _Space:
    def room(dtype: type, *shape: int) -> NDArray[np.generic]:
        return np.zeros(shape or (words,), dtype=dtype)

    return _Space(
        *(room(t) for t in (np.int32, np.int32, np.uint64, np.int32, np.int32)),
        room(np.int32, terms), room(np.int32, 2 * words), room(np.int64, words, 3), room(np.int64, words, 3),
    )  # fmt: skip


@compiled
def _weigh(idf, weights, counts, met, n, out):
    """Add to ``out`` what the terms met weigh, as a vector of length 1; forget the counts."""
    squared = 0.0
    out[:] = 0.0
    for i in range(n):
        number = met[i]
        times = counts[number]
        counts[number] = 0
        if idf[number] > 0.0:
            value = (_LOGS[times] if times < len(_LOGS) else 1.0 + np.log(times)) * idf[number]
            squared += value * value
            for k in range(len(out)):
                out[k] += value * weights[number, k]
    if squared > 0.0:
        out /= np.sqrt(squared)


@compiled
def _read(chars, bounds, titles, folded, accentless, terms, rest, phrases, doubt, space, first, last, spaced,
          topic_logits, topic_words, mention_at, passages):  # fmt: skip
    """Split and look up the words of texts, score topics, find mentions; return the number of passages with one."""
    of_topics, of_targets = phrases
    words = split_words(chars, bounds, folded, space.start, space.end, space.hashes, first, spaced)
    number_words(space.hashes, words, terms.slots, terms.shift, space.numbers)
    topics = topic_logits.shape[1]
    topic_guards, target_guards = np.empty(len(of_topics.needs_at), np.int8), np.empty(len(of_targets.needs_at), np.int8)
    mentions, parts = 0, 0
    for a in range(len(bounds) - 1):
        low, high, begin = bounds[a], bounds[a + 1], first[a]
        logits = topic_logits[a]
        found = find(chars, high, folded, accentless, space.start, space.end, space.numbers, begin, first[a + 1],
                     of_topics, topic_guards, space.found, 0)  # fmt: skip
        topic_words[a] = 0.0
        for i in range(found):
            topic = space.found[i, 2]
            topic_words[a, topic, 0] += 20.0 / (spaced[a] + 50)
            topic_words[a, topic, 1] = max(topic_words[a, topic, 1], np.float64(space.found[i, 0] - low < titles[a]))
        mention_at[a] = mentions
        mentions = find(chars, high, folded, accentless, space.start, space.end, space.numbers, begin, first[a + 1],
                        of_targets, target_guards, space.mentions, mentions)  # fmt: skip
        finish, met = begin, 0
        for w in range(begin, first[a + 1]):
            if space.end[w] - space.start[w] < 2:
                continue
            space.start[finish], space.end[finish] = space.start[w], space.end[w]
            space.hashes[finish], space.numbers[finish] = space.hashes[w], space.numbers[w]
            finish += 1
            if space.numbers[w] >= 0:
                met = count(space.counts, space.met, met, space.numbers[w])
        last[a] = finish
        _weigh(terms.article, terms.topics, space.counts, space.met, met, logits)
        for topic in range(topics):
            said = rest.word_coef[topic, 0] * topic_words[a, topic, 0] + rest.word_coef[topic, 1] * topic_words[a, topic, 1]
            logits[topic] += said + rest.topic_intercept[topic]
        done = low - 1
        for i in range(mention_at[a], mentions):
            if space.mentions[i, 0] >= done:
                start, end, unsure = passage(chars, low, high, space.mentions[i, 0], folded, accentless, doubt)
                passages[parts, 0], passages[parts, 1], passages[parts, 2], passages[parts, 3] = a, start, end, unsure
                parts += 1
                done = end
    mention_at[len(bounds) - 1] = mentions
    return parts


@compiled
def _add_word(terms, space, met, before, w):
    """Count a word and its pair with the one ``before`` it, -1 or -2 for a mask, -3 for none."""
    if space.numbers[w] >= 0:
        met = count(space.counts, space.met, met, space.numbers[w])
    if before == w - 1 and before >= 0:
        pair = np.int64(space.pairs[before])
    elif before == -3:
        return met
    else:
        h = space.hashes[before] if before >= 0 else terms.mask_hashes[-1 - before]
        pair = look_up(terms.slots, terms.shift, pair_hash(h, space.hashes[w]))
    return count(space.counts, space.met, met, pair) if pair >= 0 else met


@compiled
def _add_mask(terms, space, met, before, mask):
    if terms.masks[mask] >= 0:
        met = count(space.counts, space.met, met, terms.masks[mask])
    if before == -3:
        return met
    h = space.hashes[before] if before >= 0 else terms.mask_hashes[-1 - before]
    pair = look_up(terms.slots, terms.shift, pair_hash(h, terms.mask_hashes[mask]))
    return count(space.counts, space.met, met, pair) if pair >= 0 else met


@compiled
def _add_span(terms, space, met, before, done, low, high, word, last, mention, mentions, target):
    """Count the terms of a span of text with its mentions masked.

    ``done``: where the last masked mention ended; ``word``, ``mention``: the first ones that may be in the span.
    Returns the number of terms met, the last word or mask, where the last mention ended, the next word and mention, and
    whether a border of the span or a mention lies inside a word, which only the plain implementation understands.
    """
    low = max(low, done)
    while word < last and space.start[word] < low:
        odd = space.end[word] > low
        word += 1
        if odd:
            return met, before, done, word, mention, True
    while mention < mentions and space.mentions[mention, 0] < high:
        start, end = space.mentions[mention, 0], space.mentions[mention, 1]
        while word < last and space.start[word] < start:
            met = _add_word(terms, space, met, before, word)
            before = word
            word += 1
        mask = 0 if space.mentions[mention, 2] == target else 1
        met = _add_mask(terms, space, met, before, mask)
        before = -1 - mask
        while word < last and space.start[word] < end:
            odd = space.end[word] > end
            word += 1
            if odd:
                return met, before, done, word, mention, True
        done = end
        mention += 1
    while word < last and space.start[word] < high:
        met = _add_word(terms, space, met, before, word)
        before = word
        odd = space.end[word] > high
        word += 1
        if odd:
            return met, before, done, word, mention, True
    return met, before, done, word, mention, False


@compiled
def _take_sides(bounds, titles, terms, rest, space, first, last, spaced, topic_words, mention_at, sentences,
                sentence_at, probabilities, odd):  # fmt: skip
    """Fill in the probabilities of stances, (texts, targets, 3), nan where a target is not addressed.

    ``sentences``, (sentences, 2), has at least those with a mention. What is ``odd``, (texts,), must be done otherwise.
    """
    targets = probabilities.shape[1]
    own, near, whole = np.zeros(3), np.zeros(4), np.zeros(3)
    for a in range(len(bounds) - 1):
        low, high, begin, end = bounds[a], bounds[a + 1], mention_at[a], mention_at[a + 1]
        probabilities[a] = np.nan
        odd[a] = False
        if begin == end:
            continue
        for w in range(first[a], last[a] - 1):
            space.pairs[w] = look_up(terms.slots, terms.shift, pair_hash(space.hashes[w], space.hashes[w + 1]))
        own_is_known = False
        for target in range(targets):
            times, earliest, latest = 0, 0, 0
            for i in range(begin, end):
                if space.mentions[i, 2] == target:
                    earliest = space.mentions[i, 0] if times == 0 else earliest
                    latest = space.mentions[i, 0]
                    times += 1
            if times == 0:
                continue
            opened, met, before, done, word, mention = 0, 0, -3, low, first[a], begin
            for s in range(sentence_at[a], sentence_at[a + 1]):
                from_, to = sentences[s, 0], sentences[s, 1]
                while mention < end and space.mentions[mention, 0] < from_:
                    mention += 1
                names, opens = False, False
                i = mention
                while i < end and space.mentions[i, 0] < to:
                    if space.mentions[i, 2] == target:
                        names = True
                        opens |= space.mentions[i, 0] < from_ + OPENING
                    i += 1
                opened += opens
                if names:
                    met, before, done, word, mention, is_odd = _add_span(
                        terms, space, met, before, done, from_, to, word, last[a], mention, end, target)  # fmt: skip
                    odd[a] |= is_odd
            _weigh(terms.near, terms.in_near, space.counts, space.met, met, near)
            length = np.float64(high - low)
            logit = near[3] + rest.addressed[0]
            logit += rest.addressed_coef[0] * np.log(times) + rest.addressed_coef[1] * np.log(spaced[a])
            logit += rest.addressed_coef[2] * np.float64(earliest - low < titles[a])
            logit += rest.addressed_coef[3] * ((earliest - low) / length)
            logit += rest.addressed_coef[4] * ((latest - earliest) / length)
            logit += rest.addressed_coef[5] * np.log1p(end - begin - times) + rest.addressed_coef[6] * np.log1p(opened)
            for topic in range(topic_words.shape[1]):
                for k in range(2):
                    logit += rest.topic_words[target, topic, k] * topic_words[a, topic, k]
            if 1.0 / (1.0 + np.exp(-logit)) < rest.addressed[1]:
                continue
            if not own_is_known:
                own_is_known = True
            met = 0
            for w in range(first[a], last[a]):
                if space.numbers[w] >= 0:
                    met = count(space.counts, space.met, met, space.numbers[w])
                if w + 1 < last[a] and space.pairs[w] >= 0:
                    met = count(space.counts, space.met, met, space.pairs[w])
            _weigh(terms.article, terms.own[target], space.counts, space.met, met, own)
            met, before, done, word, mention, is_odd = _add_span(
                terms, space, 0, -3, low, low, high, first[a], last[a], begin, end, target)  # fmt: skip
            odd[a] |= is_odd
            _weigh(terms.whole, terms.in_whole, space.counts, space.met, met, whole)
            top = -np.inf
            for k in range(3):
                own[k] += near[k] + whole[k] + rest.own_intercept[target, k] + rest.intercept[k]
                top = max(top, own[k])
            total = 0.0
            for k in range(3):
                own[k] = np.exp(own[k] - top)
                total += own[k]
            for k in range(3):
                probabilities[a, target, k] = own[k] / total


class Bulk:
    """A model that tags many articles at a time, to the same scores as `Model.predict_prepared`.

    Raises ValueError for a model that the kernel cannot run: one of short texts, whose terms are parts of words too,
    or whose schema takes a target for addressed, and for a phrase with something behind its `*`.
    """

    def __init__(self, model: Model) -> None:
        schema = model.schema
        if model.article_terms.parts or schema.assumed:
            raise ValueError("a model of short texts")
        self.model = model
        self._letters = Letters()
        finders = (model.preparer.topic_finder, model.preparer.target_finder)
        self._terms, words = _laid_out(model, [word for f in finders for word in f.by_word], self._letters)
        self._phrases = tuple(
            as_arrays(finder, labels, words, self._letters)
            for finder, labels in zip(finders, (schema.topic_ids, schema.target_ids), strict=True)
        )
        self._doubts = doubts(self._letters)
        self._rest = _Rest(
            model.topics.word_coef,
            model.topics.intercept,
            model.addressed.coef,
            model.addressed.topic_words,
            np.array([model.addressed.intercept[0], model.addressed.threshold[0]]),
            model.stances.own_intercept,
            model.stances.intercept,
        )
        self._space = _space(_BATCH, len(self._terms.article))

    def predict(self, articles: Sequence[tuple[Article, str]]) -> Iterator[Prediction]:
        """Tag articles that `Preparer.read` has made ready, each with its text."""
        batch: list[tuple[Article, str]] = []
        size = 0
        for article, text in articles:
            batch.append((article, text))
            size += len(text)
            if size >= _BATCH:
                yield from self._predict(batch)
                batch, size = [], 0
        yield from self._predict(batch)

    def _predict(self, batch: Sequence[tuple[Article, str]]) -> Iterator[Prediction]:
        schema, n = self.model.schema, len(batch)
        texts = [text for _, text in batch]
        titles = np.array([len(article.title) for article, _ in batch], dtype=np.int64)
        chars, bounds = as_chars(texts)
        self._letters.know(chars)
        if len(self._space.start) < len(chars) // 2 + 2:
            self._space = _space(len(chars), len(self._terms.article))
        first, last, spaced, mention_at = (np.zeros(n + 1, dtype=np.int64) for _ in range(4))
        logits = np.zeros((n, len(schema.topics)))
        words = np.zeros((n, len(schema.topics), 2))
        passages = np.zeros((len(chars) // 2 + 2, 4), dtype=np.int64)
        parts = _read(
            chars, bounds, titles, self._letters.folded, self._letters.accentless, self._terms, self._rest,
            self._phrases, self._doubts, self._space, first, last, spaced, logits, words, mention_at, passages,
        )  # fmt: skip
        sentences, sentence_at = _sentences(texts, bounds, passages[:parts])
        probabilities, odd = np.zeros((n, len(schema.targets), 3)), np.zeros(n, dtype=np.bool_)
        _take_sides(
            bounds, titles, self._terms, self._rest, self._space, first, last, spaced, words, mention_at, sentences,
            sentence_at, probabilities, odd,
        )  # fmt: skip
        yield from self._rows(batch, logits, probabilities, odd)

    def _rows(
        self,
        batch: Sequence[tuple[Article, str]],
        logits: NDArray[np.float64],
        probabilities: NDArray[np.float64],
        odd: NDArray[np.bool_],
    ) -> Iterator[Prediction]:
        topic_ids, target_ids = self.model.schema.topic_ids, self.model.schema.target_ids
        scores = 1.0 / (1.0 + np.exp(-logits))
        passed = scores >= self.model.topics.threshold
        addressed = ~np.isnan(probabilities[:, :, 0])
        for i, (article, text) in enumerate(batch):
            if odd[i]:
                yield self.model.predict_prepared(self.model.preparer.look(article, text))
                continue
            of = dict(zip(topic_ids, scores[i].tolist(), strict=True))
            topics = [topic_ids[t] for t in np.flatnonzero(passed[i]).tolist()]
            stances = {
                target_ids[g]: StancePrediction(tuple(probabilities[i, g].tolist()))
                for g in np.flatnonzero(addressed[i]).tolist()
            }
            yield Prediction(article, of, tuple(sorted(topics, key=lambda t: -of[t])), stances)


def _sentences(
    texts: Sequence[str], bounds: NDArray[np.int64], passages: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the sentences of passages, (sentences, 2), and where those of each text begin among them."""
    at, spans = bounds.tolist(), []
    number = [0] * (len(texts) + 1)
    for a, start, end, unsure in passages.tolist():
        if unsure:
            low = at[a]
            found = sentence_spans(texts[a][start - low : end - low])
            spans += [(s + start, e + start) for s, e in found]
            number[a + 1] += len(found)
        else:
            spans.append((start, end))
            number[a + 1] += 1
    return np.array(spans, dtype=np.int64).reshape(-1, 2), np.cumsum(number)


def _laid_out(model: Model, more: Sequence[str], letters: Letters) -> tuple[_Terms, list[str]]:
    """Return the terms of a model and ``more`` words in one table, and the words in the order of their numbers."""
    views = (model.article_terms, model.near_terms, model.whole_terms)
    weight: dict[str, float] = dict.fromkeys(more, np.inf)
    for view in views:
        for term, idf in zip(view.terms, view.idf.tolist(), strict=True):
            weight[term] = min(weight.get(term, np.inf), idf)
    order = sorted(weight, key=lambda term: (not is_word(term), weight[term]))
    number = {term: i for i, term in enumerate(order)}
    words = [term for term in order if is_word(term)]
    slots, shift = table(term_hashes(order, letters))
    columns = [np.array([number[term] for term in view.terms], dtype=np.int64) for view in views]

    def by_term(at: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        laid = np.zeros((len(order), len(weights)), dtype=np.float32)
        laid[at] = weights.T
        return laid

    def idf(view: Tfidf, at: NDArray[np.int64]) -> NDArray[np.float64]:
        laid = np.zeros(len(order))
        laid[at] = view.idf
        return laid

    article, near, whole = columns
    word_columns = np.array([number[term] for term in model.article_terms.words], dtype=np.int64)
    stances = model.stances
    masks = [TARGET_MASK, OTHER_MASK]
    return _Terms(
        slots, shift, *(idf(view, at) for view, at in zip(views, columns, strict=True)),
        topics=by_term(word_columns, model.topics.coef)[: len(words)],
        own=np.array([by_term(article, of) for of in stances.own]),
        in_near=by_term(near, np.concatenate([stances.near, model.addressed.near[None]])),
        in_whole=by_term(whole, stances.whole),
        masks=np.array([number.get(mask, -1) for mask in masks], dtype=np.int64),
        mask_hashes=term_hashes(masks, letters),
    ), words  # fmt: skip
