"""Train a system that learns topics, and let it predict, each in a process of its own.

Training is timed from the file of records to the files of the model, when a small training has imported and compiled
what is needed. Nothing else is imported: it would be in the memory that is measured.
"""

import time
import warnings
from pathlib import Path

from peers.by_line import fasttext, vowpal_wabbit
from peers.measure import missing, peak, per_call
from peers.sets import lines_of
from peers.system import f1s
from peers.tfidf import TALANTE, sklearn

SYSTEMS = {
    "talante": TALANTE,
    "scikit-learn, C=1": sklearn(1.0),
    "scikit-learn, C=100": sklearn(100.0),
    "fastText, 100 dimensions": fasttext(100),
    "fastText, 10 dimensions": fasttext(10),
    "Vowpal Wabbit": vowpal_wabbit(),
}

#: Those that are trained less often where it takes long.
LONG = {"fastText, 100 dimensions", "fastText, 10 dimensions", "Vowpal Wabbit"}


def train(system: str, folder: str, to: str) -> dict[str, float]:
    """Train a system; return the seconds, and the size of the model in megabytes."""
    warnings.simplefilter("ignore")  # that a solver stopped at its default number of steps is part of the default
    for name in ("warm", ""):
        at = Path(to, name or "model")
        at.mkdir(parents=True)
        begun = time.perf_counter()
        SYSTEMS[system].train(Path(folder, name), at)
        took = time.perf_counter() - begun
    return {"seconds": took, "size": sum(p.stat().st_size for p in at.rglob("*") if p.is_file()) / 1e6}


def predict(system: str, folder: str, model: str, scratch: str) -> dict[str, float]:
    """Load a model and predict the articles to test on; return articles a second and how good the answers are."""
    loaded, records = SYSTEMS[system].load(Path(model, "model")), lines_of(Path(folder) / "test.jsonl")
    ready = loaded.prepare(records)
    answers = loaded.predict(ready)
    quality = f1s([set(r["topics"]) for r in records], answers)
    n = len(records)
    preparing, predicting = per_call(lambda: loaded.prepare(records)), per_call(lambda: loaded.predict(ready))
    told = {**quality, "memory": peak(), "predict": n / predicting, "both": n / (preparing + predicting)}
    if loaded.program:
        told["program"] = 1.0 / loaded.program(records, Path(scratch))
    return told


def absent() -> dict[str, str]:
    """Return the systems that are not installed, each with the package that brings it."""
    return {name: system.package for name, system in SYSTEMS.items() if missing(system.package)}
