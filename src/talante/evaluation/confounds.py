"""How well a stance can be told from what should not tell it: length, genre, punctuation and the like."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from talante.corpus.article import STANCES, Article
from talante.evaluation.intervals import Bootstrap, Estimate

_FOLDS = 5
_BINS = 5

#: Fewer articles of one stance than this, and nothing can be said.
_FEWEST = 10

Cue = Callable[[Article], tuple[float | str, ...]]


def _rate(pattern: str, flags: int = 0) -> Cue:
    """Return a cue that counts matches per word."""
    found = re.compile(pattern, flags).findall
    return lambda article: (len(found(article.text)) / max(1, len(article.text.split())),)


def _length(article: Article) -> tuple[float, ...]:
    paragraphs = [len(p.split()) for p in article.text.split("\n\n")]
    return float(sum(paragraphs)), float(len(paragraphs)), float(np.mean(paragraphs)), float(len(article.title.split()))


#: What the audit looks at, each by itself and all together. The words of an article are not among them, except for
#: the first person.
CUES: dict[str, Cue] = {
    "length": _length,
    "genre": lambda article: (article.genre,),
    "language": lambda article: (article.lang,),
    "year": lambda article: (float(article.date[:4]) if article.date[:4].isdigit() else 0.0,),
    "punctuation": lambda a: tuple(_rate(re.escape(mark))(a)[0] for mark in ",.;:!?-—("),
    "digits": _rate(r"\d+"),
    "quotation marks": _rate(r"[\"“”«»]"),
    "dateline": lambda a: (str(bool(re.match(r"[A-ZÁÉÍÓÚÑ][\w .,()ÁÉÍÓÚÑáéíóúñ]{2,40}(?:\.-|[–—]| - |--)", a.text))),),
    "first person": _rate(r"\b(?:I|my|me|we|our|us|yo|mi|me|nosotros|nosotras|nuestr[oa]s?)\b"),
    "headings": _rate(r"(?m)^[^\n]{1,70}[^\s.,:;!?…\"”»)]$"),
    "links": _rate(r"https?://"),
}

ALL_CUES = "all of them"
DESK = "desk, split at random"


@dataclass(frozen=True, slots=True)
class Audit:
    """How well the stance toward one target can be told: mean recall of the stances, by cue, beside chance.

    For any guess that knows nothing of the stance, mean recall is ``chance``, however frequent each stance is.
    """

    target: str
    chance: float
    recall: Mapping[str, Estimate]

    @property
    def confounded(self) -> bool:
        """Say whether all cues together tell the stance better than chance by more than their interval."""
        return self.recall[ALL_CUES].low > self.chance


def audit(articles: Sequence[Article], targets: Sequence[str]) -> list[Audit]:
    """Audit each target that has enough articles of two stances at least.

    Logistic regression on the cues (numbers in five bins by quantile), cross-validated with groups held out, with
    95 % intervals by bootstrap over groups. The desk cannot be a cue for desks held out; it stands by itself,
    split at random, and shows what such a split would leak.
    """
    audits = []
    for target in targets:
        labelled = [a for a in articles if target in (a.stances or {}) and target not in a.disputed_stances]
        labels = np.array([STANCES.index((a.stances or {})[target]) for a in labelled], dtype=np.intp)
        present, counts = np.unique(labels, return_counts=True)
        present = present[counts >= _FEWEST]
        keep = np.isin(labels, present)
        labelled, labels = [a for a, k in zip(labelled, keep, strict=True) if k], labels[keep]
        groups = [a.held_out_group for a in labelled]
        if len(present) < 2 or len(set(groups)) < _FOLDS:
            continue
        bootstrap = Bootstrap(groups)
        columns = {name: _columns(labelled, cue) for name, cue in CUES.items()}
        views = {**columns, ALL_CUES: np.hstack(list(columns.values()))}
        recall = {name: _mean_recall(view, labels, groups, bootstrap) for name, view in views.items()}
        recall[DESK] = _mean_recall(np.array(groups, dtype=object)[:, None], labels, None, bootstrap)
        audits.append(Audit(target, 1 / len(present), recall))
    return audits


def _columns(articles: Sequence[Article], cue: Cue) -> NDArray[Any]:
    """Return one cue of all articles as categories, (articles, values): words as they are, numbers binned."""
    raw = np.array([cue(article) for article in articles], dtype=object)
    binned = np.empty(raw.shape, dtype=object)
    for number, column in enumerate(raw.T):
        if isinstance(column[0], str):
            binned[:, number] = column
        else:
            values = column.astype(float)
            edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
            binned[:, number] = np.digitize(values, edges).astype(str)
    return binned


def _mean_recall(
    columns: NDArray[Any], labels: NDArray[np.intp], groups: Sequence[str] | None, bootstrap: Bootstrap
) -> Estimate:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    splitter = GroupKFold(_FOLDS) if groups else KFold(_FOLDS, shuffle=True, random_state=0)
    answers = np.empty_like(labels)
    for inside, outside in splitter.split(columns, groups=groups):
        if len(set(labels[inside].tolist())) < 2:
            answers[outside] = labels[inside][0]
            continue
        guesser = make_pipeline(
            OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
        )
        answers[outside] = guesser.fit(columns[inside], labels[inside]).predict(columns[outside])
    counts = np.zeros((len(labels), len(STANCES), 2))  # of each gold stance: found, and all
    counts[np.arange(len(labels)), labels, 0] = answers == labels
    counts[np.arange(len(labels)), labels, 1] = 1
    return bootstrap.estimate(counts, _recall_of_counts, len(labels))


def _recall_of_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    found, gold = counts[..., 0], counts[..., 1]
    present = gold > 0
    recall = np.divide(found, gold, out=np.zeros_like(found), where=present)
    mean: NDArray[np.float64] = recall.sum(axis=-1) / np.maximum(1, present.sum(axis=-1))
    return mean
