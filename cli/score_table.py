"""The tables of scores and of sweeps on a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from bgan_text.cli.console import shown
from bgan_text.evaluation.formats import headings, notes, present, row, short_names, signs
from bgan_text.evaluation.registry import ENTRIES
from bgan_text.evaluation.report import Report
from bgan_text.evaluation.sweep import Point, Sweep

SWEEP_HEADINGS = {
    "forward-likelihood": "forward",
    "reverse-likelihood": "reverse",
    "reverse-log-probability": "reverse",
}


def render(report: Report) -> Iterator[RenderableType]:
    """A column per model, real samples last, and a row per score; then notes and settings."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("score", no_wrap=True)
    for heading in headings(report):
        table.add_column(shown(heading), justify="right" if heading else "left", overflow="fold")
    for group, entries in present(report).items():
        table.add_row(shown(group, style="bold"))
        for name, entry in entries.items():
            table.add_row(shown(f"  {name} {signs(entry)}"), *row(report, name))
    yield table
    yield shown("")
    for line in notes(report):
        yield shown(line, style="dim")


def sweep_table(sweep: Sweep) -> Table:
    """A row per model and temperature."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    own = [name for name in sweep.points[0].scores if name not in ENTRIES]
    scores = [*(score for pair in sweep.pairs for score in pair), *own]
    for heading in ("model", "temperature", *(SWEEP_HEADINGS.get(score, score) for score in scores)):
        table.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    names = short_names(list(sweep.curves()))
    for point in sweep.points:
        temperature = "-" if point.temperature is None else f"{point.temperature:g}"
        cells = (_cell(point, score) for score in scores)
        table.add_row(shown(names[point.model]), temperature, *cells)
    return table


def _cell(point: Point, score: str) -> str:
    value = point.scores.get(score, float("nan"))
    return "-" if value != value else f"{value:.3f}"
