"""A model laid out for the compiled kernel: what `Model.predict` says, for many articles at a time.

Needs numba (`pip install 'talante[fast]'`). Everything that is not numbers stays where it is: cleaning, language and
the cases of doubt about sentences are the same code as for one article.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import Article
from talante.features.kernel import (
    U64,
    Letters,
    as_chars,
    batches,
    compiled,
    count,
    letters,
    look_up,
    most_words,
    number_pairs,
    number_words,
    pair_hash,
    split_words,
    table,
    term_hashes,
)
from talante.features.passages import doubts, find_passages, sentences_in
from talante.features.phrases import as_arrays, find, first_words
from talante.features.tfidf import Tfidf
from talante.features.tokens import is_word
from talante.model.model import Model, Prediction, StancePrediction
from talante.text.contexts import OTHER_MASK, TARGET_MASK
from talante.text.prepare import OPENING

#: No word has this hash.
_NOTHING = U64(0)

_LOGS = 1.0 + np.log(np.maximum(np.arange(4096), 1))


class _Terms(NamedTuple):
    """All terms of a model in one table, the frequent ones first, single words before pairs.

    ``article``, ``near`` and ``whole`` are inverse document frequencies, (terms,), 0 where a view has no such term;
    the others are weights in the same order: ``topics`` (words, topics), ``own`` (targets, terms, 4), ``in_near`` and
    ``in_whole`` (terms, 4): the stances, and in the last column of ``in_near`` whether a target is addressed.
    """

    slots: NDArray[np.uint64]
    shift: np.uint64
    known: NDArray[np.uint64]
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
    pair_hashes: NDArray[np.uint64]
    counts: NDArray[np.int32]
    met: NDArray[np.int32]
    found: NDArray[np.int64]
    mentions: NDArray[np.int64]
    passages: NDArray[np.int64]


def _space(words: int, terms: int) -> _Space:
    return _Space(
        start=np.zeros(words, np.int32),
        end=np.zeros(words, np.int32),
        hashes=np.zeros(words, np.uint64),
        numbers=np.zeros(words, np.int32),
        pairs=np.zeros(words, np.int32),
        pair_hashes=np.zeros(words, np.uint64),
        counts=np.zeros(terms, np.int32),
        met=np.zeros(2 * words, np.int32),
        found=np.zeros((words, 3), np.int64),
        mentions=np.zeros((words, 3), np.int64),
        passages=np.zeros((words, 4), np.int64),
    )


@compiled
def _value(idf, counts, number):
    """Return the value of a term that was counted, before the vector is made to have length 1; forget the count."""
    times = counts[number]
    counts[number] = 0
    return (_LOGS[times] if times < len(_LOGS) else 1.0 + np.log(times)) * idf[number]


@compiled
def _weigh(idf, weights, counts, met, n, out):
    """Put into ``out`` what the terms met weigh, as a vector of length 1; forget the counts."""
    squared = 0.0
    out[:] = 0.0
    for i in range(n):
        number = met[i]
        value = _value(idf, counts, number)
        squared += value * value
        for k in range(len(out)):
            out[k] += value * weights[number, k]
    if squared > 0.0:
        out /= np.sqrt(squared)


@compiled
def _weigh_four(idf, weights, counts, met, n, out):
    """Do the same with four columns, without an inner loop."""
    squared, a, b, c, d = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        number = met[i]
        value = _value(idf, counts, number)
        squared += value * value
        a += value * weights[number, 0]
        b += value * weights[number, 1]
        c += value * weights[number, 2]
        d += value * weights[number, 3]
    length = np.sqrt(squared) if squared > 0.0 else 1.0
    out[0], out[1], out[2], out[3] = a / length, b / length, c / length, d / length


@compiled
def _read(chars, bounds, titles, folded, accentless, terms, rest, phrases, doubt, space, first, last, spaced,
          topic_logits, topic_words, mention_at):  # fmt: skip
    """Split and look up the words of texts, score topics, find mentions; return the number of passages with one."""
    of_topics, of_targets = phrases
    slots, shift, idf, weights = terms.slots, terms.shift, terms.article, terms.topics
    starts, ends, hashes, numbers, _, _, counts, terms_met, matches, mention, passages = space
    words = split_words(chars, bounds, folded, starts, ends, hashes, first, spaced)
    number_words(hashes, words, slots, shift, numbers)
    topics = topic_logits.shape[1]
    topic_guards = np.empty(len(of_topics.label), np.int8)  # there are no more guards than phrases
    target_guards = np.empty(len(of_targets.label), np.int8)
    mentions = 0
    for a in range(len(bounds) - 1):
        low, high, begin = bounds[a], bounds[a + 1], first[a]
        logits = topic_logits[a]
        found = find(chars, high, folded, accentless, starts, ends, numbers, begin, first[a + 1],
                     of_topics, topic_guards, terms_met, matches, 0)  # fmt: skip
        topic_words[a] = 0.0
        for i in range(found):
            topic = matches[i, 2]
            topic_words[a, topic, 0] += 20.0 / (spaced[a] + 50)
            topic_words[a, topic, 1] = max(topic_words[a, topic, 1], np.float64(matches[i, 0] - low < titles[a]))
        mention_at[a] = mentions
        mentions = find(chars, high, folded, accentless, starts, ends, numbers, begin, first[a + 1],
                        of_targets, target_guards, terms_met, mention, mentions)  # fmt: skip
        finish, met = begin, 0
        for w in range(begin, first[a + 1]):
            if ends[w] - starts[w] < 2:
                continue
            starts[finish], ends[finish] = starts[w], ends[w]
            hashes[finish], numbers[finish] = hashes[w], numbers[w]
            finish += 1
            met = count(counts, terms_met, met, numbers[w])
        last[a] = finish
        _weigh(idf, weights, counts, terms_met, met, logits)
        for topic in range(topics):
            said = (
                rest.word_coef[topic, 0] * topic_words[a, topic, 0]
                + rest.word_coef[topic, 1] * topic_words[a, topic, 1]
            )
            logits[topic] += said + rest.topic_intercept[topic]
    mention_at[len(bounds) - 1] = mentions
    return find_passages(chars, bounds, folded, accentless, doubt, mention, mention_at, passages)


@compiled
def _add_token(slots, shift, counts, met, n, before, number, h):
    """Count a word or mask, and its pair with the one that has the hash ``before``, if any."""
    n = count(counts, met, n, number)
    if before != _NOTHING:
        n = count(counts, met, n, look_up(slots, shift, pair_hash(before, h)))
    return n


@compiled
def _add_span(slots, shift, masks, mask_hashes, start, end, hashes, numbers, pairs, counts, met, n, before, done, low,
              high, word, last, mentions, mention, mention_end, target):  # fmt: skip
    """Count the terms of a span of text with its mentions masked.

    ``before``: the hash of the word or mask before; ``done``: where the last masked mention ended; ``word``,
    ``mention``: the first ones that may be in the span. Returns the number of terms met, these four as they are behind
    the span, and whether a border of the span or of a mention lies inside a word, which only the plain implementation
    understands.
    """
    low = max(low, done)
    odd = False
    while word < last and start[word] < low:
        odd |= end[word] > low
        word += 1
    while True:
        until = high
        if mention < mention_end and mentions[mention, 0] < high:
            until = mentions[mention, 0]
        if word < last and start[word] < until:
            n = _add_token(slots, shift, counts, met, n, before, np.int64(numbers[word]), hashes[word])
            word += 1
            while word < last and start[word] < until:
                n = count(counts, met, n, numbers[word])
                n = count(counts, met, n, pairs[word - 1])
                word += 1
            before = hashes[word - 1]
            odd |= end[word - 1] > until
        if until == high:
            return n, before, done, word, mention, odd
        mask = 0 if mentions[mention, 2] == target else 1
        n = _add_token(slots, shift, counts, met, n, before, masks[mask], mask_hashes[mask])
        before = mask_hashes[mask]
        done = mentions[mention, 1]
        while word < last and start[word] < done:
            odd |= end[word] > done
            word += 1
        mention += 1


@compiled
def _take_sides(bounds, titles, terms, rest, space, first, last, spaced, topic_words, mention_at, sentences,
                sentence_at, probabilities, odd):  # fmt: skip
    """Fill in the probabilities of stances, (texts, targets, 3), nan where a target is not addressed.

    ``sentences``, (sentences, 2), has at least those with a mention. What is ``odd``, (texts,), must be done otherwise.
    """
    slots, shift, known = terms.slots, terms.shift, terms.known
    masks, mask_hashes, own_weights = terms.masks, terms.mask_hashes, terms.own
    starts, ends, hashes, numbers, pairs, pair_hashes, counts, met, _, mentions, _ = space
    targets = probabilities.shape[1]
    own, near, whole = np.zeros(4), np.zeros(4), np.zeros(4)
    for a in range(len(bounds) - 1):
        low, high, begin, end = bounds[a], bounds[a + 1], mention_at[a], mention_at[a + 1]
        probabilities[a] = np.nan
        odd[a] = False
        if begin == end:
            continue
        number_pairs(hashes, first[a], last[a], slots, shift, known, pairs, pair_hashes, met)
        for target in range(targets):
            times, earliest, latest = 0, 0, 0
            for i in range(begin, end):
                if mentions[i, 2] == target:
                    earliest = mentions[i, 0] if times == 0 else earliest
                    latest = mentions[i, 0]
                    times += 1
            if times == 0:
                continue
            opened, n, before, done, word, mention = 0, 0, _NOTHING, low, first[a], begin
            for s in range(sentence_at[a], sentence_at[a + 1]):
                from_, to = sentences[s, 0], sentences[s, 1]
                while mention < end and mentions[mention, 0] < from_:
                    mention += 1
                names, opens = False, False
                i = mention
                while i < end and mentions[i, 0] < to:
                    if mentions[i, 2] == target:
                        names = True
                        opens |= mentions[i, 0] < from_ + OPENING
                    i += 1
                opened += opens
                if names:
                    n, before, done, word, mention, is_odd = _add_span(
                        slots, shift, masks, mask_hashes, starts, ends, hashes, numbers, pairs, counts, met, n, before,
                        done, from_, to, word, last[a], mentions, mention, end, target)  # fmt: skip
                    odd[a] |= is_odd
            _weigh_four(terms.near, terms.in_near, counts, met, n, near)
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
            n = 0
            for w in range(first[a], last[a]):
                n = count(counts, met, n, numbers[w])
            for w in range(first[a], last[a] - 1):
                n = count(counts, met, n, pairs[w])
            _weigh_four(terms.article, own_weights[target], counts, met, n, own)
            n, before, done, word, mention, is_odd = _add_span(
                slots, shift, masks, mask_hashes, starts, ends, hashes, numbers, pairs, counts, met, 0, _NOTHING, low,
                low, high, first[a], last[a], mentions, begin, end, target)  # fmt: skip
            odd[a] |= is_odd
            _weigh_four(terms.whole, terms.in_whole, counts, met, n, whole)
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
        self._letters = letters()
        finders = (model.preparer.topic_finder, model.preparer.target_finder)
        self._terms, words = _laid_out(
            model, [word for finder in finders for word in first_words(finder)], self._letters
        )
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
        self._space = _space(1, len(self._terms.article))

    def predict(self, articles: Sequence[tuple[Article, str]]) -> Iterator[Prediction]:
        """Tag articles that `Preparer.read` has made ready, each with its text."""
        start = 0
        for texts in batches(text for _, text in articles):
            yield from self._predict([article for article, _ in articles[start : start + len(texts)]], texts)
            start += len(texts)

    def _predict(self, articles: Sequence[Article], texts: Sequence[str]) -> Iterator[Prediction]:
        schema, n = self.model.schema, len(articles)
        titles = np.array([len(article.title) for article in articles], dtype=np.int64)
        chars, bounds = as_chars(texts)
        self._letters.know(chars)
        room = most_words(bounds)
        if len(self._space.start) < room:
            self._space = _space(2 * room, len(self._terms.article))
        first, last, spaced, mention_at = (np.zeros(n + 1, dtype=np.int64) for _ in range(4))
        logits = np.zeros((n, len(schema.topics)))
        words = np.zeros((n, len(schema.topics), 2))
        parts = _read(
            chars, bounds, titles, self._letters.folded, self._letters.accentless, self._terms, self._rest,
            self._phrases, self._doubts, self._space, first, last, spaced, logits, words, mention_at,
        )  # fmt: skip
        sentences, sentence_at = sentences_in(texts, bounds, self._space.passages[:parts])
        probabilities, odd = np.zeros((n, len(schema.targets), 3)), np.zeros(n, dtype=np.bool_)
        _take_sides(
            bounds, titles, self._terms, self._rest, self._space, first, last, spaced, words, mention_at, sentences,
            sentence_at, probabilities, odd,
        )  # fmt: skip
        yield from self._rows(articles, texts, logits, probabilities, odd)

    def _rows(
        self,
        articles: Sequence[Article],
        texts: Sequence[str],
        logits: NDArray[np.float64],
        probabilities: NDArray[np.float64],
        odd: NDArray[np.bool_],
    ) -> Iterator[Prediction]:
        topic_ids, target_ids = self.model.schema.topic_ids, self.model.schema.target_ids
        scores = 1.0 / (1.0 + np.exp(-logits))
        topic_at, topics = _by_row(scores >= self.model.topics.threshold)
        target_at, targets = _by_row(~np.isnan(probabilities[:, :, 0]))
        odd_ones, said = odd.tolist(), probabilities.tolist()
        for i, row in enumerate(scores.tolist()):
            if odd_ones[i]:
                yield self.model.predict_prepared(self.model.preparer.look(articles[i], texts[i]))
                continue
            of = dict(zip(topic_ids, row, strict=True))
            given = [topic_ids[k] for k in topics[topic_at[i] : topic_at[i + 1]]]
            given.sort(key=of.__getitem__, reverse=True)
            sides = targets[target_at[i] : target_at[i + 1]]
            stances = {target_ids[k]: StancePrediction(tuple(said[i][k])) for k in sides}
            yield Prediction(articles[i], of, tuple(given), stances)


def _by_row(chosen: NDArray[np.bool_]) -> tuple[list[int], list[int]]:
    """Return where those chosen in each row begin in a list of their columns, (rows + 1,), and this list."""
    rows, columns = np.nonzero(chosen)
    return np.searchsorted(rows, np.arange(len(chosen) + 1)).tolist(), columns.tolist()


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
    columns = [np.array([number[term] for term in view.terms], dtype=np.int64) for view in views]

    def by_term(at: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        laid = np.zeros((len(order), len(weights)), dtype=np.float32)
        laid[at] = weights.T
        return laid

    def of_stances(at: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        return by_term(at, np.pad(weights, ((0, 4 - len(weights)), (0, 0))))

    def frequencies(view: Tfidf, at: NDArray[np.int64]) -> NDArray[np.float64]:
        laid = np.zeros(len(order) + 1)  # the last one for what the table does not have
        laid[at] = view.idf
        return laid

    article, near, whole = columns
    word_columns = np.array([number[term] for term in model.article_terms.words], dtype=np.int64)
    stances, masks = model.stances, (TARGET_MASK, OTHER_MASK)
    terms = _Terms(
        *table(term_hashes(order, letters)),
        article=frequencies(model.article_terms, article),
        near=frequencies(model.near_terms, near),
        whole=frequencies(model.whole_terms, whole),
        topics=by_term(word_columns, model.topics.coef)[: len(words)],
        own=np.array([of_stances(article, of) for of in stances.own], dtype=np.float32).reshape(-1, len(order), 4),
        in_near=by_term(near, np.concatenate([stances.near, model.addressed.near[None]])),
        in_whole=of_stances(whole, stances.whole),
        masks=np.array([number.get(mask, -1) for mask in masks], dtype=np.int64),
        mask_hashes=term_hashes(masks, letters),
    )
    return terms, words
