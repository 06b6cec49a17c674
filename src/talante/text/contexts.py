"""What an article says about one target: the sentences that name it, with the names masked."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from talante.text.mentions import Mention

Span = tuple[int, int]

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


@dataclass(frozen=True, slots=True)
class View:
    """A masked text that knows where each part of it comes from: ``text[starts[i]:...]`` is from ``origins[i]``.

    ``masks`` are the numbers of the parts that are masks, ``joints`` those of the line breaks that join spans.
    """

    text: str
    starts: Sequence[int]
    origins: Sequence[Span]
    masks: frozenset[int]
    joints: frozenset[int]

    def is_one_piece(self, start: int, end: int) -> bool:
        """Say whether ``text[start:end]`` comes from one span of the article."""
        return self.joints.isdisjoint(range(self._part(start), self._part(end - 1) + 1))

    def _part(self, place: int) -> int:
        return bisect_right(self.starts, place) - 1

    def origin(self, start: int, end: int) -> Span:
        """Return the span in the article of ``text[start:end]``, which begins and ends inside words or masks."""
        first, last = self._part(start), self._part(end - 1)
        begin, finish = self.origins[first][0], self.origins[last][1]
        return (
            begin if first in self.masks else begin + start - self.starts[first],
            finish if last in self.masks else self.origins[last][0] + end - self.starts[last],
        )


def view(text: str, spans: Iterable[Span], mentions: Iterable[Mention], target: str) -> View:
    """Join spans of a text by line breaks, with mentions of ``target`` as TARGET_MASK, all others as OTHER_MASK."""
    pieces: list[str] = []
    origins: list[Span] = []
    masks: set[int] = set()
    joints: set[int] = set()
    mentions = list(mentions)
    places = [mention.start for mention in mentions]
    done = 0
    for start, end in spans:
        if pieces:
            joints.add(len(pieces))
            pieces.append("\n")
            origins.append((start, start))
        # A mention that goes over the border of two spans belongs to the first, all of it
        done = max(start, done)
        for mention in mentions[bisect_left(places, start) : bisect_left(places, end)]:
            pieces += [text[done : mention.start], TARGET_MASK if mention.label == target else OTHER_MASK]
            origins += [(done, mention.start), (mention.start, mention.end)]
            masks.add(len(pieces) - 1)
            done = mention.end
        pieces.append(text[done:end])
        origins.append((done, max(done, end)))
    starts, length = [], 0
    for piece in pieces:
        starts.append(length)
        length += len(piece)
    return View("".join(pieces), starts, origins, frozenset(masks), frozenset(joints))


def near_view(text: str, sentences: Iterable[Span], mentions: Sequence[Mention], target: str) -> View:
    """Return the masked sentences that mention the target."""
    own = [m.start for m in mentions if m.label == target]
    naming = [(start, end) for start, end in sentences if bisect_left(own, start) < bisect_left(own, end)]
    return view(text, naming, mentions, target)


def whole_view(text: str, mentions: Sequence[Mention], target: str) -> View:
    """Return the whole article masked."""
    return view(text, [(0, len(text))], mentions, target)


def context(text: str, sentences: Sequence[Span], mentions: Sequence[Mention], target: str) -> Context:
    """Cut the context of ``target`` out of ``text``."""
    return Context(near_view(text, sentences, mentions, target).text, whole_view(text, mentions, target).text)
