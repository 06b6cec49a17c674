"""Find where an article names the targets of the schema, by their aliases."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from talante.corpus.schema import Schema
from talante.errors import DataError
from talante.text.fold import fold, fold_accents


@dataclass(frozen=True, slots=True)
class Mention:
    """One occurrence of a target: ``text[start:end]``."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: re.Pattern[str]
    target: str | None  # None: an excluded phrase, which is no mention
    guard: re.Pattern[str] | None


class MentionFinder:
    """Finds mentions of all targets of a schema in one pass: longest alias first, whole words, no overlaps.

    The rules of matching stand at the head of `data/schema.toml`.
    """

    def __init__(self, schema: Schema) -> None:
        entries: dict[str, tuple[str | None, re.Pattern[str] | None]] = {}
        for target in schema.targets:
            for phrases in target.aliases.values():
                entries.update((phrase, (target.id, None)) for phrase in phrases)
            for guarded in target.guarded:
                entries[guarded.alias] = (target.id, re.compile(_any_of(guarded.needs)))
            for phrase in target.excluded:
                entries[phrase] = (None, None)
        # A regular expression of all aliases tries each of them at each letter; the first word, looked up
        # in a dictionary, leaves a handful to try, and few words have any.
        self._by_word: dict[str, list[_Entry]] = {}
        self._by_prefix: dict[str, list[_Entry]] = {}
        for phrase in sorted(entries, key=lambda phrase: (-len(phrase), phrase)):
            entry = _Entry(re.compile(_pattern(phrase)), *entries[phrase])
            first = _FIRST_WORD.match(fold(phrase))
            if first is None:
                raise DataError(f"alias '{phrase}' does not begin with a letter or digit", place="schema")
            index = self._by_prefix if first["inflected"] else self._by_word
            index.setdefault(first["word"], []).append(entry)
        self._prefixes = tuple(self._by_prefix)

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in order of their place."""
        accentless = fold_accents(text)
        guards: dict[re.Pattern[str], bool] = {}
        mentions: list[Mention] = []
        done = 0
        for word in _WORD.finditer(fold(text)):
            candidates = self._by_word.get(word[0], ())
            if word[0].startswith(self._prefixes):
                candidates = [
                    *candidates,
                    *(e for p in self._prefixes if word[0].startswith(p) for e in self._by_prefix[p]),
                ]
            if not candidates or word.start() < done:
                continue
            for entry in candidates:
                match = entry.pattern.match(accentless, word.start())
                if match is None:
                    continue
                if entry.guard is not None:
                    if entry.guard not in guards:
                        guards[entry.guard] = entry.guard.search(accentless) is not None
                    if not guards[entry.guard]:
                        continue
                done = match.end()
                if entry.target is not None:
                    mentions.append(Mention(match.start(), done, entry.target))
                break
        return mentions


_WORD = re.compile(r"\w+")
_FIRST_WORD = re.compile(r"(?P<word>\w+)(?P<inflected>\*?)")


def _any_of(phrases: Iterable[str]) -> str:
    return rf"(?<!\w)(?:{'|'.join(_pattern(p) for p in phrases)})"


def _pattern(phrase: str) -> str:
    letters = "".join(_PIECES.get(c) or _letter(c) for c in fold_accents(" ".join(phrase.split())))
    # No word goes on behind an alias; "U.S." ends at its dot, and "US$" may have its figure
    return letters if phrase.endswith("$") else rf"{letters}(?!\w)"


_PIECES = {" ": r"[\s\u00a0]+", "*": r"\w*", "'": "['’]", "’": "['’]", "-": "[-‐‑–]"}


def _letter(char: str) -> str:
    return f"[{char}{char.upper()}]" if char.islower() and len(char.upper()) == 1 else re.escape(char)
