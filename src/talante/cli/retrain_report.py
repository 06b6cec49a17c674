"""What a retraining found, as Markdown: to read in a pull request, a ticket or a mail."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from talante.evaluation.gate import Check, NewLabels
    from talante.jobs.retrain import Retrained


def report_text(found: "Retrained") -> str:
    """Return the verdict, every figure that the gate looked at, and what the new labels are like."""
    corpus = found.corpus
    lines = [
        _heading(found),
        "",
        f"{found.why[0].upper()}{found.why[1:]}.",
        "",
        f"{_candidate(found)}; in use before: {found.champion or 'none'}.",
        f"- Corpus: {corpus['articles']:,} articles; {corpus['added']} added, {corpus['changed']} changed, "
        f"{corpus['removed']} removed since the champion learned from it. SHA-256 `{corpus['digest']}`.",
    ]
    if found.seconds:
        spent = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in found.seconds.items())
        lines.append(f"- Time: {spent}.")
    if found.judged.new:
        lines += ["", "## New labels", "", *_new(found.judged.new)]
    if found.judged.checks:
        lines += [
            "",
            "## Gate",
            "",
            "Candidate minus champion with its 95 % interval, paired, by bootstrap over groups; a figure passes when "
            "the lower end lies above minus the margin.",
            "",
            "| on | figure | champion | candidate | difference | labels | margin | floor | answer |",
            "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
            *map(_row, found.judged.checks),
        ]
    return "\n".join(lines) + "\n"


def tells(report: Path, found: "Retrained") -> bool:
    """Say whether a report is there and of the same verdict on the same candidate: it has the figures, too."""
    try:
        lines = report.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return False
    return lines[:1] == [_heading(found)] and any(line.startswith(f"{_candidate(found)};") for line in lines)


def _heading(found: "Retrained") -> str:
    return f"# {found.outcome.capitalize()}" + (" (dry run)" if found.dry_run else "")


def _candidate(found: "Retrained") -> str:
    return f"- Candidate: {found.candidate or 'none'}"


def _row(check: "Check") -> str:
    d = check.difference
    floor = "" if check.floor is None else f"{check.pinned:.3f} >= {check.floor:.3f}"
    if check.answer == "below floor":
        floor = floor.replace(">=", "<")
    answer = check.answer if check.answer == "passed" else f"**{check.answer}**"
    if check.more_articles:
        answer += f", about {check.more_articles:,} more articles"
    cells = (
        check.on, check.figure, f"{check.champion:.3f}", f"{check.candidate:.3f}",
        f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]", f"{d.n:,}", f"{check.margin:g}", floor, answer,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _new(new: "NewLabels") -> list[str]:
    lines = [f"{new.count} articles have labels that the champion has not learned from. Asked about them, it says:", ""]
    if new.opposite:
        before = "" if new.opposite_before is None else f"; about those that it learned from {new.opposite_before:.2f}"
        lines.append(f"- the opposite of a stance for or against: {new.opposite}{before}")
    if new.topics:
        before = "" if new.topics_before is None else f"; about those that it learned from {new.topics_before:.2f}"
        lines.append(f"- topics, micro-F1: {new.topics}{before}")
    if not new.opposite and not new.topics:
        lines.append("- too few labels to tell how far they agree")
    if new.articles:
        lines.append(f"- most unlike its answers: {', '.join(new.articles[:10])}")
    return lines
