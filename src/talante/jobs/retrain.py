"""The nightly job: train a candidate, hold it against the champion, and put it into use only if it is no worse."""

import hashlib
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from talante import __version__
from talante.corpus.files import locked
from talante.corpus.records import Corpus, load_corpus, load_gold, raise_on
from talante.corpus.schema import Schema
from talante.errors import REFUSED, BusyError, DataError, ModelError, NotEnoughDataError
from talante.evaluation.compare import Comparison, compare
from talante.evaluation.crossval import cross_validate
from talante.evaluation.gate import HELD_OUT, Check, Judged, check_new, judge, load_gate
from talante.evaluation.leaks import learned_from
from talante.evaluation.outcomes import Outcome, outcome, remembered
from talante.jobs.evaluate import outcomes_of
from talante.jobs.floors import STILL_THERE, load_floors
from talante.jobs.lint import near_duplicate_findings
from talante.jobs.train import Fitted, Ready, Stages, fit_and_measure, make_ready
from talante.model.files import load, read_card, read_records, save
from talante.model.model import Model
from talante.model.records import Record
from talante.model.registry import Event, Registry, asked_by
from talante.model.settings import Settings

if TYPE_CHECKING:
    from joblib import Memory

log = logging.getLogger("talante")

Verdict = Literal["promoted", "refused", "cannot tell", "nothing new"]

EXIT_CODES: Mapping[Verdict, int] = {
    "promoted": 0,
    "nothing new": 0,
    "refused": REFUSED,
    "cannot tell": NotEnoughDataError.exit_code,
}

#: Deals the articles into folds.
_SEED = 0


@dataclass(frozen=True, slots=True)
class Retrained:
    """What a run did and why.

    ``candidate``: the id of the new model, None where there was nothing new. ``champion``: of the one in use before.
    ``corpus``: its digest, the number of its articles, and how many of them were added, changed and removed since the
    champion learned from it. ``seconds`` of each stage of the work. ``repeated``: nothing was trained, since nothing
    has changed since the same verdict.
    """

    outcome: Verdict
    why: str
    candidate: str | None
    champion: str | None
    dry_run: bool
    judged: Judged = field(default_factory=Judged)
    corpus: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    repeated: bool = False

    def __str__(self) -> str:
        of = f" {self.candidate}" if self.candidate else ""
        changed = ", ".join(f"{self.corpus[c]} {c}" for c in ("added", "changed", "removed") if self.corpus.get(c))
        articles = f" ({self.corpus['articles']} articles{f', {changed}' if changed else ''})" if self.corpus else ""
        return f"{self.outcome}{of}: {self.why}{articles}{', dry run: nothing was written' if self.dry_run else ''}"

    @property
    def exit_code(self) -> int:
        """Return the exit code of the run."""
        return EXIT_CODES[self.outcome]

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        plain = {key: value for key, value in asdict(self).items() if key != "judged"}
        judged = self.judged.to_json()
        return {**plain, "exit_code": self.exit_code, "checks": judged["checks"], "new_labels": judged["new"]}


def retrain(
    data: Path,
    models: Path,
    settings: Settings | None = None,
    *,
    dry_run: bool = False,
    wait: float = 0,
    by: str = "",
    cache: "Memory | None" = None,
    progress: Stages | None = None,
) -> Retrained:
    """Train on ``data``, compare with the model in use in ``models``, and promote the new one if the gate lets it.

    Whatever happens, the model in use is whole. ``dry_run``: nothing is written. ``wait``: seconds to wait for another
    run to end. ``by``: who asked, for the history.

    Raises DataError for a faulty corpus, gate or gold file, ModelError when the model in use is damaged,
    NotEnoughDataError, WriteError, and BusyError when another run holds the lock.
    """
    registry, by = Registry(models, ""), by or asked_by()
    with nullcontext() if dry_run else locked(models / ".lock-retrain", "retraining", wait):
        if not dry_run:
            with registry.changing("retraining"):
                pass  # what a killed run left is settled before anything is decided
        try:
            return _Run(data, registry, settings or Settings(), dry_run, by, cache, progress).decide()
        except (DataError, NotEnoughDataError) as error:
            if not dry_run:
                with registry.changing("retraining"):
                    why = str(error).splitlines()[0]
                    registry.record("stopped", why=why, exit_code=error.exit_code, talante=__version__, by=by)
            raise


class _Run:
    """One run: what it was asked, and what it found on its way."""

    def __init__(
        self,
        data: Path,
        registry: Registry,
        settings: Settings,
        dry_run: bool,
        by: str,
        cache: "Memory | None",
        progress: Stages | None,
    ) -> None:
        self.registry, self.settings, self.dry_run, self.by = registry, settings, dry_run, by
        self.cache, self.progress = cache, progress
        self.gate, self.floors = load_gate(registry.folder), load_floors(registry.folder)
        self.floors_left_out = ""
        self.current = registry.current()
        if self.current is None and (before := registry.in_use()):
            raise ModelError(
                f"is missing or empty, and by the history {before[-1]} is in use",
                place=str(registry.folder / "current"),
                remedy=f"put a model into use with `talante models promote {before[-1]}`",
            )
        self.champion = load(registry.path(self.current)) if self.current else None
        self.known = read_records(registry.path(self.current)) if self.current else ()
        self.corpus = load_corpus(data)
        self.digests = {article.id: article.digest for article in self.corpus.articles}
        self.changes = _changes(self.corpus, self.digests, self.known)
        for gold in self.gate.golds:  # a fault must show before the work
            load_gold(gold.path, self.corpus.schema)

    def decide(self) -> Retrained:
        if self.current and self._taught(self.registry.path(self.current)):
            return self._result("nothing new", f"{self.current} has learned from this corpus already")
        asked = self._asked()
        if repeated := self._rolled_back() or self._judged_before(asked):
            return repeated
        ready = make_ready(self.corpus, self.settings, self.cache, self.progress)
        with ready.stage("lint"):
            raise_on([f for f in near_duplicate_findings(ready.articles) if f.level == "error"])
        fitted = fit_and_measure(
            ready,
            self.settings,
            golds=[gold.path for gold in self.gate.golds],
            known={record.id: record.fold for record in self.known if record.fold is not None},
            seed=_SEED,
            progress=self.progress,
        )
        if fitted.cross_validation is None:
            raise NotEnoughDataError(
                "articles of two groups at least are needed to compare models",
                remedy="name the 'group' or 'outlet' of each record",
            )
        self._check_golds(fitted.model)
        candidate = self._save(fitted)
        with ready.stage("judging"):
            judged = self._judge(ready, fitted, candidate)
        result = replace(self._verdict(judged, candidate), seconds=ready.seconds)
        self._act(result, asked)
        log.info("%s: %s", result.outcome, result.why, extra={"event": result.outcome, "model": candidate.id})
        return result

    def _result(
        self, verdict: Verdict, why: str, candidate: str | None = None, judged: Judged | None = None
    ) -> Retrained:
        return Retrained(verdict, why, candidate, self.current, self.dry_run, judged or Judged(), self.changes)

    def _taught(self, folder: Path) -> bool:
        """Say whether a model has learned from this corpus, in this way."""
        card = read_card(folder)
        return (
            self._learned(folder)
            and _plain(card["schema"]) == _plain(self.corpus.schema.to_json())
            and card.get("settings") == asdict(self.settings)
            and card.get("talante") == __version__
        )

    def _learned(self, folder: Path) -> bool:
        """Say whether a model has learned from these articles and labels; of a damaged one nothing is known."""
        try:
            return {record.id: record.digest for record in read_records(folder)} == self.digests
        except ModelError:
            return False

    def _asked(self) -> str:
        """Return a digest of all that the verdict hangs on."""
        told = (
            self.digests,
            self.corpus.schema.to_json(),
            asdict(self.settings),
            __version__,
            self.current,
            _plain(asdict(self.gate)),
            asdict(self.floors) if self.floors else None,
        )
        return hashlib.sha256(_plain(told).encode()).hexdigest()[:16]

    def _judged_before(self, asked: str) -> Retrained | None:
        """Return the verdict of the last run, if nothing has changed since."""
        verdicts: Mapping[str, Verdict] = {"refused": "refused", "undecided": "cannot tell"}
        last = next((e for e in reversed(self.registry.history()) if e["event"] in (*verdicts, "promoted")), None)
        if last is None or last["event"] not in verdicts or last.get("asked") != asked:
            return None
        why = f"nothing has changed since {last['time']}, when it was: {last['why']}"
        return replace(self._result(verdicts[last["event"]], why, last["model"]), repeated=True)

    def _rolled_back(self) -> Retrained | None:
        """Return a refusal where this corpus has taught a model that somebody has rolled back since."""
        events = self.registry.history()
        rolled: dict[str, Event] = {}
        for event in reversed([e for e in events if e["event"] in ("promoted", "rolled back")]):
            if event["event"] == "promoted":
                break
            rolled[str(event.get("before"))] = event
        for event in events:
            if event["event"] != "promoted" or not (last := rolled.get(event["model"])):
                continue
            same = event.get("corpus", {}).get("digest") == self.corpus.digest
            if same or (event["model"] in self.registry.ids() and self._learned(self.registry.path(event["model"]))):
                why = (
                    f"{event['model']}, which has learned from this corpus, was rolled back on {last['time']} by "
                    f"{last.get('by')}; mend the articles, or put it into use again with `talante models promote "
                    f"{event['model']}`"
                )
                return replace(self._result("refused", why, event["model"]), repeated=True)
        return None

    def _check_golds(self, candidate: Model) -> None:
        for gold in self.gate.golds:
            articles = load_gold(gold.path, self.corpus.schema)
            for leak in learned_from([candidate.preparer.prepare(a) for a in articles], candidate):
                raise DataError(str(leak), place=str(gold.path), remedy="take them out of this file or of the corpus")

    def _save(self, fitted: Fitted) -> Model:
        if not self.dry_run:
            with self.registry.changing("writing a model"):
                return save(fitted.model, self.registry.folder, fitted.records)
        with tempfile.TemporaryDirectory() as folder:
            return save(fitted.model, Path(folder), fitted.records)

    def _judge(self, ready: Ready, fitted: Fitted, candidate: Model) -> Judged:
        if self.champion is None or fitted.cross_validation is None:
            return Judged()
        schema = _shared(self.champion.schema, self.corpus.schema)
        of_candidate = {o.article.id: o for o in fitted.cross_validation.outcomes}
        of_champion = self._champion_held_out(ready, of_candidate, fitted.cross_validation.folds)
        pinned = self._pinned_values(of_candidate, schema)
        checks = []
        if of_champion:
            comparison = _compared(of_champion, [of_candidate[o.article.id] for o in of_champion], schema)
            checks += judge(comparison, self.gate, on=HELD_OUT, margins=self.gate.margins, floors=pinned)
        for gold in self.gate.golds:
            articles = load_gold(gold.path, self.corpus.schema)
            comparison = _compared(outcomes_of(articles, self.champion), outcomes_of(articles, candidate), schema)
            floors = self.floors.of(gold.sha256) if self.floors else {}
            values = {row.figure: (floors[row.figure], row.b) for row in comparison.rows if row.figure in floors}
            checks += judge(comparison, self.gate, on=gold.path.name, margins=gold.margins, floors=values)
        new = check_new(self._asked_about_new(ready), of_champion, self.gate, schema)
        return Judged(checks, new)

    def _champion_held_out(
        self, ready: Ready, of_candidate: Mapping[str, Outcome], folds: Mapping[str, int]
    ) -> list[Outcome]:
        """Return what the champion said of unchanged articles of groups that it had not seen."""
        kept = {record.id: record for record in self.known if self.digests.get(record.id) == record.digest}
        kept = {i: record for i, record in kept.items() if i in of_candidate}
        if any(record.topics is not None for record in kept.values()):
            return [remembered(r, of_candidate[i]) for i, r in kept.items() if r.topics is not None]
        if self.champion is None or not kept:
            return []
        # It was trained without cross-validation: what it learned from is here, so that can be done now
        articles = [p for p in ready.articles if p.article.id in kept]
        settings = Settings(**self.champion.card["settings"])
        found = cross_validate(articles, self.champion.schema, settings, known=folds)
        return [o for o in found.outcomes if o.article.id in of_candidate]

    def _pinned_values(self, of_candidate: Mapping[str, Outcome], schema: Schema) -> dict[str, tuple[float, float]]:
        """Return floor and value of each pinned figure, on the articles that the pinned model had learned from."""
        if self.floors is None or not self.floors.of(HELD_OUT):
            return {}
        gone = self.floors.model not in self.registry.ids()
        pinned = () if gone else read_records(self.registry.path(self.floors.model))
        pinned = tuple(record for record in pinned if record.topics is not None)
        same = [record.id for record in pinned if self.digests.get(record.id) == record.digest]
        left = [of_candidate[i] for i in same if i in of_candidate]
        if gone or len(left) < STILL_THERE * len(pinned) or not left:
            self.floors_left_out = (
                f"the model {self.floors.model} that they were pinned for is gone"
                if gone
                else f"of {len(pinned)} pinned articles {len(same)} are as they were, and {len(left)} of them measured"
            )
            log.warning(
                "the floors on %s are left out: %s; pin anew with `talante models pin`", HELD_OUT, self.floors_left_out
            )
            return {}
        floors = self.floors.of(HELD_OUT)
        rows = _compared(left, left, schema).rows
        return {row.figure: (floors[row.figure], row.b) for row in rows if row.figure in floors}

    def _asked_about_new(self, ready: Ready) -> list[Outcome]:
        """Return what the champion says of articles whose labels it has not learned from."""
        if self.champion is None:
            return []
        known = {record.id: record for record in self.known}
        outcomes = []
        for p in ready.articles:
            record = known.get(p.article.id)
            if record is None:
                own = p if self.champion.schema == self.corpus.schema else self.champion.preparer.prepare(p.article)
                outcomes.append(outcome(self.champion, own))
            elif record.digest != self.digests[record.id] and record.topics is not None:
                outcomes.append(remembered(record, Outcome(p.article, p.words, {}, frozenset(), {}, {})))
        return outcomes

    def _verdict(self, judged: Judged, candidate: Model) -> Retrained:
        if self.champion is None:
            return self._result("promoted", "the first model: there is none to compare it with", candidate.id, judged)
        if gone := self._gone():
            return self._result("refused", gone, candidate.id, judged)
        answer = judged.answer
        if answer == "contradicted" and judged.new:
            return self._result("refused", judged.new.complaint(), candidate.id, judged)
        if not judged.checks:
            why = "no article that the model in use has learned from is still here, so the two cannot be compared"
            return self._result("cannot tell", why, candidate.id, judged)
        if answer == "passed":
            why = f"none of {len(judged.checks)} figures is worse than its margin allows"
            return self._result("promoted", f"{why}; {judged.checks[0]}", candidate.id, judged)
        failed = [check for check in judged.checks if check.answer == answer]
        more = f"; and {len(failed) - 1} more" if len(failed) > 1 else ""
        verdict: Verdict = "cannot tell" if answer == "cannot tell" else "refused"
        return self._result(verdict, failed[0].complaint() + more, candidate.id, judged)

    def _gone(self) -> str:
        """Say what the corpus has lost, where that is more than a desk takes out: a lost file must not go unseen."""
        removed, languages = self.changes["removed"], {article.lang for article in self.corpus.articles}
        lost = sorted(set(self.champion.languages if self.champion else ()) - languages)
        if not lost and removed <= self.gate.most_removed * len(self.known):
            return ""
        all_of = f", all in {', '.join(lost)} among them" if lost else ""
        return (
            f"{removed} of {len(self.known)} articles that the model in use has learned from are gone from the corpus"
            f"{all_of}; restore them, or if they are meant to go, `talante models promote` the candidate"
        )

    def _act(self, result: Retrained, asked: str) -> None:
        """Promote, and write into the history what was decided and on what evidence."""
        if self.dry_run or result.candidate is None:
            return
        facts: dict[str, Any] = {
            "why": result.why,
            "corpus": dict(self.changes),
            "talante": __version__,
            "seed": _SEED,
            "gate": {"answer": result.judged.answer, "checks": [_brief(check) for check in result.judged.checks]},
            "asked": asked,
        }
        if self.floors_left_out:
            facts["gate"]["floors_left_out"] = self.floors_left_out
        if result.judged.new:
            facts["gate"]["new_labels"] = result.judged.new.to_json()
        with self.registry.changing("deciding"):
            if self.registry.current() != self.current:
                raise BusyError(
                    "another model came into use during this run",
                    place=str(self.registry.folder),
                    remedy=f"run again to compare {result.candidate} with it",
                )
            if result.outcome == "promoted":
                self.registry.promote(result.candidate, by=self.by, **facts)
            else:
                event = "refused" if result.outcome == "refused" else "undecided"
                self.registry.record(event, model=result.candidate, before=self.current, by=self.by, **facts)


def _changes(corpus: Corpus, digests: Mapping[str, str], known: Sequence[Record]) -> dict[str, Any]:
    before = {record.id: record.digest for record in known}
    return {
        "digest": corpus.digest,
        "articles": len(digests),
        "added": len(digests.keys() - before.keys()),
        "changed": sum(digests[i] != before[i] for i in digests.keys() & before.keys()),
        "removed": len(before.keys() - digests.keys()),
    }


def _shared(a: Schema, b: Schema) -> Schema:
    """Return the labels that both schemas have: on others two models cannot be compared."""
    return Schema(
        tuple(topic for topic in b.topics if topic.id in a.topic_ids),
        tuple(target for target in b.targets if target.id in a.target_ids),
    )


def _compared(a: Sequence[Outcome], b: Sequence[Outcome], schema: Schema) -> Comparison:
    return compare([o.only(schema) for o in a], [o.only(schema) for o in b], schema)


def _brief(check: Check) -> dict[str, Any]:
    d = check.difference
    return {
        "on": check.on,
        "figure": check.figure,
        "champion": round(check.champion, 4),
        "candidate": round(check.candidate, 4),
        "difference": [round(d.value, 4), round(d.low, 4), round(d.high, 4), d.n],
        "margin": check.margin,
        "floor": check.floor,
        "pinned": check.pinned,
        "answer": check.answer,
    }


def _plain(told: Any) -> str:
    return json.dumps(told, sort_keys=True, default=str)
