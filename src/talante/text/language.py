"""Which language a text is written in."""

from functools import cache
from typing import Any

from talante.corpus.schema import LANGUAGES

#: Below this a decision rests on too few letters to refuse an article by it.
_MIN_LETTERS = 20

#: Below this CLD3 takes headlines for languages of other continents; it is believed where it says one of ours.
_FEW_LETTERS = 45

#: Characters that are looked at. Of 12,000 real articles these told 2 wrong, 20,000 told 11, in four times the
#: time: what is foreign stands at the end of a page (benchmarks/languages.py).
_SAMPLE = 1000


def identify(text: str) -> str | None:
    """Return the ISO 639-1 code of the language that a text begins in, None where it cannot be told.

    By CLD3 (https://github.com/google/cld3), whose model ships in its wheel.
    """
    sample = text[:_SAMPLE]
    letters = sum(map(str.isalpha, sample))
    if letters < _MIN_LETTERS:
        return None
    # CLD3 reads bytes and stops at NUL; capitals alone mislead it
    result = _detector().FindLanguage(sample.lower() if sample.isupper() else sample)
    language = str(result.language).split("-")[0]
    believed = result.is_reliable and (letters >= _FEW_LETTERS or language in LANGUAGES)
    return language if believed else None


@cache
def _detector() -> Any:
    import gcld3

    return gcld3.NNetLanguageIdentifier(0, 4000)
