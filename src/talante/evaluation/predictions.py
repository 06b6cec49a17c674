"""Read what any system says of the gold articles: rows of `talante predict`, a table, or the output of fastText."""

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from talante.corpus.article import STANCES, Article, Stance
from talante.corpus.files import UNREADABLE, cannot_read, lines, open_binary, parse_object
from talante.corpus.records import Finding, raise_on
from talante.corpus.schema import Schema
from talante.errors import DataError, UsageError, nearest

#: A topic with a score is given from here on, where the file does not say itself which topics are given.
GIVEN = 0.5

#: fastText prints certainty as 1.00001.
_HIGHEST = 1.001

#: Columns that a table may have besides; every other unknown one is taken for a misspelled label.
_NOT_READ = ("title", "text", "lang", "date", "outlet", "author", "url", "genre", "group", "origin", "model")

_FORMATS = "give JSON Lines, a table named .csv or .tsv, or the output of fastText"

#: A number and a line, or what is wrong with the line, as `talante.corpus.files.lines` yields them.
_Line = tuple[int, str | DataError]

#: A topic and None, or a target and a stance.
_Label = tuple[str, Stance | None]


@dataclass(frozen=True, slots=True)
class Predicted:
    """What some system says of one article; ``missing`` if the file has no row for it or its row is an error.

    ``topics``: those given, with their score, 1.0 where the file has none. ``topic_scores``: those and every other
    topic that the file has a score of. ``stances``: those given. ``probabilities``: of `against`, `neutral`, `favor`
    for each target that the file has a stance or a score for; what the file does not say is split evenly.
    ``has_scores``: whether the file, not only this article, has a score other than 0 and 1; without one, calibration
    and average precision mean nothing.
    """

    topics: Mapping[str, float]
    topic_scores: Mapping[str, float]
    stances: Mapping[str, Stance]
    probabilities: Mapping[str, tuple[float, float, float]]
    missing: bool
    has_scores: bool


_MISSING = Predicted({}, {}, {}, {}, missing=True, has_scores=False)


def read_predictions(path: Path, gold: Sequence[Article], schema: Schema) -> list[Predicted]:
    """Return what a file of predictions says of each gold article, in their order.

    The format is told by the first line, then by the ending; all may end in `.gz`, too:

    - JSON Lines, as `talante predict` writes them. `topics` may also be a list of ids, and a stance a plain string.
    - A table with a header, `.csv` or `.tsv`, one row for each article: `id`; `topics`, ids with `|`, `;` or spaces
      between them; a column for each target, `<target>` or `stance:<target>`, with its stance or nothing; a column for
      each topic, `<topic>` or `topic:<topic>`, with its score. Without `topics`, those from GIVEN on are given.
    - A table with one row for each label: `id`, `label` (a topic, `target=stance`, or empty: nothing is given),
      perhaps `score`.
    - What `fasttext predict` or `predict-prob` prints for the articles in the order of gold, with such labels.

    In the last two, a topic is given from the score GIVEN on, and of the stances toward a target the one with the
    highest score. Where no article has more than one label, that label is the answer, whatever its score.

    Raises DataError with every fault: what cannot be read, an unknown or doubled id, an unknown label, a score that is
    none, and fastText output that has not one line for each gold article.
    """
    text, number = _read(path)
    faults: list[Finding] = []
    places = {article.id: "" for article in gold}
    first = text[0][1]
    if isinstance(first, DataError):
        raise DataError(first.fact, place=f"{path}:{text[0][0]}", remedy=first.remedy)
    ending = Path(path.name.removesuffix(".gz")).suffix.lower()
    if first.lstrip().startswith("__label__"):
        found = _from_fasttext(path, text, number, schema, places, faults)
    elif first.lstrip().startswith("{") or ending in (".jsonl", ".ndjson"):
        found = _from_json(path, text, schema, places, faults)
    elif ending in (".csv", ".tsv"):
        found = _from_table(path, text, schema, places, faults)
    else:
        raise DataError("not a format of predictions", place=f"{path}:{text[0][0]}", remedy=_FORMATS)
    raise_on(faults)
    has_scores = any(
        0 < score < 1 for p in found.values() for score in chain(p.topic_scores.values(), *p.probabilities.values())
    )
    return [replace(found.get(article.id, _MISSING), has_scores=has_scores) for article in gold]


def _read(path: Path) -> tuple[list[_Line], int]:
    """Return the lines of a file that are not blank, at least one, and the number of all."""
    if not path.is_file():
        raise UsageError("is a folder, not a file" if path.is_dir() else "no such file", place=str(path))
    try:
        with open_binary(path) as stream:
            head = stream.read(4096)
            # The first line of a photo alone would be called badly encoded text
            if b"\0" in head and not head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                raise DataError("binary data, not text", place=f"{path}:1", remedy=_FORMATS)
            stream.seek(0)
            text = list(lines(stream))
            stream.seek(0)
            number = sum(1 for _ in stream)
    except UNREADABLE as error:
        raise DataError(cannot_read(error), place=str(path)) from None
    if not text:
        raise DataError("empty file", place=str(path), remedy="it needs a row for each gold article")
    return text, number


def _from_json(
    path: Path, text: Sequence[_Line], schema: Schema, places: dict[str, str], faults: list[Finding]
) -> dict[str, Predicted]:
    found = {}
    for number, line in text:
        place = f"{path}:{number}"
        with _noting(faults, place):
            row = parse_object(_sound(line))
            identity = row.get("id")
            if isinstance(identity, int) and not isinstance(identity, bool):
                identity = str(identity)
            if not isinstance(identity, str):
                raise DataError("no field 'id', a string", remedy='a row looks like {"id": ..., "topics": ...}')
            _claim(identity, place, places)
            found[identity] = _MISSING if row.get("error") else _from_row(row, schema)
    return found


def _from_row(row: Mapping[str, Any], schema: Schema) -> Predicted:
    if "topics" not in row and "stances" not in row:
        raise DataError("neither 'topics' nor 'stances'", remedy=f"its fields are: {', '.join(row)}")
    given = row.get("topics")
    own = {} if isinstance(given, list) else _object(given, "topics")
    scores = {topic: _score(score) for topic, score in {**_object(row.get("all_topics"), "all_topics"), **own}.items()}
    topics = given if isinstance(given, list) else list(own)
    for topic in chain(scores, topics):
        _known("topic", topic, schema.topic_ids)
    stances: dict[str, Stance] = {}
    stance_scores: dict[str, dict[Stance, float]] = {}
    for target, each in _object(row.get("all_stances"), "all_stances").items():
        _known("target", target, schema.target_ids)
        each = {_stance(stance): _score(score) for stance, score in _object(each, f"all_stances.{target}").items()}
        if each:
            stance_scores[target] = each
    for target, said in _object(row.get("stances"), "stances").items():
        _known("target", target, schema.target_ids)
        score = None
        if isinstance(said, dict):
            if "stance" not in said:
                raise DataError(f"stances.{target} has no 'stance'", remedy="null means unsure")
            score = None if said.get("score") is None else _score(said["score"])
            said = said["stance"]
        if said is None:  # unsure: nothing is given, and nobody knows of which stance the score is
            continue
        stances[target] = _stance(said)
        if score is not None:
            stance_scores.setdefault(target, {})[stances[target]] = score
    return _predicted(topics, scores, stances, stance_scores)


def _from_table(
    path: Path, text: Sequence[_Line], schema: Schema, places: dict[str, str], faults: list[Finding]
) -> dict[str, Predicted]:
    header, *rows = _cells(path, text, faults)
    place, names = header
    names = [name.strip() for name in names]
    if "id" not in names:
        raise DataError("no column 'id'", place=place, remedy=f"its columns are: {', '.join(names)}")
    if not rows and not faults:
        raise DataError("no row below the header", place=place, remedy="it needs a row for each gold article")
    long = "label" in names
    columns: list[tuple[str, str]] = []
    for name in names:
        with _noting(faults, place):
            column = _column_of_long(name) if long else _column(name, schema)
            if column != ("", "") and column in columns:
                raise DataError(f"column '{name}' stands there twice", remedy="keep one")
            columns.append(column)
    if not long and not faults and set(columns) <= {("id", ""), ("", ""), ("error", "")}:
        raise DataError("no column with labels", place=place, remedy="add 'label', or 'topics' and a column per target")
    raise_on(faults)  # with a faulty header, every row would be
    sound = []
    for place, row in rows:
        if len(row) == len(names):
            sound.append((place, {column: cell.strip() for column, cell in zip(columns, row, strict=True)}))
        else:
            faults.append(
                Finding(
                    place, f"{len(row)} cells, and the header has {len(names)}", "quote a cell that holds the separator"
                )
            )
    return (_from_long if long else _from_wide)(sound, schema, places, faults)


_Cells = Mapping[tuple[str, str], str]


def _from_long(
    rows: Iterable[tuple[str, _Cells]], schema: Schema, places: dict[str, str], faults: list[Finding]
) -> dict[str, Predicted]:
    labels: dict[str, dict[_Label, float | None]] = {}
    for place, cells in rows:
        with _noting(faults, place):
            identity = cells["id", ""]
            if identity not in labels:
                _claim(identity, place, places)
            said = labels.setdefault(identity, {})
            if not cells["label", ""]:
                continue
            label, score = _label(cells["label", ""], schema), cells.get(("score", ""), "")
            if label in said:
                raise DataError(f"label '{cells['label', '']}' of this id stands there twice", remedy="keep one")
            rivals = [other for other in said if label[1] and other[1] and other[0] == label[0]]
            if any(not score or said[other] is None for other in rivals):
                raise DataError(f"two stances toward '{label[0]}', not both with a score", remedy="keep one")
            said[label] = _number(score) if score else None
    return _from_labels(labels)


def _from_wide(
    rows: Iterable[tuple[str, _Cells]], schema: Schema, places: dict[str, str], faults: list[Finding]
) -> dict[str, Predicted]:
    found = {}
    for place, cells in rows:
        with _noting(faults, place):
            identity = cells["id", ""]
            _claim(identity, place, places)
            if cells.get(("error", "")):
                found[identity] = _MISSING
                continue
            scores = {topic: _number(cell) for (kind, topic), cell in cells.items() if kind == "topic" and cell}
            if ("topics", "") in cells:
                topics = _split(cells["topics", ""], schema)
            else:
                topics = [topic for topic, score in scores.items() if score >= GIVEN]
            stances = {target: _stance(cell) for (kind, target), cell in cells.items() if kind == "stance" and cell}
            found[identity] = _predicted(topics, scores, stances, {})
    return found


def _from_fasttext(
    path: Path, text: Sequence[_Line], number: int, schema: Schema, places: dict[str, str], faults: list[Finding]
) -> dict[str, Predicted]:
    if number != len(places):
        raise DataError(
            f"{number} lines of fastText, and {len(places)} gold articles",
            place=str(path),
            remedy="give fastText each article on a line of its own, in the order of the gold file",
        )
    # A blank line is the answer "nothing": no label reached the threshold
    ids = list(places)
    labels: dict[str, dict[_Label, float | None]] = {identity: {} for identity in ids}
    for at, line in text:
        with _noting(faults, f"{path}:{at}"):
            said, last = labels[ids[at - 1]], None
            for word in _sound(line).split():
                if word.startswith("__label__"):
                    last = _label(word.removeprefix("__label__"), schema)
                    if last in said:
                        raise DataError(f"label '{word}' stands there twice")
                    said[last] = None
                elif last is None or said[last] is not None:
                    raise DataError(f"'{word:.80}' is neither a label nor its score", remedy="__label__ID SCORE ...")
                else:
                    said[last] = _number(word)
    return _from_labels(labels)


def _from_labels(labels: Mapping[str, Mapping[_Label, float | None]]) -> dict[str, Predicted]:
    sole = all(len(said) < 2 for said in labels.values())
    found = {}
    for identity, said in labels.items():
        topics = {name: score for (name, stance), score in said.items() if stance is None}
        stances: dict[str, Stance] = {}
        stance_scores: dict[str, dict[Stance, float]] = {}
        # The sort is stable: of equal ones, and of those that `fasttext predict` prints without scores, the first wins
        for (target, stance), score in sorted(said.items(), key=lambda item: -1.0 if item[1] is None else -item[1]):
            if stance:
                stances.setdefault(target, stance)
                if score is not None:
                    stance_scores.setdefault(target, {})[stance] = score
        found[identity] = _predicted(
            [topic for topic, score in topics.items() if sole or score is None or score >= GIVEN],
            {topic: score for topic, score in topics.items() if score is not None},
            stances,
            stance_scores,
        )
    return found


def _predicted(
    topics: Iterable[str],
    scores: Mapping[str, float],
    stances: Mapping[str, Stance],
    stance_scores: Mapping[str, Mapping[Stance, float]],
) -> Predicted:
    given = {topic: scores.get(topic, 1.0) for topic in topics}
    certain: dict[str, Mapping[Stance, float]] = {target: {stance: 1.0} for target, stance in stances.items()}
    probabilities = {target: _probabilities(each) for target, each in {**certain, **stance_scores}.items()}
    return Predicted(given, {**scores, **given}, stances, probabilities, missing=False, has_scores=False)


def _probabilities(scores: Mapping[Stance, float]) -> tuple[float, float, float]:
    """Return the scores of the three stances; those not there share evenly what is left of 1."""
    rest = max(0.0, 1.0 - sum(scores.values())) / max(1, len(STANCES) - len(scores))
    against, neutral, favor = (scores.get(stance, rest) for stance in STANCES)
    return against, neutral, favor


def _cells(path: Path, text: Sequence[_Line], faults: list[Finding]) -> list[tuple[str, list[str]]]:
    """Return the place and the cells of each row of a table, at least one; from a fault on there are no more."""
    numbers: list[int] = []

    def plain() -> Iterator[str]:
        for number, line in text:
            numbers.append(number)
            yield _sound(line) + "\n"

    # A table that a Spanish spreadsheet writes has semicolons, whatever its ending says
    header = _sound(text[0][1])
    reader = csv.reader(plain(), delimiter=max(",;\t", key=header.count), strict=True)
    rows, taken = [], 0
    try:
        for row in reader:
            rows.append((f"{path}:{numbers[taken]}", row))
            taken = reader.line_num
    except DataError as error:
        faults.append(Finding(f"{path}:{numbers[-1]}", error.fact, error.remedy))
    except csv.Error as error:
        faults.append(Finding(f"{path}:{numbers[taken]}", f"not a valid table: {error}", "is a quote left open?"))
    if not rows:
        raise_on(faults)
    return rows


def _column_of_long(name: str) -> tuple[str, str]:
    """Return the kind of a column of a long table, as `_column`."""
    known = ("id", "label", "score")
    if name not in (*known, "", *_NOT_READ):
        raise DataError(f"unknown column '{name:.80}' beside 'label'", remedy=nearest(name, known))
    return (name, "") if name in known else ("", "")


def _column(name: str, schema: Schema) -> tuple[str, str]:
    """Return the kind of a column of a wide table and the label it is about; two empty strings if it is not read."""
    if name in ("id", "topics", "error"):
        return name, ""
    ids = {"topic": schema.topic_ids, "stance": schema.target_ids}
    kinds = [kind for kind, known in ids.items() if name in known]
    if len(kinds) == 2:
        raise DataError(f"column '{name}' is a topic and a target", remedy=f"write topic:{name} or stance:{name}")
    if kinds:
        return kinds[0], name
    if name in ("", *_NOT_READ):  # pandas leaves the name of its index empty
        return "", ""
    kind, _, label = name.partition(":")
    if kind in ids:
        _known("topic" if kind == "topic" else "target", label, ids[kind])
        return kind, label
    raise DataError(
        f"unknown column '{name:.80}'",
        remedy=nearest(name, ("id", "topics", "label", *schema.topic_ids, *schema.target_ids)),
    )


def _split(cell: str, schema: Schema) -> list[str]:
    """Return the topics in a cell; an id may hold a space, where it stands alone or between other separators."""
    parts = [part.strip() for part in re.split("[|;]", cell)]
    if len(parts) == 1 and cell not in schema.topic_ids:
        parts = cell.split()
    topics = [part for part in parts if part]
    for topic in topics:
        _known("topic", topic, schema.topic_ids)
    return topics


def _label(text: str, schema: Schema) -> _Label:
    if text in schema.topic_ids:
        return text, None
    target, equals, stance = text.rpartition("=")
    if not equals:
        raise DataError(f"unknown topic '{text:.80}'", remedy=nearest(text, schema.topic_ids))
    _known("target", target, schema.target_ids)
    return target, _stance(stance)


def _known(kind: str, label: Any, known: Sequence[str]) -> None:
    if not isinstance(label, str):
        raise DataError(f"{kind} {label!r:.80} is not a string")
    if label not in known:
        raise DataError(f"unknown {kind} '{label:.80}'", remedy=nearest(label, known))


def _stance(word: Any) -> Stance:
    _known("stance", word, STANCES)
    return STANCES[STANCES.index(word)]


def _number(text: str) -> float:
    try:
        return _score(float(text))
    except ValueError:
        raise _no_score(text) from None


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _HIGHEST:
        raise _no_score(value)
    return min(float(value), 1.0)


def _no_score(value: Any) -> DataError:
    return DataError(f"score {value!r:.80} is not a number from 0 to 1", remedy="write a probability, such as 0.97")


def _object(value: Any, field: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DataError(f"field '{field}' is not an object", remedy='it looks like {"ID": ...}')
    return value


def _claim(identity: str, place: str, places: dict[str, str]) -> None:
    """Note in ``places``, which has every gold id, where the row of an article stands."""
    if identity not in places:
        example = next(iter(places), "")
        raise DataError(f"id '{identity:.80}' is not in the gold file", remedy=f"its ids are such as '{example:.80}'")
    if places[identity]:
        raise DataError(f"id '{identity}' stands already at {places[identity]}", remedy="keep one")
    places[identity] = place


def _sound(line: str | DataError) -> str:
    if isinstance(line, DataError):
        raise line
    return line


@contextmanager
def _noting(faults: list[Finding], place: str) -> Iterator[None]:
    """Note a fault of one row and go on with the next."""
    try:
        yield
    except DataError as error:
        faults.append(Finding(place, error.fact, error.remedy))
