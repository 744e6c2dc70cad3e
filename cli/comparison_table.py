"""The table of a comparison on a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from bgan_text.cli.console import print_json, results, shown, write
from bgan_text.cli.field_names import spelled
from bgan_text.studies.comparison_table import headings, lines, notes
from bgan_text.studies.results import ComparisonResults

WIDE = 13
"""A longer heading is broken after its first hyphen, so that four scores fit into 80 characters."""


def show(found: ComparisonResults, *, json: bool, markdown: bool) -> None:
    """Print the results in one format."""
    if json:
        print_json(found.to_json())
    elif markdown:
        write(found.to_markdown())
    else:
        for renderable in render(found):
            results().print(renderable)


def render(found: ComparisonResults) -> Iterator[RenderableType]:
    """The table, then notes and settings."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings(found)):
        table.add_column(shown(_broken(heading)), justify="right" if place else "left", overflow="fold")
    for line in lines(found):
        table.add_row(*(shown(cell, style="bold" if best else "") for cell, best in line))
    yield table
    yield shown("")
    for note in notes(found):
        yield shown(spelled(note), style="dim")


def _broken(heading: str) -> str:
    return heading.replace("-", "-\n", 1) if len(heading) > WIDE else heading
