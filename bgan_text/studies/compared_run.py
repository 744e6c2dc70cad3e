"""One run of a comparison and its scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgan_text import __version__
from bgan_text.cli.console import finite, number, say
from bgan_text.cli.progress import RichReporter
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.evaluation.evaluate import evaluate
from bgan_text.evaluation.inputs import REAL
from bgan_text.evaluation.options import EvaluationOptions
from bgan_text.files import read_json, write_json
from bgan_text.studies.methods import Method
from bgan_text.studies.planned_run import PlannedRun

SCORES = "scores.json"


@dataclass(frozen=True)
class RunResult:
    """What came of a run: scores of it and of real text, or why it failed."""

    seed: int
    folder: Path
    steps: int
    seconds: float
    scores: Mapping[str, float]
    real: Mapping[str, float]
    settings: Mapping[str, Any]
    failed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The run without its scores."""
        return {
            "seed": self.seed,
            "folder": str(self.folder),
            "steps": self.steps,
            "seconds": self.seconds,
            "failed": self.failed,
        }


class Compared(PlannedRun):
    """A method with a seed: its run, and the scores of that."""

    def __init__(self, method: Method, seed: int, options: Mapping[str, Any], home: Path) -> None:
        super().__init__(f"{method.name}, seed {seed}", options, home / method.folder(seed))
        self.method, self.seed = method, seed

    def known(
        self, options: EvaluationOptions, reference: Path | None, prepared: DatasetDirectory
    ) -> RunResult | None:
        """What is on disk of a run that is over, if it was scored as is asked now."""
        if (failure := self.failure()) is not None:
            return self._outcome(failure["step"], failure["seconds"], {}, failure["reason"])
        if not self.finished() or not (self.folder / SCORES).exists():
            return None
        record = read_json(self.folder / SCORES)
        if record.get("scored") != self._scored(options, reference, prepared):
            return None
        return self._outcome(*self.reached(), record)

    def score(
        self, options: EvaluationOptions, reference: Path | None, prepared: DatasetDirectory
    ) -> RunResult:
        """Score the last checkpoint and keep that in the run's folder."""
        say(f"Scoring {self.folder}")
        report = evaluate(
            self.folder, data=prepared, reference=reference, options=options, reporter=RichReporter()
        )
        columns = {
            "real" if column.name == REAL else "scores": {
                name: cell.value for name, cell in column.cells.items()
            }
            for column in report.columns
        }
        settings = {name: value for name, value in report.settings.items() if name != "samples"}
        record = {"scored": self._scored(options, reference, prepared), **columns, "settings": settings}
        write_json(self.folder / SCORES, finite(record))
        return self._outcome(*self.reached(), record)

    def _scored(
        self, options: EvaluationOptions, reference: Path | None, prepared: DatasetDirectory
    ) -> dict[str, Any]:
        """What scores depend on: those under anything else are made again."""
        return {
            "version": __version__,
            "data": prepared.signature,
            "step": self.reached()[0],
            "reference": _stamp(reference),
            "samples": options.count,
            "seed": options.seed,
        }

    def _outcome(
        self, steps: int, seconds: float, record: Mapping[str, Any], failed: str | None = None
    ) -> RunResult:
        scores, real = (
            {name: number(value) for name, value in record.get(side, {}).items()}
            for side in ("scores", "real")
        )
        return RunResult(
            self.seed, self.folder, steps, seconds, scores, real, record.get("settings", {}), failed
        )


def _stamp(reference: Path | None) -> list[Any] | None:
    """A file as it is now: when it changes, scores against it are made again."""
    if reference is None:
        return None
    found = reference.stat()
    return [str(reference.resolve()), found.st_size, found.st_mtime_ns]
