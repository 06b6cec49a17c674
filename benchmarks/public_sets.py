"""Public labelled sets, trained and measured with the default settings: talante is the same program for any corpus.

python benchmarks/public_sets.py FOLDER [--sets semeval2016 cic-es reuters21578-r90]

FOLDER holds `semeval2016-{train,test}.jsonl` (SemEval-2016 Task 6 A: id, target, text, stance),
`cic-es-{train,test}.jsonl` (Catalonia Independence Corpus, Spanish: id, text, stance) and
`reuters21578-r90-{train,test}.jsonl.gz` (id, title, text, topics). Each training split becomes a data folder
(schema.toml and records), `talante train` fits it, and the test split is predicted. Prints each figure with its 95 %
interval (bootstrap over the test texts) and the time that training took; for stances also those of a peer:
scikit-learn's TfidfVectorizer and LinearSVC as they come, fitted to each target apart.
"""

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from talante.corpus.article import Article
from talante.corpus.files import open_binary
from talante.evaluation.intervals import Bootstrap, Estimate
from talante.evaluation.metrics import f1, f_avg, macro_f1, macro_f1_of_labels
from talante.evaluation.outcomes import Outcome, outcome, stance_counts, topic_counts
from talante.jobs.train import train
from talante.model.files import load
from talante.model.model import Model
from talante.model.settings import Settings

STANCES = {"AGAINST": "against", "NONE": "neutral", "NEUTRAL": "neutral", "FAVOR": "favor"}
ALIASES = {
    "Atheism": ["atheis*"],
    "Climate Change is a Real Concern": ["climate change", "global warming", "climate"],
    "Feminist Movement": ["feminis*", "women's movement"],
    "Hillary Clinton": ["Hillary Clinton", "Hillary", "Clinton", "HillaryClinton"],
    "Legalization of Abortion": ["abortion*", "prochoice", "pro-choice", "prolife", "pro-life"],
}

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    """Return the records of a file of JSON Lines."""
    with open_binary(path) as stream:
        return [json.loads(line) for line in stream]


def slug(name: str) -> str:
    """Return a name as an id."""
    return name.lower().replace(" ", "-")


def semeval(folder: Path, split: str) -> tuple[str, list[Record]]:
    """Return the schema of SemEval-2016 Task 6 A and the records of a split."""
    schema = "".join(
        f'[[target]]\nid = "{slug(name)}"\nassumed = true\naliases.en = {json.dumps(aliases)}\n'
        for name, aliases in ALIASES.items()
    )
    records = [
        {"id": r["id"], "lang": "en", "title": "", "text": r["text"],
         "stances": {slug(r["target"]): STANCES[r["stance"]]}}
        for r in read(folder / f"semeval2016-{split}.jsonl")
    ]  # fmt: skip
    return schema, records


def cic(folder: Path, split: str) -> tuple[str, list[Record]]:
    """Return the schema of the Catalonia Independence Corpus and the records of a split."""
    schema = '[[target]]\nid = "independence"\nassumed = true\naliases.es = ["independencia", "independentis*"]\n'
    records = [
        {"id": str(number), "lang": "es", "title": "", "text": r["text"],  # a few tweets are there twice
         "stances": {"independence": STANCES[r["stance"]]}}
        for number, r in enumerate(read(folder / f"cic-es-{split}.jsonl"))
    ]  # fmt: skip
    return schema, records


def reuters(folder: Path, split: str) -> tuple[str, list[Record]]:
    """Return the schema of Reuters-21578 R90 and the records of a split."""
    topics = {t for r in read(folder / "reuters21578-r90-train.jsonl.gz") for t in r["topics"]}
    records = [
        {"id": r["id"], "lang": "en", "title": r["title"] or "", "text": r["text"].strip() or r["title"],
         "topics": r["topics"]}
        for r in read(folder / f"reuters21578-r90-{split}.jsonl.gz")
    ]  # fmt: skip
    return "".join(f'[[topic]]\nid = "{topic}"\n' for topic in sorted(topics)), records


SETS = {"semeval2016": semeval, "cic-es": cic, "reuters21578-r90": reuters}


def trained(schema: str, records: Sequence[Record], settings: Settings) -> Model:
    """Write a data folder and train on it, as `talante train` does."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "data")
        (data / "articles").mkdir(parents=True)
        (data / "schema.toml").write_text(schema, encoding="utf-8")
        lines = (json.dumps(record) + "\n" for record in records)
        (data / "articles" / "train.jsonl").write_text("".join(lines), encoding="utf-8")
        model = train(data, Path(name, "models"), settings, measure=False)
        return load(Path(name, "models", model.id))


def outcomes(model: Model, records: Sequence[Record]) -> list[Outcome]:
    """Predict the records of a test split."""
    found = []
    for record in records:
        article = Article(
            id=record["id"],
            text=record["text"],
            title=record["title"],
            lang=record["lang"],
            topics=frozenset(record["topics"]) if "topics" in record else None,
            stances=record.get("stances"),
        )
        prepared = model.preparer.prepare(article)
        found.append(outcome(model, prepared))
    return found


def peer(records: Sequence[Record], test: Sequence[Record]) -> list[Outcome]:
    """Predict the stances of a test split by TF-IDF and a linear SVM, all settings as they come."""
    found = []
    for target in sorted({target for r in test for target in r["stances"]}):
        inside = [r for r in records if target in r["stances"]]
        outside = [r for r in test if target in r["stances"]]
        fitted = make_pipeline(TfidfVectorizer(), LinearSVC())
        fitted.fit([r["text"] for r in inside], [r["stances"][target] for r in inside])
        for r, answer in zip(outside, fitted.predict([r["text"] for r in outside]), strict=True):
            article = Article(id=r["id"], text=r["text"], stances=r["stances"])
            found.append(Outcome(article, 1, {}, frozenset(), {target: answer}, {}))
    return found


def stance_lines(found: Sequence[Outcome], targets: Sequence[str]) -> str:
    """Return both usual figures of stances."""
    bootstrap = Bootstrap([str(i) for i in range(len(found))])
    counts = stance_counts(found, targets).sum(axis=1)
    return (
        f"F-avg (mean F1 of against and favor)   {shown(bootstrap.estimate(counts, f_avg, len(found)))}\n"
        f"  macro-F1 of the three stances          {shown(bootstrap.estimate(counts, macro_f1, len(found)))}"
    )


def shown(estimate: Estimate) -> str:
    """Return a figure with three digits, as these sets are quoted."""
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] n={estimate.n}"


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--short", type=int, default=Settings().short, help="the setting of that name; 0: words only")
    options = parser.parse_args()
    logging.basicConfig(format="warning: %(message)s", level=logging.ERROR)
    for name in options.sets:
        schema, records = SETS[name](options.folder, "train")
        start = time.perf_counter()
        model = trained(schema, records, Settings(short=options.short))
        took = time.perf_counter() - start
        test = SETS[name](options.folder, "test")[1]
        found = outcomes(model, test)
        bootstrap = Bootstrap([str(i) for i in range(len(found))])
        print(f"{name}: {len(records)} to train on in {took:.0f} s, {len(found)} to test on")
        if model.schema.targets:
            print("  " + stance_lines(found, model.schema.target_ids))
            print("  peer, " + stance_lines(peer(records, test), model.schema.target_ids))
        else:
            counts = topic_counts(found, model.schema.topic_ids)
            labels = int((counts[..., 0] + counts[..., 2]).sum())
            print(f"  micro-F1   {shown(bootstrap.estimate(counts.sum(axis=1), f1, labels))}")
            print(f"  macro-F1   {shown(bootstrap.estimate(counts, macro_f1_of_labels, labels))}")


if __name__ == "__main__":
    main()
