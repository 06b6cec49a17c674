"""Systems that read articles as lines of words: fastText and Vowpal Wabbit.

What is set by hand was tried with `python benchmarks/performance.py NEWS.jsonl.gz ... --only topics --tune`.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from peers.sets import Record, lines_of, text_of
from peers.system import ROWS, Labels, Loaded, System, f1s

#: Settings of fastText by the dimension of its vectors: 100 as it comes, 10 as in Joulin et al. (2016). An answer is
#: given from ``cut`` on. See `epochs`.
FASTTEXT = {10: {"lr": 1.0, "cut": 0.3}, 100: {"lr": 0.5, "cut": 0.3}}

#: Vowpal Wabbit: bits of its table of weights, and passes over the articles.
BITS, PASSES = 24, 5

_WORD = re.compile(r"\w+")
_LABEL = "__label__"

#: What an article without topics is given: fastText and Vowpal Wabbit do not learn from one without labels.
_NONE = "none"


def plain(record: Record) -> str:
    """Return the words of a record in small letters, with blanks between: what fastText and Vowpal Wabbit take."""
    return " ".join(_WORD.findall(text_of(record).lower()))


def epochs(articles: int) -> int:
    """Return how often fastText goes through so many articles: many are learned from in fewer rounds."""
    return min(50, max(5, 250_000 // articles))


def fasttext(dim: int) -> System:
    """Return fastText with vectors of so many dimensions."""
    cut = FASTTEXT[dim]["cut"]

    def train(folder: Path, to: Path) -> None:
        _fit_fasttext(dim, lines_of(folder / "train.jsonl"), to)

    def load(folder: Path) -> Loaded:
        from fasttext import load_model

        model = load_model(str(folder / "model.bin"))

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


def _fit_fasttext(dim: int, records: Sequence[Record], to: Path, **settings: float) -> Any:
    """Train fastText on records and save the model in a folder."""
    from fasttext import train_supervised

    lines = to / "lines.txt"
    with lines.open("w", encoding="utf-8") as stream:
        for r in records:
            stream.write(" ".join([*(_LABEL + topic for topic in r["topics"] or [_NONE]), plain(r)]) + "\n")
    given = {"lr": FASTTEXT[dim]["lr"], "epoch": epochs(len(records)), **settings}
    model = train_supervised(str(lines), loss="ova", wordNgrams=2, dim=dim, thread=1, verbose=0, **given)
    model.save_model(str(to / "model.bin"))
    lines.unlink()
    return model


def vowpal_wabbit() -> System:
    """Return Vowpal Wabbit, one decision against all others for each topic."""

    def train(folder: Path, to: Path) -> None:
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


def tune(folder: str, scratch: str) -> dict[str, list[tuple[object, ...]]]:
    """Return how good fastText is with some settings, each measured on a fifth of the articles that it learns from."""
    records = lines_of(Path(folder) / "train.jsonl")
    inside, outside = [r for i, r in enumerate(records) if i % 5], records[::5]
    gold, texts = [set(r["topics"]) for r in outside], [plain(r) for r in outside]
    rows: list[tuple[object, ...]] = []
    for dim, lr, part in product(FASTTEXT, (0.5, 1.0), (0.5, 1.0)):
        epoch = round(part * epochs(len(inside)))
        model = _fit_fasttext(dim, inside, Path(scratch), lr=lr, epoch=epoch)
        answers, scores = model.predict(texts, k=-1, threshold=0.1)
        for cut in (0.2, 0.3, 0.5):
            found = [
                {label.removeprefix(_LABEL) for label, score in zip(*of, strict=True) if score >= cut} - {_NONE}
                for of in zip(answers, scores, strict=True)
            ]
            quality = f1s(gold, found)
            rows.append((dim, lr, epoch, cut, f"{quality['micro']:.3f}", f"{quality['macro']:.3f}"))
    return {"rows": rows}
