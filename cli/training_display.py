"""What the command line shows of a training run: a greeting, a bar, samples, and what to do next."""

import shutil
import time

from torch import nn

from bgan_text.cli.console import say
from bgan_text.cli.progress import TrainingProgress
from bgan_text.objective_table import needs_likelihood
from bgan_text.setting import is_custom
from bgan_text.space import LabelSpace
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training
from bgan_text.training.state import parameter_count
from bgan_text.training.trainer import StepReport
from bgan_text.training.validation import Validation

PROGRESS_INTERVAL = 0.5
"""Seconds between two updates of the bar; each reads metrics from the device."""


class TrainingDisplay(Callback):
    """Shows a training run on standard error.

    Args:
        advises: whether the last line says which command may come next.
    """

    def __init__(self, *, advises: bool = True) -> None:
        self.advises = advises
        self._progress: TrainingProgress | None = None
        self._shown = 0.0

    def on_train_start(self, training: Training) -> None:
        config, state = training.config, training.state
        goal = f"{config.steps:,} steps" if config.steps is not None else f"{config.minutes:g} minutes"
        say(
            f"{training.run.folder}: {config.generator}, {config.title}, {goal}, from step {state.step:,}; "
            f"{_sizes(training)} parameters on {training.device} in {config.precision}"
        )
        self._progress = TrainingProgress(training.share_done(), state.step)
        self._progress.__enter__()
        self._shown = time.monotonic()

    def on_step_end(self, training: Training, report: StepReport) -> None:
        if time.monotonic() - self._shown < PROGRESS_INTERVAL or self._progress is None:
            return
        self._progress.update(training.share_done(), training.state.step, report.read())
        self._shown = time.monotonic()

    def on_evaluation_end(self, training: Training, evaluation: Validation) -> None:
        values = " ".join(f"{value:.3f}" for value in evaluation.values.values())
        say(f"step {training.state.step:,}: {evaluation.title} {values}")
        width = shutil.get_terminal_size().columns
        for text in evaluation.samples:
            say(f"  {text}"[: max(20, width)])

    def on_train_end(self, training: Training) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)
        if training.result is not None:
            self._say_farewell(training)

    def _say_farewell(self, training: Training) -> None:
        run, step = training.run, training.state.step
        if step and step == training.first_step and not training.stopped:
            say("Nothing to do: --steps and --minutes count from the run's start, so give a larger one.")
            return
        say(f"Saved step {step:,} after {training.state.elapsed / 60:.1f} minutes: {run.folder}")
        if not self.advises:
            return
        if training.stopped:
            say(f"Interrupted. Go on with: bgan-text train --resume --run {run.folder}")
            return
        command = "show" if isinstance(run.space, LabelSpace) else "sample"
        few = " --n 3" if command == "sample" and not run.images else ""
        own = f" --generator {run.config.generator}" if is_custom(run.config.generator) else ""
        say(f"Next: bgan-text {command} {run.folder}{few}{own}")


def _sizes(training: Training) -> str:
    """The numbers of parameters of the networks that the objective trains."""
    nets: list[nn.Module] = [training.state.generator]
    if not needs_likelihood(training.config.objective):
        nets.append(training.state.discriminator)
    return " + ".join(f"{parameter_count(net):,}" for net in nets)
