"""Check a corpus: what must be mended, and what should be looked at."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from talante.corpus.article import Article
from talante.corpus.duplicates import NEAR_DUPLICATE, near_duplicates, repeated_runs
from talante.corpus.records import Finding, check_corpus
from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.evaluation.confounds import ALL_CUES, DESK, Audit, audit
from talante.text.clean import chrome_lines
from talante.text.language import identify
from talante.text.prepare import Prepared, Preparer

#: No news article is longer; a book or a whole site in one record is a mistake.
_MOST_WORDS = 10_000

#: What is shorter is a headline, from which no stance can be judged.
_FEWEST_WORDS = 10

#: So many articles of one desk that all take one stance toward a target let a model learn the desk.
_ONE_SIDED = 6

# The same order is the order of findings: worst first.
_CHECKS = (
    "record", "empty", "near-duplicate", "mention", "language", "label", "text", "chrome", "length", "date",
    "repeat", "group", "one-sided", "confound",
)  # fmt: skip

_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u2060\ufeff]")
# Typical of UTF-8 that was read as Latin-1 and saved again: two bytes of one accented letter as two letters
_MOJIBAKE = re.compile("Ã[\u00a0-\u00bf]|â€|\ufffd")


@dataclass(frozen=True, slots=True)
class Lint:
    """All findings, worst first, and what the confound audit measured."""

    articles: int
    findings: list[Finding]
    audits: list[Audit]

    @property
    def errors(self) -> int:
        """Return how many findings must be mended before anything is trained."""
        return sum(f.level == "error" for f in self.findings)

    def to_json(self) -> dict[str, object]:
        """Return plain data."""
        return {
            "articles": self.articles,
            "errors": self.errors,
            "warnings": len(self.findings) - self.errors,
            "findings": [
                {"level": f.level, "check": f.check, "place": f.place, "fact": f.fact, "remedy": f.remedy}
                for f in self.findings
            ],
            "audit": [
                {
                    "target": a.target,
                    "chance": round(a.chance, 4),
                    "mean_recall": {
                        cue: {"value": round(e.value, 4), "low": round(e.low, 4), "high": round(e.high, 4), "n": e.n}
                        for cue, e in a.recall.items()
                    },
                }
                for a in self.audits
            ],
        }


def lint(data: Path) -> Lint:
    """Check every record of a data folder, the records against each other, and the corpus as a whole.

    Raises DataError when there is no schema or no article file at all.
    """
    schema, articles, findings = check_corpus(data)
    preparer, prepared = Preparer(schema), []
    for article in articles:
        ready, found = check_article(article, preparer)
        findings += found
        if ready:
            prepared.append(ready)
    findings += [*near_duplicate_findings(prepared), *_repeats(prepared), *_desks(articles, schema)]
    audits = audit([p.article for p in prepared], schema.target_ids)
    findings += [
        Finding(
            str(data),
            f"the stance toward '{a.target}' can be told without its words: mean recall {a.recall[ALL_CUES]} from "
            f"{', '.join(_telling(a))}, and chance is {a.chance:.2f}",
            "write articles that break the habit, such as neutral columns and slanted reports",
            "confound",
            "warning",
        )
        for a in audits
        if a.confounded
    ]
    findings.sort(key=lambda f: (f.level == "warning", _CHECKS.index(f.check)))
    return Lint(len(articles), findings, audits)


def check_article(article: Article, preparer: Preparer) -> tuple[Prepared | None, list[Finding]]:
    """Check one record by itself; return it prepared, or None where nothing is left of it."""
    try:
        prepared = preparer.prepare(article)
    except DataError as error:
        return None, [Finding(article.place, error.fact, error.remedy, "empty")]
    return prepared, [
        Finding(article.place, fact, remedy, check, "warning") for check, fact, remedy in _doubts(article, prepared)
    ]


def _doubts(article: Article, prepared: Prepared) -> Iterator[tuple[str, str, str]]:
    for target in article.stances or {}:
        if target not in prepared.contexts:
            fact = f"stance toward '{target}', which the article names by no alias"
            yield "mention", fact, "it is not learned from; add an alias to schema.toml or drop the stance"
    spoken = identify(prepared.text)
    if spoken not in (None, article.lang):
        yield "language", f"lang is '{article.lang}', the text looks like '{spoken}'", ""
    if article.topics is None and article.stances is None:
        yield "label", "neither topics nor stances", "label it by docs/guidelines.md; empty means none"
    both = set(article.disputed_topics & (article.topics or frozenset()))
    both |= set(article.disputed_stances & set(article.stances or ()))
    if both:
        yield "label", f"'{min(both)}' is both a label and disputed", "keep one"
    raw = f"{article.title}\n{article.text}"
    if hidden := _INVISIBLE.search(raw):
        yield "text", f"control or invisible character U+{ord(hidden.group()):04X}", "remove it"
    if broken := _MOJIBAKE.search(raw):
        yield "text", f"'{broken.group()}': UTF-8 that was decoded wrongly", "take the text from its source again"
    if chrome := chrome_lines(article.text):
        yield "chrome", f"{len(chrome)} lines of page chrome, such as '{chrome[0][:60]}'", "remove them"
    if prepared.words > _MOST_WORDS:
        yield "length", f"{prepared.words} words", "split it into articles"
    if prepared.words < _FEWEST_WORDS:
        yield "length", f"only {prepared.words} words", "a stance can hardly be judged from so few"
    if article.date and not _is_date(article.date):
        yield "date", f"date '{article.date}'", "write YYYY-MM-DD, YYYY-MM or YYYY"
    if not (article.group or article.outlet or article.author):
        yield "group", "no group, outlet or author", "name what must not be split between training and test"


def _is_date(text: str) -> bool:
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        return False
    try:
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        return False
    return True


def near_duplicate_findings(prepared: Sequence[Prepared]) -> Iterator[Finding]:
    """Find articles that stand in a corpus twice; other labels or another group make that an error."""
    for earlier, later, similarity in near_duplicates([p.text for p in prepared]):
        a, b = prepared[earlier].article, prepared[later].article
        across = a.held_out_group != b.held_out_group
        same = f"near-duplicate of {a.place} (similarity {similarity:.2f}, threshold {NEAR_DUPLICATE})"
        if (a.topics, a.stances) != (b.topics, b.stances):
            yield Finding(b.place, f"{same} with other labels", "keep one", "near-duplicate")
        elif across:
            yield Finding(b.place, f"{same} in another group", "keep one, or give both one group", "near-duplicate")
        else:
            yield Finding(b.place, same, "keep one", "near-duplicate", "warning")


def _repeats(prepared: Sequence[Prepared]) -> Iterator[Finding]:
    # What others published quotes and reprints; what was written for a corpus must not
    written = [p for p in prepared if p.article.origin == "written"]
    for earlier, later, run in repeated_runs([p.text for p in written]):
        a, b = written[earlier].article, written[later].article
        yield Finding(b.place, f"shares with {a.place}: '{run}'", "write it anew", "repeat", "warning")


def _desks(articles: Iterable[Article], schema: Schema) -> Iterator[Finding]:
    """Find desks that have a single stance toward a target in many articles, statements aside.

    A ministry, a party or a committee that speaks for itself has one line; a desk that publishes has several.
    """
    seen: dict[tuple[str, str], list[Article]] = defaultdict(list)
    for article in articles:
        for target in article.stances or {}:
            if article.group and article.genre != "statement":
                seen[article.group, target].append(article)
    for (group, target), members in sorted(seen.items(), key=lambda item: schema.target_ids.index(item[0][1])):
        stances = {(a.stances or {})[target] for a in members}
        if len(members) >= _ONE_SIDED and len(stances) == 1:
            fact = f"all {len(members)} articles of '{group}' are '{stances.pop()}' toward '{target}'"
            yield Finding(members[0].place, fact, "a desk that publishes has several", "one-sided", "warning")


def _telling(found: Audit) -> list[str]:
    """Return the single cues that tell the stance better than chance, best first."""
    cues = [c for c, e in found.recall.items() if e.low > found.chance and c not in (ALL_CUES, DESK)]
    return sorted(cues, key=lambda cue: -found.recall[cue].value) or ["the cues together"]
