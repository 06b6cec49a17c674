"""Rows in the kind of file that its name says: JSON Lines, packed or not, tables, Parquet."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, BinaryIO
from uuid import uuid4

from talante.corpus.article import STANCES
from talante.corpus.files import library, packing, zstandard
from talante.corpus.schema import Schema
from talante.errors import UsageError
from talante.jobs.tag import Row

#: The endings there are.
KINDS = (*(kind + packing for kind in (".jsonl", ".csv", ".tsv") for packing in ("", ".gz", ".zst")), ".parquet")

#: Rows that a Parquet file has in one group.
_GROUP = 10_000


def check_kind(path: Path) -> None:
    """Raise UsageError for a file of a kind that cannot be written, or needs a library that is missing."""
    name = path.name.lower()
    if not name.endswith(KINDS):
        raise UsageError(f"'{path}' ends in none of {' '.join(KINDS)}", place="--output", remedy="name a file so")
    if name.endswith(".parquet"):
        library("pyarrow", "parquet")
    elif name.endswith(".zst"):
        zstandard()


def complete(rows: BinaryIO, path: Path, schema: Schema, every_score: bool) -> None:
    """Turn a complete file of rows, JSON Lines, into one of the kind that ``path`` names, under this name."""
    rows.flush()
    name = path.name.lower()
    if name.endswith(".jsonl"):
        os.fsync(rows.fileno())
        Path(rows.name).replace(path)
        return
    rows.seek(0)
    beside = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        if name.endswith(".parquet"):
            _write_parquet(map(json.loads, rows), beside, schema, every_score)
        else:
            with packing(beside, name) as stream:
                if ".jsonl" in name:
                    while block := rows.read(1 << 20):
                        stream.write(block)
                else:
                    _write_table(map(json.loads, rows), stream, schema, every_score, "\t" if ".tsv" in name else ",")
        with beside.open("rb") as stream:
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def columns(schema: Schema, every_score: bool) -> dict[str, type]:
    """Return the columns of a table of rows and what is in them.

    A target's column holds its stance: empty where it is not addressed, `unsure` below --min-score.
    """
    found: dict[str, type] = {"id": str, "title": str, "lang": str, "topics": str}
    if every_score:
        found |= {f"topic {topic}": float for topic in schema.topic_ids}
    for target in schema.target_ids:
        found |= {target: str, f"{target} score": float}
        if every_score:
            found |= {f"{target} {stance}": float for stance in STANCES}
    return {**found, "model": str, "error": str}


def flat(row: Row) -> dict[str, Any]:
    """Return a row as the columns that it has."""
    found: dict[str, Any] = {key: row[key] for key in ("id", "title", "lang", "model", "error") if key in row}
    if "error" in row:
        return found
    found["topics"] = " ".join(row["topics"])
    found |= {f"topic {topic}": score for topic, score in row.get("all_topics", {}).items()}
    for target, said in row["stances"].items():
        found |= {target: said["stance"] or "unsure", f"{target} score": said["score"]}
    for target, scores in row.get("all_stances", {}).items():
        found |= {f"{target} {stance}": score for stance, score in scores.items()}
    return found


def _write_table(rows: Iterable[Row], stream: IO[bytes], schema: Schema, every_score: bool, delimiter: str) -> None:
    import csv
    from io import TextIOWrapper

    text = TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, list(columns(schema, every_score)), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(flat, rows))
    text.detach()


def _write_parquet(rows: Iterator[Row], path: Path, schema: Schema, every_score: bool) -> None:
    arrow, parquet = library("pyarrow", "parquet"), library("pyarrow.parquet", "parquet")
    kinds = {str: arrow.string(), float: arrow.float64()}
    shape = arrow.schema([(name, kinds[kind]) for name, kind in columns(schema, every_score).items()])
    with parquet.ParquetWriter(path, shape) as writer:
        while group := list(map(flat, islice(rows, _GROUP))):
            writer.write_table(arrow.Table.from_pylist(group, shape))
