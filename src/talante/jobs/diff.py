"""What changed between two models: what they learned from, settings, figures, words, thresholds, and answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from talante.corpus.read import find_inputs, read_articles
from talante.corpus.schema import Schema
from talante.jobs.diff_answers import Answers, diff_held_out, diff_on
from talante.jobs.diff_words import Vocabulary, Weights, diff_vocabularies, diff_weights
from talante.model.files import load, read_records
from talante.model.model import Model
from talante.model.records import Record

#: Fields of a topic or target that are lists of phrases; `_phrases` compares these one by one.
_PHRASES = ("words", "aliases", "guarded", "excluded")


@dataclass(frozen=True, slots=True)
class Records:
    """The ids of the articles that only B has learned from, that only A has, and whose text or labels differ."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A topic or target of the schema that differs: the phrases that it gained and lost, and its other ``fields``."""

    kind: Literal["topic", "target"]
    label: str
    change: Literal["added", "removed", "changed"]
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that both cards have; each is (value, low, high, labels) with its 95 % interval.

    ``what`` was measured, and of how many ``articles`` in A and in B. ``overlap``: whether the intervals have a value
    in common. They need not be of the same articles, and where they are, `talante.evaluation.compare` sees more.
    """

    what: str
    articles: tuple[int, int]
    name: str
    a: tuple[float, float, float, int]
    b: tuple[float, float, float, int]

    @property
    def overlap(self) -> bool:
        """Say whether the two intervals overlap."""
        return self.a[1] <= self.b[2] and self.b[1] <= self.a[2]


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from model A to model B.

    ``identical``: they are the same model. ``same_arrays``: they have the same terms and weights. ``articles``: how
    many each learned from. ``same_corpus``: by its digest; None where a card has none. ``records``: None where a model
    keeps none. ``labels``: what differs in the schema. ``settings``: (A, B) of each that differs, the version of
    talante among them. ``thresholds``: (A, B) of each topic and of "addressed". ``held_out``: the stored answers, each
    by a model that had not seen the article's group, on articles that neither text nor label of changed; None where
    they are not kept. ``on``: the answers of A and B themselves on articles named by the user.
    """

    a: str
    b: str
    identical: bool
    same_arrays: bool
    articles: tuple[int, int]
    same_corpus: bool | None
    records: Records | None
    labels: tuple[LabelChange, ...]
    settings: Mapping[str, tuple[Any, Any]]
    figures: tuple[Figure, ...]
    weights: tuple[Weights, ...]
    vocabularies: tuple[Vocabulary, ...]
    thresholds: Mapping[str, tuple[float, float]]
    held_out: Answers | None
    on: Answers | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        figures = [{**asdict(figure), "overlap": figure.overlap} for figure in self.figures]
        return {**asdict(self), "figures": figures}


def diff(a: Path, b: Path, on: Sequence[str] = ()) -> Diff:
    """Compare two model folders; ``on`` names files, folders and globs with articles to tag with both.

    Raises ModelError for a model that is damaged, UsageError and DataError for articles that are not there.
    """
    articles = list(read_articles(find_inputs(on)))
    models = load(a), load(b)
    records = read_records(a), read_records(b)
    old, new = models
    cards = old.card, new.card
    digests = [card.get("data", {}).get("digest") for card in cards]
    files = [{name: digest for name, digest in c["files"].items() if name != "records.jsonl"} for c in cards]
    return Diff(
        a=old.id,
        b=new.id,
        identical=old.id == new.id,
        same_arrays=files[0] == files[1],
        articles=(int(old.card["learned_from"]), int(new.card["learned_from"])),
        same_corpus=digests[0] == digests[1] if all(digests) else None,
        records=_diff_records(*records) if all(records) else None,
        labels=tuple(_diff_schema(old.schema, new.schema)),
        settings=_diff_settings(old, new),
        figures=tuple(_diff_figures(old.card, new.card)),
        weights=diff_weights(old, new),
        vocabularies=diff_vocabularies(old, new),
        thresholds=_diff_thresholds(old, new),
        held_out=diff_held_out(*records, *models),
        on=diff_on(articles, old, new) if on else None,
    )


def _diff_records(a: Sequence[Record], b: Sequence[Record]) -> Records:
    old, new = ({record.id: record.digest for record in records} for records in (a, b))
    return Records(
        added=tuple(i for i in new if i not in old),
        removed=tuple(i for i in old if i not in new),
        changed=tuple(i for i in new if i in old and old[i] != new[i]),
    )


def _diff_schema(a: Schema, b: Schema) -> Iterator[LabelChange]:
    kinds: tuple[tuple[Literal["topic", "target"], str], ...] = (("topic", "topics"), ("target", "targets"))
    for kind, key in kinds:
        old, new = ({entry["id"]: entry for entry in schema.to_json()[key]} for schema in (a, b))
        for label in [*old, *(i for i in new if i not in old)]:
            if label not in old or label not in new:
                yield LabelChange(kind, label, "added" if label in new else "removed")
            elif old[label] != new[label]:
                x, y = old[label], new[label]
                before, after = _phrases(x), _phrases(y)
                yield LabelChange(
                    kind,
                    label,
                    "changed",
                    gained=tuple(phrase for phrase in after if phrase not in before),
                    lost=tuple(phrase for phrase in before if phrase not in after),
                    fields=tuple(field for field in x if field not in _PHRASES and x[field] != y[field]),
                )


def _phrases(entry: Mapping[str, Any]) -> list[str]:
    return [
        *(
            f"{lang}: {p}"
            for field in ("words", "aliases")
            for lang, listed in entry.get(field, {}).items()
            for p in listed
        ),
        *(f"{guarded['alias']} (beside {', '.join(guarded['needs'])})" for guarded in entry.get("guarded", ())),
        *(f"not {phrase}" for phrase in entry.get("excluded", ())),
    ]


def _diff_settings(a: Model, b: Model) -> dict[str, tuple[Any, Any]]:
    old, new = (
        {
            "talante": model.card.get("talante"),
            **model.card.get("settings", {}),
            "languages": ", ".join(model.languages),
            "parts_of_words": model.article_terms.parts,
        }
        for model in (a, b)
    )
    return {name: (old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def _diff_figures(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Figure]:
    later = {scores["what"]: scores for scores in b.get("scores", ())}
    for old in a.get("scores", ()):
        if new := later.get(old["what"]):
            for name in old["figures"]:
                if name in new["figures"]:
                    articles = old["articles"], new["articles"]
                    yield Figure(old["what"], articles, name, tuple(old["figures"][name]), tuple(new["figures"][name]))


def _diff_thresholds(a: Model, b: Model) -> dict[str, tuple[float, float]]:
    old, new = (
        {
            **dict(zip(model.schema.topic_ids, model.topics.threshold.tolist(), strict=True)),
            "addressed": float(model.addressed.threshold[0]),
        }
        for model in (a, b)
    )
    return {label: (old[label], new[label]) for label in old if label in new}
