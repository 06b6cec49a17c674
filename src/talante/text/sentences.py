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


def doubtful_words() -> set[str]:
    """Return the words, in lower case, behind which a full stop need not end a sentence: abbreviations for the most."""
    import nupunkt

    splitter = nupunkt.load("default")
    return {*splitter.abbreviations, *(first for first, _ in splitter.parameters.collocations)}
