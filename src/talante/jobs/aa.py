"""Try the gate itself: two models of the same recipe, so neither is better, and how often it would stop one of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from talante.corpus.records import load_corpus, load_gold
from talante.errors import NotEnoughDataError
from talante.evaluation.compare import Paired, pair
from talante.evaluation.crossval import cross_validate
from talante.evaluation.flips import DRAWS, Arena, Tried, try_draws
from talante.evaluation.gate import HELD_OUT, load_gate
from talante.jobs.evaluate import outcomes_of
from talante.jobs.train import Ready, Stages, make_ready
from talante.model.files import read_records
from talante.model.fit import fit
from talante.model.registry import Registry
from talante.model.settings import Settings
from talante.text.prepare import Prepared

if TYPE_CHECKING:
    from joblib import Memory

#: Each of the two models lacks one article in so many, another one each: they differ by a busy night's work.
_LACKS = 50


def try_gate(
    data: Path,
    models: Path,
    settings: Settings | None = None,
    *,
    draws: int = DRAWS,
    cache: "Memory | None" = None,
    progress: Stages | None = None,
) -> Tried:
    """Let the gate of a registry judge two models of the same recipe on ``data``, and one of them with planted losses.

    Raises DataError, NotEnoughDataError.
    """
    registry, gate, settings = Registry(models, ""), load_gate(models), settings or Settings()
    current = registry.current()
    records = read_records(registry.path(current)) if current else ()
    ready = make_ready(load_corpus(data), settings, cache, progress)
    dealt = [[p for p in ready.articles if crc32(p.article.id.encode()) % _LACKS != twin] for twin in (0, 1)]
    folds = {record.id: record.fold for record in records if record.fold is not None}
    arenas = [Arena(HELD_OUT, gate.margins, _held_out(ready, dealt, folds, settings, progress))]
    if gate.golds:
        twins = [fit(part, ready.corpus.schema, settings, ready.counted) for part in dealt]
        for gold in gate.golds:
            articles = load_gold(gold.path, ready.corpus.schema)
            a, b = (outcomes_of(articles, twin) for twin in twins)
            both = pair(a, b, ready.corpus.schema)
            arenas.append(Arena(gold.path.name, gold.margins, both))
    return try_draws(arenas, gate, draws)


def _held_out(
    ready: Ready,
    dealt: Sequence[Sequence[Prepared]],
    folds: Mapping[str, int],
    settings: Settings,
    progress: Stages | None,
) -> Paired:
    found = []
    for number, part in enumerate(dealt):

        def told(done: int, of: int, before: int = number) -> None:
            if progress:
                progress("cross-validation", before * of + done, len(dealt) * of)

        twin = cross_validate(part, ready.corpus.schema, settings, ready.counted, known=folds, progress=told)
        folds = folds or twin.folds
        found.append({o.article.id: o for o in twin.outcomes})
    # Two parts of the corpus may join near-duplicates into other groups
    both = [(a, found[1][i]) for i, a in found[0].items() if i in found[1]]
    same = [(a, b) for a, b in both if a.article.held_out_group == b.article.held_out_group]
    if not same:
        raise NotEnoughDataError("too few articles to try the gate on", remedy="label more")
    return pair([a for a, _ in same], [b for _, b in same], ready.corpus.schema)
