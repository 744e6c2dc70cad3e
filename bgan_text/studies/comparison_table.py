"""The table of a comparison: a row per method, real samples last, the best value of each column marked."""

import html
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bgan_text.evaluation.formats import LEGEND, formatted, settings_line, signs
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.registry import ENTRIES, REGISTRY
from bgan_text.evaluation.report import Cell
from bgan_text.studies.results import ComparisonResults, Row, over_seeds

if TYPE_CHECKING:
    import pandas

Line = list[tuple[str, bool]]
"""The cells of a row, each with whether it is the best of its column."""


def headings(results: ComparisonResults) -> list[str]:
    """The names above the columns."""
    scores = [f"{name} {signs(ENTRIES[name])}" for name in results.columns]
    return ["method", *scores, "steps", "runs"]


def lines(results: ComparisonResults) -> Iterator[Line]:
    """The rows of the table."""
    best = {name: _best(results, name) for name in results.columns}
    for row in results.rows:
        yield _line(row, results.columns, best)
    if real := results.real():
        cells = [formatted(_plain(real.get(name))) for name in results.columns]
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
    return [(row.name, False), *shown, (steps, False), (runs, False)]


def _plain(value: float | None) -> Cell | None:
    return None if value is None else Cell(value, math.nan, math.nan)


def _best(results: ComparisonResults, score: str) -> float:
    """The best mean of the methods; NaN, which equals no value, if there is none.

    Variety by itself is neither good nor bad: noise has most of it. A method with fewer runs than another,
    because they failed or are not trained yet, does not take part.
    """
    most = max((len(row.worked()) for row in results.rows), default=0)
    cells = [row.cell(score) for row in results.rows if len(row.worked()) == most]
    means = [cell.value for cell in cells if cell is not None and not math.isnan(cell.value)]
    better, real = ENTRIES[score].better, results.real().get(score, math.nan)
    if score in REGISTRY["variety"] or len(set(means)) < 2 or (better == "real" and math.isnan(real)):
        return math.nan
    if better == "real":
        return min(means, key=lambda mean: abs(mean - real))
    return max(means) if better == "higher" else min(means)


def notes(results: ComparisonResults) -> Iterator[str]:
    """The legend, the runs that failed, and every setting."""
    if not results.real():
        yield "no run is finished and scored yet"
    else:
        yield f"{LEGEND}; mean ± standard deviation over runs, best in bold; steps: mean"
    for method, outcome in results.failures():
        yield f"failed: {method.name}, seed {outcome.seed}: {outcome.failed}"
    if without := results.without_drawing():
        yield f"without a row of {results.drawing.name}: {'; '.join(without)}"
    if results.missing:
        yield f"{results.missing} runs are not trained and scored yet"
    training = results.training
    seeds = "seed 0" if training["seeds"] == 1 else f"seeds 0..{training['seeds'] - 1}"
    options = "".join(f", {name} {value}" for name, value in training["options"].items())
    yield (
        f"trained {training['budget']} each, {seeds}, data {training['data']}, generator "
        f"{training['generator']} unless named{options}, on {training['device']}, threads "
        f"{training['threads']}"
    )
    if (report := results.scoring()) is not None:
        yield settings_line(report)


def to_markdown(results: ComparisonResults) -> str:
    """The table in GitHub's Markdown, with the notes below."""
    names = headings(results)
    rows = [f"| {' | '.join(names)} |", "|---|" + "--:|" * (len(names) - 1)]
    for line in lines(results):
        rows.append(f"| {' | '.join(f'**{cell}**' if best else cell for cell, best in line)} |")
    return "\n".join([*rows, *(f"\n{note}" for note in notes(results))]) + "\n"


def to_html(results: ComparisonResults) -> str:
    """The same as an HTML table, with the notes in small print."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in headings(results))
    rows = "".join(
        f"<tr>{''.join(_html(cell, bold=best) for cell, best in line)}</tr>" for line in lines(results)
    )
    small = "<br>".join(map(html.escape, notes(results)))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><small>{small}</small>"


def _html(cell: str, *, bold: bool) -> str:
    text = html.escape(cell)
    return f"<td>{f'<b>{text}</b>' if bold else text}</td>"


def to_frame(results: ComparisonResults) -> "pandas.DataFrame":
    """A row per method, real samples last; columns (score, "mean") and (score, "deviation")."""
    import pandas

    table: dict[str, dict[tuple[str, str], float]] = {}
    for row in results.rows:
        cells = {name: row.cell(name) for name in row.score_names()}
        cells["steps"] = over_seeds(row.steps())
        table[row.name] = {
            (name, part): value
            for name, cell in cells.items()
            if cell is not None
            for part, value in (("mean", cell.value), ("deviation", _number(cell.deviation)))
        }
    if real := results.real():
        table[REAL] = {(name, "mean"): value for name, value in real.items()}
    names = list(dict.fromkeys(name for row in table.values() for name, _ in row))
    columns = pandas.MultiIndex.from_product([names, ["mean", "deviation"]], names=["score", "over seeds"])
    return pandas.DataFrame(
        [[row.get(column, math.nan) for column in columns] for row in table.values()],
        index=pandas.Index(list(table), name="method"),
        columns=columns,
        dtype=float,
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value
