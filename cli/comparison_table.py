"""The table of a comparison: a row per method, real text last, best values in bold."""

import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bgan_text.evaluation.formats import ARROWS, LEGEND, formatted, settings_line
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.registry import ENTRIES, REGISTRY
from bgan_text.evaluation.report import Cell
from bgan_text.studies.results import ComparisonResults, Row

Line = list[tuple[str, bool]]
"""The cells of a row, each with whether it is the best of its column."""


def render(standing: ComparisonResults) -> Iterator[RenderableType]:
    """The table for a terminal, then notes and settings."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings(standing)):
        table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
    for line in lines(standing):
        table.add_row(*(Text(cell, style="bold" if best else "") for cell, best in line))
    yield table
    yield Text("")
    for note in notes(standing):
        yield Text(note, style="dim")


def to_markdown(standing: ComparisonResults) -> str:
    """The table in GitHub's Markdown, and the notes below it."""
    names = headings(standing)
    rows = [f"| {' | '.join(names)} |", "|---|" + "--:|" * (len(names) - 1)]
    for line in lines(standing):
        rows.append(f"| {' | '.join(f'**{cell}**' if best else cell for cell, best in line)} |")
    return "\n".join([*rows, *(f"\n{note}" for note in notes(standing))]) + "\n"


def headings(standing: ComparisonResults) -> list[str]:
    """The names above the columns."""
    scores = [f"{name} {ARROWS[ENTRIES[name].better]}" for name in standing.columns]
    return ["method", *scores, "steps", "runs"]


def lines(standing: ComparisonResults) -> Iterator[Line]:
    """The rows of the table."""
    best = {name: _best(standing, name) for name in standing.columns}
    for row in standing.rows:
        yield _line(row, standing.columns, best)
    if real := standing.real():
        cells = [formatted(_plain(real.get(name))) for name in standing.columns]
        yield [(cell, False) for cell in (REAL, *cells, "", "")]


def _line(row: Row, columns: list[str], best: dict[str, float]) -> Line:
    failed = len(row.outcomes) - len(row.worked())
    if failed and not row.worked():
        shown = [("failed", False) for _ in columns]
    else:
        cells = {name: row.cell(name) for name in columns}
        shown = [
            (formatted(cell), cell is not None and cell.value == best[name]) for name, cell in cells.items()
        ]
    steps = f"{sum(row.steps()) / len(row.steps()):,.0f}" if row.steps() else "-"
    runs = f"{len(row.worked())}" + (f", {failed} failed" if failed else "")
    return [(row.method.name, False), *shown, (steps, False), (runs, False)]


def _plain(value: float | None) -> Cell | None:
    return None if value is None else Cell(value, math.nan, math.nan)


def _best(standing: ComparisonResults, score: str) -> float:
    """The best mean among the methods; NaN, which no value equals, where there is none to choose.

    Variety alone is not good or bad: noise has most of it. A method that lacks runs, for they failed or
    are to come, is not compared with those that have them.
    """
    most = max((len(row.worked()) for row in standing.rows), default=0)
    cells = [row.cell(score) for row in standing.rows if len(row.worked()) == most]
    means = [cell.value for cell in cells if cell is not None and not math.isnan(cell.value)]
    better, real = ENTRIES[score].better, standing.real().get(score, math.nan)
    if score in REGISTRY["variety"] or len(set(means)) < 2 or (better == "real" and math.isnan(real)):
        return math.nan
    if better == "real":
        return min(means, key=lambda mean: abs(mean - real))
    return max(means) if better == "higher" else min(means)


def notes(standing: ComparisonResults) -> Iterator[str]:
    """What a reader must know about the numbers, the runs that failed, and every setting."""
    if not standing.real():
        yield "no run is finished and scored yet"
    else:
        yield f"{LEGEND}; mean ± standard deviation over runs, best in bold; steps: mean"
    for method, outcome in standing.failures():
        yield f"failed: {method.name}, seed {outcome.seed}: {outcome.failed}"
    if standing.missing:
        yield f"{standing.missing} runs are not over yet"
    training = standing.training
    seeds = "seed 0" if training["seeds"] == 1 else f"seeds 0..{training['seeds'] - 1}"
    options = "".join(f", {name} {value}" for name, value in training["options"].items())
    yield (
        f"trained {training['budget']} each, {seeds}, data {training['data']}, "
        f"generator {training['generator']} unless named{options}, on {training['device']}, "
        f"threads {training['threads']}"
    )
    if (report := standing.scoring()) is not None:
        yield settings_line(report)
