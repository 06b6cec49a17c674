"""Words and names that a stream has in more of its articles than the stream before, beyond chance."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talante.evaluation.intervals import MIN_GROUPS, Array
from talante.evaluation.seen import Seen
from talante.text.fold import fold

#: A term in fewer of the new articles is no news yet.
FEWEST_ARTICLES = 5

#: A term must occur in so many groups of the new articles, where there are so many: one outlet has its own words.
FEWEST_GROUPS = 3

#: A word that this part of the reference's articles have says nothing of what is new, however surely it rises.
_COMMON = 0.15

#: What the prior is worth, in articles: rare terms need more than their first five articles to rise far.
_PRIOR = 50.0

#: How often equal streams may give a list with a term in it (Bonferroni), and a single rise without its first group.
_CHANCE = 0.05

#: A name that shares a word with a stronger one is the same, if so much of the articles of either have both.
_SAME = 0.8

# Every window has its months and days, and that they rise is no news
_CALENDAR = frozenset(
    re.findall(
        r"\w+",
        """
        january february march april may june july august september october november december
        enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre
        monday tuesday wednesday thursday friday saturday sunday
        lunes martes miercoles jueves viernes sabado domingo
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Rising:
    """A word, or a name of two or three, with the articles and groups that have it in both windows.

    ``log_odds``: how far its share of articles rose, and ``z``: that over its standard error. ``known``: the vocabulary
    of the model has all of it.
    """

    term: str
    log_odds: float
    z: float
    new: int
    new_groups: int
    reference: int
    reference_groups: int
    known: bool

    @property
    def at_least(self) -> float:
        """Return the lower end of the 95 % interval of the log-odds: how far the share rose at least."""
        return self.log_odds * (1 - 1.96 / self.z) if self.z else 0.0


def rising_words(new: Sequence[Seen], reference: Sequence[Seen], vocabulary: Collection[str]) -> list[Rising]:
    """Return the single words that rise beyond chance, those that rise most first.

    Function words, months, days and figures are left out.
    """
    from justext import get_stoplist  # type: ignore[import-untyped]

    stop = _CALENDAR.union(*({fold(word) for word in get_stoplist(name)} for name in ("English", "Spanish")))
    return _rising(
        new,
        reference,
        lambda seen: (word for word in seen.words if word.isalpha() and word not in stop),
        lambda word: word in vocabulary,
    )


def rising_names(new: Sequence[Seen], reference: Sequence[Seen], vocabulary: Collection[str]) -> list[Rising]:
    """Return the names of two or three words that rise beyond chance, those that rise most first."""
    return _rising(
        new,
        reference,
        lambda seen: (n for n in seen.names if not _CALENDAR & set(fold(n).split())),
        lambda name: all(word in vocabulary for word in fold(name).split()),
    )


def _rising(
    new: Sequence[Seen],
    reference: Sequence[Seen],
    terms_of: Callable[[Seen], Iterable[str]],
    known: Callable[[str], bool],
) -> list[Rising]:
    languages = {lang: number for number, lang in enumerate(sorted({seen.lang for seen in [*new, *reference]}))}
    windows = [_window(window, terms_of, languages) for window in (new, reference)]
    ours, theirs = windows
    several = min(FEWEST_GROUPS, len(set(ours.groups)))
    found = [
        term
        for term, at in ours.having.items()
        if len(at) >= FEWEST_ARTICLES and len({ours.groups[i] for i in at}) >= several
    ]
    if not found:
        return []
    counts = [np.array([w.count(w.having.get(term, ())) for term in found], dtype=float) for w in windows]
    sizes = [w.count(range(len(w.groups))) for w in windows]
    log_odds, z = _rise(*counts, *sizes)
    common = (counts[1] >= _COMMON * np.maximum(sizes[1], 1)).any(axis=1)
    sure = (_surety(*counts, *sizes) >= _deviate(_CHANCE / len(found))) & (log_odds > 0) & ~common
    rising = []
    for i in np.flatnonzero(sure).tolist():
        at, before = ours.having[found[i]], theirs.having.get(found[i], [])
        if len(set(ours.groups)) >= MIN_GROUPS:
            # An outlet's own word does not rise without that outlet
            most = Counter(ours.groups[a] for a in at).most_common(1)[0][0]
            left = ours.count([a for a in at if ours.groups[a] != most])
            of = ours.count([a for a, group in enumerate(ours.groups) if group != most])
            if _surety(left[None], counts[1][[i]], of, sizes[1])[0] < _deviate(_CHANCE):
                continue
        row = Rising(
            found[i],
            float(log_odds[i]),
            float(z[i]),
            len(at),
            len({ours.groups[a] for a in at}),
            len(before),
            len({theirs.groups[a] for a in before}),
            known(found[i]),
        )
        rising.append((row, frozenset(at)))
    rising.sort(key=lambda item: (-item[0].at_least, item[0].term))
    return _without_shadows(rising)


@dataclass(frozen=True, slots=True)
class _Window:
    """The articles that have each term, and the group and the number of the language of each article."""

    having: dict[str, list[int]]
    groups: list[str]
    langs: NDArray[np.intp]
    languages: int

    def count(self, articles: Iterable[int]) -> Array:
        """Count articles by language, (languages,)."""
        return np.bincount(self.langs[list(articles)], minlength=self.languages).astype(float)


def _window(
    articles: Sequence[Seen], terms_of: Callable[[Seen], Iterable[str]], languages: Mapping[str, int]
) -> _Window:
    having: dict[str, list[int]] = {}
    for number, seen in enumerate(articles):
        for term in terms_of(seen):
            having.setdefault(term, []).append(number)
    langs = np.array([languages[seen.lang] for seen in articles], dtype=np.intp)
    return _Window(having, [seen.article.held_out_group for seen in articles], langs, len(languages))


def _rise(y1: Array, y2: Array, n1: Array, n2: Array) -> tuple[Array, Array]:
    """Return the log-odds ratio of each term and its z, (terms,), of counts, (terms, languages), in so many articles.

    With an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008, "Fightin' Words", equations 15 to 22), on
    articles instead of running words: a name ten times in one article is one piece of news. The prior is the share of
    both windows, worth `_PRIOR` articles. Languages are weighed by the inverse of their variances, so that a changed
    mix of languages makes no word rise.
    """
    prior = _PRIOR * (y1 + y2) / np.maximum(n1 + n2, 1)
    a, b = y1 + prior, y2 + prior
    # A language without the term, or one that a window lacks, says nothing
    told = (a > 0) & (n1 > 0) & (n2 > 0)
    a, b = np.where(told, a, 1.0), np.where(told, b, 1.0)
    rise = np.log(a / (n1 + _PRIOR - a + 0.5)) - np.log(b / (n2 + _PRIOR - b + 0.5))
    precision = np.where(told, 1.0 / (1.0 / a + 1.0 / b), 0.0)
    total = np.maximum(precision.sum(axis=1), 1e-12)
    log_odds: Array = (rise * precision).sum(axis=1) / total
    return log_odds, log_odds * np.sqrt(total)


def _surety(y1: Array, y2: Array, n1: Array, n2: Array) -> Array:
    """Return, as a normal deviate, how seldom chance gives the new window so many of a term's articles, (terms,).

    Exact: of all articles with the term each is a new one with the share of new ones in its language. The z of the
    log-odds cannot tell here: its error is largest where the reference lacks the term, which is what is new.
    """
    from scipy.special import bdtrc, ndtri

    of_both = y1 + y2
    told = (n1 > 0) & (n2 > 0)
    y1, of_both = np.where(told, y1, 0.0).sum(axis=1), np.where(told, of_both, 0.0)
    expected = (of_both * n1 / np.maximum(n1 + n2, 1)).sum(axis=1)
    total = of_both.sum(axis=1)
    chance = np.where(y1 > 0, bdtrc(y1 - 1, total.astype(int), expected / np.maximum(total, 1)), 1.0)
    surety: Array = -ndtri(np.clip(chance, 1e-300, 1 - 1e-16))
    return surety


def _deviate(chance: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(chance))


def _without_shadows(found: list[tuple[Rising, frozenset[int]]]) -> list[Rising]:
    """Leave out what is part of a stronger name, or that name with more words: that then stands in its place."""
    kept: list[tuple[Rising, frozenset[int]]] = []
    for rising, at in found:
        words = rising.term.split()
        for number, (other, others) in enumerate(kept):
            both = len(at & others)
            if set(words) & set(other.term.split()) and both >= _SAME * min(len(at), len(others)):
                if other.term in rising.term and both >= _SAME * len(others):
                    kept[number] = rising, at
                break
        else:
            kept.append((rising, at))
    return [rising for rising, _ in kept]
