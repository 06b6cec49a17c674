"""Systems that learn topics from the same articles and predict them: each trains and predicts in a process of its own.

Training is timed from the file of records to the files of the model. Nothing heavy is imported before it is needed:
what a process imports is in its memory. What is set by hand was tried with `python benchmarks/performance.py --tune`.
"""

import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from peers.measure import missing, per_call
from peers.sets import Record, lines_of, repeated, text_of

#: Rows of the files that programs read, so that starting them weighs little.
ROWS = 10_000

#: Settings of fastText by the dimension of its vectors: 100 as it comes, 10 as in Joulin et al. (2016). An answer is
#: given from ``cut`` on. See `epochs`.
FASTTEXT = {10: {"lr": 1.0, "cut": 0.3}, 100: {"lr": 0.5, "cut": 0.3}}

#: Vowpal Wabbit: bits of its table of weights, and passes over the articles.
BITS, PASSES = 24, 5

_WORD = re.compile(r"\w+")
_LABEL = "__label__"

#: What an article without topics is given: fastText and Vowpal Wabbit do not learn from one without labels.
_NONE = "none"

Labels = list[set[str]]


class Loaded(NamedTuple):
    """A model in memory: ``prepare`` makes of records what ``predict`` takes; ``program`` does the same with files.

    ``program`` takes records and a folder to write to; it returns the seconds of an article, its start taken off.
    """

    prepare: Callable[[Sequence[Record]], Any]
    predict: Callable[[Any], Labels]
    program: Callable[[Sequence[Record], Path], float] | None = None


class System(NamedTuple):
    """How to train on the set in a folder into another folder, and how to load what was trained from there."""

    train: Callable[[Path, Path], None]
    load: Callable[[Path], Loaded]
    package: str = "scikit-learn"


def train(system: str, folder: str, to: str) -> dict[str, float]:
    """Train a system; return the seconds, and the size of the model in megabytes."""
    warnings.simplefilter("ignore")  # that a solver stopped at its default number of steps is part of the default
    Path(to).mkdir(parents=True)
    begun = time.perf_counter()
    SYSTEMS[system].train(Path(folder), Path(to))
    took = time.perf_counter() - begun
    return {"seconds": took, "size": sum(p.stat().st_size for p in Path(to).rglob("*") if p.is_file()) / 1e6}


def predict(system: str, folder: str, model: str, scratch: str) -> dict[str, float]:
    """Load a model and predict the articles to test on; return articles a second and how good the answers are."""
    loaded, records = SYSTEMS[system].load(Path(model)), lines_of(Path(folder) / "test.jsonl")
    ready = loaded.prepare(records)
    answers = loaded.predict(ready)
    quality = f1s([set(r["topics"]) for r in records], answers)
    n = len(records)
    preparing, predicting = per_call(lambda: loaded.prepare(records)), per_call(lambda: loaded.predict(ready))
    told = {**quality, "predict": n / predicting, "both": n / (preparing + predicting)}
    if loaded.program:
        told["program"] = 1.0 / loaded.program(records, Path(scratch))
    return told


def f1s(gold: Labels, found: Labels) -> dict[str, float]:
    """Return micro- and macro-F1 over all labels that occur in ``gold``."""
    labels = sorted(set().union(*gold))
    counts = [
        (
            sum(label in g and label in f for g, f in zip(gold, found, strict=True)),
            sum(label in f for f in found),
            sum(label in g for g in gold),
        )
        for label in labels
    ]
    right, given, there = (sum(column) for column in zip(*counts, strict=True))
    return {"micro": 2 * right / (given + there), "macro": sum(2 * r / (g + t) for r, g, t in counts) / len(labels)}


def plain(record: Record) -> str:
    """Return the words of a record in small letters, with blanks between: what fastText and Vowpal Wabbit take."""
    return " ".join(_WORD.findall(text_of(record).lower()))


def epochs(articles: int) -> int:
    """Return how often fastText goes through so many articles: many are learned from in fewer rounds."""
    return min(50, max(5, 250_000 // articles))


def _train_talante(folder: Path, to: Path) -> None:
    from talante.jobs.train import train

    train(folder / "data", to, measure=False)


def _load_talante(folder: Path) -> Loaded:
    from talante.corpus.article import Article
    from talante.jobs.archive import tag_to_file
    from talante.jobs.tag import Order, Tagger
    from talante.model.files import load
    from talante.text.prepare import read

    path = next(folder.glob("*/model.json")).parent
    model, order = load(path), Order(model=path, chrome=False)
    tagger = Tagger(order, model)

    def prepare(records: Sequence[Record]) -> Any:
        articles = (Article(r["id"], r["text"], r["title"], r["lang"]) for r in records)
        return [read(article, chrome=False) for article in articles]

    def predict(ready: Any) -> Labels:
        if not tagger.bulk:
            sys.exit("the kernel does not run this model")
        return [set(prediction.topics) for prediction in tagger.bulk.predict(ready)]

    def program(records: Sequence[Record], scratch: Path) -> float:
        given = repeated(scratch / "talante.jsonl", [{**r, "topics": None} for r in records], ROWS)
        begun = time.perf_counter()
        tag_to_file([given], scratch / "tags.jsonl", order, tagger, jobs=1)
        return (time.perf_counter() - begun) / ROWS

    return Loaded(prepare, predict, program)


def _sklearn(c: float) -> System:
    def train(folder: Path, to: Path) -> None:
        import joblib
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import MultiLabelBinarizer

        records, labels = lines_of(folder / "train.jsonl"), MultiLabelBinarizer()
        pipeline = make_pipeline(
            TfidfVectorizer(
                strip_accents="unicode", ngram_range=(1, 2), sublinear_tf=True, min_df=3, max_features=200_000
            ),
            OneVsRestClassifier(LogisticRegression(C=c)),
        )
        pipeline.fit([text_of(r) for r in records], labels.fit_transform([r["topics"] for r in records]))
        joblib.dump((pipeline, labels), to / "model.joblib")

    def load(folder: Path) -> Loaded:
        import joblib

        pipeline, labels = joblib.load(folder / "model.joblib")
        return Loaded(
            lambda records: [text_of(r) for r in records],
            lambda texts: [set(found) for found in labels.inverse_transform(pipeline.predict(texts))],
        )

    return System(train, load)


def _fasttext(dim: int) -> System:
    cut = FASTTEXT[dim]["cut"]

    def train(folder: Path, to: Path) -> None:
        fit_fasttext(dim, lines_of(folder / "train.jsonl"), to)

    def load(folder: Path) -> Loaded:
        import fasttext

        model = fasttext.load_model(str(folder / "model.bin"))

        def predict(texts: Any) -> Labels:
            answers, _ = model.predict(texts, k=-1, threshold=cut)
            return [{label.removeprefix(_LABEL) for label in found} - {_NONE} for found in answers]

        def program(records: Sequence[Record], scratch: Path) -> float:
            command = ["fasttext", "predict-prob", folder / "model.bin"]
            return _beyond_start(lambda path: [*command, path, -1, cut], _as_lines(records, scratch))

        return Loaded(
            lambda records: [plain(r) for r in records], predict, program if shutil.which("fasttext") else None
        )

    return System(train, load, "fasttext-community")


def fit_fasttext(dim: int, records: Sequence[Record], to: Path, **settings: float) -> Any:
    """Train fastText on records and save the model in a folder."""
    import fasttext

    lines = to / "lines.txt"
    with lines.open("w", encoding="utf-8") as stream:
        for r in records:
            stream.write(" ".join([*(_LABEL + topic for topic in r["topics"] or [_NONE]), plain(r)]) + "\n")
    given = {"lr": FASTTEXT[dim]["lr"], "epoch": epochs(len(records)), **settings}
    model = fasttext.train_supervised(str(lines), loss="ova", wordNgrams=2, dim=dim, thread=1, verbose=0, **given)
    model.save_model(str(to / "model.bin"))
    lines.unlink()
    return model


def _vw() -> System:
    def train(folder: Path, to: Path) -> None:
        import json

        import vowpalwabbit

        records = lines_of(folder / "train.jsonl")
        labels = [*sorted({topic for r in records for topic in r["topics"]}), _NONE]
        number = {label: i for i, label in enumerate(labels)}
        with (to / "lines.txt").open("w", encoding="utf-8") as stream:
            for r in records:  # the numbers of labels must ascend
                given = sorted(number[topic] for topic in r["topics"] or [_NONE])
                stream.write(f"{','.join(map(str, given))} | {plain(r)}\n")
        vowpalwabbit.Workspace(
            f"--data {to}/lines.txt --cache_file {to}/cache --kill_cache --final_regressor {to}/model.vw --quiet "
            f"--multilabel_oaa {len(labels)} --loss_function logistic --ngram 2 --bit_precision {BITS} "
            f"--passes {PASSES} --holdout_off"
        ).finish()
        (to / "lines.txt").unlink()
        (to / "cache").unlink(missing_ok=True)
        (to / "labels.json").write_text(json.dumps(labels))

    def load(folder: Path) -> Loaded:
        import json

        import vowpalwabbit

        model = vowpalwabbit.Workspace(f"--testonly --initial_regressor {folder}/model.vw --quiet")
        labels = json.loads((folder / "labels.json").read_text())

        def program(records: Sequence[Record], scratch: Path) -> float:
            command = [sys.executable, "-m", "vowpalwabbit", "--testonly", "--quiet", "-i", folder / "model.vw"]
            lines = _as_lines(records, scratch, "| ")
            return _beyond_start(lambda path: [*command, "-p", scratch / "answers", "-d", path], lines)

        return Loaded(
            lambda records: ["| " + plain(r) for r in records],
            lambda texts: [{labels[i] for i in model.predict(text)} - {_NONE} for text in texts],
            program,
        )

    return System(train, load, "vowpalwabbit")


def _as_lines(records: Sequence[Record], scratch: Path, before: str = "") -> tuple[Path, Path]:
    """Write ROWS prepared articles a line each, and one alone."""
    prepared = [f"{before}{plain(r)}\n" for r in records]
    many, first = scratch / "many.txt", scratch / "one.txt"
    many.write_text("".join(prepared[i % len(prepared)] for i in range(ROWS)), encoding="utf-8")
    first.write_text(prepared[0], encoding="utf-8")
    return many, first


def _beyond_start(command: Callable[[Path], Sequence[object]], lines: tuple[Path, Path]) -> float:
    """Return the seconds of an article in a program: those for many, less those for one alone."""
    took = []
    for path in lines:
        begun = time.perf_counter()
        subprocess.run([str(word) for word in command(path)], check=True, stdout=subprocess.DEVNULL)
        took.append(time.perf_counter() - begun)
    return (took[0] - took[1]) / (ROWS - 1)


SYSTEMS = {
    "talante": System(_train_talante, _load_talante),
    "scikit-learn, C=1": _sklearn(1.0),
    "scikit-learn, C=100": _sklearn(100.0),
    "fastText, 100 dimensions": _fasttext(100),
    "fastText, 10 dimensions": _fasttext(10),
    "Vowpal Wabbit": _vw(),
}


def absent() -> dict[str, str]:
    """Return the systems that are not installed, each with the package that brings it."""
    return {name: system.package for name, system in SYSTEMS.items() if missing(system.package)}


def tune(folder: Path, scratch: Path) -> list[tuple[object, ...]]:
    """Return how good fastText is with some settings, each measured on a fifth of the articles that it learns from."""
    records = lines_of(folder / "train.jsonl")
    inside, outside = [r for i, r in enumerate(records) if i % 5], records[::5]
    gold, texts, rows = [set(r["topics"]) for r in outside], [plain(r) for r in outside], []
    for dim in FASTTEXT:
        for lr in (0.5, 1.0):
            for epoch in (epochs(len(inside)) // 2, epochs(len(inside))):
                model = fit_fasttext(dim, inside, scratch, lr=lr, epoch=epoch)
                answers, scores = model.predict(texts, k=-1, threshold=0.1)
                for cut in (0.2, 0.3, 0.5):
                    found = [
                        {label.removeprefix(_LABEL) for label, p in zip(*pair, strict=True) if p >= cut} - {_NONE}
                        for pair in zip(answers, scores, strict=True)
                    ]
                    quality = f1s(gold, found)
                    rows.append((dim, lr, epoch, cut, f"{quality['micro']:.3f}", f"{quality['macro']:.3f}"))
    return rows
