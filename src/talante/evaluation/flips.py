"""The gate tried on itself: how often it stops a model that is no worse, and how large a loss it stops."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from talante.evaluation.compare import Paired, compare_paired
from talante.evaluation.gate import Gate, Judged, Margins, judge
from talante.evaluation.metrics import macro_f1

#: So often a model that is no worse may be stopped.
MOST_FLIPS = 0.05

DRAWS = 200

#: Parts of the right stances that are made wrong, to see which losses are stopped.
_SPOILED = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1)

_POWER = 0.8

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Arena:
    """Articles that the gate compares models on: their name, margins there, and two models that are equally good."""

    on: str
    margins: Margins
    both: Paired


@dataclass(frozen=True, slots=True)
class Loss:
    """How often the gate stopped a candidate with a true loss in the stances' macro-F1 on the first articles."""

    loss: float
    stopped: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying the gate.

    ``flips``: draws in which it stopped one of two equally good models; ``causes``: the figures that did it, with how
    often. ``losses``: ascending. ``caught``: the loss stopped in 80 % of draws; None where none of these is.
    """

    articles: int
    groups: int
    draws: int
    flips: int
    causes: Mapping[str, int]
    losses: Sequence[Loss]

    @property
    def rate(self) -> float:
        """Return how often a model that is no worse is stopped."""
        return self.flips / self.draws

    @property
    def holds(self) -> bool:
        """Say whether that is seldom enough."""
        return self.rate <= MOST_FLIPS

    @property
    def caught(self) -> float | None:
        """Return the loss stopped in 80 % of draws, between the two that were tried."""
        below = Loss(0.0, self.rate)
        for above in self.losses:
            if above.stopped >= _POWER:
                part = (_POWER - below.stopped) / max(above.stopped - below.stopped, 1e-9)
                return below.loss + part * (above.loss - below.loss)
            below = above
        return None

    def __str__(self) -> str:
        causes = ", ".join(f"{figure} {n}" for figure, n in list(self.causes.items())[:5])
        lines = [
            f"A/A: of {self.draws} draws with two models that are equally good the gate stopped {self.flips} "
            f"({self.rate:.1%}; at most {MOST_FLIPS:.0%} is allowed)" + (f": {causes}" if causes else "") + ".",
            f"{self.articles} articles in {self.groups} groups, drawn anew each time, which is which by chance.",
        ]
        stopped = ", ".join(f"{loss.loss:.3f} in {loss.stopped:.0%}" for loss in self.losses)
        lines.append(f"Power: a true loss in the stances' macro-F1 is stopped: {stopped}.")
        caught = "none of these" if self.caught is None else f"{self.caught:.3f} or more"
        lines.append(f"Caught with a chance of {_POWER:.0%}: {caught}.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {**asdict(self), "rate": self.rate, "holds": self.holds, "caught": self.caught}


def try_draws(arenas: Sequence[Arena], gate: Gate, draws: int = DRAWS, jobs: int = -1) -> Tried:
    """Let the gate judge two equally good models on articles drawn anew, groups whole, then one with a planted loss.

    Which of the two is the candidate is drawn for each group: so neither is better, whatever they are like.
    """
    from joblib import Parallel, delayed

    spoiled = [0.0, *_SPOILED]
    tasks = [(part, number) for part in spoiled for number in range(draws)]
    found = Parallel(jobs, batch_size=10)(delayed(_draw)(arenas, gate, part, number) for part, number in tasks)
    by_part = {part: [f for (of, _), f in zip(tasks, found, strict=True) if of == part] for part in spoiled}
    flipped = [causes for causes, _ in by_part[0.0] if causes]
    first = arenas[0].both
    return Tried(
        articles=len(first.groups),
        groups=len(set(first.groups.tolist())),
        draws=draws,
        flips=len(flipped),
        causes=dict(Counter(cause for causes in flipped for cause in causes).most_common()),
        losses=[
            Loss(
                float(np.mean([loss for _, loss in by_part[part]])), float(np.mean([bool(c) for c, _ in by_part[part]]))
            )
            for part in _SPOILED
        ],
    )


def _draw(arenas: Sequence[Arena], gate: Gate, part: float, number: int) -> tuple[list[str], float]:
    """Return the figures that stopped the candidate, and its true loss on the first articles."""
    random, checks, loss = np.random.default_rng(number), [], []
    for arena in arenas:
        drawn = _drawn(arena.both, random)
        spoiled = replace(drawn, stances=_spoil(drawn.stances, part, random))
        totals = [macro_f1(both.stances[1].sum(axis=(0, 1))[None])[0] for both in (drawn, spoiled)]
        loss.append(float(totals[0] - totals[1]))
        checks += judge(compare_paired(spoiled), gate, on=arena.on, margins=arena.margins)
    stopped = Judged(checks).answer != "passed"
    return [f"{c.figure} on {c.on}" for c in checks if c.answer != "passed"] if stopped else [], loss[0]


def _drawn(both: Paired, random: Random) -> Paired:
    names, member = np.unique(both.groups, return_inverse=True)
    chosen = random.integers(0, len(names), len(names))
    members = [np.flatnonzero(member == group) for group in chosen.tolist()]
    index = np.concatenate(members)
    number = np.repeat(np.arange(len(members)), [len(m) for m in members])
    swapped = random.integers(0, 2, len(members))[number].astype(bool)

    def taken(counts: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        found = counts[:, index]
        found[:, swapped] = found[::-1, swapped]
        return found

    return Paired(
        schema=both.schema,
        stances=taken(both.stances),
        topics=taken(both.topics),
        addressed=taken(both.addressed),
        groups=number.astype(str),
        langs=both.langs[index],
        has_topics=both.has_topics[index],
        has_stances=both.has_stances[index],
    )


def _spoil(stances: np.ndarray[Any, np.dtype[np.float64]], part: float, random: Random) -> Any:
    """Make a part of the second system's right stances wrong, (2, articles, targets, 3, 4)."""
    spoiled = stances.copy()
    right = np.argwhere(np.einsum("atgg->atg", spoiled[1, :, :, :, :3]) > 0)
    for article, target, gold in right[random.random(len(right)) < part]:
        spoiled[1, article, target, gold, gold] -= 1
        spoiled[1, article, target, gold, (gold + random.integers(1, 4)) % 4] += 1
    return spoiled
