"""A training run as the command line sees it: when to save, log, evaluate, stop."""

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from bgan_text.cli.console import say
from bgan_text.cli.progress import TrainingProgress
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.interval import Interval, interval
from bgan_text.objective_table import LIKELIHOOD, OBJECTIVES
from bgan_text.space import LabelSpace
from bgan_text.training.classification import batches_of
from bgan_text.training.run import RunFolder, locked
from bgan_text.training.state import State, parameter_count
from bgan_text.training.trainer import StepReport, train
from bgan_text.training.validation import Evaluator, evaluator

PROGRESS_INTERVAL = 0.5
"""Seconds between two updates of the progress line; each reads numbers from the device."""


class NonFiniteLossError(UserError):
    """A run came to numbers that are not finite: what it had saved before is all there will be."""


class Training:
    """One call of `train`, from the last checkpoint to the end or to an interruption.

    `advises`: whether it says at the end which command may come next.
    """

    def __init__(self, run: RunFolder, prepared: DatasetDirectory, device: torch.device) -> None:
        self.run, self.prepared, self.device = run, prepared, device
        self.signal: int | None = None
        self.advises = True
        self.numbers: dict[str, float] = {}

    def go(self) -> dict[str, Any]:
        """Train; returns the run folder, the steps and the last numbers."""
        with locked(self.run.folder), self._signals():
            self.state, before = self.run.state(self.device)
            if before != self.device.type:
                say(f"Warning: the run comes from {before}; here it draws other random numbers.")
            self.run.write_card()
            self.run.rewind(self.state.step)
            self._greet()
            first = self.state.step
            self._loop()
        self._farewell(first)
        return {
            "run": str(self.run.folder),
            "steps": self.state.step,
            "seconds": round(self.state.elapsed, 3),
            "finished": self.signal is None,
            "metrics": self.numbers,
        }

    def _greet(self) -> None:
        config, state = self.run.config, self.state
        if config.draws == 1 and config.objective == "importance":
            say("Warning: --draws 1 makes every importance weight 1, so the discriminator teaches nothing.")
        goal = f"{config.steps:,} steps" if config.steps is not None else f"{config.minutes:g} minutes"
        say(
            f"{self.run.folder}: {config.generator}, {config.title}, {goal}, from step {state.step:,}; "
            f"{self._sizes()} parameters on {self.device} in {config.precision}"
        )

    def _sizes(self) -> str:
        """Of the nets that the objective trains."""
        nets: list[nn.Module] = [self.state.generator]
        if OBJECTIVES[self.run.config.objective].family != LIKELIHOOD:
            nets.append(self.state.discriminator)
        return " + ".join(f"{parameter_count(net):,}" for net in nets)

    def _farewell(self, first: int) -> None:
        if first and self.state.step == first and self.signal is None:
            say("Nothing to do: --steps and --minutes count from the run's start, so give a larger one.")
            return
        minutes = self.state.elapsed / 60
        say(f"Saved step {self.state.step:,} after {minutes:.1f} minutes: {self.run.folder}")
        if not self.advises:
            return
        if self.signal is not None:
            say(f"Interrupted. Go on with: bgan-text train --resume --run {self.run.folder}")
        else:
            command = "show" if isinstance(self.run.space, LabelSpace) else "sample"
            few = " --n 3" if command == "sample" and not self.run.images else ""
            say(f"Next: bgan-text {command} {self.run.folder}{few}")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C and a polite kill end the run after the step in progress."""

        def stop(number: int, frame: Any) -> None:
            self.signal = number

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _progress(self, state: State) -> float:
        config = self.run.config
        if self.signal is not None:
            return 1.0
        if config.steps is not None:
            return state.step / config.steps
        assert config.minutes is not None
        return state.elapsed / (60.0 * config.minutes) if config.minutes > 0 else 1.0

    def _loop(self) -> None:
        config, state = self.run.config, self.state
        batches = batches_of(self.run, self.prepared, self.device)
        look = evaluator(self.prepared, self.run)
        self.begun = time.monotonic() - state.elapsed
        save = _Regular(interval("save_every", config.save_every), state.step, self._off_clock(self._save))
        evaluate = _Regular(
            interval("evaluate_every", config.evaluate_every),
            state.step,
            self._off_clock(lambda: self._evaluate(look)),
        )
        report: StepReport | None = None
        with TrainingProgress(self._progress(state), state.step) as progress:
            show = _Regular(
                Interval(seconds=PROGRESS_INTERVAL),
                state.step,
                lambda: progress.update(self._progress(state), state.step, self._read(report)),
            )
            for report in train(state, config, batches, self._progress):
                state.elapsed = time.monotonic() - self.begun
                if state.step % config.log_every == 0:
                    self._log(report)
                for task in (evaluate, save, show):
                    task.tick(state.step)
        self._read(report)
        if state.step not in self.run.checkpoints():
            self._save()
        if evaluate.step != state.step:
            self._evaluate(look)

    def _off_clock(self, action: Callable[[], None]) -> Callable[[], None]:
        """The same, without its time: what is trained longer is not what is looked at less."""

        def timed() -> None:
            self.state.nonfinite.item()  # the steps that a GPU has still to finish are on the clock
            start = time.monotonic()
            action()
            self.begun += time.monotonic() - start

        return timed

    def _read(self, report: StepReport | None) -> dict[str, float]:
        """Read a step's numbers; a loss that was not finite ends the run here."""
        numbers = report.read() if report is not None else {}
        if self.state.nonfinite.item():
            self._stop_nonfinite()
        self.numbers |= numbers
        return numbers

    def _stop_nonfinite(self) -> None:
        checkpoints = self.run.checkpoints()
        kept = (
            f"the checkpoint of step {max(checkpoints)} is kept" if checkpoints else "nothing was saved yet"
        )
        raise NonFiniteLossError(
            f"a loss or gradient was not finite by step {self.state.step}; the update was not made, {kept}. "
            "Lower --generator-lr and --discriminator-lr, or --grad-clip"
        )

    def _log(self, report: StepReport) -> None:
        numbers = self._read(report)
        self.run.append_metrics({"step": report.step, "seconds": round(self.state.elapsed, 3), **numbers})

    def _save(self) -> None:
        if self.state.nonfinite.item():
            self._stop_nonfinite()
        try:
            self.run.save(self.state)
        except UserError as error:  # a weight or a running mean is not finite
            raise NonFiniteLossError(str(error)) from error

    def _evaluate(self, evaluator: Evaluator) -> None:
        evaluation = evaluator(self.state)
        self.numbers |= evaluation.values
        self.run.append_metrics(
            {
                "step": self.state.step,
                "seconds": round(self.state.elapsed, 3),
                **evaluation.values,
                **evaluation.record,
            }
        )
        values = " ".join(f"{value:.3f}" for value in evaluation.values.values())
        say(f"step {self.state.step:,}: {evaluation.title} {values}")
        width = shutil.get_terminal_size().columns
        for text in evaluation.samples:
            say(f"  {text}"[: max(20, width)])


class _Regular:
    """Does something at regular intervals, counted from the end of the last time."""

    def __init__(self, every: Interval, step: int, action: Callable[[], None]) -> None:
        self.every, self.action = every, action
        self.step, self.time = step, time.monotonic()

    def tick(self, step: int) -> None:
        """Act if it is time."""
        if self.every.due(step - self.step, time.monotonic() - self.time):
            self.action()
            self.step, self.time = step, time.monotonic()
