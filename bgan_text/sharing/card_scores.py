"""The scores of a report, as `Report.to_json` gives it, that belong to one model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgan_text.errors import UserError
from bgan_text.records import converted
from bgan_text.report_record import STEPS, SavedCell, SavedReport, read_saved

MOST_SCORES = 1_000
REAL = "real"
"""The column of real samples."""
NONE = "`report` is none that `bgan-text score --json` has written"
ARROWS = {"higher": "↑", "lower": "↓", "real": "≈"}


@dataclass(frozen=True)
class ScoreRow:
    """A score of a model, and of the anchor of real samples."""

    name: str
    better: str
    model: SavedCell
    real: SavedCell


@dataclass(frozen=True)
class CardScores:
    """The scores of a model.

    Attributes:
        rows: one for each score.
        settings: how they were measured, by name.
        samples: how many of the model were scored; None if that is not known.
        step: of the checkpoint that was scored; None if the report does not tell.
    """

    rows: tuple[ScoreRow, ...]
    settings: dict[str, Any]
    samples: int | None
    step: int | None


def read_report(path: Path) -> SavedReport:
    """The report that `bgan-text score --json` has written to a file.

    Raises:
        UserError: there is no such file, or it is no such report.
    """
    try:
        return read_saved(path)
    except FileNotFoundError as error:
        raise UserError(f"`report` {path}: there is no such file") from error
    except UserError as error:
        raise UserError(f"{NONE}: {error}") from error


def card_scores(report: SavedReport | Mapping[str, Any], name: str) -> CardScores:
    """The scores of one model of a report.

    Args:
        report: one from a file, or what `Report.to_json` gave.
        name: of the model; if the report has only one, that is taken.

    Raises:
        UserError: it is no report, or has several models of other names.
    """
    try:
        saved = converted(report, SavedReport, "`report`")
    except UserError as error:
        raise UserError(f"{NONE}: {error}") from error
    columns = {model.name: model.scores for model in saved.models}
    real = columns.pop(REAL, {})
    if name not in columns and len(columns) != 1:
        raise UserError(f"`report` has no model {name}: it has {', '.join(columns) or 'none'}")
    taken = name if name in columns else next(iter(columns))
    if len(columns[taken]) > MOST_SCORES:
        raise UserError(f"`report` has {len(columns[taken]):,} scores: a card has at most {MOST_SCORES:,}")
    rows = tuple(
        ScoreRow(score, ARROWS[cell.better], cell, real.get(score, SavedCell(None)))
        for score, cell in columns[taken].items()
    )
    samples, steps = saved.of_models("samples"), saved.of_models(STEPS)
    return CardScores(rows, saved.settings, samples.get(taken), steps.get(taken))
