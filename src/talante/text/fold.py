"""Fold case and accents without moving a single character, so that offsets stay true."""

import unicodedata


class _Table(dict[int, int]):
    """A translation table that fills itself, one character at a time."""

    def __init__(self, lower: bool) -> None:
        super().__init__()
        self._lower = lower

    def __missing__(self, code: int) -> int:
        char = chr(code)
        base = unicodedata.normalize("NFD", char)[0] if not unicodedata.combining(char) else char
        if self._lower and len(base.lower()) == 1:
            base = base.lower()
        self[code] = ord(base)
        return self[code]


_ACCENTS, _ACCENTS_AND_CASE = _Table(lower=False), _Table(lower=True)


def fold_accents(text: str) -> str:
    """Replace each letter by its base letter: `Perú` is `Peru`. The length does not change.

    >>> fold_accents("Perú, El Niño")
    'Peru, El Nino'
    """
    return text.translate(_ACCENTS)


def fold(text: str) -> str:
    """Fold accents and case. The length does not change."""
    return text.translate(_ACCENTS_AND_CASE)
