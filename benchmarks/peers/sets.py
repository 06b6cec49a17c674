"""Labelled articles for all systems alike: real news labelled by rule, and Reuters-21578 R90.

A set is a folder: `data/` as `talante train` reads it (topics only), `train.jsonl` and `test.jsonl` with a record a
line, and `warm/`, a small set without articles to test on; of news also `full/train/` and `full/test/`, folders like
`data/` with stances.
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

#: So many of the articles to learn from make another set, for a system to warm up with.
WARM = 200

Record = dict[str, Any]


def lines_of(path: Path) -> list[Record]:
    """Return the records of a file of JSON Lines."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
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


def only(records: Iterable[Record], fields: Sequence[str]) -> list[Record]:
    """Return records with these fields, where they have them."""
    return [{field: r[field] for field in fields if field in r} for r in records]


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


def split(folder: str, paths: list[str]) -> dict[str, int]:
    """Read news, and write what serves all sizes: articles to learn from, and labelled ones of other outlets."""
    import retraining_time

    inside, outside = by_outlet(retraining_time.read([Path(path) for path in paths]))
    # The English articles of other outlets, and as many Spanish ones, most of them put together from passages
    number = 2 * sum(article["lang"] == "en" for article in outside)
    write(Path(folder, "inside.jsonl"), inside)
    write(Path(folder, "outside.jsonl"), map(json.loads, retraining_time.made(outside, number)))
    return {"train": len(inside), "test": number}


def news(folder: str, to: str, size: int) -> dict[str, int]:
    """Make the set of so many news articles."""
    import retraining_time

    train = [json.loads(line) for line in retraining_time.made(lines_of(Path(folder, "inside.jsonl")), size)]
    test = lines_of(Path(folder, "outside.jsonl"))
    schema = (ROOT / "data/schema.toml").read_text(encoding="utf-8")
    for part, records in (("train", train), ("test", test)):
        _data(Path(to, "full", part), schema, records)
    return _written(Path(to), schema.partition("[[target]]")[0], train, test)


def reuters(to: str, source: str) -> dict[str, int]:
    """Make the set of Reuters-21578 R90, with the official split."""
    import public_sets

    schema, train = public_sets.reuters(Path(source), "train")
    return _written(Path(to), schema, train, public_sets.reuters(Path(source), "test")[1])


def _written(folder: Path, schema: str, train: Sequence[Record], test: Sequence[Record]) -> dict[str, int]:
    """Write a set without stances."""
    kept = ("id", "lang", "title", "text", "group", "topics")
    train, test = only(train, kept), only(test, kept)
    for at, records in ((folder, train), (folder / "warm", train[:WARM])):
        _data(at / "data", schema, records)
        write(at / "train.jsonl", records)
    write(folder / "test.jsonl", test)
    return {"train": len(train), "test": len(test)}


def _data(folder: Path, schema: str, records: Sequence[Record]) -> None:
    """Write a folder that `talante train` reads."""
    write(folder / "articles/all.jsonl", records)
    (folder / "schema.toml").write_text(schema, encoding="utf-8")
