"""What the command line shows of a training run: a greeting, a bar, samples, and what to do next."""

import shutil
import time

from bgan_text.cli.console import say
from bgan_text.cli.field_names import spelled
from bgan_text.cli.progress import TrainingProgress
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training
from bgan_text.training.messages import advice, evaluated, farewell, greeting
from bgan_text.training.progress_line import EVALUATING, progress_line
from bgan_text.training.trainer import StepReport
from bgan_text.training.validation import Validation

PROGRESS_INTERVAL = 0.5
"""Seconds between two updates of the bar; each reads metrics from the device."""
SHOWN_SAMPLES = 3


class TrainingDisplay(Callback):
    """Shows a training run on standard error.

    Args:
        advises: whether the last line says which command may come next.
    """

    def __init__(self, *, advises: bool = True) -> None:
        self.advises = advises
        self._progress: TrainingProgress | None = None
        self._shown = 0.0
        self._numbers: dict[str, float] = {}

    def on_train_start(self, training: Training) -> None:
        say(greeting(training))
        self._numbers = {}
        self._progress = TrainingProgress(progress_line(training, {}))
        self._shown = time.monotonic()

    def on_step_end(self, training: Training, report: StepReport) -> None:
        if time.monotonic() - self._shown < PROGRESS_INTERVAL or self._progress is None:
            return
        self._numbers = report.read()
        self._progress.update(progress_line(training, self._numbers))
        self._shown = time.monotonic()

    def on_evaluation_start(self, training: Training) -> None:
        if self._progress is not None:
            self._progress.update(progress_line(training, self._numbers, EVALUATING))

    def on_evaluation_end(self, training: Training, evaluation: Validation) -> None:
        say(evaluated(training, evaluation))
        width = shutil.get_terminal_size().columns
        for text in evaluation.samples[:SHOWN_SAMPLES]:
            say(f"  {text}"[: max(20, width)])

    def on_train_end(self, training: Training) -> None:
        if self._progress is not None:
            self._progress.stop()
        if training.result is None:
            return
        for line in farewell(training):
            say(spelled(line))
        if self.advises and (next_command := advice(training)) is not None:
            say(next_command)
