"""How fast talante is, and how much memory it takes, beside those that do the same job.

    python benchmarks/performance.py NEWS.jsonl.gz [NEWS.jsonl.gz ...]
    python benchmarks/performance.py NEWS.jsonl.gz ... --only bulk cores --rounds 7
    python benchmarks/performance.py NEWS.jsonl.gz ... --stream 1000000 --kill

Prints tables in Markdown; docs/performance.md says how to read them. Everything that is measured runs in a fresh process,
and in each round all take turns, so that all see the same machine; figures are medians, in parentheses the least and the
most. Linux only; let nothing else run beside it. Competitors that are not installed are left out:

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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from peers.measure import Run, last_core, machine, one, peak, run, shown, table
from peers.sets import Record, by_outlet, lines_of, mixed, news, news_to_test_on, repeated, reuters, write

#: Articles that are tagged before those that are measured.
WARM = 512

#: From so many articles on training is measured ``--long-rounds`` times, and stances are not.
MANY = 50_000

Told = dict[str, Any]
Rounds = dict[str, list[Told]]


def in_turn(rounds: int, calls: dict[str, Callable[[], Told]]) -> Rounds:
    """Call each in every round; return what each said, a list with an item for each round."""
    told: Rounds = {name: [] for name in calls}
    for number in range(rounds):
        for name, call in calls.items():
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            told[name].append(call())
    return told


def bulk(folder: Path, articles: Sequence[Record], options: argparse.Namespace) -> None:
    """Print how fast the shipped model tags on one core: talante, and the same model in scikit-learn."""
    measured, warm = articles[WARM : WARM + options.articles], articles[:WARM]
    for before, records in (("", measured), ("warm-", warm)):
        for given, fields in (("lang", ("id", "title", "text", "lang")), ("plain", ("id", "title", "text"))):
            write(folder / f"{before}{given}.jsonl", ({field: r[field] for field in fields} for r in records))
    core = last_core()
    one("bulk.export", folder=folder)
    ways = {
        "talante, without cleaning and language": ("lang", False, True),
        "talante, with both": ("plain", True, True),
        "talante without its kernel, without cleaning and language": ("lang", False, False),
    }
    calls: dict[str, Callable[[], Told]] = {
        name: lambda given=given, clean=clean, kernel=kernel: one(
            "bulk.tag", core, folder=folder, given=given, clean=clean, kernel=kernel
        )
        for name, (given, clean, kernel) in ways.items()
    }
    calls["scikit-learn"] = lambda: one("bulk.sklearn", core, folder=folder)
    told = in_turn(options.rounds, calls)
    seconds = {name: [r["seconds"] for r in told[name]] for name in ways}
    seconds["scikit-learn, rows prepared for nothing"] = [r["predict"] for r in told["scikit-learn"]]
    seconds["scikit-learn, with preparing"] = [r["predict"] + r["prepare"] for r in told["scikit-learn"]]
    size = sum(len(f"{r['title']}{r['text']}".encode()) for r in measured) / 1e6
    fastest = statistics.median(next(iter(seconds.values())))
    table(
        f"One core, {len(measured):,} articles of {size / len(measured) * 1e3:.1f} kB, {options.rounds} rounds",
        ("system", "articles/s", "MB/s", "the first one is so many times as fast"),
        [
            (name, shown([len(measured) / s for s in took]), shown([size / s for s in took], 1),
             f"{statistics.median(took) / fastest:.1f}")
            for name, took in seconds.items()
        ],
    )  # fmt: skip
    same = one("bulk.agreement", folder=folder)
    print(
        f"\nProbabilities of talante and of the pipelines differ by {same['plain']:.0e} at most, over all topics and "
        f"{same['sides']:,} stances of {same['articles']:,} articles; in {same['odd']} of these, which have a character that "
        f"scikit-learn folds in another way (½, º), by {same['all']:.0e}. Rows that are errors: "
        f"{', '.join(str(told[name][0]['failed']) for name in ways)}."
    )


def kernel(folder: Path, options: argparse.Namespace) -> None:
    """Print how much of the time that splitting and hashing words takes the rest of the kernel adds."""
    names = {"words": "`split_words` alone", "topics": "and look up, count and weigh topics", "all": "`Bulk.predict`"}
    core = last_core()
    told = in_turn(options.rounds, {"kernel": lambda: one("bulk.kernel", core, folder=folder)})["kernel"]
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
    for what, fields, more in (
        ("without cleaning and language", ("id", "title", "text", "lang"), ("--no-clean",)),
        ("with both", ("id", "title", "text"), ()),
    ):
        records = [{field: r[field] for field in fields} for r in articles]
        given = repeated(folder / "many.jsonl", records, options.repeat)

        def seconds(jobs: str, given: Path = given, more: tuple[str, ...] = more) -> Told:
            return {"seconds": run(predict(given, folder / "tags.jsonl", "-j", jobs, *more)).seconds}

        told = in_turn(options.rounds, {jobs: lambda jobs=jobs: seconds(jobs) for jobs in ("1", "2")})
        took = {jobs: [r["seconds"] for r in told[jobs]] for jobs in told}
        ratio = statistics.median(took["1"]) / statistics.median(took["2"])
        rows.append((what, shown(took["1"], 1), shown(took["2"], 1), f"{ratio:.2f}"))
    table(
        f"`talante predict`, {options.repeat:,} articles, seconds with start-up, {options.rounds} rounds",
        ("", "-j 1", "-j 2", "so many times as fast"),
        rows,
    )


def cold(folder: Path, options: argparse.Namespace) -> None:
    """Print how long a fresh process takes to tag one article."""
    told = one("cold.start", folder=folder, rounds=max(options.rounds, 11))
    names = {"predict": "`talante predict ARTICLE`", "import": "`import sklearn.linear_model`"}
    seconds = {name: [took for took, _ in told[name]] for name in names}
    table(
        f"Cold start, {len(seconds['predict'])} rounds",
        ("fresh process", "seconds", "peak MB"),
        [(what, shown(seconds[name], 2), shown([size for _, size in told[name]])) for name, what in names.items()],
    )
    part = statistics.median(seconds["predict"]) / statistics.median(seconds["import"])
    print(f"\nTagging takes {part:.2f} of the time of the import.")


def systems(folder: Path, title: str, rounds: int, options: argparse.Namespace) -> None:
    """Print how fast systems learn topics from a set and predict them, and how well."""
    from peers.systems import SYSTEMS, absent

    core, gone = last_core(), absent()
    for name, package in gone.items():
        print(f"{name} is left out: pip install --no-deps {package}", file=sys.stderr)
    there = [name for name in SYSTEMS if name not in gone]
    at = {name: folder / f"model-{i}" for i, name in enumerate(there)}

    def train(name: str) -> Told:
        shutil.rmtree(at[name], ignore_errors=True)
        return one("systems.train", core, system=name, folder=folder, to=at[name])

    def predict(name: str) -> Told:
        return one("systems.predict", core, system=name, folder=folder, model=at[name], scratch=folder)

    trained = in_turn(rounds, {name: lambda name=name: train(name) for name in there})
    asked = in_turn(options.rounds, {name: lambda name=name: predict(name) for name in there})
    first = {"train": _median(trained["talante"], "seconds"), "predict": _median(asked["talante"], "predict")}
    rows = []
    for name in there:
        learned, said = trained[name], asked[name]
        program = shown([r["program"] for r in said]) if "program" in said[0] else ""
        rows.append(
            (
                name,
                shown([r["seconds"] for r in learned], 1),
                f"{_median(learned, 'seconds') / first['train']:.1f}",
                shown([r["peak"] for r in learned]),
                f"{learned[-1]['size']:.1f}",
                shown([r["predict"] for r in said]),
                f"{first['predict'] / _median(said, 'predict'):.1f}",
                shown([r["both"] for r in said]),
                program,
                shown([r["peak"] for r in said]),
                f"{said[-1]['micro']:.3f}",
                f"{said[-1]['macro']:.3f}",
            )
        )
    table(
        f"Topics, {title}, one core, {rounds} rounds of training, {options.rounds} of predicting",
        ("system", "training, s", "× talante", "peak MB", "model MB", "articles/s", "talante ×", "with preparing",
         "files, articles/s", "peak MB", "micro-F1", "macro-F1"),
        rows,
    )  # fmt: skip


def stances(folder: Path, size: int, options: argparse.Namespace) -> None:
    """Print how fast topics and stances are learned from prepared articles."""
    one("stances.prepare", folder=folder)
    core, names = last_core(), ("talante", "scikit-learn")
    told = in_turn(
        options.rounds,
        {name: lambda name=name: one("stances.measure", core, system=name, folder=folder) for name in names},
    )
    first = _median(told["talante"], "seconds")
    table(
        f"Topics and stances, {size:,} prepared news articles, one core, {options.rounds} rounds",
        ("system", "fitting, s", "× talante", "peak MB", "topics, micro-F1", "topics, macro-F1", "stances, macro-F1"),
        [
            (name, shown([r["seconds"] for r in rounds], 1), f"{_median(rounds, 'seconds') / first:.1f}",
             shown([r["peak"] for r in rounds]), *(f"{rounds[-1][key]:.3f}" for key in ("micro", "macro", "stances")))
            for name, rounds in told.items()
        ],
    )  # fmt: skip


def _median(rounds: Sequence[Told], key: str) -> float:
    return statistics.median(float(r[key]) for r in rounds)


def stream(folder: Path, articles: Sequence[Record], rows: int) -> None:
    """Print the memory of `talante predict` over a big archive and a tenth of it, from beginning to end."""
    from peers.archive import predict

    found = []
    for number in (rows // 10, rows):
        given = repeated(folder / "big.jsonl", articles, number)
        done = run(predict(given, folder / "tags.jsonl"))
        found.append((f"{number:,}", f"{given.stat().st_size / 1e9:.2f}", f"{done.seconds:.0f}",
                      f"{number / done.seconds:,.0f}", *(f"{size:.0f}" for size in _tenths(done)), f"{max(done.memory):.0f}"))  # fmt: skip
    head = ("articles", "GB", "seconds", "articles/s", *(f"{i}0 %" for i in range(1, 11)), "peak MB")
    table("Memory of all processes over an archive, MB: the most in each tenth of the time", head, found)


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
    head = ("killed at", "-j", "killed", "it was", "rows kept", "lost", "doubled", "in order", "same bytes", "left over")
    table(f"kill -9 in the middle of {options.kill:,} articles, then --resume", head, rows)


def tune(folder: Path, title: str) -> None:
    """Print how good fastText is with some settings, on a part of what it learns from."""
    from peers.systems import tune as tried

    head = ("dimensions", "lr", "epochs", "cut", "micro-F1", "macro-F1")
    table(f"fastText, {title}, on a fifth of the articles to learn from", head, tried(folder, folder))


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
    parser.add_argument("--long-rounds", type=int, default=1, help=f"of training on {MANY:,} articles or more")
    parser.add_argument("--articles", type=int, default=4000, help="of which the speed on one core is measured")
    parser.add_argument("--repeat", type=int, default=100_000, help="articles for one core beside two")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="articles to learn from")
    parser.add_argument("--reuters", type=Path, help="folder of reuters21578-r90-{train,test}.jsonl.gz")
    parser.add_argument("--stream", type=int, metavar="ROWS", help="memory over so many articles, and a tenth of them")
    parser.add_argument("--kill", type=int, nargs="?", const=20_000, metavar="ROWS", help="kill runs and go on")
    parser.add_argument("--tune", action="store_true", help="only try settings of fastText")
    options = parser.parse_args()
    print(f"# Performance\n\n{machine()}")
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    """Print all that is asked for."""
    articles = mixed([article for path in options.news for article in lines_of(path)])
    parts = {
        "bulk": lambda: bulk(folder, articles, options),
        "kernel": lambda: kernel(folder, options),
        "cores": lambda: cores(folder, articles, options),
        "cold": lambda: cold(folder, options),
    }
    for part, call in parts.items():
        if part in options.only and not options.tune:
            call()
    if {"topics", "stances"} & set(options.only):
        learn(folder, options)
    if options.stream:
        stream(folder, articles, options.stream)
    if options.kill:
        kill(folder, articles, options)


def learn(folder: Path, options: argparse.Namespace) -> None:
    """Make the sets of labelled articles, one after the other, and measure who learns from them."""
    import retraining_time

    inside, outside = by_outlet(retraining_time.read(options.news))
    test = news_to_test_on(outside)
    for size in options.sizes:
        at = news(folder / f"news-{size}", inside, test, size)
        title = f"{size:,} news articles labelled by rule"
        if options.tune:
            tune(at, title)
        else:
            if "topics" in options.only:
                systems(at, title, options.long_rounds if size >= MANY else options.rounds, options)
            if "stances" in options.only and size < MANY:
                stances(at, size, options)
        shutil.rmtree(at)
    if options.reuters and "topics" in options.only:
        at = reuters(folder / "reuters", options.reuters)
        if options.tune:
            tune(at, "Reuters-21578 R90")
        else:
            systems(at, "Reuters-21578 R90", options.rounds, options)


if __name__ == "__main__":
    main()
