"""Tables for a person at a terminal. rich is imported when one is drawn: `predict` in a pipe needs none."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from talante.corpus.schema import LANGUAGES
from talante.jobs.tag import Row

if TYPE_CHECKING:  # `predict` needs none of it
    from talante.jobs.stats import Row as CorpusRow

_COLORS = {"against": "red", "neutral": "cyan", "favor": "green"}


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
            f"{target} [{_COLORS[s['stance']]}]{s['stance']}[/] {s['score']:.2f}"
            for target, s in row["stances"].items()
        )
        table.add_row(name, topics or "[dim]none[/]", stances or "[dim]none[/]")
    console.print(table)
    return failed


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
