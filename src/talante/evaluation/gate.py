"""The gate: what a candidate must show before it replaces the champion, and what it is held to.

A candidate need not be better; it must be shown to be no worse. For each protected figure the paired bootstrap gives a
95 % interval of candidate minus champion, and the lower end must not lie below minus the margin (a test of
non-inferiority: Piaggio et al. 2012, "Reporting of Noninferiority and Equivalence Randomized Trials", JAMA 308). Many
nights, each a little worse within the margin, are stopped by floors, which stand until somebody lowers them.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.evaluation.compare import Comparison, Kind, Row
from talante.evaluation.intervals import Array, Bootstrap, Estimate
from talante.evaluation.metrics import f1
from talante.evaluation.outcomes import Outcome, topic_counts

if TYPE_CHECKING:
    from pydantic import BaseModel

Answer = Literal["passed", "worse", "below floor", "cannot tell"]

HELD_OUT = "held-out groups"

#: New labels contradict a champion only if they agree with it by so much less than those that it has learned from.
_WORSE = 0.15

#: Of fewer labels than this nothing is said.
_FEWEST_LABELS = 5

#: What has not been seen in n cases happens in fewer than 3 / n of them (95 %): without so many labels that this is
#: within the margin, two models that agree on all of them may still differ.
_RULE_OF_THREE = 3.0

#: Standard errors that the distance to the margin must measure to be seen with a chance of 80 %.
_POWER = 1.96 + 0.84


@dataclass(frozen=True, slots=True)
class Margins:
    """How much worse a candidate may be at most, as far as its interval goes, in a figure of each kind."""

    overall: float = 0.02
    language: float = 0.03
    label: float = 0.05

    def of(self, kind: Kind) -> float:
        """Return the margin of a figure."""
        return float(getattr(self, kind))


@dataclass(frozen=True, slots=True)
class PinnedGold:
    """A gold file that a candidate is measured on, known by its digest, with margins of its own."""

    path: Path
    sha256: str
    margins: Margins


@dataclass(frozen=True, slots=True)
class Gate:
    """What stands in `gate.toml`.

    ``enough``: labels of a topic or a target from which on its own figure is protected. ``most_opposite``,
    ``least_topics``: limits of `check_new`. ``most_removed``: part of the champion's articles that may be gone.
    """

    margins: Margins = Margins()
    enough: int = 250
    most_opposite: float = 0.4
    least_topics: float = 0.6
    most_removed: float = 0.1
    golds: tuple[PinnedGold, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One protected figure: both values, candidate minus champion, and what the gate says of it.

    ``on``: HELD_OUT or the name of a gold file. ``pinned``: the candidate's value on the articles of the ``floor``,
    where there is one. ``more_articles``: with "cannot tell", about how many more labelled articles would decide; None
    where the difference is too near the margin to ask.
    """

    on: str
    figure: str
    kind: Kind
    champion: float
    candidate: float
    difference: Estimate
    margin: float
    floor: float | None
    pinned: float | None
    answer: Answer
    more_articles: int | None

    def __str__(self) -> str:
        d = self.difference
        return f"{self.figure} on {self.on} {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"

    def complaint(self) -> str:
        """Say what is wrong with it."""
        if self.answer == "below floor":
            return f"below its floor: {self.figure} on {self.on} {self.pinned:.3f}, floor {self.floor:.3f}"
        if self.answer == "worse":
            return f"worse: {self}, margin {self.margin:g}"
        decides = (
            f"about {self.more_articles} more labelled articles would decide"
            if self.more_articles
            else ("too near the margin for more articles to decide")
        )
        return f"cannot tell: {self}, margin {self.margin:g}; {decides}"


@dataclass(frozen=True, slots=True)
class NewLabels:
    """How labels that the champion has not learned from agree with its answers, beside the labels that it has.

    ``opposite``: the share of stances for or against where the champion says the opposite; ``topics``: micro-F1. Each
    is None where there are too few labels to judge. ``contradicted``: whether they lie beyond the limits of the gate,
    as no new subject would make them, but labels in the wrong rows do. ``articles``: the ids, most contradicted first.
    ``file``: where these labels stand, if one file contradicts the champion where all new labels together do not.
    """

    count: int
    opposite: Estimate | None
    opposite_before: float | None
    topics: Estimate | None
    topics_before: float | None
    contradicted: bool
    articles: tuple[str, ...]
    file: str = ""

    def complaint(self) -> str:
        """Say how they contradict the champion."""
        parts = []
        if self.opposite:
            before = "" if self.opposite_before is None else f", {self.opposite_before:.0%} before"
            parts.append(
                f"{self.opposite.value:.0%} of {self.opposite.n} stances are the opposite of its answers{before}"
            )
        if self.topics:
            before = "" if self.topics_before is None else f", {self.topics_before:.2f} before"
            parts.append(f"topics agree by F1 {self.topics.value:.2f}{before}")
        return (
            f"the labels of {self.count} new or changed articles{f' in {self.file}' if self.file else ''} contradict "
            f"the model in use: {'; '.join(parts)}; "
            f"look at {', '.join(self.articles[:3])}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "articles": list(self.articles[:20])}


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate says of a candidate."""

    checks: list[Check] = field(default_factory=list)
    new: NewLabels | None = None

    @property
    def answer(self) -> Answer | Literal["contradicted"]:
        """Return "passed" only if every check has passed; else the gravest answer."""
        if self.new and self.new.contradicted:
            return "contradicted"
        found = {check.answer for check in self.checks}
        gravest: tuple[Answer, ...] = ("worse", "below floor", "cannot tell")
        return next((answer for answer in gravest if answer in found), "passed")

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        checks = [asdict(check) for check in self.checks]
        return {"answer": self.answer, "checks": checks, "new": self.new.to_json() if self.new else None}


def judge(
    comparison: Comparison,
    gate: Gate,
    *,
    on: str,
    margins: Margins,
    floors: Mapping[str, tuple[float, float]] | None = None,
) -> list[Check]:
    """Hold the protected figures of champion (A) and candidate (B) to margins and floors.

    ``floors``: the floor of a figure and the candidate's value on the articles that it was pinned on.
    """
    checks = []
    for row in comparison.rows:
        if protected(row, gate) or row.figure in (floors or {}):
            margin, (floor, pinned) = margins.of(row.kind), (floors or {}).get(row.figure, (None, None))
            answer = _answer(row, margin, floor, pinned)
            more = _more_articles(row.difference, margin, comparison.articles) if answer == "cannot tell" else None
            checks.append(
                Check(on, row.figure, row.kind, row.a, row.b, row.difference, margin, floor, pinned, answer, more)
            )
    return checks


def protected(row: Row, gate: Gate) -> bool:
    """Say whether a figure has enough gold labels for the gate to hold a candidate to it."""
    return row.kind != "label" or row.difference.n >= gate.enough


def _answer(row: Row, margin: float, floor: float | None, pinned: float | None) -> Answer:
    if floor is not None and pinned is not None and pinned < floor:
        return "below floor"
    if row.difference.low < -margin:
        return "worse" if row.difference.high < 0 else "cannot tell"
    return "passed" if row.difference.n * margin >= _RULE_OF_THREE else "cannot tell"


def _more_articles(difference: Estimate, margin: float, articles: int) -> int | None:
    if difference.low >= -margin:  # nothing speaks against it but that there is so little
        return max(1, round(articles * (_RULE_OF_THREE / margin / difference.n - 1))) if margin else None
    error = (difference.high - difference.low) / (2 * 1.96)
    distance = abs(difference.value + margin)
    if distance <= error / 10:
        return None
    more = max(1.0, articles * ((_POWER * error / distance) ** 2 - 1))
    return max(1, int(float(f"{more:.1e}")))  # two figures; more would pretend to know


def check_new(new: Sequence[Outcome], before: Sequence[Outcome], gate: Gate, schema: Schema) -> NewLabels | None:
    """Ask the champion about labels that it has not learned from; None where there are none.

    All together, and those of each file, so that a bad batch does not hide among good ones. ``before``: the champion's
    out-of-fold answers about labels that it has learned from.
    """
    new = [o for o in new if o.words]  # of a language that it does not know the champion says nothing
    files: dict[str, list[Outcome]] = {}
    for o in new:
        files.setdefault(o.article.place.rpartition(":")[0], []).append(o)
    if not new:
        return None
    together = _check_new(new, before, gate, schema)
    if together.contradicted:
        return together
    parts = {file: _check_new(part, before, gate, schema) for file, part in files.items()}
    return next((replace(p, file=Path(file).name) for file, p in parts.items() if p.contradicted), together)


def _check_new(new: Sequence[Outcome], before: Sequence[Outcome], gate: Gate, schema: Schema) -> NewLabels:
    opposite, opposite_before = _opposite(new), _opposite(before)
    topics, topics_before = topic_counts(new, schema.topic_ids).sum(1), topic_counts(before, schema.topic_ids).sum(1)
    bootstrap = Bootstrap([o.article.id for o in new])
    share = found = None
    if opposite[:, 1].sum() >= _FEWEST_LABELS:
        share = _surely(bootstrap.estimate(opposite, _share, int(opposite[:, 1].sum())), opposite)
    if (labels := int(topics[:, [0, 2]].sum())) >= _FEWEST_LABELS:
        found = bootstrap.estimate(topics, f1, labels)
    share_before = float(_share(opposite_before.sum(0))) if opposite_before[:, 1].sum() else None
    found_before = float(f1(topics_before.sum(0))) if topics_before.sum() else None
    # A champion that is poor itself must not refuse what it could learn from
    most = max(gate.most_opposite, (share_before or 0.0) + _WORSE)
    least = min(gate.least_topics, (1.0 if found_before is None else found_before) - _WORSE)
    wrong = 2 * opposite[:, 0] + topics[:, 1] + topics[:, 2]
    return NewLabels(
        count=len(new),
        opposite=share,
        opposite_before=share_before,
        topics=found,
        topics_before=found_before,
        contradicted=bool((share and share.low > most) or (found and found.high < least)),
        articles=tuple(new[i].article.id for i in np.argsort(-wrong, kind="stable").tolist() if wrong[i]),
    )


def _surely(share: Estimate, counts: Array) -> Estimate:
    """Return a share with an interval no narrower than the exact one for so many articles (Clopper & Pearson 1934).

    Where all of a few labels agree a bootstrap knows no doubt. ``counts`` is (articles, 2).
    """
    from scipy.special import betaincinv

    articles = int((counts[:, 1] > 0).sum())
    found = share.value * articles
    low = betaincinv(found, articles - found + 1, 0.025) if found else 0.0
    high = betaincinv(found + 1, articles - found, 0.975) if found < articles else 1.0
    return replace(share, low=min(share.low, float(low)), high=max(share.high, float(high)))


def _opposite(outcomes: Sequence[Outcome]) -> Array:
    """Count stances that champion and label take on opposite sides, and all for or against, (articles, 2)."""
    sides = ("against", "favor")
    counts = np.zeros((len(outcomes), 2))
    for row, o in zip(counts, outcomes, strict=True):
        for _, gold, predicted in o.pairs:
            if gold in sides and predicted is not None:
                row += float(predicted in sides and predicted != gold), 1.0
    return counts


def _share(counts: Array) -> Array:
    nothing = np.full(counts.shape[:-1], np.nan)
    share: Array = np.divide(counts[..., 0], counts[..., 1], out=nothing, where=counts[..., 1] > 0)
    return share


def load_gate(models: Path) -> Gate:
    """Read `gate.toml` of a registry; what it does not say is as in `Gate`. Paths in it are relative to its folder.

    Raises DataError with place and remedy when it is faulty, or when a gold file is not the one that was pinned.
    """
    path = models / "gate.toml"
    if not path.exists():
        return Gate()
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot be read: {error}", place=str(path)) from None
    from pydantic import ValidationError

    try:
        told: Any = _file_type().model_validate(read)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise DataError(f"{where}: {fault['msg'].lower()}", place=str(path), remedy="see docs/retraining.md") from None
    margins = Margins(**told.margins.model_dump(exclude_none=True))
    golds = []
    for gold in told.gold:
        where = path.parent / gold.path
        try:
            digest = hashlib.sha256(where.read_bytes()).hexdigest()
        except OSError as error:
            raise DataError(
                f"cannot read: {(error.strerror or str(error)).lower()}", place=str(where), remedy=f"{path} names it"
            ) from None
        if digest != gold.sha256:
            raise DataError(
                f"not the file that was pinned: its SHA-256 is {digest}",
                place=str(where),
                remedy=f"restore it, or pin the new one in {path} and lower or raise its floors",
            )
        own = gold.margins.model_dump(exclude_none=True) if gold.margins else {}
        golds.append(PinnedGold(where, digest, Margins(**{**asdict(margins), **own})))
    return Gate(
        margins,
        told.labels.enough,
        told.new.most_opposite,
        told.new.least_topics,
        told.corpus.most_removed,
        tuple(golds),
    )


def _file_type() -> "type[BaseModel]":
    from pydantic import BaseModel, ConfigDict, Field

    class _Margins(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
        overall: float | None = Field(None, ge=0, le=1)
        language: float | None = Field(None, ge=0, le=1)
        label: float | None = Field(None, ge=0, le=1)

    class _Labels(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        enough: int = Field(Gate().enough, ge=1)

    class _New(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
        most_opposite: float = Field(Gate().most_opposite, ge=0, le=1)
        least_topics: float = Field(Gate().least_topics, ge=0, le=1)

    class _Corpus(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
        most_removed: float = Field(Gate().most_removed, ge=0, le=1)

    class _Gold(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        path: str
        sha256: str
        margins: _Margins | None = None

    class File(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        margins: _Margins = _Margins(overall=None, language=None, label=None)
        labels: _Labels = _Labels(enough=Gate().enough)
        new: _New = _New(most_opposite=Gate().most_opposite, least_topics=Gate().least_topics)
        corpus: _Corpus = _Corpus(most_removed=Gate().most_removed)
        gold: list[_Gold] = []
        drift: dict[str, Any] = {}  # read by `talante drift`

    return File
