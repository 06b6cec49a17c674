"""On which articles the answers of two models differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from talante.corpus.article import Article, Unreadable
from talante.corpus.schema import Schema
from talante.jobs.tag import MANY, Order, Row, Tagger
from talante.model.model import Model
from talante.model.records import Record


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that differs: a topic's "yes" or "no", a stance, "none" where the target is not addressed.

    A ``kind`` of "article": only one of the two can tag it. Scores are known of articles that were tagged now; that of
    a stance is of the one answered.
    """

    id: str
    kind: Literal["topic", "stance", "article"]
    label: str
    a: str
    b: str
    score_a: float | None = None
    score_b: float | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """How the answers to ``articles`` compare: ``differing`` of them got another one, ``untagged`` none of either.

    ``rows``: of articles that were tagged now, what both say, (A, B) for each.
    """

    articles: int
    differing: int
    untagged: int
    changes: tuple[Answer, ...]
    rows: tuple[tuple[Row, Row], ...] = ()


def diff_held_out(ours: Sequence[Record], theirs: Sequence[Record], a: Model, b: Model) -> Answers | None:
    """Compare the answers that two models keep of articles which neither text nor label of changed in between.

    Each was given by a model that had not seen the article's group. None where they are not kept.
    """
    later = {record.id: record for record in theirs if record.topics is not None}
    pairs = [
        (record, later[record.id])
        for record in ours
        if record.topics is not None and record.id in later and later[record.id].digest == record.digest
    ]
    if not pairs:
        return None
    topics, targets = _shared(a.schema, b.schema)
    changes: list[Answer] = []
    for old, new in pairs:
        given = [("yes" if topic in (r.topics or ()) else "no") for topic in topics for r in (old, new)]
        changes += [
            Answer(old.id, "topic", topic, x, y)
            for topic, x, y in zip(topics, given[::2], given[1::2], strict=True)
            if x != y
        ]
        stances = [(target, *(str((r.stances or {}).get(target, "none")) for r in (old, new))) for target in targets]
        changes += [Answer(old.id, "stance", target, x, y) for target, x, y in stances if x != y]
    return Answers(len(pairs), len({change.id for change in changes}), 0, tuple(changes))


def _shared(a: Schema, b: Schema) -> tuple[list[str], list[str]]:
    """Return the topics and the targets that both schemas have."""
    return [t for t in a.topic_ids if t in b.topic_ids], [t for t in a.target_ids if t in b.target_ids]


def diff_on(articles: Sequence[Article | Unreadable], a: Model, b: Model) -> Answers:
    """Tag articles with both models and compare the answers."""
    told = [Tagger(Order(every_score=True), model).rows(articles, many=len(articles) >= MANY) for model in (a, b)]
    rows = tuple(zip(*told, strict=True))
    changes = [list(_diff_rows(old, new, *_shared(a.schema, b.schema))) for old, new in rows]
    return Answers(
        articles=len(rows),
        differing=sum(map(bool, changes)),
        untagged=sum("error" in old and "error" in new for old, new in rows),
        changes=tuple(change for found in changes for change in found),
        rows=rows,
    )


def _diff_rows(a: Row, b: Row, topics: Sequence[str], targets: Sequence[str]) -> Iterator[Answer]:
    if "error" in a or "error" in b:
        if "error" not in a or "error" not in b:
            yield Answer(a["id"], "article", "", a.get("error", "tagged"), b.get("error", "tagged"))
        return
    for topic in topics:
        old, new = ("yes" if topic in row["topics"] else "no" for row in (a, b))
        if old != new:
            yield Answer(a["id"], "topic", topic, old, new, a["all_topics"][topic], b["all_topics"][topic])
    for target in targets:
        before, after = (row["stances"].get(target, {"stance": "none", "score": None}) for row in (a, b))
        if before["stance"] != after["stance"]:
            yield Answer(a["id"], "stance", target, before["stance"], after["stance"], before["score"], after["score"])
