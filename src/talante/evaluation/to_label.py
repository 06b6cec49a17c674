"""Which articles of a stream a label would help most, and why."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from talante.corpus.article import STANCES
from talante.corpus.duplicates import near_duplicates
from talante.evaluation.drift import Drift
from talante.evaluation.intervals import Array
from talante.evaluation.seen import Seen
from talante.model.model import Model
from talante.text.clean import full_text

#: So many times the articles that are asked for are looked at, those with the highest need.
_POOL = 10

#: A reason is told from this rank on.
_HIGH = 0.75


@dataclass(frozen=True, slots=True)
class Wanted:
    """An article that should be labelled. ``need`` is from 0 to 1, ``why`` the reasons in short words."""

    seen: Seen
    need: float
    why: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it as a corpus record without labels; ``suggested`` has those of the model."""
        article, said = self.seen.article, self.seen.outcome
        told = ("id", "lang", "title", "text", "date", "outlet", "author", "url", "group")
        fields = {name: getattr(article, name) for name in told}
        suggested = {
            "topics": sorted(said.predicted_topics, key=lambda topic: -said.scores[topic]),
            "stances": dict(said.predicted_stances),
            "why": list(self.why),
        }
        kept = {name: value for name, value in fields.items() if value or name == "title"}
        return {**kept, "suggested": suggested}


@dataclass(frozen=True, slots=True)
class _Reason:
    """How strongly one thing speaks for a label, as a number of any scale, and in words."""

    value: float
    words: str


def most_wanted(new: Sequence[Seen], drift: Drift, model: Model, top: int) -> list[Wanted]:
    """Return the ``top`` articles that need a label most.

    The need of an article is the mean of its ranks, from 0 to 1 among all articles of the window, in four things: how
    unsure its unsurest stance is (entropy), how near the cut of a topic or of `addressed` a score lies, the share of
    its words that the vocabulary lacks, and how many of the rising words and names it has. Ranks, since the four have
    no common scale. Articles are then taken one by one (Carbonell & Goldstein 1998, "maximal marginal relevance"): the
    need is multiplied by 1 - the greatest cosine to one that is taken already, so that an event comes once, and divided
    by 1 + how many times its even share of the list its outlet has already. Left out are articles that the model has
    learned from, that could not be tagged, and near-duplicates of those taken.
    """
    from scipy.stats import rankdata

    candidates = [seen for seen in new if seen.tagged and not seen.learned]
    if not candidates or top < 1:
        return []
    reasons = [_reasons(seen, drift, model) for seen in candidates]
    values = np.array([[reason.value for reason in of_one] for of_one in reasons])
    ranks = (rankdata(values, method="min", axis=0) - 1) / max(1, len(candidates) - 1)
    need = ranks.mean(axis=1)
    pool = np.argsort(-need, kind="stable")[: max(_POOL * top, 100)].tolist()
    return [
        Wanted(candidates[i], round(float(need[i]), 3), _why(reasons[i], ranks[i]))
        for i in _diverse([candidates[i] for i in pool], pool, need[pool], model, top)
    ]


def _reasons(seen: Seen, drift: Drift, model: Model) -> list[_Reason]:
    rising = [r.term for r in drift.names if r.term in seen.names] + [
        r.term for r in drift.words if r.term in seen.words
    ]
    unknown = seen.unknown / max(1, seen.running)
    return [
        _stance_doubt(seen),
        _border(seen, model),
        _Reason(unknown, f"{unknown:.0%} of its words unknown".replace("%", " %")),
        _Reason(len(rising), f"has rising {', '.join(rising[:4])}"),
    ]


def _stance_doubt(seen: Seen) -> _Reason:
    doubts = []
    for target, probabilities in seen.outcome.probabilities.items():
        entropy = -sum(p * math.log(p) for p in probabilities if p > 0)
        first, second = sorted(zip(probabilities, STANCES, strict=True), reverse=True)[:2]
        words = f"stance toward {target} unsure: {first[1]} {first[0]:.2f}, {second[1]} {second[0]:.2f}"
        doubts.append(_Reason(entropy, words))
    return max(doubts, key=lambda reason: reason.value, default=_Reason(0.0, ""))


def _border(seen: Seen, model: Model) -> _Reason:
    cuts = zip(model.schema.topic_ids, model.topics.threshold.tolist(), strict=True)
    scored = [(seen.outcome.scores[t], cut, f"topic {t} near its cut") for t, cut in cuts]
    cut = float(model.addressed.threshold[0])
    scored += [(p, cut, f"{target} perhaps only named") for target, p in seen.outcome.addressed.items()]
    near = [_Reason(-abs(p - cut), f"{what}: {p:.2f}, cut {cut:.2f}") for p, cut, what in scored]
    return max(near, key=lambda reason: reason.value, default=_Reason(-1.0, ""))


def _why(reasons: Sequence[_Reason], ranks: Array) -> tuple[str, ...]:
    order = np.argsort(-ranks, kind="stable").tolist()
    return tuple(reasons[i].words for i in order if reasons[i].words and (ranks[i] >= _HIGH or i == order[0]))


def _diverse(pool: Sequence[Seen], numbers: Sequence[int], need: Array, model: Model, top: int) -> list[int]:
    """Return the numbers of up to ``top`` articles of the pool, each unlike those before it."""
    texts = [full_text(seen.article) for seen in pool]
    vectors = [model.article_terms.vector(text) for text in texts]
    twins: dict[int, set[int]] = {}
    for a, b, _ in near_duplicates(texts):
        twins.setdefault(a, set()).add(b)
        twins.setdefault(b, set()).add(a)
    groups = [seen.article.held_out_group for seen in pool]
    even_share = max(1.0, top / len(set(groups)))
    taken: list[int] = []
    left = dict.fromkeys(range(len(pool)), 0.0)  # with the greatest cosine to one that was taken
    of_group: Counter[str] = Counter()
    while left and len(taken) < top:
        best = max(left, key=lambda i: need[i] * (1 - left[i]) / (1 + of_group[groups[i]] / even_share))
        taken.append(best)
        of_group[groups[best]] += 1
        for i in [best, *twins.get(best, ())]:
            left.pop(i, None)
        dense = np.zeros(len(model.article_terms.terms))
        dense[vectors[best][0]] = vectors[best][1]
        for i in left:
            columns, weights = vectors[i]
            left[i] = max(left[i], float(weights @ dense[columns]))
    return [numbers[i] for i in taken]
