"""The report of drift as text; the first lines say which limits are passed, what rose, and what to mind."""

import textwrap
from collections.abc import Iterator, Sequence
from math import isnan

from talante.evaluation.drift import FEWEST, Drift, Shift, Window
from talante.evaluation.intervals import Estimate
from talante.evaluation.rising import Rising

_WIDTH = 100

#: Shifts that are told though they are no alarm, and terms in the first lines.
_TOLD, _FIRST = 10, 5

#: Figures of a kind with too few articles that are named one by one.
_NAMED = 3


def render_drift(drift: Drift) -> str:
    """Return the report as text of at most 110 columns."""
    lines = textwrap.wrap(verdict(drift), _WIDTH, break_on_hyphens=False)
    for line in _remarks(drift):
        lines += textwrap.wrap(line, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    lines += ["", f"New: {_window(drift.new)}", f"Reference: {_window(drift.reference)}"]
    lines.append(f"Model {drift.model}; 95 % intervals by bootstrap over {_units(drift)}.")
    undecided = [shift for shift in drift.undecided if not _few(shift)]
    within = sorted(
        (s for s in drift.shifts if s.answer == "within its limit"), key=lambda s: -abs(s.difference.value) / s.limit
    )
    for title, shifts in (
        ("Beyond the limit", drift.alarms),
        ("Cannot tell", undecided),
        ("Within the limit, the largest", [s for s in within if s.kind != "length"][:_TOLD]),
    ):
        if shifts:
            lines += ["", f"{title:<36}{'new':<20}{'reference':<20}{'difference':<25}limit", *map(_row, shifts)]
    if few := [shift for shift in drift.undecided if _few(shift)]:
        told = f"Too few articles to tell: {', '.join(_by_kind(few, drift.shifts))}."
        lines += ["", *textwrap.wrap(told, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)]
    for title, terms in (("Rising words", drift.words), ("Rising names", drift.names)):
        if terms:
            lines += ["", *_terms(title, terms, drift)]
    return "\n".join(lines)


def verdict(drift: Drift) -> str:
    """Say in one sentence which limits are passed, and how much cannot be told."""
    alarms, undecided = drift.alarms, len(drift.undecided)
    rest = f"; {undecided} of {len(drift.shifts)} figures cannot be told" if undecided else ""
    if not alarms:
        return f"No alarm: no figure is beyond its limit{rest}."
    told = ", ".join(f"{shift.name} {_change(shift)}" for shift in alarms[:_FIRST])
    more = f" and {len(alarms) - _FIRST} more" if len(alarms) > _FIRST else ""
    return f"Drift: beyond the limit {'is' if len(alarms) == 1 else 'are'} {told}{more}{rest}."


def _remarks(drift: Drift) -> Iterator[str]:
    terms = [rising.term for rising in [*drift.words[:_FIRST], *drift.names[:_FIRST]]]
    yield f"Rising most: {', '.join(terms)}." if terms else "No word and no name rises beyond chance."
    if drift.reference.mostly_learned or drift.new.mostly_learned:
        told = " and ".join(
            f"{window.learned} of {window.articles} {name} articles"
            for name, window in (("new", drift.new), ("reference", drift.reference))
            if window.mostly_learned
        )
        yield f"The model has learned from {told}: its stances are surer there, so how sure they are is not compared."
    if drift.reference.mostly_learned:
        yield (
            "Articles that were written or chosen to learn from are no stream: expect alarms, and compare with an "
            "earlier window (--reference) to see what changes."
        )
    if drift.in_both:
        yield f"{drift.in_both} of the new articles are in the reference, too, which hides drift."
    if not drift.shared_groups and any(window.groups < window.articles for window in (drift.new, drift.reference)):
        yield (
            "Too few outlets are in both windows to resample outlets, so articles are: the intervals hold for more "
            "articles of these outlets, and not for others."
        )


def _window(window: Window) -> str:
    reasons = "; ".join(f"{reason} ({n})" for reason, n in list(window.untagged.items())[:3])
    untagged = sum(window.untagged.values())
    told = f"; {untagged} not tagged: {textwrap.shorten(reasons, 60, placeholder=' …')}" if untagged else ""
    groups = f"{window.groups} group{'s' if window.groups > 1 else ''}"
    return f"{window.articles} articles in {groups}{told}"


def _units(drift: Drift) -> str:
    return f"the {drift.shared_groups} groups in both and other articles" if drift.shared_groups else "articles"


def _few(shift: Shift) -> bool:
    return min(shift.new.n, shift.reference.n) < FEWEST or isnan(shift.difference.value)


def _by_kind(few: Sequence[Shift], shifts: Sequence[Shift]) -> Iterator[str]:
    """Name figures; of a kind with many, only their number."""
    for kind in dict.fromkeys(shift.kind for shift in few):
        names = [shift.name for shift in few if shift.kind == kind]
        of = sum(shift.kind == kind for shift in shifts)
        if len(names) > _NAMED:
            yield f"{len(names)} of {of} {kind}"
        else:
            yield from names


def _change(shift: Shift) -> str:
    return f"{shift.difference.value:.2f} times" if shift.kind == "length" else f"{shift.difference.value:+.2f}"


def _row(shift: Shift) -> str:
    name = shift.name if len(shift.name) < 35 else shift.name[:33] + "…"
    d = shift.difference
    if shift.kind == "length":
        new, reference = (f"{e.value:.0f} [{e.low:.0f}, {e.high:.0f}]" for e in (shift.new, shift.reference))
        difference, limit = f"{d.value:.2f} times [{d.low:.2f}, {d.high:.2f}]", f"{shift.limit:g} times"
    else:
        new, reference = map(_plain, (shift.new, shift.reference))
        difference, limit = f"{d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}]", f"{shift.limit:g}"
    return f"{name:<36}{new:<20}{reference:<20}{difference:<25}{limit}"


def _plain(e: Estimate) -> str:
    return f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}]"


def _terms(title: str, terms: Sequence[Rising], drift: Drift) -> Iterator[str]:
    yield f"{title:<30}{'new articles (groups)':>24}{'reference':>24}   in the vocabulary"
    for r in terms:
        new = f"{r.new} ({r.new_groups}), {100 * r.new / drift.new.articles:.1f} %"
        before = f"{r.reference} ({r.reference_groups}), {100 * r.reference / drift.reference.articles:.1f} %"
        name = textwrap.shorten(r.term, 29, placeholder="…")
        yield f"{name:<30}{new:>24}{before:>24}   {'yes' if r.known else 'no'}"
