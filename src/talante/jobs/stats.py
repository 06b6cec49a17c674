"""What a corpus holds, by language, beside what it should hold."""

import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from talante.corpus.article import STANCES
from talante.corpus.files import cannot_read
from talante.corpus.records import load_corpus
from talante.corpus.schema import LANGUAGES, Schema
from talante.errors import DataError, UsageError, WriteError
from talante.jobs.corpus import prepare_corpus
from talante.text.prepare import Prepared


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: how many articles there are of a kind, by language, and how many there should be."""

    part: str
    name: str
    languages: Mapping[str, int]
    total: int
    goal: int | None = None

    @property
    def gap(self) -> int:
        """Return how many are missing."""
        return max(0, (self.goal or 0) - self.total)


def stats(data: Path) -> list[Row]:
    """Count a corpus, the seed aside; goals stand in ``goals.toml`` beside the schema, where there is one.

    Raises DataError for a faulty corpus or goals file.
    """
    corpus = load_corpus(data)
    goals = _load_goals(data / "goals.toml", corpus.schema)
    articles = [p for p in prepare_corpus(corpus) if p.article.origin != "seed"]
    return [*_of_corpus(articles, goals), *_of_labels(articles, corpus.schema, goals), *_of_kinds(articles, goals)]


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw the table as bars, one for each row, with a mark at each goal and gaps in red.

    The ending of ``path`` says the format (svg, png, pdf). Raises UsageError without matplotlib or for an unknown
    ending, WriteError when the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("a plot needs matplotlib", remedy="pip install 'talante[plots]'") from None
    parts = list(dict.fromkeys(row.part for row in rows))
    sizes = [sum(row.part == part for row in rows) for part in parts]
    figure = Figure(figsize=(8, 0.24 * sum(sizes) + 0.75 * len(parts)), layout="constrained")
    axes = figure.subplots(len(parts), 1, height_ratios=[size + 1.2 for size in sizes], squeeze=False)[:, 0]
    colors = dict(zip(LANGUAGES, ("#4878a8", "#9cc2e0"), strict=True))
    for ax, part in zip(axes, parts, strict=True):
        mine = [row for row in rows if row.part == part][::-1]
        left = [0] * len(mine)
        for language, color in colors.items():
            counts = [row.languages.get(language, 0) for row in mine]
            ax.barh([row.name for row in mine], counts, left=left, color=color, label=language)
            left = [a + b for a, b in zip(left, counts, strict=True)]
        bare = [row.total if not row.languages else 0 for row in mine]
        ax.barh([row.name for row in mine], bare, color="#b0b0b0")
        for place, row in enumerate(mine):
            if row.gap:
                ax.barh(place, row.gap, left=row.total, color="#d62728")
            if row.goal is not None:
                ax.plot([row.goal] * 2, [place - 0.45, place + 0.45], color="black", linewidth=1.5)
        ax.set_title(part, loc="left", fontsize=10, fontweight="bold")
        ax.tick_params(labelsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[-1].get_legend_handles_labels(), loc="outside upper right", ncols=2, fontsize=8)
    figure.suptitle("Articles, the goal as a black mark, what is missing in red", x=0.01, ha="left", fontsize=10)
    try:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    except ValueError as error:
        raise UsageError(str(error).lower(), place=str(path)) from None
    except OSError as error:
        raise WriteError(f"cannot write: {(error.strerror or str(error)).lower()}", place=str(path)) from None


def _row(part: str, name: str, articles: Iterable[Prepared], goal: int | None) -> Row:
    counts = Counter(p.article.lang for p in articles)
    return Row(part, name, {lang: counts[lang] for lang in LANGUAGES}, sum(counts.values()), goal)


def _of_corpus(articles: Sequence[Prepared], goals: Mapping[str, Any]) -> list[Row]:
    shortest, longest = goals.get("words", (0, 10**9))
    name = f"of {shortest} to {longest} words" if "words" in goals else "all"
    fitting = [p for p in articles if shortest <= len(p.article.text.split()) <= longest]
    rows = [_row("articles", name, fitting, goals.get("articles"))]
    for language in LANGUAGES:
        members = [p for p in fitting if p.article.lang == language]
        rows.append(_row("articles", language, members, goals.get("each_language", {}).get(language)))
    groups = {p.article.held_out_group for p in articles}
    return [*rows, Row("articles", "groups", {}, len(groups), goals.get("groups"))]


def _of_labels(articles: Sequence[Prepared], schema: Schema, goals: Mapping[str, Any]) -> list[Row]:
    rows = []
    wanted = goals.get("topics", {})
    for topic in schema.topic_ids:
        members = [p for p in articles if topic in (p.article.topics or ())]
        rows.append(_row("topic", topic, members, wanted.get("articles")))
        for kind, values in (
            ("genres", {p.article.genre for p in members}),
            ("languages", {p.article.lang for p in members}),
        ):
            if len(values) < wanted.get(kind, 0):
                rows.append(Row("topic", f"{topic}: {kind}", {}, len(values), wanted[kind]))
    for target in schema.target_ids:
        for stance in STANCES:
            members = [p for p in articles if (p.article.stances or {}).get(target) == stance]
            goal = goals.get("stances", {}).get(target, {}).get(stance)
            rows.append(_row("stance", f"{target} {stance}", members, goal))
    return rows


def _of_kinds(articles: Sequence[Prepared], goals: Mapping[str, Any]) -> list[Row]:
    wanted = goals.get("kinds", {})

    def row(name: str, holds: Callable[[Prepared], bool], goal: int | None) -> Row:
        return _row("kind", name, filter(holds, articles), goal)

    rows = [
        row(
            "targets on different sides",
            lambda p: len(set((p.article.stances or {}).values())) > 1,
            wanted.get("sides_differ"),
        ),
        row("no topic", lambda p: p.article.topics == frozenset(), wanted.get("no_topic")),
    ]
    if passing := wanted.get("in_passing"):
        rows.append(
            row(
                f"{' or '.join(passing['topics'])} in passing",
                lambda p: _in_passing(p, passing["topics"], passing["targets"]),
                passing["articles"],
            )
        )
    if without := wanted.get("without"):
        rows.append(
            row(
                f"no word of {without['topic']}",
                lambda p: bool(p.article.topics) and without["topic"] not in p.topic_words,
                without["articles"],
            )
        )
    for era, goal in goals.get("eras", {}).items():
        first, _, last = era.partition("-")
        members = [p for p in articles if first <= p.article.date[:4] <= last]
        rows.append(_row("era", era, members, goal))
    return rows


def _in_passing(p: Prepared, topics: Iterable[str], targets: Iterable[str]) -> bool:
    """Say whether an article has a word of a topic that it does not treat, and no stance toward any of the targets."""
    named = any(topic in p.topic_words and topic not in (p.article.topics or ()) for topic in topics)
    return named and not set(targets) & set(p.article.stances or ())


def _load_goals(path: Path, schema: Schema) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        goals = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(cannot_read(error), place=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"not valid TOML: {error}", place=str(path)) from None
    known = {"articles", "words", "groups", "each_language", "topics", "stances", "kinds", "eras"}
    for name in [*(set(goals) - known), *(set(goals.get("stances", {})) - set(schema.target_ids))]:
        raise DataError(f"unknown goal or target '{name}'", place=str(path))
    return goals
