"""How fast talante is, and how much memory it takes, beside those that do the same job.

    python benchmarks/performance.py NEWS.jsonl.gz [NEWS.jsonl.gz ...]
    python benchmarks/performance.py NEWS.jsonl.gz ... --only bulk cores --rounds 7
    python benchmarks/performance.py NEWS.jsonl.gz ... --stream 1000000 --kill

Prints tables in Markdown; docs/performance.md says how to read them. Everything that is measured runs in a fresh
process, and in each round all take turns, so that all see the same machine; figures are medians, in parentheses the
least and the most. Linux only; let nothing else run beside it. Competitors that are not installed are left out:

    pip install --no-deps fasttext-community vowpalwabbit     (and `apt install fasttext` for its program)

Files are written to a temporary folder (TMPDIR); with --stream 1000000 that takes 6 GB.
"""

import argparse
import importlib
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from peers.measure import Run, last_core, machine, one, peak, run, shown, table
from peers.sets import Record, lines_of, mixed, only, repeated, write

#: Articles that are tagged before those that are measured.
WARM = 512

#: From so many articles on all are trained ``--long-rounds`` times, and stances are not measured; from fewer on those
#: that take longest are, and stances.
MANY, SOME = 50_000, 5_000

#: What records of articles hold: their language is named, or must be identified.
FIELDS = {"lang": ("id", "title", "text", "lang"), "plain": ("id", "title", "text")}

#: The columns of what `peers.archive.killed` tells.
KILLED = ("killed at", "-j", "killed", "it was", "rows kept", "lost", "doubled", "in order",
          "same bytes", "files left", "processes left")  # fmt: skip

Told = dict[str, Any]
Rounds = dict[str, list[Told]]
Calls = Mapping[str, Callable[[], Told]]


def in_turn(rounds: int, calls: Calls) -> Rounds:
    """Call each in every round; return what each said, a list with an item for each round."""
    told: Rounds = {name: [] for name in calls}
    for number in range(rounds):
        for name, call in calls.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            told[name].append(call())
    return told


def lay(folder: Path, articles: Sequence[Record], number: int) -> list[Record]:
    """Write the articles that are measured on one core, and others to warm up with; return the former.

    ``lang`` files name the language of an article, ``plain`` ones do not.
    """
    warm, measured = articles[-WARM:], articles[:number]
    for given, fields in FIELDS.items():
        write(folder / f"warm-{given}.jsonl", only(warm, fields))
        write(folder / f"{given}.jsonl", only(measured, fields))
    return list(measured)


def bulk(folder: Path, measured: Sequence[Record], options: argparse.Namespace) -> None:
    """Print how fast the shipped model tags on one core: talante, and the same model in scikit-learn."""
    one("bulk.export", folder=folder)
    tag = partial(one, "bulk.tag", last_core(), folder=folder)
    ways = {
        "talante, without cleaning and language": partial(tag, given="lang", clean=False, kernel=True),
        "talante, with both": partial(tag, given="plain", clean=True, kernel=True),
        "talante without its kernel, cleaning and language": partial(tag, given="lang", clean=False, kernel=False),
    }
    told = in_turn(options.rounds, {**ways, "scikit-learn": partial(one, "bulk.sklearn", last_core(), folder=folder)})
    seconds = {name: [r["seconds"] for r in told[name]] for name in ways}
    seconds["scikit-learn, rows prepared for nothing"] = [r["predict"] for r in told["scikit-learn"]]
    seconds["scikit-learn, with preparing"] = [r["predict"] + r["prepare"] for r in told["scikit-learn"]]
    number, size = len(measured), sum(len(f"{r['title']}{r['text']}".encode()) for r in measured) / 1e6
    fastest = statistics.median(next(iter(seconds.values())))
    table(
        f"One core, {number:,} articles of {size / number * 1e3:.1f} kB, {options.rounds} rounds",
        ("system", "articles/s", "MB/s", "the first one is so many times as fast"),
        [
            (name, shown([number / s for s in took]), shown([size / s for s in took], 1), times(took, fastest))
            for name, took in seconds.items()
        ],
    )
    same = one("bulk.agreement", folder=folder)
    print(
        f"\nProbabilities of talante and of the pipelines differ by {same['plain']:.0e} at most, over all topics and "
        f"{same['sides']:,} stances of {same['articles']:,} articles; in {same['odd']} of these, which have a character"
        f" that scikit-learn folds in another way (½, º), by {same['all']:.0e}. Rows that are errors: "
        f"{', '.join(str(told[name][0]['failed']) for name in ways)}."
    )


def kernel(folder: Path, options: argparse.Namespace) -> None:
    """Print how much of the time that splitting and hashing words takes the rest of the kernel adds."""
    names = {"words": "`split_words` alone", "topics": "and look up, count and weigh topics", "all": "`Bulk.predict`"}
    told = in_turn(options.rounds, {"kernel": partial(one, "bulk.kernel", last_core(), folder=folder)})["kernel"]
    rates = {name: [r[name] for r in told] for name in names}
    limit = statistics.median(rates["words"])
    table(
        f"The kernel beside its limit, one core, {options.rounds} rounds",
        ("what is done", "MB/s", "of the limit"),
        [(what, shown(rates[name]), f"{statistics.median(rates[name]) / limit:.0%}") for name, what in names.items()],
    )


def cores(folder: Path, articles: Sequence[Record], options: argparse.Namespace) -> None:
    """Print how long `talante predict` takes with one and with two processes."""
    from peers.archive import predict

    rows = []
    for what, fields, more in (("without cleaning and language", "lang", ["--no-clean"]), ("with both", "plain", [])):
        given = repeated(folder / "many.jsonl", only(articles, FIELDS[fields]), options.repeat)
        commands = {jobs: predict(given, folder / "tags.jsonl", "-j", jobs, *more) for jobs in ("1", "2")}
        calls = {jobs: partial(took, command) for jobs, command in commands.items()}
        seconds = {jobs: [r["seconds"] for r in told] for jobs, told in in_turn(options.rounds, calls).items()}
        ratio = times(seconds["1"], statistics.median(seconds["2"]), 2)
        rows.append((what, shown(seconds["1"], 1), shown(seconds["2"], 1), ratio))
    table(
        f"`talante predict`, {options.repeat:,} articles, seconds with start-up, {options.rounds} rounds",
        ("", "-j 1", "-j 2", "so many times as fast"),
        rows,
    )


def took(command: Sequence[str | Path]) -> Told:
    """Return the seconds of a command."""
    return {"seconds": run(command, watched=False).seconds}


def times(values: Sequence[float], other: float, digits: int = 1) -> str:
    """Return how many times another one the median is."""
    return f"{statistics.median(values) / other:.{digits}f}"


def cold(folder: Path, options: argparse.Namespace) -> None:
    """Print how long a fresh process takes to tag one article."""
    told = one("cold.start", folder=folder, rounds=2 * options.rounds + 1)
    names = {"predict": "`talante predict ARTICLE`", "import": "`import sklearn.linear_model`"}
    seconds = {name: [took for took, _ in told[name]] for name in names}
    table(
        f"Cold start, {len(seconds['predict'])} rounds",
        ("fresh process", "seconds", "peak MB"),
        [(what, shown(seconds[name], 2), shown([size for _, size in told[name]])) for name, what in names.items()],
    )
    part = statistics.median(seconds["predict"]) / statistics.median(seconds["import"])
    print(f"\nTagging takes {part:.2f} of the time of the import.")


def topics(folder: Path, title: str, size: int, options: argparse.Namespace) -> None:
    """Print how fast systems learn topics from a set and predict them, and how well; or only try their settings."""
    from peers.systems import LONG, SYSTEMS, absent

    if options.tune:
        head = ("dimensions", "lr", "epochs", "cut", "micro-F1", "macro-F1")
        tried = one("by_line.tune", folder=folder, scratch=folder)["rows"]
        table(f"fastText, {title}, on a fifth of the articles to learn from", head, tried)
        return
    core, gone = last_core(), absent()
    for name, package in gone.items():
        print(f"{name} is left out: pip install --no-deps {package}", file=sys.stderr)
    at = {name: folder / f"model-{i}" for i, name in enumerate(SYSTEMS) if name not in gone}

    def train(name: str) -> Told:
        shutil.rmtree(at[name], ignore_errors=True)
        return one("systems.train", core, system=name, folder=folder, to=at[name])

    def predict(name: str) -> Told:
        return one("systems.predict", core, system=name, folder=folder, model=at[name], scratch=folder)

    few, rounds = options.long_rounds, options.long_rounds if size >= MANY else options.rounds
    learned = in_turn(rounds, {name: partial(train, name) for name in at if name not in LONG})
    learned |= in_turn(few if size >= SOME else rounds, {name: partial(train, name) for name in at if name in LONG})
    said = in_turn(options.rounds, {name: partial(predict, name) for name in at})
    first = _median(learned["talante"], "seconds")
    table(
        f"Learning topics, {title}, one core",
        ("system", "rounds", "seconds", "× talante", "peak MB", "model MB"),
        [
            (name, len(told), shown(_all(told, "seconds"), 1), times(_all(told, "seconds"), first),
             shown(_all(told, "peak")), f"{told[-1]['size']:.1f}")
            for name, told in learned.items()
        ],
    )  # fmt: skip
    table(
        f"Predicting topics, {title}, one core, {options.rounds} rounds",
        ("system", "articles/s", "talante ×", "with preparing", "file to file", "peak MB", "micro-F1", "macro-F1"),
        [
            (name, shown(_all(told, "predict")), times(_all(said["talante"], "predict"), _median(told, "predict")),
             shown(_all(told, "both")), shown(_all(told, "program")), shown(_all(told, "memory")),
             f"{told[-1]['micro']:.3f}", f"{told[-1]['macro']:.3f}")
            for name, told in said.items()
        ],
    )  # fmt: skip


def stances(folder: Path, size: int, options: argparse.Namespace) -> None:
    """Print how fast topics and stances are learned from prepared articles."""
    one("stances.prepare", folder=folder)
    measure = partial(one, "stances.measure", last_core(), folder=folder)
    rounds = options.long_rounds if size >= SOME else options.rounds
    told = in_turn(rounds, {name: partial(measure, system=name) for name in ("talante", "scikit-learn")})
    first = _median(told["talante"], "seconds")
    table(
        f"Topics and stances, {size:,} prepared news articles, one core, rounds: {rounds}",
        ("system", "seconds", "× talante", "peak MB", "topics, micro-F1", "topics, macro-F1", "stances, macro-F1"),
        [
            (name, shown(_all(of, "seconds"), 1), times(_all(of, "seconds"), first),
             shown(_all(of, "peak")), *(f"{of[-1][key]:.3f}" for key in ("micro", "macro", "stances")))
            for name, of in told.items()
        ],
    )  # fmt: skip


def _all(rounds: Sequence[Told], key: str) -> list[float]:
    """Return a figure of all rounds, none where it was not measured."""
    return [float(r[key]) for r in rounds if key in r]


def _median(rounds: Sequence[Told], key: str) -> float:
    return statistics.median(_all(rounds, key))


def stream(folder: Path, articles: Sequence[Record], rows: int) -> None:
    """Print the memory of `talante predict` over a big archive and a tenth of it; then kill it amid the big one."""
    from peers.archive import killed, predict

    found, whole = [], folder / "tags.jsonl"
    for number in (rows // 10, rows):
        given = repeated(folder / "big.jsonl", articles, number)
        done = run(predict(given, whole))
        size, rate = given.stat().st_size / 1e9, number / done.seconds
        memory = [f"{most:.0f}" for most in (*_tenths(done), max(done.memory))]
        found.append((f"{number:,}", f"{size:.2f}", f"{done.seconds:.0f}", f"{rate:,.0f}", *memory))
    head = ("articles", "GB", "seconds", "articles/s", *(f"{i}0 %" for i in range(1, 11)), "peak MB")
    table("Memory of all processes over an archive, MB: the most in each tenth of the time", head, found)
    told = killed(given, whole, folder, 0.5, 2, everything=True)
    table(f"kill -9 in the middle of {rows:,} articles, then --resume", KILLED, [("50%", 2, "all", *told.values())])


def _tenths(done: Run) -> list[float]:
    """Return the most memory in each tenth of the time."""
    looks = len(done.memory)
    return [max(done.memory[i * looks // 10 : (i + 1) * looks // 10], default=0.0) for i in range(10)]


def kill(folder: Path, articles: Sequence[Record], options: argparse.Namespace) -> None:
    """Print what is lost or doubled when a run is killed and gone on with."""
    from peers.archive import killed, moments, predict

    given, whole = repeated(folder / "given.jsonl", articles, options.kill), folder / "whole.jsonl"
    run(predict(given, whole))
    rows = []
    for number, part in enumerate(moments(options.rounds)):
        jobs, everything = 1 + number % 2, number % 4 < 2
        told = killed(given, whole, folder, part, jobs, everything)
        rows.append((f"{part:.0%}", jobs, "all" if everything else "the program", *told.values()))
    table(f"kill -9 in {options.kill:,} articles, then --resume", KILLED, rows)


def answer(name: str, arguments: dict[str, Any]) -> Told:
    """Run a function of a module beside this one, as `peers.measure.one` asks for."""
    module, _, function = name.partition(".")
    told: Told = getattr(importlib.import_module(f"peers.{module}"), function)(**arguments)
    return told


PARTS = ("bulk", "kernel", "cores", "cold", "topics", "stances")


def main() -> None:
    """Measure and print, or be one of the processes that are measured."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps({**answer(sys.argv[2], json.loads(sys.argv[3])), "peak": peak()}))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("news", nargs="+", type=Path, help="articles: id, title, text, lang, outlet")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--long-rounds", type=int, default=1, help="of training that takes long")
    parser.add_argument("--articles", type=int, default=4000, help="of which the speed on one core is measured")
    parser.add_argument("--repeat", type=int, default=50_000, help="articles for one core beside two")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="articles to learn from")
    parser.add_argument("--reuters", type=Path, help="folder of reuters21578-r90-{train,test}.jsonl.gz")
    parser.add_argument(
        "--stream", type=int, metavar="ROWS", help="memory over so many articles and a tenth of them, and killed"
    )
    parser.add_argument("--kill", type=int, nargs="?", const=20_000, metavar="ROWS", help="kill runs and go on")
    parser.add_argument("--tune", action="store_true", help="only try settings of fastText")
    options = parser.parse_args()
    print(f"# Performance\n\n{machine()}")
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Print all that is asked for."""
    from peers.archive import predict

    articles = mixed([article for path in options.news for article in lines_of(path)])
    if not options.tune:
        measured = lay(folder, articles, options.articles)
        parts = {
            "bulk": partial(bulk, folder, measured, options),
            "kernel": partial(kernel, folder, options),
            "cores": partial(cores, folder, articles, options),
            "cold": partial(cold, folder, options),
        }
        run(predict(folder / "warm-lang.jsonl", folder / "tags.jsonl"))  # the kernel is compiled and in its cache
        for part, call in parts.items():
            if part in options.only:
                call()
    if {"topics", "stances"} & set(options.only):
        learn(folder, options)
    if options.stream:
        stream(folder, articles, options.stream)
    if options.kill:
        kill(folder, articles, options)


def learn(folder: Path, options: argparse.Namespace) -> None:
    """Make the sets of labelled articles, one after the other, and measure who learns from them."""
    one("sets.split", folder=folder, paths=[str(path) for path in options.news])
    for size in options.sizes:
        at = folder / "news"
        made = one("sets.news", folder=folder, to=at, size=size)
        title = f"{size:,} news articles labelled by rule ({made['test']:,} to test on)"
        if "topics" in options.only:
            topics(at, title, size, options)
        if "stances" in options.only and size < MANY and not options.tune:
            stances(at, size, options)
        shutil.rmtree(at)
    if options.reuters and "topics" in options.only:
        at = folder / "reuters"
        made = one("sets.reuters", to=at, source=options.reuters)
        title = f"Reuters-21578 R90, {made['train']:,} articles ({made['test']:,} to test on)"
        topics(at, title, made["train"], options)


if __name__ == "__main__":
    main()
