"""The card of a model as a page of Markdown, made from `model.json` alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_USE = (
    "## Use and limits",
    "",
    "For sorting and counting articles, and for finding those worth reading. Not for judging a person, an author or "
    "an outlet: single answers are wrong as often as the figures below say, and more often on outlets unlike those "
    "that it learned from. An article that does not treat a target gets no stance toward it, which is not the same as "
    "a neutral one. It knows the languages, topics and targets above and no others, and of the world what its articles "
    "say. Its scores are probabilities, calibrated on articles like those that it learned from.",
)


def card_text(card: Mapping[str, Any]) -> str:
    """Return the page; what the card does not say is left out."""
    blocks = [_head(card), _USE, _data(card), *map(_scores, card.get("scores", ())), _making(card)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(card: Mapping[str, Any]) -> Sequence[str]:
    labels = card["schema"]
    topics = ", ".join(topic["id"] for topic in labels["topics"])
    targets = ", ".join(target["id"] for target in labels["targets"])
    measured = [f"**{_bare(card['scores'][0]['verdict'])}**"] if card.get("scores") else ["**Nobody has measured it.**"]
    return [
        f"# Model {card['id']}",
        "",
        "<!-- Made from model.json; do not edit. -->",
        "",
        *measured,
        "",
        f"A talante model ({card['format']}, format {card['format_version']}): TF-IDF and logistic regression. It tags "
        f"articles in {_listed(card['languages'])}.",
        "",
        f"- Topics: {topics or 'none'}",
        f"- Targets of a stance (against, neutral, favor): {targets or 'none'}",
    ]


def _data(card: Mapping[str, Any]) -> list[str]:
    data = card.get("data")
    if not data:
        return []
    rows = [
        [target, *(str(counts.get(stance, 0)) for stance in ("against", "neutral", "favor"))]
        for target, counts in data["stances"].items()
    ]
    return [
        "## Learned from",
        "",
        f"{data['articles']:,} articles of {data['groups']:,} groups, {data['words']:,} words; "
        f"{_counted(data['languages'])}; origin: {_counted(data['origins'])}.",
        f"SHA-256 of the corpus: `{data['digest']}`.",
        "",
        f"Topics: {_counted(data['topics'])}; none of them: {data['no_topic']}.",
        *(["", *_table(["stance toward", "against", "neutral", "favor"], rows)] if rows else []),
    ]


def _scores(scores: Mapping[str, Any]) -> list[str]:
    lines = [
        f"## Measured on {_bare(scores['what'])}",
        "",
        f"{scores['articles']:,} articles in {scores['groups']:,} groups. {_bare(scores['verdict'])}",
        "",
        *(f"- {_bare(warning)}" for warning in scores["warnings"]),
        *([""] if scores["warnings"] else []),
        *_table(
            ["figure", f"value ({scores['intervals']})", "labels"],
            [[name, *_estimate(plain)] for name, plain in scores["figures"].items()],
        ),
    ]
    if scores["controls"]:
        controls = [[name, f"{c['macro_f1'][0]:.2f}", _signed(c["lead"])] for name, c in scores["controls"].items()]
        lines += ["", *_table(["guessing without reading", "macro-F1", "the model is better by"], controls)]
    if scores["slices"]:
        parts = [
            [_bare(name), figure, *_estimate(plain)]
            for name, figures in scores["slices"].items()
            for figure, plain in figures.items()
        ]
        lines += ["", "Parts that differ from the rest beyond the interval:", ""]
        lines += _table(["part", "figure", "value", "labels"], parts)
    for name, split in scores["random_split"].items():
        _, low, *_ = split["leak"]
        said = "of it is leakage" if low > 0 else "is no leakage to see"
        lines += [
            "",
            f"A random split would say {split['macro_f1']:.2f} macro-F1 for {name}: {_signed(split['leak'])} {said}.",
        ]
    return lines


def _making(card: Mapping[str, Any]) -> list[str]:
    settings = ", ".join(f"{name} {value}" for name, value in card.get("settings", {}).items())
    return [
        "## How to make it again",
        "",
        f"`talante train` of talante {card.get('talante', 'of the same version')}, with the corpus of that digest. The "
        f"same corpus, settings and versions give the same arrays. Settings: {settings or 'unknown'}.",
    ]


def _listed(languages: Sequence[str]) -> str:
    return " and ".join({"en": "English", "es": "Spanish"}.get(lang, lang) for lang in languages)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in [head, ["---"] * len(head), *rows]:
        yield f"| {' | '.join(row)} |"


def _estimate(plain: Sequence[float]) -> list[str]:
    value, low, high, n = plain
    return [f"{value:.2f} [{low:.2f}, {high:.2f}]", f"{n:,.0f}"]


def _signed(plain: Sequence[float]) -> str:
    return f"{plain[0]:+.2f} [{plain[1]:+.2f}, {plain[2]:+.2f}]"


def _bare(text: str) -> str:
    """Return a text that came from data, such as an outlet's name, with nothing in it that Markdown would read."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|" else sign for sign in text.replace("\n", " "))
