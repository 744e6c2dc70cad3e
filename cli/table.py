"""The table of scores."""

import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from .scoring import DIRECTIONS, Report

ARROWS = {"higher": "↑", "lower": "↓"}
NOTES = {
    "log-probability": "mean log-probability of the grammatical samples under the grammar, in nats",
    "copied": "share of samples that stand in the training set",
    "distinct": "share of samples that differ from all earlier ones",
}


def render(report: Report) -> Iterator[RenderableType]:
    """One column per model, real text last; then the settings."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("score", no_wrap=True)
    for name, _ in report.models:
        table.add_column(Text(name), justify="right", overflow="fold")
    for score, direction in DIRECTIONS.items():
        if any(score in values for _, values in report.models):
            cells = [_cell(values.get(score)) for _, values in report.models]
            table.add_row(f"{score} {ARROWS[direction]}", *cells)
    yield table
    yield Text(f"\n↑ higher is better, ↓ lower; {_signature(report)}", style="dim")
    for score, note in NOTES.items():
        if any(score in values for _, values in report.models):
            yield Text(f"{score}: {note}", style="dim")


def _cell(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.3f}"


def _signature(report: Report) -> str:
    """Every setting that changes the numbers, in one line."""
    settings = report.settings
    counts = ", ".join(f"{count:,}" for count in settings["samples"].values())
    return (
        f"tokens {settings['tokenize']}, case {'lower' if settings['lowercase'] else 'as given'}, "
        f"window {settings['window']}, {counts} samples, {settings['references']:,} references from "
        f"{settings['reference']}, real: {settings['anchor']}, seed {settings['seed']}, temperature "
        f"{settings['temperature']:g}, smoothing {settings['smoothing']}, bgan-text {settings['version']}"
    )
