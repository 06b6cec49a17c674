"""The difference of two models as text; the first lines say in words what matters."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from talante.jobs.diff import Diff, Figure, LabelChange
from talante.jobs.diff_answers import Answer, Answers
from talante.jobs.diff_words import Term, Weights

_WIDTH = 104

#: Articles and figures that are spelled out, terms of each kind and label, and phrases of a label.
_SHOWN, _FIGURES, _TERMS, _PHRASES = 20, 10, 5, 10

#: textwrap breaks no line here.
_FIXED = "\u00a0"

#: A change that the text has no digit for is not shown.
_VISIBLE = 0.05


def render_diff(diff: Diff) -> str:
    """Return the difference as text of at most 110 columns."""
    lines = list(_wrapped(verdict(diff)))
    if diff.identical and not diff.on:
        return "\n".join(lines)
    parts = [] if diff.identical else [_records, _labels, _settings, _figures]
    for part in [*parts, _held_out, _on, *([] if diff.same_arrays else [_weights, _thresholds])]:
        if block := list(part(diff)):
            lines += ["", *block]
    return "\n".join(lines)


def verdict(diff: Diff) -> str:
    """Say in one sentence what is more, what is other, and on how many articles the answers differ."""
    if diff.identical:
        told = [f"{diff.a} and {diff.b} are the same model", *_answers(diff.on, "answers")]
        return "; ".join(told) + "."
    parts = [_corpus(diff)]
    kinds = Counter(change.change for change in diff.labels)
    labels = ", ".join(f"{n} {change}" for change, n in kinds.items())
    parts.append(f"topics and targets: {labels}" if labels else "topics and targets the same")
    parts.append(f"settings differ: {', '.join(diff.settings)}" if diff.settings else "settings the same")
    parts += _answers(diff.held_out, "held-out answers")
    parts += _answers(diff.on, "answers to the articles named")
    apart = [figure.name for figure in diff.figures if not figure.overlap]
    if diff.figures:
        overlap = f"{len(apart)} do not overlap ({', '.join(apart[:3])})" if apart else "all overlap"
        parts.append(f"of the intervals of {len(diff.figures)} figures {overlap}")
    if diff.same_arrays:
        parts.append("terms and weights are the same")
    elif least := [f"{_name(w)} ({w.alike:.2f})" for w in diff.weights if w.alike is not None][:2]:
        parts.append(f"weights least alike: {', '.join(least)}")
    return f"From {diff.a} to {diff.b}: {'; '.join(parts)}."


def _corpus(diff: Diff) -> str:
    if diff.records is None:
        same = {True: "the same corpus", False: "another corpus", None: "corpora unknown"}[diff.same_corpus]
        return f"{same}, {diff.articles[0]:,} and {diff.articles[1]:,} articles, not known one by one"
    added, removed, changed = (len(ids) for ids in (diff.records.added, diff.records.removed, diff.records.changed))
    told = [(n, what) for n, what in ((added, "more"), (removed, "gone"), (changed, "changed")) if n]
    if not told:
        return f"the same {diff.articles[1]:,} articles"
    (first, what), *rest = told
    articles = "article" if first == 1 else "articles"
    return ", ".join([f"{first:,} {articles} {what}", *(f"{n:,} {what}" for n, what in rest)])


def _answers(answers: Answers | None, what: str) -> list[str]:
    if answers is None:
        return []
    tagged = answers.articles - answers.untagged
    untagged = f" ({answers.untagged} could not be tagged)" if answers.untagged else ""
    if not tagged:
        return [f"neither could tag any of the {answers.untagged} articles"]
    if not answers.differing:
        return [f"{what} the same on all {tagged:,} articles{untagged}"]
    return [f"{what} differ on {answers.differing:,} of {tagged:,} articles{untagged}"]


def _records(diff: Diff) -> Iterator[str]:
    if diff.records is None:
        yield "Which articles came and went is not known: a model keeps no record of its articles."
        return
    for name in ("added", "removed", "changed"):
        if ids := getattr(diff.records, name):
            yield from _listed(f"Articles {name}, {len(ids):,}: ", ids, _SHOWN)


def _labels(diff: Diff) -> Iterator[str]:
    for change in diff.labels:
        if change.change != "changed":
            yield f"{change.kind.capitalize()} {change.label}: {change.change}"
        else:
            yield from _label(change)


def _label(change: LabelChange) -> Iterator[str]:
    told = [
        *([f"other {', '.join(change.fields)}"] if change.fields else []),
        *(f"{sign} {phrase}" for sign, phrases in (("+", change.gained), ("-", change.lost)) for phrase in phrases),
    ]
    yield from _listed(f"{change.kind.capitalize()} {change.label}: ", told, _PHRASES, "; ")


def _settings(diff: Diff) -> Iterator[str]:
    for name, (a, b) in diff.settings.items():
        yield f"Setting {name}: {_set(a)} -> {_set(b)}"


def _set(value: object) -> str:
    return "not set" if value is None else str(value)


def _figures(diff: Diff) -> Iterator[str]:
    for (what, articles), group in groupby(diff.figures, key=lambda f: (f.what, f.articles)):
        figures = sorted(group, key=lambda f: (f.overlap, -abs(f.b[0] - f.a[0])))
        head = f"Figures on {what}: {articles[0]:,} articles in A, {articles[1]:,} in B."
        yield from _wrapped(f"{head} {_warning(diff)}")
        yield f"  {'':<46}{'A':<20}{'B':<20}{'B - A':<8}intervals"
        yield from map(_figure, figures[:_FIGURES])
        if len(figures) > _FIGURES:
            yield f"  and {len(figures) - _FIGURES} that differ less"


def _warning(diff: Diff) -> str:
    if diff.same_corpus:
        return "`talante compare` sees smaller differences, on articles that neither has seen."
    return (
        "The two learned from different corpora, and where these are measured, too, a difference may be one of the "
        "articles. `talante compare` tells on the same ones."
    )


def _figure(f: Figure) -> str:
    a, b = (f"{value:.2f} [{low:.2f}, {high:.2f}]" for value, low, high, _ in (f.a, f.b))
    apart = "overlap" if f.overlap else "do not overlap"
    return f"  {_cut(f.name, 45):<46}{a:<20}{b:<20}{f.b[0] - f.a[0]:<+8.2f}{apart}"


def _held_out(diff: Diff) -> Iterator[str]:
    if diff.held_out and diff.held_out.changes:
        head = "Answers that differ, of models that had not seen the article's group (A -> B)"
        yield from _changes(f"{head}, on articles unchanged", diff.held_out)


def _on(diff: Diff) -> Iterator[str]:
    if diff.on and diff.on.changes:
        yield from _changes("Answers that differ on the articles named (A -> B)", diff.on)


def _changes(head: str, answers: Answers) -> Iterator[str]:
    labels = Counter(change.label or "not tagged by one" for change in answers.changes)
    told = [f"{label} {n}" for label, n in labels.most_common()]
    yield from _listed(f"{head}: ", told, len(told))
    articles = [list(changes) for _, changes in groupby(answers.changes, key=lambda change: change.id)]
    articles.sort(key=lambda changes: (-sum(map(_opposite, changes)), -len(changes)))
    for changes in articles[:_SHOWN]:
        said = "; ".join(_change(change).replace(" ", _FIXED) for change in changes)
        yield from _wrapped(f"{_cut(changes[0].id, 50)}: {said}", "  ", "    ")
    if len(articles) > _SHOWN:
        yield f"  and {len(articles) - _SHOWN} articles more; --json has all"


def _opposite(change: Answer) -> bool:
    return {change.a, change.b} == {"against", "favor"}


def _change(change: Answer) -> str:
    a, b = (
        value if score is None else f"{value} {score:.2f}"
        for value, score in ((change.a, change.score_a), (change.b, change.score_b))
    )
    return f"{change.label} {a} -> {b}".strip()


def _weights(diff: Diff) -> Iterator[str]:
    words = [f"{v.view} {v.a:,} -> {v.b:,} ({v.gained:,} new, {v.lost:,} gone)" for v in diff.vocabularies]
    yield from _listed("Terms: ", words, len(words))
    yield ""
    yield from _wrapped(
        "Weights, the least alike first: 1.00 where those of A and B have the same proportions over the terms of both. "
        "A weight of +3 argues for a label three times as heavily as is usual for its terms."
    )
    for w in diff.weights:
        if w.alike is None or w.size is None:
            yield f"  {_name(w)}: not compared, one or both have no weights"
            continue
        yield f"  {_name(w)}: alike {w.alike:.2f}, all weights x {w.size:.2f}"
        changed = [t for t in w.changed if abs(t.change) >= _VISIBLE]
        for head, terms in (("changed", changed), ("new", w.gained), ("gone", w.lost)):
            if terms:
                yield from _wrapped(f"{head}: {', '.join(map(_term, terms[:_TERMS]))}", "    ", "      ")


def _name(w: Weights) -> str:
    return {
        "topic": f"topic {w.label}",
        "own": f"stance toward {w.label}",
        "near": "stance toward any target, sentences that name it",
        "whole": "stance toward any target, whole article",
        "addressed": "whether a target is treated",
    }[w.part]


def _term(t: Term) -> str:
    row = f" ({t.row})" if t.row else ""
    weights = " -> ".join(f"{weight:+.1f}" for weight in (t.a, t.b) if weight is not None)
    return f"{t.term}{row} {weights}".replace(" ", _FIXED)


def _thresholds(diff: Diff) -> Iterator[str]:
    moved = sorted(diff.thresholds.items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    told = [f"{label} {a:.2f} -> {b:.2f}" for label, (a, b) in moved if f"{a:.2f}" != f"{b:.2f}"]
    yield from _listed("Thresholds: ", told or ["none moved"], len(moved) + 1)


def _listed(head: str, items: Sequence[str], most: int, sep: str = ", ") -> Iterator[str]:
    more = f"{sep}and {len(items) - most} more" if len(items) > most else ""
    yield from _wrapped(head + sep.join(item.replace(" ", _FIXED) for item in items[:most]) + more, "", "  ")


def _wrapped(text: str, first: str = "", rest: str = "") -> Iterator[str]:
    for line in textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False):
        yield line.replace(_FIXED, " ")


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
