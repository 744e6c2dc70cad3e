"""The scores of a report, as `Report.to_json` gives it, that belong to one model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError, shown
from bgan_text.files import read_json
from bgan_text.records import Json

MOST_SCORES = 1_000
REAL = "real"
"""The column of real samples."""
ARROWS = {"higher": "↑", "lower": "↓", "real": "≈"}


@dataclass(frozen=True)
class Value:
    """A score with its 95 % interval; None where it is not defined, or was not measured."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.value:.4g}"
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class ScoreRow:
    """A score of a model, and of the anchor of real samples."""

    name: str
    better: str
    model: Value
    real: Value


@dataclass(frozen=True)
class CardScores:
    """The scores of a model.

    Attributes:
        rows: one for each score.
        settings: how they were measured, by name.
        samples: how many of the model were scored; None if that is not known.
        step: of the checkpoint that was asked for; None for the last one.
    """

    rows: tuple[ScoreRow, ...]
    settings: dict[str, Any]
    samples: int | None
    step: int | str | None


def read_report(path: Path) -> dict[str, Any]:
    """The report that `bgan-text score --json` has written to a file.

    Raises:
        UserError: there is no such file, or it is no such report.
    """
    try:
        content: dict[str, Any] = read_json(path, dict[str, Json])
    except FileNotFoundError as error:
        raise UserError(f"`report` {path}: there is no such file") from error
    return content


def card_scores(report: Mapping[str, Any], name: str) -> CardScores:
    """The scores of one model of a report.

    Args:
        report: what `Report.to_json` gave.
        name: of the model; if the report has only one, that is taken.

    Raises:
        UserError: it is no report, or has several models of other names.
    """
    try:
        columns = {model["name"]: model["scores"] for model in report["models"]}
        real = columns.pop(REAL, {})
        if name not in columns and len(columns) != 1:
            raise UserError(f"`report` has no model {name}: it has {', '.join(map(str, columns)) or 'none'}")
        taken = name if name in columns else next(iter(columns))
        rows = tuple(
            ScoreRow(str(score), ARROWS[cell["better"]], _value(cell), _value(real.get(score)))
            for score, cell in columns[taken].items()
        )
        if len(rows) > MOST_SCORES:
            raise UserError(f"`report` has {len(rows):,} scores: a card has at most {MOST_SCORES:,}")
        settings = dict(report["settings"])
        step = report.get("step", settings.get("step"))  # `report --score` keeps the step that it scored
        return CardScores(rows, settings, _count(settings.get("samples", {}).get(taken)), step)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise UserError(
            f"`report` is none that `bgan-text score --json` has written: {type(error).__name__} {error}"
        ) from error


def _value(cell: Mapping[str, Any] | None) -> Value:
    if cell is None:
        return Value(None)
    return Value(*(_number(cell[name]) for name in ("value", "low", "high")))


def _count(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"{shown(value)} is no number of samples")


def _number(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{shown(value)} is no number")
    return float(value) if math.isfinite(value) else None
