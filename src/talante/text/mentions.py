"""Find the phrases of the schema in a text: aliases of targets, and words of topics."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from talante.corpus.schema import Schema
from talante.text.fold import fold, fold_accents


@dataclass(frozen=True, slots=True)
class Mention:
    """One occurrence of a phrase of ``label`` (a target or a topic): ``text[start:end]``."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to look for. Without a ``label`` it is found and means nothing, which hides shorter ones in it.

    With ``needs`` it counts only in a text that also contains one of them.
    """

    text: str
    label: str | None
    needs: tuple[str, ...] = ()


def target_phrases(schema: Schema) -> list[Phrase]:
    """Return the phrases of all targets; what one target excludes may be the alias of another."""
    targets = schema.targets
    return [
        *(Phrase(text, None) for t in targets for text in t.excluded),
        *(Phrase(guarded.alias, t.id, guarded.needs) for t in targets for guarded in t.guarded),
        *(Phrase(alias, t.id) for t in targets for aliases in t.aliases.values() for alias in aliases),
    ]


def topic_phrases(schema: Schema) -> list[Phrase]:
    """Return the words of all topics."""
    return [Phrase(text, t.id) for t in schema.topics for texts in t.words.values() for text in texts]


@dataclass(frozen=True, eq=False)
class Entry:
    """A phrase whose patterns are compiled when first needed: an article meets few of a thousand phrases."""

    phrase: Phrase

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return what matches the phrase."""
        return re.compile(_pattern(self.phrase.text))

    @cached_property
    def _second(self) -> tuple[str, bool] | None:
        """Return the second word, folded, up to a `*`, and whether it has one; None if there is no second word."""
        words = _PHRASE_WORD.findall(fold(self.phrase.text))
        if len(words) < 2:
            return None
        word, star, _ = words[1].partition("*")
        return word, bool(star)

    def may_go_on(self, following: str) -> bool:
        """Say whether the word behind the first can be the second: if not, no pattern need be compiled."""
        if self._second is None:
            return True
        word, inflected = self._second
        return following.startswith(word) if inflected else following == word

    @cached_property
    def guard(self) -> re.Pattern[str] | None:
        """Return what matches one of the phrases that it needs, None where it needs none."""
        return re.compile(_any_of(self.phrase.needs)) if self.phrase.needs else None


class PhraseFinder:
    """Finds phrases in one pass: longest first, whole words, no overlaps; of equal phrases the last one counts.

    The rules of matching stand at the head of `data/schema.toml`. ``by_word`` and ``by_prefix`` hold the phrases by
    their first word, folded, and by what it begins with. `talante.features.phrases` finds the same, compiled.
    """

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        # A regular expression of all phrases would try each of them at each letter; the first word, looked up
        # in a dictionary, leaves a handful to try, and few words have any.
        self.by_word: dict[str, list[Entry]] = {}
        self.by_prefix: dict[str, list[Entry]] = {}
        distinct = {phrase.text: phrase for phrase in phrases}
        for phrase in sorted(distinct.values(), key=lambda phrase: (-len(phrase.text), phrase.text)):
            first, inflected = _FIRST_WORD.match(fold(phrase.text)).groups()  # type: ignore[union-attr]  # schema.py
            index = self.by_prefix if inflected else self.by_word
            index.setdefault(first, []).append(Entry(phrase))
        self._prefix_lengths = sorted({len(prefix) for prefix in self.by_prefix}, reverse=True)
        self._known: dict[str, Sequence[Entry]] = {}

    @property
    def labels(self) -> list[str]:
        """Return the labels of the phrases, sorted."""
        entries = (entry for index in (self.by_word, self.by_prefix) for of in index.values() for entry in of)
        return sorted({entry.phrase.label for entry in entries if entry.phrase.label})

    def find(self, text: str) -> list[Mention]:
        """Return the occurrences in order of their place."""
        accentless = fold_accents(text)
        guards: dict[re.Pattern[str], bool] = {}
        mentions: list[Mention] = []
        done = 0
        words = [(word[0], word.start()) for word in _WORD.finditer(fold(text))]
        for (word, start), (following, _) in pairwise([*words, ("", 0)]):
            if start < done:
                continue
            for entry in self.candidates(word):
                if not entry.may_go_on(following):
                    continue
                match = entry.pattern.match(accentless, start)
                if match is None:
                    continue
                if entry.guard is not None:
                    if entry.guard not in guards:
                        guards[entry.guard] = entry.guard.search(accentless) is not None
                    if not guards[entry.guard]:
                        continue
                done = match.end()
                if entry.phrase.label is not None:
                    mentions.append(Mention(start, done, entry.phrase.label))
                break
        return mentions

    def candidates(self, word: str) -> Sequence[Entry]:
        """Return the phrases that may begin with a folded word, in the order in which they are tried."""
        found = self._known.get(word)
        if found is None:
            prefixes = [word[:length] for length in self._prefix_lengths if length <= len(word)]
            found = [
                *self.by_word.get(word, ()),
                *(entry for prefix in prefixes for entry in self.by_prefix.get(prefix, ())),
            ]
            found = found or _NONE
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            if len(word) <= _LONGEST_KNOWN:
                self._known[word] = found
        return found


#: Words whose phrases are remembered, and their letters: most words of any text are among them.
_MOST_KNOWN, _LONGEST_KNOWN = 100_000, 40
_NONE: Sequence[Entry] = ()

_WORD = re.compile(r"\w+")
_PHRASE_WORD = re.compile(r"[\w*]+")
_FIRST_WORD = re.compile(r"(\w+)(\*?)")


def _any_of(phrases: Iterable[str]) -> str:
    return rf"(?<!\w)(?:{'|'.join(_pattern(p) for p in phrases)})"


def _pattern(phrase: str) -> str:
    letters = "".join(_PIECES.get(c) or f"[{re.escape(letter_forms(c))}]" for c in spelled(phrase))
    return letters if phrase.endswith(OPEN_END) else rf"{letters}(?!\w)"


#: No word goes on behind a phrase; "U.S." ends at its dot, and "US$" may have its figure.
OPEN_END = "$"


def spelled(phrase: str) -> str:
    """Return a phrase as it is compared: without accents, one blank between words."""
    return fold_accents(" ".join(phrase.split()))


def letter_forms(char: str) -> str:
    """Return the characters that a character of a phrase stands for: a small letter for both cases."""
    return char + char.upper() if char.islower() and len(char.upper()) == 1 else char


_PIECES = {" ": r"\s+", "*": r"\w*", "'": "['’]", "’": "['’]", "-": "[-‐‑–]"}
