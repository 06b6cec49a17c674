"""Labelled articles for all systems alike: real news labelled by rule, and Reuters-21578 R90.

A set is a folder: `data/` as `talante train` reads it (topics only), `train.jsonl` and `test.jsonl` with a record a line;
of news also `full/train/` and `full/test/`, such folders with stances.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from peers.measure import ROOT

#: This part of the articles of a language is held out at most: whole outlets, the smallest first.
HELD_OUT = 0.2

Record = dict[str, Any]


def lines_of(path: Path) -> list[Record]:
    """Return the records of a file of JSON Lines."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")
    with opened as stream:
        return [json.loads(line) for line in stream]


def write(path: Path, records: Iterable[Record]) -> Path:
    """Write records as JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    return path


def text_of(record: Record) -> str:
    """Return title and text as one."""
    return f"{record['title']}\n\n{record['text']}" if record["title"] else str(record["text"])


def repeated(path: Path, records: Sequence[Record], rows: int) -> Path:
    """Write so many records, over and over the same ones with new ids."""
    return write(path, ({**records[i % len(records)], "id": f"r{i:07d}"} for i in range(rows)))


def mixed(articles: Sequence[Record]) -> list[Record]:
    """Return articles with the languages in turn, as long as there are both."""
    by_language = [[a for a in articles if a["lang"] == lang] for lang in sorted({a["lang"] for a in articles})]
    return [article for turn in zip(*by_language, strict=False) for article in turn]


def by_outlet(articles: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return articles to learn from and, of other outlets, articles to test on."""
    inside: list[Record] = []
    outside: list[Record] = []
    for lang in sorted({a["lang"] for a in articles}):
        pool = [a for a in articles if a["lang"] == lang]
        left, small = HELD_OUT * len(pool), set()
        for outlet, number in sorted(Counter(a["outlet"] for a in pool).items(), key=lambda item: (item[1], item[0])):
            left -= number
            if left < 0:
                break
            small.add(outlet)
        for i, article in enumerate(pool):
            is_out = article["outlet"] in small if small else i % round(1 / HELD_OUT) == 0
            (outside if is_out else inside).append(article)
    return inside, outside


def news(folder: Path, inside: list[Record], test: list[Record], size: int) -> Path:
    """Make the set of so many news articles."""
    import retraining_time

    train = [json.loads(line) for line in retraining_time.made(inside, size)]
    schema = (ROOT / "data/schema.toml").read_text(encoding="utf-8")
    for split, records in (("train", train), ("test", test)):
        _data(folder / "full" / split, schema, records)
    return _written(folder, schema.partition("[[target]]")[0], train, test)


def news_to_test_on(outside: list[Record]) -> list[Record]:
    """Label the English articles of other outlets, and as many Spanish ones."""
    import retraining_time

    number = 2 * sum(a["lang"] == "en" for a in outside)
    return [json.loads(line) for line in retraining_time.made(outside, number)]


def reuters(folder: Path, source: Path) -> Path:
    """Make the set of Reuters-21578 R90, with the official split."""
    import public_sets

    schema, train = public_sets.reuters(source, "train")
    return _written(folder, schema, train, public_sets.reuters(source, "test")[1])


def _written(folder: Path, schema: str, train: Sequence[Record], test: Sequence[Record]) -> Path:
    """Write a set without stances."""
    kept = ("id", "lang", "title", "text", "group", "topics")
    train, test = ([{key: r[key] for key in kept if key in r} for r in records] for records in (train, test))
    _data(folder / "data", schema, train)
    write(folder / "train.jsonl", train)
    write(folder / "test.jsonl", test)
    return folder


def _data(folder: Path, schema: str, records: Sequence[Record]) -> None:
    """Write a folder that `talante train` reads."""
    write(folder / "articles/all.jsonl", records)
    (folder / "schema.toml").write_text(schema, encoding="utf-8")
