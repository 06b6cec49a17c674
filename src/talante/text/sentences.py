"""Where sentences begin and end."""

import re


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the character span of each sentence, in order; spans cover all that is not blank.

    A blank line always ends a sentence: titles and list entries have no full stop.
    """
    import nupunkt

    spans = []
    for block in re.finditer(r"\S(?:.|\n(?!\s*\n))*", text):
        start = block.start()
        for begin, end in nupunkt.sent_spans(block.group()):
            inside = text[start + begin : start + end]
            if inside.strip():
                lead = len(inside) - len(inside.lstrip())
                spans.append((start + begin + lead, start + begin + len(inside.rstrip())))
    return spans


def known_abbreviations() -> frozenset[str]:
    """Return the words, in lower case, behind which a full stop need not end a sentence."""
    import nupunkt

    return frozenset(nupunkt.load_default_model().abbreviations)


def known_pairs() -> frozenset[str]:
    """Return the pairs of words, in lower case, which a full stop between them does not part."""
    import nupunkt

    return frozenset(" ".join(pair) for pair in nupunkt.load_default_model().parameters.collocations)
