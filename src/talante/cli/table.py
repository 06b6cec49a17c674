"""Tables for a person at a terminal. rich is imported when one is drawn: `predict` in a pipe needs none."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from talante.corpus.schema import LANGUAGES
from talante.jobs.tag import Row

if TYPE_CHECKING:  # `predict` needs none of it
    from talante.jobs.stats import Row as CorpusRow

_COLORS = {"against": "red", "neutral": "cyan", "favor": "green", None: "dim"}


def show_rows(rows: Iterable[Row]) -> int:
    """Print predictions as a table, and return how many are errors. Article text is never read as markup."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("article", ratio=4)
    table.add_column("topics", ratio=3)
    table.add_column("stance toward", ratio=4)
    failed = 0
    for row in rows:
        if "error" in row:
            failed += 1
            table.add_row(escape(row["id"]), f"[bold red]{escape(row['error'])}[/]", "")
            continue
        name = escape(row["title"] or row["id"]) + f" [dim]({row['lang']})[/]"
        topics = "\n".join(f"{topic} {score:.2f}" for topic, score in row["topics"].items())
        stances = "\n".join(
            f"{escape(target)} [{_COLORS[s['stance']]}]{s['stance'] or 'unsure'}[/] {s['score']:.2f}"
            for target, s in row["stances"].items()
        )
        table.add_row(name, topics or "[dim]none[/]", stances or "[dim]none[/]")
    console.print(table)
    return failed


def show_explanation(row: Row) -> None:
    """Print the labels of an article, each with its sum and the strongest sentences and terms on both sides."""
    from rich.console import Console
    from rich.markup import escape
    from rich.padding import Padding

    console = Console(highlight=False)
    if "error" in row:
        console.print(f"{escape(row['id'])}: [bold red]{escape(row['error'])}[/]")
        return
    console.print(f"[bold]{escape(row['title'] or row['id'])}[/] [dim]({row['lang']})[/]\n")
    if not row["labels"]:
        console.print("[dim]no label was given; --all explains those that were not[/]\n")
    for label in row["labels"]:
        kind = {"topic": "topic", "addressed": "treated, not only named:"}.get(label["kind"], "")
        what = f"{kind} [bold]{escape(label['label'])}[/]"
        if stance := label.get("stance"):
            what = f"stance toward [bold]{escape(label['label'])}[/]: [{_COLORS[stance]}]{stance}[/]"
        given = "" if label["given"] else " [dim]not given[/]"
        cut = "" if label["threshold"] is None else f" [dim](needs {label['threshold']:.2f})[/]"
        console.print(f"{what} {label['score']:.2f}{cut}{given}")
        sentences = sum(s["share"] for s in label["sentences"])
        parts = [
            f"intercept {label['intercept']:+.2f}",
            *([f"sentences {sentences:+.2f}"] if label["sentences"] else []),
        ]
        parts += [f"{escape(o['name'])} {o['share']:+.2f}" for o in label["other"]]
        console.print(Padding(f"[dim]{', '.join(parts)} = {label['logit']:+.2f}[/]", (0, 0, 0, 2)))
        order = sorted(label["sentences"], key=lambda s: -s["share"])
        for sentence in [s for s in order[:2] if s["share"] > 0] + [s for s in order[-1:] if s["share"] < 0]:
            text = " ".join(row[sentence["field"]][sentence["start"] : sentence["end"]].split())
            console.print(Padding(f"[cyan]{sentence['share']:+.2f}[/] {escape(text)}", (0, 0, 0, 2)))
        if label["terms"]:
            terms = ", ".join(f"{escape(t['term'])} {t['share']:+.2f}" for t in label["terms"][:10])
            console.print(Padding(f"[dim]terms:[/] {terms}", (0, 0, 0, 2)))
        console.print()


def show_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: first column to the left, the others to the right."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    Console(highlight=False).print(table)


def show_goals(rows: "Sequence[CorpusRow]") -> None:
    """Print what a corpus holds beside what it should; what is missing in red."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", *LANGUAGES, "all", "goal", "missing", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    part = rows[0].part
    for row in rows:
        if row.part != part:
            table.add_section()
        part = row.part
        counts = [str(row.languages.get(language, "")) for language in LANGUAGES]
        gap = f"[bold red]{row.gap}[/]" if row.gap else ""
        table.add_row(escape(row.name), *counts, str(row.total), "" if row.goal is None else str(row.goal), gap)
    Console(highlight=False).print(table)
