"""A training run from its last checkpoint to its end: when to save, log, validate and stop."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.group import ALONE, Group
from bgan_text.interval import Interval, interval
from bgan_text.reporter import SILENT, Reporter
from bgan_text.training.callbacks import Callback
from bgan_text.training.data import training_batches
from bgan_text.training.evaluations import FROZEN, INTERRUPTED, Evaluations
from bgan_text.training.folders import locked
from bgan_text.training.following import lead
from bgan_text.training.pace import Pace, few_steps
from bgan_text.training.run import RunFolder
from bgan_text.training.schedule import Schedule
from bgan_text.training.state import State
from bgan_text.training.trainer import StepReport, train
from bgan_text.training.validation import Validator, validator

CHECK_INTERVAL = 0.5
"""Seconds between two checks that all losses are finite. Each check waits for the device."""
LONG_STEP = 5.0
"""Seconds of a first step that are not its start-up alone."""


class NonFiniteLossError(UserError):
    """A loss, a gradient or a weight is not finite. The checkpoints saved before remain usable."""


@dataclass(frozen=True)
class TrainingResult:
    """How a training run ended.

    Attributes:
        folder: the run folder.
        steps: generator steps since the start of the run, over all its resumptions.
        seconds: training time since the start of the run, without validation and saving.
        finished: whether the run has reached its `steps` or `minutes`, or has stopped early.
        metrics: the most recent value of every metric.
        stopped_early: whether the last `patience` validations were no better than one before them.
        best: the step of the best checkpoint by `best_by`; None if there is none.
    """

    folder: Path
    steps: int
    seconds: float
    finished: bool
    metrics: dict[str, float]
    stopped_early: bool = False
    best: int | None = None

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values, the folder as `run`."""
        values = {name: value for name, value in vars(self).items() if name != "folder"}
        return {"run": str(self.folder), **values, "seconds": round(self.seconds, 3)}


class Training:
    """Trains a run from its last checkpoint on.

    Nothing is printed and no signal handler is installed. A `KeyboardInterrupt`, like any other exception,
    propagates and leaves the last checkpoint as it is; `stop` ends the run in order.

    Args:
        run: the run folder; its `config` says how long to train.
        dataset: the dataset directory that the run learns from.
        device: where to train.
        callbacks: called in this order at every hook.
        reporter: receives warnings.
        group: the processes that train the run together; this is process 0, and `follow` is for the others.

    Attributes:
        state: the training state; set by `go`.
        first_step: the step of the checkpoint that training started from; set by `go`.
        metrics: the most recent value of every metric.
        stopped: whether `stop` was called.
        stopped_early: whether the last `patience` validations were no better than one before them.
        evaluations: the validations of the run so far; set by `go`.
        pace: how fast training goes; set by `go`.
        result: how training ended; None while it runs and after an exception.

    Example:
        >>> run, dataset = RunFolder(Path("runs/poems")), DatasetDirectory(Path("data/poems"))
        >>> Training(run, dataset, torch.device("cpu")).go().finished
        True
    """

    state: State
    first_step: int
    evaluations: Evaluations
    pace: Pace

    def __init__(
        self,
        run: RunFolder,
        dataset: DatasetDirectory,
        device: torch.device,
        callbacks: Sequence[Callback] = (),
        reporter: Reporter = SILENT,
        group: Group = ALONE,
    ) -> None:
        self.run, self.dataset, self.device, self.group = run, dataset, device, group
        self.callbacks, self.reporter = tuple(callbacks), reporter
        self.metrics: dict[str, float] = {}
        self.result: TrainingResult | None = None
        self.stopped = self.stopped_early = False
        self._report: StepReport | None = None
        self._warned = self._ending = False
        self._again: list[dict[str, Any]] = []

    @property
    def config(self) -> Config:
        """The settings of the run."""
        return self.run.config

    def stop(self) -> None:
        """End training after the step in progress; it is saved and validated. Any thread may call this."""
        self.stopped = True

    def go(self) -> TrainingResult:
        """Train until `steps` or `minutes` are reached, patience ends, or `stop` is called.

        Raises:
            NonFiniteLossError: a loss, a gradient or a weight is not finite.
            UserError: another process trains this run, or its checkpoint is damaged.
        """
        with locked(self.run.folder):
            self.state, before = self.run.state(self.device, self.group)
            if before != self.device.type:
                self.reporter.warning(
                    f"the run was trained on {before}; on {self.device.type} it draws other random numbers"
                )
            same = self.run.recorded_setting("evaluate_every") == self.config.evaluate_every
            logged = self.run.logged()
            self.run.begin()
            lead(self.run, self.dataset, self.state)
            lost = self.run.rewind(self.state.step, logged, self.reporter)
            self._again = lost if same else []
            self.first_step = self.state.step
            self.evaluations = self.run.evaluations()
            self.stopped_early = self._out_of_patience()
            self.pace = Pace(self.state.step, self.state.elapsed)
            try:
                self._notify(lambda callback: callback.on_train_start(self))
                self._loop()
                self.run.end()
                self.result = TrainingResult(
                    self.run.folder,
                    self.state.step,
                    self.state.elapsed,
                    self.share_done() >= 1.0 or self.stopped_early,
                    dict(self.metrics),
                    self.stopped_early,
                    self.run.best(),
                )
            finally:
                self._notify(lambda callback: callback.on_train_end(self))
        return self.result

    def _notify(self, hook: Callable[[Callback], None]) -> None:
        for callback in self.callbacks:
            hook(callback)

    def share_done(self) -> float:
        """The share of `steps` or `minutes` that is done; 1 or more at the end."""
        if self.config.steps is not None:
            return self.state.step / self.config.steps
        assert self.config.minutes is not None
        return self.state.elapsed / (60.0 * self.config.minutes) if self.config.minutes > 0 else 1.0

    def _frozen(self) -> bool:
        """Whether the generator keeps its weights in the next step, or in every step of the run."""
        return self.config.freeze_generator == 1.0 or self.share_done() < self.config.freeze_generator

    def _out_of_patience(self) -> bool:
        patience = self.config.patience
        return patience is not None and self.evaluations.without_improvement() >= patience

    def _progress(self, state: State) -> float:
        return 1.0 if self.stopped or self.stopped_early else self.share_done()

    def _loop(self) -> None:
        config, state = self.config, self.state
        batches = training_batches(self.dataset, self.run.space, config, self.device, self.group)
        validate = validator(self.dataset, self.run)
        self._begun = time.monotonic() - state.elapsed
        save = _Periodic(interval("save_every", config.save_every), state.step, self._off_clock(self._save))
        evaluated = self._off_clock(lambda: self._evaluate(validate))
        every = interval("evaluate_every", config.evaluate_every)
        schedule = Schedule(every, state.step, state.elapsed, self._again)
        check = _Periodic(Interval(seconds=CHECK_INTERVAL), state.step, self._read)
        for report in train(state, config, batches, self._progress, self.reporter):
            self._report = report
            self._tick()
            if state.step == self.first_step + 1 and self.evaluations.interrupted:
                self.run.forget_interruption()
                self.evaluations = self.run.evaluations()
            if state.step % config.log_every == 0:
                self._log(report)
            for callback in self.callbacks:
                callback.on_step_end(self, report)
            if schedule.due(state.step, state.elapsed):
                evaluated()
            for task in (save, check):
                task.tick(state.step)
        self._read()
        save.action()
        if state.step not in self.evaluations.values:
            self._ending = True
            evaluated()
            self.run.prune()  # the last one, saved before its validation, may be the best

    def _tick(self) -> None:
        """Stop the clock after a step. The first step, or the second, tells how many the time will do for.

        The first one takes longer than the others, so it tells by itself only if it is long.
        """
        state, minutes, before = self.state, self.config.minutes, self.state.elapsed
        made = state.step - self.first_step
        if made <= 2:
            state.nonfinite.item()  # waits for the device
        state.elapsed = time.monotonic() - self._begun
        seconds = state.elapsed - before
        if minutes is not None and (made == 2 or (made == 1 and seconds >= LONG_STEP)) and not self._warned:
            self._warned = True
            if (line := few_steps(seconds, minutes, self.pace.begun)) is not None:
                self.reporter.warning(line)

    def _off_clock(self, action: Callable[[], None]) -> Callable[[], None]:
        """The same action, without its time: a run that is validated more often is not trained less."""

        def timed() -> None:
            self.state.nonfinite.item()  # steps that a GPU has yet to finish belong on the clock
            start = time.monotonic()
            action()
            self._begun += time.monotonic() - start
            self.pace.off_clock += time.monotonic() - start

        return timed

    def _read(self) -> None:
        """Read the metrics of the last step; a loss that was not finite ends the run here."""
        numbers = self._report.read() if self._report is not None else {}
        if self.state.nonfinite.item():
            self._refuse_nonfinite()
        self.metrics |= numbers
        self.pace.read(self.state.step, self.state.elapsed)

    def _refuse_nonfinite(self) -> None:
        checkpoints = self.run.checkpoints()
        kept = (
            f"the checkpoint of step {max(checkpoints)} is kept" if checkpoints else "nothing was saved yet"
        )
        decay = "`discriminator_weight_decay`, " if self.config.discriminator_weight_decay > 1 else ""
        raise NonFiniteLossError(
            f"a loss or gradient was not finite by step {self.state.step}; the update was not made, {kept}. "
            f"Lower {decay}`generator_lr` and `discriminator_lr`, or `grad_clip`"
        )

    def _log(self, report: StepReport) -> None:
        self._read()
        numbers = {name: self.metrics[name] for name in report.numbers}
        self.run.append_metrics({"step": report.step, "seconds": round(self.state.elapsed, 3), **numbers})

    def _save(self) -> None:
        if self.state.nonfinite.item():
            self._refuse_nonfinite()
        if self.state.step in self.run.checkpoints():  # as the best one
            return
        try:
            path = self.run.save(self.state)
        except UserError as error:  # a weight or a running statistic is not finite
            raise NonFiniteLossError(str(error)) from error
        for callback in self.callbacks:
            callback.on_checkpoint_saved(self, path)

    def _evaluate(self, validate: Validator) -> None:
        """Validate. A checkpoint that is the best so far is saved, after the line that says that it is.

        A kill between the two goes back to the checkpoint before, and the validation is made again.
        """
        self._notify(lambda callback: callback.on_evaluation_start(self))
        step, evaluation = self.state.step, validate(self.state)
        self.metrics |= evaluation.values
        marks = {FROZEN: True} if self._frozen() else {}
        marks |= {INTERRUPTED: True} if self._ending and self.stopped and self.share_done() < 1.0 else {}
        self.evaluations.add(step, evaluation.values | marks)
        self.stopped_early = self._out_of_patience()
        row = {"step": step, "seconds": round(self.state.elapsed, 3)} | marks
        row |= {"stopped_early": True} if self.stopped_early else {}
        self.run.append_metrics(row | evaluation.values | evaluation.record)
        self._notify(lambda callback: callback.on_evaluation_end(self, evaluation))
        checkpoints = self.run.checkpoints()
        if step not in checkpoints and self.evaluations.best({*checkpoints, step}) == step:
            self._save()


class _Periodic:
    """Repeats an action at an interval: of so many steps of the run, or of time from the end of the last one.

    Steps are counted from the start of the run, so that a resumed run acts at the same steps.
    """

    def __init__(self, every: Interval, step: int, action: Callable[[], None]) -> None:
        self.every, self.action = every, action
        self.step, self.time = step - (step % every.steps if every.steps else 0), time.monotonic()

    def tick(self, step: int) -> None:
        """Act if it is time."""
        if self.every.due(step - self.step, time.monotonic() - self.time):
            self.action()
            self.step, self.time = step, time.monotonic()
