"""Scores of the runs of a study, kept in their folders."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bgan_text.corpora.decoding import UTF8
from bgan_text.evaluation.candidate_settings import EFFECTIVE, PLAINLY
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.judges import Judges
from bgan_text.evaluation.report import Column
from bgan_text.records import Json, Number, Record, Text, converted
from bgan_text.report_record import STEPS
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.studies.runner import Runner
from bgan_text.studies.steps import score_runs
from bgan_text.training.drawing import PLAIN, Drawing


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How the runs of a study are scored.

    Attributes:
        samples: how many of each run.
        drawing: of the samples.
        reference: a file of real text, one sample per line or in a column; None for the test split.
        column: the column of the reference, if it is a table.
        encoding: that of the reference.
        critic: whether fresh critics estimate distances, too.
        judges: the networks that score.
    """

    samples: int
    drawing: Drawing = PLAIN
    reference: Path | None = None
    column: str | None = None
    encoding: str = UTF8
    critic: bool = False
    judges: Judges = field(default_factory=Judges)

    @property
    def file(self) -> str:
        """The file in each run folder that keeps the scores; another one for each way of drawing."""
        return f"{'-'.join(['scores', *self.drawing.name.replace(',', '').split()])}.json"

    def to_json(self) -> dict[str, Any]:
        """Everything that scores depend on here, as JSON values. A changed reference file is another one."""
        every = asdict(self) | {"reference": _stamp(self.reference)}
        unread = {"column": None, "encoding": UTF8}  # scores of before these options were there are kept
        return {name: value for name, value in every.items() if (name, value) not in unread.items()}


class Scored(Record):
    """What a file of scores has measured."""

    scores: dict[Text, Number | None]
    real: dict[Text, Number | None]
    settings: dict[Text, Json]
    effective: Number | None = None


@dataclass(frozen=True)
class RunScores:
    """Scores of a run and of real samples, and the settings behind them.

    `effective`: how many candidates carried the weight; None if each sample had one.
    """

    scores: Mapping[str, float]
    real: Mapping[str, float]
    settings: Mapping[str, Any]
    effective: float | None = None

    @classmethod
    def from_json(cls, record: Mapping[str, Any], where: object) -> "RunScores":
        """Read back what was kept in the file `where`; null stands for NaN."""
        told: Scored = converted(record, Scored, where, "measured")
        scores, real = (
            {name: math.nan if value is None else value for name, value in side.items()}
            for side in (told.scores, told.real)
        )
        return cls(scores, real, told.settings, told.effective)


def scores_of(runner: Runner, runs: Iterable[PlannedRun], scoring: Scoring) -> dict[PlannedRun, RunScores]:
    """Scores of the runs that have finished. Those without scores are scored together."""
    found = runner.measure(runs, scoring.file, scoring.to_json(), lambda some: _scored(runner, some, scoring))
    return {run: RunScores.from_json(record, run.folder / scoring.file) for run, record in found.items()}


def known_scores(runner: Runner, run: PlannedRun, scoring: Scoring) -> RunScores | None:
    """Scores that are kept; None if there are none, or none like these."""
    record = runner.kept(run, scoring.file, scoring.to_json())
    return RunScores.from_json(record, run.folder / scoring.file) if record is not None else None


def _scored(runner: Runner, runs: list[PlannedRun], scoring: Scoring) -> Sequence[Mapping[str, Any]]:
    what = str(runs[0].folder) if len(runs) == 1 else f"{len(runs)} runs"
    runner.reporter.message(f"Scoring {what}")
    report = score_runs(
        [run.folder for run in runs],
        runner.dataset,
        samples=scoring.samples,
        drawing=scoring.drawing,
        reference=scoring.reference,
        column=scoring.column,
        encoding=scoring.encoding,
        critic=scoring.critic,
        judges=scoring.judges,
        device=runner.device,
        reporter=runner.reporter,
    )
    columns = {column.name: _values(column) for column in report.columns}
    effective = report.settings[EFFECTIVE]
    # How many samples there are of each run says the study, whose runs are not all scored in one call.
    unkept = ("samples", STEPS, EFFECTIVE, PLAINLY)
    settings = {name: value for name, value in report.settings.items() if name not in unkept}
    return [
        {
            "scores": columns[str(run.folder)],
            "real": columns[REAL],
            "settings": settings,
            "effective": effective.get(str(run.folder)),
        }
        for run in runs
    ]


def _values(column: Column) -> dict[str, float]:
    return {name: cell.value for name, cell in column.cells.items()}


def _stamp(reference: Path | None) -> list[Any] | None:
    if reference is None:
        return None
    found = reference.stat()
    return [str(reference.resolve()), found.st_size, found.st_mtime_ns]
