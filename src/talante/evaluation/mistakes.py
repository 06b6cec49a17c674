"""The mistakes that a model is most sure of, with the words that misled it, or that argue against the label.

Where the model has not seen the article, such a mistake is as often one of the label: ranking by the score that the
given label has out of fold is how label errors are found (Northcutt, Jiang & Chuang 2021, "Confident Learning").
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from talante.corpus.article import STANCES
from talante.evaluation.outcomes import Outcome
from talante.model.evidence import Kind, Share, explain
from talante.model.model import Model
from talante.text.prepare import Prepared
from talante.text.sentences import sentence_spans

#: Mistakes that are kept of each kind.
WORST = 10

_WORDS, _PASSAGES, _MARKS = 6, 2, 6


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage; ``share`` is what its strongest term adds to the mistake, 0 where it is not marked."""

    text: str
    share: float


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence, cut into pieces, and what it adds to the mistake, in logits."""

    share: float
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A decision that differs from the label.

    ``label`` is a topic, or a target whose stance (or, for ``addressed``, whose treatment) is in question. ``gold`` and
    ``predicted`` are stances, or "yes" and "no". ``gold_score`` is the probability that the model gave to the label as
    it is. ``words``: the terms that argue most for the prediction against the label, with their part of the logit.
    """

    kind: Kind
    label: str
    gold: str
    predicted: str
    gold_score: float
    id: str
    title: str
    group: str
    place: str
    words: tuple[tuple[str, float], ...] = ()
    passages: tuple[Passage, ...] = ()


def worst(model: Model | None, prepared: Sequence[Prepared], outcomes: Sequence[Outcome]) -> list[Mistake]:
    """Return the WORST mistakes of each kind, the surest first, explained where there is a ``model``.

    ``prepared`` are the articles of ``outcomes``, in the same order.
    """
    by_id = {p.article.id: p for p in prepared}
    found = worst_of(mistake for o in outcomes for mistake in _of(o))
    if model is None:
        return found
    return [_explained(model, by_id[m.id], m) for m in found]


def worst_of(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Return the WORST of each kind: stances, topics, addressed."""
    kinds: dict[Kind, list[Mistake]] = {"stance": [], "topic": [], "addressed": []}
    for mistake in mistakes:
        kinds[mistake.kind].append(mistake)
    return [m for found in kinds.values() for m in sorted(found, key=lambda m: (m.gold_score, m.id, m.label))[:WORST]]


def _of(o: Outcome) -> Iterable[Mistake]:
    article = o.article

    def mistake(kind: Kind, label: str, gold: str, predicted: str, score: float) -> Mistake:
        where = (article.id, article.title, article.held_out_group, article.place)
        return Mistake(kind, label, gold, predicted, score, *where)

    for target, gold, predicted in o.pairs:
        if predicted and predicted != gold:
            yield mistake("stance", target, gold, predicted, o.probabilities[target][STANCES.index(gold)])
    if article.topics is not None:
        for topic, score in o.scores.items():
            gold_topic = topic in article.topics
            if topic not in article.disputed_topics and gold_topic != (topic in o.predicted_topics):
                yield _yes_no(mistake, "topic", topic, gold_topic, score)
    if article.stances is not None:
        for target, score in o.addressed.items():
            treated = target in article.stances
            if target not in article.disputed_stances and treated != (target in o.predicted_stances):
                yield _yes_no(mistake, "addressed", target, treated, score)


def _yes_no(mistake, kind: Kind, label: str, gold: bool, score: float) -> Mistake:  # type: ignore[no-untyped-def]
    made: Mistake = mistake(kind, label, *(("yes", "no") if gold else ("no", "yes")), score if gold else 1.0 - score)
    return made


def _explained(model: Model, prepared: Prepared, mistake: Mistake) -> Mistake:
    shares = _arguments(model, prepared, mistake)
    by_term: dict[str, float] = defaultdict(float)
    for share in shares:
        by_term[share.term] += share.value
    words = sorted(((t, v) for t, v in by_term.items() if v > 0), key=lambda item: (-item[1], item[0]))[:_WORDS]
    sentences = sentence_spans(prepared.text)
    found: list[list[Share]] = [[] for _ in sentences]
    number = 0
    for share in sorted(shares, key=lambda s: s.start):
        while share.start >= sentences[number][1]:
            number += 1
        found[number].append(share)
    sums = [sum(share.value for share in inside) for inside in found]
    strongest = sorted(range(len(sums)), key=lambda i: -sums[i])[:_PASSAGES]
    passages = [
        Passage(sums[i], _pieces(prepared.text, *sentences[i], found[i])) for i in sorted(strongest) if sums[i] > 0
    ]
    return replace(mistake, words=tuple(words), passages=tuple(passages))


def _arguments(model: Model, prepared: Prepared, mistake: Mistake) -> list[Share]:
    """Return what each term in its place adds to the logit of the prediction over that of the label."""
    evidence = explain(model, prepared, only=(mistake.kind, mistake.label))
    if mistake.kind != "stance":
        sign = 1.0 if mistake.predicted == "yes" else -1.0
        return [replace(share, value=sign * share.value) for share in evidence[0].shares]
    said, label = (next(e for e in evidence if e.stance == stance) for stance in (mistake.predicted, mistake.gold))
    return [
        replace(a, value=a.value - b.value) for a, b in zip(said.shares, label.shares, strict=True)
    ]  # the same terms in the same places


def _pieces(text: str, start: int, end: int, shares: Sequence[Share]) -> tuple[Piece, ...]:
    """Cut a sentence so that the terms that argue most in it stand alone; where two overlap, the stronger counts."""
    marks: list[Share] = []
    for share in sorted(shares, key=lambda s: -s.value)[: 2 * _MARKS]:
        free = all(share.end <= m.start or m.end <= share.start for m in marks)
        if share.value > 0 and free and share.end <= end and len(marks) < _MARKS:
            marks.append(share)
    pieces, done = [], start
    for mark in sorted(marks, key=lambda m: m.start):
        pieces += [Piece(text[done : mark.start], 0.0), Piece(text[mark.start : mark.end], mark.value)]
        done = mark.end
    pieces.append(Piece(text[done:end], 0.0))
    return tuple(piece for piece in pieces if piece.text)
