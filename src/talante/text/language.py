"""Which language a text is written in."""

from functools import cache
from typing import Any

from talante.corpus.schema import LANGUAGES

#: Below this a decision rests on too few letters to refuse an article by it.
_MIN_LETTERS = 20

#: Below this CLD3 takes headlines for languages of other continents; it is believed where it says one of ours.
_FEW_LETTERS = 45


def identify(text: str) -> str | None:
    """Return the ISO 639-1 code of the language that most of the text is in, None where it cannot be told.

    By CLD3 (https://github.com/google/cld3), whose model ships in its wheel.
    """
    letters = sum(c.isalpha() for c in text[:2000])
    if letters < _MIN_LETTERS:
        return None
    # CLD3 reads bytes and stops at NUL; capitals alone mislead it
    sample = text[:20_000]
    result = _detector().FindLanguage(sample.lower() if sample.isupper() else sample)
    language = str(result.language).split("-")[0]
    believed = result.is_reliable and (letters >= _FEW_LETTERS or language in LANGUAGES)
    return language if believed else None


@cache
def _detector() -> Any:
    import gcld3

    return gcld3.NNetLanguageIdentifier(0, 4000)
