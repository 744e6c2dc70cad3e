"""The table of scores on a terminal."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from bgan_text.evaluation.image_settings import IMAGES, image_line
from bgan_text.evaluation.inputs import HALF
from bgan_text.evaluation.registry import REGISTRY, ScoreInfo
from bgan_text.evaluation.report import Cell, Report

ARROWS = {"higher": "↑", "lower": "↓", "real": "≈"}
MARKS = {
    "first better": "first",
    "second better": "second",
    "differs": "differ",
    "within noise": "noise",
    "unknown": "?",
}
LEGEND = "↑ higher is better, ↓ lower, ≈ closer to real"


def render(report: Report) -> Iterator[RenderableType]:
    """One column per model, real text last, a row per score; then notes and settings."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("score", no_wrap=True)
    for heading in headings(report):
        table.add_column(Text(heading), justify="right" if heading else "left", overflow="fold")
    for group, entries in present(report).items():
        table.add_row(Text(group, style="bold"))
        for name, entry in entries.items():
            table.add_row(f"  {name} {ARROWS[entry.better]}", *row(report, name))
    yield table
    yield Text("")
    for line in notes(report):
        yield Text(line, style="dim")


def present(report: Report) -> dict[str, dict[str, ScoreInfo]]:
    """The part of the catalogue that the report has."""
    names = {name for column in report.columns for name in column.cells}
    groups = {
        group: {name: entry for name, entry in entries.items() if name in names}
        for group, entries in REGISTRY.items()
    }
    return {group: entries for group, entries in groups.items() if entries}


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Paths by their last parts, as many as tell them apart, without an ending that says nothing."""
    parts = {name: Path(name.removesuffix(".txt").removesuffix(".npz")).parts or (name,) for name in names}
    for depth in range(1, max(map(len, parts.values())) + 1):
        short = {name: "/".join(part[-depth:]) for name, part in parts.items()}
        if len(set(short.values())) == len(parts):
            return short
    return {name: name for name in names}


def headings(report: Report) -> list[str]:
    """The names above the columns; that of verdicts has none."""
    short = short_names([column.name for column in report.columns])
    names = list(short.values())
    if report.comparison is not None:
        names += [f"{short[report.comparison.first]} - {short[report.comparison.second]}", ""]
    return names


def row(report: Report, score: str) -> list[str]:
    """The cells of one score."""
    cells = [formatted(column.cells.get(score)) for column in report.columns]
    if report.comparison is not None:
        difference = report.comparison.differences.get(score)
        cells += [formatted(difference.cell), MARKS[difference.verdict]] if difference else ["-", ""]
    return cells


def formatted(cell: Cell | None) -> str:
    """0.332 ±.004 or 12.34 ±.56, or - where the score is not defined."""
    if cell is None or math.isnan(cell.value):
        return "-"
    half = cell.deviation if cell.deviation is not None else (cell.high - cell.low) / 2
    digits = 3 if abs(cell.value) < 10 else 2
    spread = f"{half:.{digits}f}".removeprefix("0")  # so that a comparison of two fits into 80 columns
    return f"{cell.value:.{digits}f}" + ("" if math.isnan(half) else f" ±{spread}")


def notes(report: Report) -> Iterator[str]:
    """What a reader must know about the numbers, and every setting that changes them."""
    interval = "; ± half a 95 % bootstrap interval over the samples"
    yield LEGEND + (interval if report.settings["resamples"] else "")
    if any(cell.deviation is not None for column in report.columns for cell in column.cells.values()):
        yield "fresh critics: mean ± standard deviation over seeds"
    if HALF in report.settings["anchor"]:
        yield (
            "real has half the references of the models, so its bleu and precision are lower than theirs "
            "would be at equal quality: --train makes it comparable"
        )
    if report.comparison is not None:
        yield (
            "last column: which is better by more than noise; noise: the 95 % interval holds 0 (where "
            "nothing differs, one score in 20 still seems to). It speaks of these samples, not of how the "
            "models would fare if trained again"
        )
    yield settings_line(report)


def settings_line(report: Report) -> str:
    """Every setting that changes the numbers, in one line."""
    settings = report.settings
    counts = [f"{count:,}" for count in settings["samples"].values()]
    samples = ", ".join(counts) if len(set(counts)) > 1 else counts[0] + (" each" if len(counts) > 1 else "")
    if settings.get("scored") == IMAGES:
        return image_line(settings, samples)
    line = (
        f"tokens {settings['tokenize']}, case {'lower' if settings['lowercase'] else 'as given'}, "
        f"window {settings['window']}, samples {samples}, {settings['references']:,} references from "
        f"{settings['reference']}, real: {settings['anchor']}, seed {settings['seed']}, temperature "
        f"{settings['temperature']:g}, smoothing {settings['smoothing']}, corpus-bleu "
        f"{settings['sacrebleu']}, resamples {settings['resamples']}"
    )
    for name in ("likelihood", "embed", "critic"):
        if settings.get(name):
            line += f", {name}: {', '.join(f'{key} {value}' for key, value in settings[name].items())}"
    return f"{line}, bgan-text {settings['version']}"
