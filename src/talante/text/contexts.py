"""What an article says about one target: the sentences that name it, with the names masked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from talante.text.mentions import Mention

#: Stand-ins for mentions. `clean` removes these brackets from every text, so no article can contain a mask.
TARGET_MASK = "⟦target⟧"
OTHER_MASK = "⟦other⟧"


@dataclass(frozen=True, slots=True)
class Context:
    """The views of an article from one target.

    ``near``: the sentences that mention the target. ``whole``: all of the article. In both the target's
    mentions are TARGET_MASK and those of other targets OTHER_MASK.
    """

    near: str
    whole: str


def mask(text: str, mentions: Iterable[Mention], target: str) -> str:
    """Replace mentions of ``target`` by TARGET_MASK and all others by OTHER_MASK."""
    pieces, done = [], 0
    for mention in mentions:
        pieces += [text[done : mention.start], TARGET_MASK if mention.label == target else OTHER_MASK]
        done = mention.end
    return "".join([*pieces, text[done:]])


def context(text: str, sentences: Sequence[tuple[int, int]], mentions: Sequence[Mention], target: str) -> Context:
    """Cut the context of ``target`` out of ``text``."""
    near = []
    for start, end in sentences:
        inside = [Mention(m.start - start, m.end - start, m.label) for m in mentions if start <= m.start < end]
        if any(m.label == target for m in inside):
            near.append(mask(text[start:end], inside, target))
    return Context("\n".join(near), mask(text, mentions, target))
