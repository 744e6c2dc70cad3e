"""Train and measure several runs on one dataset, as far as that is not done yet."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from bgan_text import __version__
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.device import choose_device
from bgan_text.files import finite, read_sealed, write_sealed
from bgan_text.records import Digest, Json, Record, Text
from bgan_text.reporter import SILENT, Reporter
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.studies.side_by_side import SideBySide
from bgan_text.training.callbacks import Callback

Measure = Callable[[list[PlannedRun]], Sequence[Mapping[str, Any]]]
"""Gives a JSON object for each of some runs."""


class Kept(Record):
    """What is measured of a run, in a file of its folder, and what the numbers depend on."""

    of: dict[Text, Json]
    measured: dict[Text, Json]
    sha256: Digest | UnsetType = UNSET  # that of an earlier version has none


class Runner:
    """Trains runs and keeps what is measured of them.

    The same calls on the same folders continue where an earlier process ended: nothing is trained or measured
    twice.

    Args:
        runs: in the order in which they are trained. Ordered seed by seed, an interrupted study has trained
            as much of each method.
        dataset: the data of all runs.
        device: auto, cpu, cuda or cuda:N.
        reporter: receives a message for each run.
        jobs: how many runs are trained at a time; above 1 each in a process of its own.

    Raises:
        UserError: the folder of a run holds something else.

    Example:
        >>> options = {"steps": 100, "seed": 0}
        >>> runner = Runner([PlannedRun("first", options, Path("a"))], dataset)  # doctest: +SKIP
        >>> runner.train()  # doctest: +SKIP
        True
        >>> [run.reached()[0] for run in runner.finished()]  # doctest: +SKIP
        [100]
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        dataset: DatasetDirectory,
        *,
        device: str = "auto",
        reporter: Reporter = SILENT,
        jobs: int = 1,
    ) -> None:
        self.jobs = jobs
        self.runs, self.dataset, self.device, self.reporter = list(runs), dataset, device, reporter
        kind = choose_device(device).type
        for run in self.runs:
            run.refuse_other(dataset, kind)

    def train(
        self, callbacks: Sequence[Callback] = (), *, after: Callable[[PlannedRun], None] | None = None
    ) -> bool:
        """Train every run that is not over.

        A run whose loss is not finite has failed; the others go on. A `KeyboardInterrupt` propagates; the
        last checkpoint of the run in progress stays.

        Args:
            callbacks: hooks into every training. With several jobs they are not called.
            after: called with each run that is over, also with those that were over before.

        Returns:
            False if a callback stopped a training: the runs after it are not started.
        """
        if self.jobs > 1:
            self._train_side_by_side(after or (lambda run: None))
            return True
        for run in self.runs:
            if not run.over():
                self._announce(run)
                end = run.train(self.dataset, device=self.device, callbacks=callbacks, reporter=self.reporter)
                if end.stopped:
                    return False
            if after is not None:
                after(run)
        return True

    def _train_side_by_side(self, after: Callable[[PlannedRun], None]) -> None:
        waiting = [run for run in self.runs if not run.over()]
        for run in self.runs:
            if run not in waiting:
                after(run)
        if waiting:
            jobs = SideBySide(self.jobs, self.dataset, self.device, self.reporter)
            jobs.train(waiting, self._announce, after)

    def _announce(self, run: PlannedRun) -> None:
        line = f"Run {self.runs.index(run) + 1} of {len(self.runs)}: {run.name}"
        minutes = self.minutes_left()
        left = "" if minutes is None else f"; about {minutes / self.jobs:.1f} minutes of training left"
        self.reporter.message(line + left)

    def minutes_left(self) -> float | None:
        """Minutes of training that are left.

        A run whose steps are counted is expected to take as long as the finished ones on average. None if
        none has finished.
        """
        waiting = [run for run in self.runs if not run.over()]
        finished = [run.reached()[1] for run in self.finished()]
        mean = sum(finished) / len(finished) / 60 if finished else None
        left = 0.0
        for run in waiting:
            budget = run.config.minutes if run.config.minutes is not None else mean
            if budget is None:
                return None
            left += max(0.0, budget - run.reached()[1] / 60)
        return left

    def finished(self, runs: Iterable[PlannedRun] | None = None) -> list[PlannedRun]:
        """The runs that have finished and did not fail, of all or of some."""
        some = self.runs if runs is None else runs
        return [run for run in some if run.failure() is None and run.finished()]

    def kept(self, run: PlannedRun, file: str, settings: Mapping[str, Any]) -> dict[str, Any] | None:
        """What `measure` has kept of a run; None if it is missing or out of date."""
        path = run.folder / file
        if run.failure() is not None or not run.finished() or not path.exists():
            return None
        record = read_sealed(path, Kept)
        return record.measured if record.of == self._stamp(run, settings) else None

    def measure(
        self, runs: Iterable[PlannedRun], file: str, settings: Mapping[str, Any], measure: Measure
    ) -> dict[PlannedRun, dict[str, Any]]:
        """Measure runs that have finished, unless that is kept already.

        Args:
            runs: which; those that have not finished are left out.
            file: the file in each run folder that keeps the measurement.
            settings: what the measurement depends on besides the data, the run and the version of the
                package; JSON values.
            measure: called once with all runs that are to be measured.
        """
        finished = self.finished(runs)
        found = {run: self.kept(run, file, settings) for run in finished}
        if missing := [run for run, record in found.items() if record is None]:
            for run, record in zip(missing, measure(missing), strict=True):
                found[run] = finite(record)
                write_sealed(run.folder / file, {"of": self._stamp(run, settings), "measured": found[run]})
        return {run: record for run, record in found.items() if record is not None}

    def _stamp(self, run: PlannedRun, settings: Mapping[str, Any]) -> dict[str, Any]:
        own = {"version": __version__, "data": self.dataset.signature, "step": run.reached()[0]}
        stamp: dict[str, Any] = json.loads(json.dumps(own | dict(settings)))
        return stamp
