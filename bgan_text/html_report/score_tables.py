"""The table of scores of a report: each run, and the anchor of real samples, with intervals."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.evaluation.candidate_settings import EFFECTIVE, PLAINLY
from bgan_text.evaluation.evaluate import evaluate
from bgan_text.evaluation.formats import NOTED, formatted, present, signs
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.report import Cell, Column, Report
from bgan_text.evaluation.saved_report import read_report
from bgan_text.files import write_json
from bgan_text.html_report.opened import OpenRun
from bgan_text.report_record import STEPS
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sampling_options import BEST
from bgan_text.space import LabelSpace

SAVED = "score.json"
"""Where the scores of a run lie, in its folder, in the form of `score --json`."""
OF_THE_SAMPLES = ("samples", "step", STEPS, "candidates", EFFECTIVE, PLAINLY, "temperature")
"""Settings in which reports may differ that share an anchor."""


def score_runs(runs: Sequence[OpenRun], reporter: Reporter = SILENT) -> None:
    """Score a checkpoint of each run, and save the scores in its folder: the best one, or else the last.

    All other options of `score` have their defaults.

    Raises:
        UserError: as `evaluate`, such as that the data of a run is gone.
    """
    for one in runs:
        if isinstance(one.run.space, LabelSpace):
            raise UserError(f"{one.run.folder} is a classifier: `score` has nothing to score")
        found = evaluate(one.run, step=BEST if one.best_before_last else None, reporter=reporter)
        write_json(one.run.folder / SAVED, found.to_json())


def saved_scores(runs: Sequence[OpenRun], files: Sequence[Path] = ()) -> dict[str, Report]:
    """The reports that there are, by the name of their run or by their path.

    Args:
        runs: whose `SAVED` are read if they are there.
        files: further reports, as `score --json` writes them.

    Raises:
        UserError: one is damaged, or a file is missing.
    """
    found = {}
    for one in runs:
        if (path := one.run.folder / SAVED).exists():
            found[one.name] = _named(read_report(path), one)
    for path in files:
        try:
            found[str(path)] = read_report(path)
        except FileNotFoundError as error:
            raise UserError(f"`scores` {path} does not exist: give a file that score --json wrote") from error
    return found


def _named(report: Report, one: OpenRun) -> Report:
    """The report of a run with its name above its column, whatever its path was."""
    models = [column for column in report.columns if column.name != REAL]
    paths = {str(one.run.folder), str(one.run.folder.resolve())}
    own = [column for column in models if column.name in paths] or models[: len(models) == 1]
    columns = [replace(column, name=one.name) if column in own else column for column in report.columns]
    names = [column.name for column in own]
    steps = {one.name if name in names else name: step for name, step in report.settings[STEPS].items()}
    return replace(report, columns=columns, settings={**report.settings, STEPS: steps})


def tables(scores: dict[str, Report], runs: Sequence[OpenRun]) -> list[dict[str, Any]]:
    """A table for each anchor, as values for the template.

    Returns:
        Tables, each with `columns`: `name`, `run`, its place among the runs or None, `real`, and `note`;
        `groups` of `rows`: `name`, `sign`, `about`, `picture`, `zero`, and `cells`: `text`, `title`, `note`.
    """
    together: list[tuple[dict[str, Any], Report]] = []
    for report in scores.values():
        key = {name: value for name, value in report.settings.items() if name not in OF_THE_SAMPLES}
        same = next((place for place, (other, _) in enumerate(together) if other == key), None)
        if same is None:
            together.append((key, report))
        else:
            together[same] = (key, _joined(together[same][1], report))
    return [_table(report, runs) for _, report in together]


def _joined(one: Report, other: Report) -> Report:
    """Both reports in one, with the anchor of the first last."""
    known = {column.name for column in one.columns}
    more = [column for column in other.columns if column.name not in known]
    models = [column for column in one.columns if column.name != REAL] + more
    real = [column for column in one.columns if column.name == REAL]
    new = {column.name for column in more}
    steps = {name: step for name, step in other.settings[STEPS].items() if name in new} | one.settings[STEPS]
    registry = {**other.registry, **one.registry}
    return replace(one, columns=models + real, settings={**one.settings, STEPS: steps}, registry=registry)


def _table(report: Report, runs: Sequence[OpenRun]) -> dict[str, Any]:
    places = {one.name: place for place, one in enumerate(runs)}
    columns = []
    for column in report.columns:
        run, step = places.get(column.name), report.settings[STEPS].get(column.name)
        note = "" if step is None else _of_step(step, None if run is None else runs[run])
        columns.append({"name": column.name, "run": run, "real": column.name == REAL, "note": note})
    groups = [
        {
            "name": group,
            "rows": [
                _row(report.columns, name, signs(entry), entry.about, entry.better)
                for name, entry in entries.items()
            ],
        }
        for group, entries in present(report).items()
    ]
    return {"columns": columns, "groups": groups, "anchor": str(report.settings.get("anchor", "")),
            "samples": _samples(report), "notes": _notes(report)}  # fmt: skip


def _of_step(step: int, run: OpenRun | None) -> str:
    """Which checkpoint was scored, and which there are beside it."""
    note = f"step {step:,}"
    if run is None:
        return note
    last = max(run.run.checkpoints(), default=0)
    if step == run.best:
        return f"{note}, the best" if step != last else note
    if step != last:
        note += f", but the run is at {last:,}"
    elif run.best is not None:
        note += f", but the best is {run.best:,}"
    return note


def _notes(report: Report) -> list[str]:
    """What makes values questionable: each once for a model, with its scores."""
    found: dict[tuple[str, str], list[str]] = {}
    for column in report.columns:
        for name, cell in column.cells.items():
            if cell.note:
                found.setdefault((column.name, cell.note), []).append(name)
    return [f"{NOTED} {column}: {note} ({', '.join(names)})" for (column, note), names in found.items()]


def _samples(report: Report) -> str:
    counts = report.settings.get("samples")
    numbers = (
        sorted({count for count in counts.values() if isinstance(count, int)})
        if isinstance(counts, dict)
        else []
    )
    return " or ".join(f"{count:,}" for count in numbers)


def _row(columns: Sequence[Column], name: str, sign: str, about: str, better: str) -> dict[str, Any]:
    cells = [column.cells.get(name) for column in columns]
    shown = [
        {"text": formatted(cell), "title": _interval(cell), "note": cell.note if cell else ""}
        for cell in cells
    ]
    pictures, zero = picture(cells)
    return {
        "name": name,
        "sign": sign,
        "better": better,
        "about": about.replace("`", ""),
        "cells": shown,
        "picture": pictures,
        "zero": zero,
    }


def _interval(cell: Cell | None) -> str:
    if cell is None or math.isnan(cell.low) or math.isnan(cell.high):
        return ""
    return f"{cell.value:.4g}, 95 % interval {cell.low:.4g} to {cell.high:.4g}"


def picture(cells: Sequence[Cell | None]) -> tuple[list[dict[str, float] | None], float]:
    """Where values and intervals lie on a scale from 0 to 1, and where 0 lies, which is always on it.

    Values of a row that hardly differ must not look as far apart as those of another that do.
    """
    known = [cell for cell in cells if cell is not None and not math.isnan(cell.value)]
    ends = [
        number for cell in known for number in (cell.value, cell.low, cell.high) if not math.isnan(number)
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    if len(known) < 2 or low == high:
        return [], 0.0
    width = high - low

    def place(number: float, other: float) -> float:
        return round(((other if math.isnan(number) else number) - low) / width, 4)

    places = [
        None
        if cell is None or math.isnan(cell.value)
        else {
            "value": place(cell.value, 0.0),
            "low": place(cell.low, cell.value),
            "high": place(cell.high, cell.value),
        }
        for cell in cells
    ]
    return places, place(0.0, 0.0)
