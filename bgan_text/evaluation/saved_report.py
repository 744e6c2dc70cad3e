"""Reports and sweeps that `score` has written as JSON, read back."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from bgan_text.errors import UserError
from bgan_text.evaluation.custom import GROUP
from bgan_text.evaluation.registry import ENTRIES, REGISTRY, Registry, ScoreInfo
from bgan_text.evaluation.report import Cell, Column, Report
from bgan_text.evaluation.sweep import Point, Sweep
from bgan_text.files import read_json
from bgan_text.records import Number, Text
from bgan_text.report_record import MOST_BYTES, STEPS, Name, SavedCell, SavedReport, read_saved

MOST_VALUES, MOST_POINTS = 20_000, 5_000
"""Of a file: places in the table of a report, models times scores, and points of a sweep."""


class SavedPoint(Struct):
    """One model at one temperature."""

    model: Name
    temperature: Number | None
    scores: dict[Name, Number | None]


class SavedSweep(Struct):
    """What `score --sweep` writes."""

    points: list[SavedPoint]
    pairs: list[tuple[Name, Name]]
    settings: dict[Text, Any]


def read_report(path: Path) -> Report:
    """A report that `Report.to_json` has made.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is damaged, too large, or something else.
    """
    saved = read_saved(path)
    places = len(saved.models) * len({name for model in saved.models for name in model.scores})
    if places > MOST_VALUES:
        raise UserError(f"{path} is a table of {places:,} values: at most {MOST_VALUES:,} are shown")
    columns = [
        Column(
            model.name,
            {name: _cell(cell) for name, cell in model.scores.items()},
            {name: _number(value) for name, value in model.lengths.items()},
        )
        for model in saved.models
    ]
    settings = dict(saved.settings) | {STEPS: saved.of_models(STEPS)}
    return Report(columns, settings, registry=_registry(saved))


def read_sweep(path: Path) -> Sweep:
    """A sweep that `Sweep.to_json` has made.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is damaged, or something else.
    """
    saved = read_json(path, SavedSweep, MOST_BYTES)
    if len(saved.points) > MOST_POINTS:
        raise UserError(f"{path} has {len(saved.points):,} points: at most {MOST_POINTS:,} are shown")
    points = [
        Point(point.model, point.temperature, {name: _number(value) for name, value in point.scores.items()})
        for point in saved.points
    ]
    return Sweep(points, saved.pairs, dict(saved.settings))


def _registry(saved: SavedReport) -> Registry:
    """The built-in scores, and those of the user's own in a group by themselves."""
    own: Mapping[str, ScoreInfo] = {
        name: ScoreInfo(cell.better, bound=cell.bound, bias=cell.bias)
        for model in saved.models
        for name, cell in model.scores.items()
        if name not in ENTRIES
    }
    return {**REGISTRY, GROUP: own} if own else REGISTRY


def _cell(saved: SavedCell) -> Cell:
    value, low, high = map(_number, (saved.value, saved.low, saved.high))
    return Cell(value, low, high, saved.deviation, saved.note, saved.seeds)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
