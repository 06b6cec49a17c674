"""A month of `talante retrain`: new articles every night, some nights something goes wrong, and what comes of it.

python benchmarks/month.py [--nights 30] [--start N] [--per-night 20] [--gold GOLD.jsonl] [--pinned] [--keep FOLDER]
                           [--plant 3:flipped,4:killed] [--margin 0.1] [--seed 0]

The corpus is dealt out by whole groups in a fixed mixed order: 15 % are kept aside and only tell how good the model in
use truly is; with `--pinned` 10 % are a gold file that the gate knows; each night gets a batch of groups that no other
night has; night 0 trains on the rest, or on the first `--start` of it. The program runs as a user would run it; floors
are pinned after night 0.

What is planted, on the nights of PLANTS or of `--plant`:
  flipped, shifted   for and against are swapped; each article has the labels of the next one
  copied, repeated   articles that the corpus has, under new ids: in another group; in the same one
  broken             the file ends in half a line
  one-sided          three times the usual articles, all with one stance toward the first target, rightly labelled
  killed, timed-out  SIGKILL before a random file operation in the folder of models; after a random time
  full-disk, no-room a small file system; every file operation fails from a random one on (the same where none can be
                     mounted); a run that writes less often than that goes unharmed
  deleted            half of the articles of night 0 are missing
  flipped-kept, shifted-kept, one-sided-kept   as above, at a desk that never looks
The desk reads exit codes, nothing else. After an error in the data, or a refusal, it looks at what came in: true labels
replace wrong ones, half a line goes, and so do one-sided, copied and repeated batches. After "cannot tell" it waits for
more articles. What a model in use has learned from, it does not look at again. What was deleted is restored the next
morning in any case.

The exit code is 1 when the model in use fell beyond the margin of the gate on what was kept aside, against night 0 or
against the best so far, when it could not be loaded, or when the history does not tell each night once.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from talante.corpus.article import Article
from talante.corpus.records import load_gold
from talante.corpus.schema import Schema, load_schema
from talante.errors import DataError, ModelError, WriteError
from talante.evaluation.compare import STANCES_OVERALL, TOPICS_OVERALL, Row, compare
from talante.evaluation.gate import load_gate
from talante.evaluation.outcomes import Outcome
from talante.jobs.evaluate import outcomes_of
from talante.jobs.floors import pin
from talante.model.files import load
from talante.model.registry import Registry

Record = dict[str, Any]

DATA = Path(__file__).parents[1] / "data"
KEPT_ASIDE, PINNED, ONE_SIDED = 0.15, 0.1, 3
FIGURES = (STANCES_OVERALL, TOPICS_OVERALL)

#: So often a run that promotes writes in the folder of models, and from so many on it decides: that part is short, so
#: every other fault falls there.
OPERATIONS, DECIDING = 54, 44

PLANTS = {
    2: "flipped", 4: "broken", 5: "killed", 7: "shifted", 8: "copied", 10: "full-disk", 11: "one-sided", 13: "deleted",
    14: "timed-out", 16: "shifted", 17: "repeated", 18: "no-room", 20: "one-sided-kept", 21: "broken", 22: "killed",
    23: "flipped-kept", 25: "timed-out", 27: "deleted", 29: "flipped",
}  # fmt: skip

#: Batches of these kinds hold what the model should not learn from.
BAD = {"flipped", "shifted", "copied", "repeated", "one-sided", "deleted"}
KINDS = {*PLANTS.values(), "shifted-kept"}

#: Runs the program, and lets the n-th file operation below a folder that writes kill it, or fail as all after it do.
RUNNER = """
import os, runpy, signal, sys

def faulty(folder, number, fault):
    seen = 0
    removing = {"os.remove", "os.rmdir", "os.truncate", "shutil.rmtree"}
    others = {"os.rename", "os.mkdir", "os.link", "os.symlink"}

    def hook(event, arguments):
        nonlocal seen
        if event == "open":
            _, mode, flags = arguments
            writes = not mode.startswith("r") or "+" in mode if isinstance(mode, str) else flags & (1 | 2)
        else:
            writes = event in removing or event in others
        if writes and folder in str(arguments[0]):
            seen += 1
            if seen == number and fault == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if seen >= number and fault == "no-room" and event not in removing:
                raise OSError(28, "No space left on device")

    return hook

sys.addaudithook(faulty(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
sys.argv[:4] = ["talante"]
runpy.run_module("talante", run_name="__main__", alter_sys=True)
"""


def mixed_groups(records: Sequence[Record], seed: int) -> list[list[Record]]:
    """Return the articles of each group, the groups in a random order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        name = record.get("group") or record.get("outlet") or record.get("author") or record["id"]
        groups.setdefault(name, []).append(record)
    return random.Random(seed).sample([groups[name] for name in sorted(groups)], len(groups))


def take(groups: list[list[Record]], count: int) -> list[Record]:
    """Take whole groups away until they hold ``count`` articles."""
    taken: list[Record] = []
    while groups and len(taken) < count:
        taken += groups.pop(0)
    return taken


def take_one_sided(groups: list[list[Record]], count: int, target: str) -> list[Record]:
    """Take articles away that are all for or all against a target, whichever there are more of."""
    sides = Counter(record["stances"].get(target) for group in groups for record in group)
    side = max(("against", "favor"), key=lambda stance: sides[stance])
    taken = [record for group in groups for record in group if record["stances"].get(target) == side][:count]
    gone = {record["id"] for record in taken}
    groups[:] = [left for group in groups if (left := [r for r in group if r["id"] not in gone])]
    return taken


def flipped(records: Sequence[Record]) -> list[Record]:
    """Swap for and against."""
    other = {"against": "favor", "favor": "against", "neutral": "neutral"}
    return [{**r, "stances": {target: other[stance] for target, stance in r["stances"].items()}} for r in records]


def shifted(records: Sequence[Record]) -> list[Record]:
    """Give each article the labels of the next one, and the last those of the first."""
    labels = ("topics", "stances", "disputed_topics", "disputed_stances")
    return [
        {**{key: value for key, value in record.items() if key not in labels}, **{k: n[k] for k in labels if k in n}}
        for record, n in zip(records, [*records[1:], *records[:1]], strict=True)
    ]


def copied(records: Sequence[Record], mark: str, group: str | None = None) -> list[Record]:
    """Give articles other ids, and another group if one is named."""
    return [{**r, "id": f"{r['id']}-{mark}", **({"group": group} if group else {})} for r in records]


@dataclass
class Desk:
    """The folder of data, and what of it a desk that looks would mend: what belongs there, None where nothing does.

    ``bad``: nights whose planted articles are in the data.
    """

    articles: Path
    dealt: dict[int, list[Record]]
    target: str
    mends: dict[int, list[Record] | None] = field(default_factory=dict)
    bad: dict[int, str] = field(default_factory=dict)

    def file(self, night: int) -> Path:
        """Return the file of the batch of a night."""
        return self.articles / f"night-{night:02}.jsonl"

    def write(self, night: int, records: Sequence[Record], end: str = "") -> None:
        """Write the batch of a night."""
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        self.file(night).write_text("".join(lines) + end, encoding="utf-8")

    def count(self) -> int:
        """Return how many articles are there."""
        return sum(path.read_bytes().count(b"\n") for path in self.articles.glob("*.jsonl"))

    def plant(self, night: int, kind: str, dice: random.Random) -> None:
        """Let the batch of a night come in, with what is planted in it."""
        true, plain = self.dealt[night], kind.removesuffix("-kept")
        if plain in ("copied", "repeated"):
            true = dice.sample(self.dealt[0], len(true))
        changes: dict[str, Callable[[Sequence[Record]], list[Record]]] = {
            "flipped": flipped,
            "shifted": shifted,
            "copied": lambda records: copied(records, f"night-{night}", f"night-{night}"),
            "repeated": lambda records: copied(records, f"night-{night}"),
        }
        changed = changes.get(plain, list)(true)
        half = json.dumps(true[0])[:200] if plain == "broken" else ""
        self.write(night, changed, half)
        if plain == "deleted":
            self.write(0, self.dealt[0][::2])
        elif plain == kind and plain in (*BAD, "broken"):
            self.mends[night] = true if plain in ("flipped", "shifted", "broken") else None
        if plain in BAD:
            self.bad[night] = kind

    def mend(self, looks: bool) -> None:
        """Restore what was deleted; mend all else if somebody looks."""
        for night in [night for night, kind in self.bad.items() if kind == "deleted"]:
            self.write(0, self.dealt[0])
            del self.bad[night]
        if looks:
            for night, true in self.mends.items():
                self.bad.pop(night, None)
                if true is None:
                    self.file(night).unlink()
                else:
                    self.write(night, true)
            self.mends.clear()


@dataclass(frozen=True)
class Night:
    """What came of one night: exit code, or minus the signal that ended it; the model in use afterwards."""

    code: int
    verdict: str
    why: str
    seconds: float
    model: str


def run(arguments: Sequence[str], log: Path, limit: float | None = None) -> tuple[int, str, str, float]:
    """Run Python; return exit code, verdict, why, and seconds. It is killed after ``limit`` seconds."""
    begun = time.monotonic()
    with log.with_suffix(".json").open("w") as out, log.with_suffix(".log").open("w") as err:
        # Files, not pipes: what a killed run leaves behind would hold a pipe open
        process = subprocess.Popen(
            [sys.executable, *arguments], stdout=out, stderr=err, cwd=log.parent, start_new_session=True
        )
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        finally:
            with suppress(ProcessLookupError):  # its workers; by the next night they would have ended
                os.killpg(process.pid, signal.SIGKILL)
    seconds = time.monotonic() - begun
    if code < 0:
        return code, "killed", signal.Signals(-code).name, seconds
    try:
        told = json.loads(log.with_suffix(".json").read_text(encoding="utf-8"))
        return code, told["outcome"], told["why"], seconds
    except ValueError:
        lines = log.with_suffix(".log").read_text(encoding="utf-8").splitlines()
        why = next((line for line in lines if line.startswith("error: ")), lines[-1] if lines else "")
        verdicts = {DataError.exit_code: "data error", WriteError.exit_code: "cannot write"}
        return code, verdicts.get(code, f"failed, {code}"), why.removeprefix("error: "), seconds


@contextmanager
def small_disk(folder: Path, room: int) -> Iterator[bool]:
    """Move a folder to a file system of its own with ``room`` bytes left, and back; yield whether that was possible."""
    aside, back = folder.with_name("aside"), folder.with_name("back")
    folder.rename(aside)
    folder.mkdir()
    try:
        mounting = ["mount", "-t", "tmpfs", "month", str(folder)]
        if not shutil.which("mount") or subprocess.run(mounting, capture_output=True).returncode:
            yield False
            return
        try:
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            disk = os.statvfs(folder)
            size = (disk.f_blocks - disk.f_bfree) * disk.f_frsize + room
            subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
            yield True
            shutil.copytree(folder, back)
        finally:
            subprocess.run(["umount", str(folder)], check=True)
    finally:
        folder.rmdir()
        (back if back.exists() else aside).rename(folder)
        shutil.rmtree(aside, ignore_errors=True)


def retrain(site: Path, number: int, kind: str, dice: random.Random, usual: float) -> tuple[int, str, str, float]:
    """Run the program on one night; ``usual``: the seconds of a night without faults."""
    models = site / "models"
    options = ["retrain", "--data", f"{site}/data", "--models", str(models), "--cache", f"{site}/cache", "--json"]
    command, limit, hit = ["-m", "talante"], None, ""
    with ExitStack() as stack:
        if kind == "full-disk":
            size = sum(p.stat().st_size for p in (models / (Registry(models, "").current() or "")).iterdir())
            if not stack.enter_context(small_disk(models, int(size * dice.uniform(0.1, 1)))):
                stack.close()
                kind = "no-room"
        if kind in ("killed", "no-room"):
            at = dice.randint(dice.choice((1, DECIDING)), OPERATIONS)
            command, hit = ["-c", RUNNER, str(models), str(at), kind], f"operation {at}: "
        elif kind == "timed-out":
            limit = usual * dice.uniform(0.05, 1)
        code, verdict, why, seconds = run(
            [*command, *options, "--by", f"night {number}"], site / f"night-{number:02}", limit
        )
        return code, verdict, hit + why, seconds


@dataclass
class Measured:
    """Articles that nothing learns from, and what each model that came into use says of them."""

    name: str
    articles: Sequence[Article]
    schema: Schema
    said: dict[str, list[Outcome]] = field(default_factory=dict)

    def compared(self, a: str, b: str) -> dict[str, Row]:
        """Return the overall figures of two models, by name."""
        return {r.figure: r for r in compare(self.said[a], self.said[b], self.schema).rows if r.figure in FIGURES}


def cells(measured: Measured, first: str, model: str) -> str:
    """Say the figures of a model, and how they differ from those of the first."""
    rows = measured.compared(first, model)
    return "  ".join(
        f"{rows[f].b:.3f} {(d := rows[f].difference).value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]" for f in FIGURES
    )


def lowest(measured: Measured, models: Sequence[str], margin: float) -> Iterator[tuple[str, bool]]:
    """Say of each figure where it was lowest and fell most, and whether a fall is beyond the margin."""
    for figure in FIGURES:
        values = [measured.compared(model, model)[figure].b for model in models]
        low = min(range(len(values)), key=lambda i: values[i])
        best = [max(range(i + 1), key=lambda k: values[k]) for i in range(len(values))]
        fell = max(range(len(values)), key=lambda i: values[best[i]] - values[i])
        for what, night, before in (("lowest", low, 0), ("fell most below its best", fell, best[fell])):
            d = measured.compared(models[before], models[night])[figure].difference
            beyond = d.value < -margin
            yield (
                f"{figure}, {what}: {values[night]:.3f} on night {night}, {values[before]:.3f} on night {before}: "
                f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]{f', BEYOND the margin of {margin:g}' if beyond else ''}",
                beyond,
            )


def untold(nights: Sequence[Night], registry: Registry) -> Iterator[str]:
    """Yield what the history does not tell as it should."""
    told = Counter(event.get("by") for event in registry.history() if event["event"] != "pinned")
    for number, night in enumerate(nights):
        repeated = night.verdict == "nothing new" or "nothing has changed since" in night.why
        sure = night.verdict in ("promoted", "refused", "cannot tell", "data error") and not repeated
        if told[f"night {number}"] not in ((1,) if sure else (0,) if repeated else (0, 1)):
            yield f"night {number} ({night.verdict}) has {told[f'night {number}']} events in the history"
    if registry.in_use()[-1:] != [nights[-1].model] and nights[-1].code >= 0:
        yield f"the history says that {registry.in_use()[-1:]} is in use"


def dealt(groups: list[list[Record]], plants: dict[int, str], options: argparse.Namespace, target: str) -> Any:
    """Return what each night gets, night 0 being the start."""
    batches = {}
    for night in range(1, options.nights + 1):
        kind = plants.get(night, "")
        if kind.startswith("one-sided"):
            batches[night] = take_one_sided(groups, ONE_SIDED * options.per_night, target)
        elif kind in ("copied", "repeated"):
            batches[night] = [{}] * options.per_night  # filled from the corpus that night
        else:
            batches[night] = take(groups, options.per_night)
    left = sum(map(len, groups))
    if not batches.get(options.nights, [0]) or left < max(options.start or 0, 2 * options.per_night):
        sys.exit(f"the nights leave {left} articles to start with; give fewer --nights, --per-night or --start")
    return {0: take(groups, options.start or left), **batches}


def month(site: Path, options: argparse.Namespace) -> int:
    """Live through the month; return the exit code."""
    (site / "data/articles").mkdir(parents=True)
    (site / "models").mkdir()
    shutil.copy(options.data / "schema.toml", site / "data")
    schema = load_schema(site / "data/schema.toml")
    files = sorted((options.data / "articles").glob("*.jsonl"))
    records = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").split("\n") if line]
    groups = mixed_groups(records, options.seed)
    plants = PLANTS if options.plant is None else options.plant

    def put_aside(name: str, share: float) -> Path:
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in take(groups, round(share * len(records))))
        (site / name).write_text(text, encoding="utf-8")
        return site / name

    kept = load_gold(put_aside("kept-aside.jsonl", KEPT_ASIDE), schema)
    sets = [Measured("kept aside", kept, schema)]
    sets += [Measured(path.name, load_gold(path, schema), schema) for path in options.gold]
    gate = f"[margins]\noverall = {options.margin}\nlanguage = {options.margin}\nlabel = {options.margin}\n"
    gate = gate if options.margin is not None else ""
    if options.pinned:
        digest = hashlib.sha256(put_aside("models/pinned.jsonl", PINNED).read_bytes()).hexdigest()
        gate += f'[[gold]]\npath = "pinned.jsonl"\nsha256 = "{digest}"\n'
    (site / "models/gate.toml").write_text(gate, encoding="utf-8")
    desk = Desk(site / "data/articles", dealt(groups, plants, options, schema.target_ids[0]), schema.target_ids[0])
    registry, margin = Registry(site / "models", ""), load_gate(site / "models").margins.overall

    nights: list[Night] = []
    faults: list[str] = []
    got_in: dict[int, str] = {}
    wide = f"{'stances minus night 0 [95 %]':<29}  {'topics minus night 0 [95 %]':<29}"
    print(f"{'':<60}" + "".join(f"{s.name}: {len(s.articles)} articles".ljust(62) for s in sets))
    print(f"night planted        articles code verdict      model            s  {'  '.join([wide] * len(sets))}  why")
    for number in range(options.nights + 1):
        kind, dice = plants.get(number, ""), random.Random(f"{options.seed} {number}")
        usual = max((n.seconds for n in nights[-7:] if n.verdict == "promoted"), default=0.0)
        if number:
            desk.plant(number, kind, dice)
        else:
            desk.write(0, desk.dealt[0])
        articles = desk.count()
        code, verdict, why, seconds = retrain(site, number, kind, dice, usual)
        before = nights[-1].model if nights else ""
        try:
            current = registry.current() or ""
            model = load(registry.path(current))
            for s in sets:
                if current not in s.said:
                    s.said[current] = outcomes_of(s.articles, model)
        except ModelError as error:
            faults.append(f"night {number}: the model in use does not load: {error}")
            if not before:
                break
            current = before
        nights.append(Night(code, verdict, why, seconds, current))
        if current != before:
            got_in |= desk.bad
            desk.mends.clear()
        figures = "  ".join(cells(s, nights[0].model, current) for s in sets)
        print(
            f"{number:>5} {kind:<14} {articles:>8} {code:>4} {verdict:<12} {current:<12} {seconds:>5.0f}  {figures}  "
            f"{why.replace(str(site) + '/', '').replace(chr(10), ' ')[: options.why]}",
            flush=True,
        )
        if number == 0:
            pin(site / "data", site / "models", by="night 0")
        desk.mend(looks=verdict in ("data error", "refused"))

    if not nights:
        print(f"night 0 gave no model: {why}")
        return 1
    counted = Counter(night.verdict for night in nights[1:])
    changes = sum(a.model != b.model for a, b in pairwise(nights))
    print(
        f"\n{options.nights} nights: {', '.join(f'{n} {verdict}' for verdict, n in counted.most_common())}; "
        f"another model came into use {changes} times"
    )
    planted = {n: kind for n, kind in plants.items() if n <= options.nights and kind.removesuffix("-kept") in BAD}
    told = ", ".join(f"{kind} of night {n}" for n, kind in sorted(got_in.items())) or "none"
    print(f"Of {len(planted)} bad batches, {len(got_in)} got into a model in use: {told}")
    print("Still in the data: " + (", ".join(f"{kind} of night {n}" for n, kind in sorted(desk.bad.items())) or "none"))
    for s in sets:
        print(f"{s.name}, {len(s.articles)} articles, {len({a.held_out_group for a in s.articles})} groups:")
        for line, beyond in lowest(s, [night.model for night in nights], margin):
            print(f"  {line}")
            if beyond and s is sets[0]:
                faults.append(f"{s.name}: {line}")
    faults += untold(nights, registry)
    print(
        "\n".join(f"FAULT: {fault}" for fault in faults) or "Every model in use loaded; the history tells each night."
    )
    return 1 if faults else 0


def planted_on(told: str) -> dict[int, str]:
    """Read `3:flipped,4:killed`."""
    plants = {int(night): kind for night, _, kind in (part.partition(":") for part in told.split(",") if part)}
    if unknown := set(plants.values()) - KINDS:
        raise argparse.ArgumentTypeError(f"unknown {', '.join(sorted(unknown))}; known: {', '.join(sorted(KINDS))}")
    return plants


def main() -> None:
    """Live through the month and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--start", type=int, help="articles of night 0; default: all that the nights leave")
    parser.add_argument("--per-night", type=int, default=20)
    parser.add_argument("--gold", type=Path, nargs="*", default=[], help="only measures")
    parser.add_argument("--pinned", action="store_true", help="the gate has a gold file")
    parser.add_argument("--plant", type=planted_on, help="instead of PLANTS, such as 3:flipped,4:killed; '': nothing")
    parser.add_argument("--margin", type=float, help="of the gate, for all figures; default: those of talante")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--why", type=int, default=90, help="letters of the last column")
    parser.add_argument("--keep", type=Path, help="work in this new folder, and leave it")
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True)
        sys.exit(month(options.keep.resolve(), options))
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(month(Path(folder), options))


if __name__ == "__main__":
    main()
