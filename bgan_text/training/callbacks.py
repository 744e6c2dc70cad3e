"""Hooks into a training run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgan_text.errors import UserError

if TYPE_CHECKING:
    from bgan_text.training.loop import Training
    from bgan_text.training.trainer import StepReport
    from bgan_text.training.validation import Validation


class Callback:
    """Called at fixed points of a training run. Override the hooks you need.

    A hook may read everything that `training` holds: `run`, `config`, `dataset`, `state`, `metrics`. It may
    end the run after the current step with `training.stop()`. An exception raised by a hook ends the run and
    reaches the caller; the last checkpoint stays as it is.

    `on_step_end` counts as training time. The time of the other hooks does not count towards `minutes`.

    Example:
        >>> class StopEarly(Callback):
        ...     def on_evaluation_end(self, training, evaluation):
        ...         if evaluation.values["js-1"] < 0.01:
        ...             training.stop()
    """

    def on_train_start(self, training: "Training") -> None:
        """The state is loaded, and no step has been made yet."""

    def on_step_end(self, training: "Training", report: "StepReport") -> None:
        """A generator step is done. `report.read()` gives its metrics, and waits for the device."""

    def on_evaluation_start(self, training: "Training") -> None:
        """Samples, or labels, are about to be compared with the validation split."""

    def on_evaluation_end(self, training: "Training", evaluation: "Validation") -> None:
        """Samples, or labels, were compared with the validation split."""

    def on_checkpoint_saved(self, training: "Training", path: Path) -> None:
        """A checkpoint was written to `path`."""

    def on_train_end(self, training: "Training") -> None:
        """Training has ended, by itself or by an exception; `training.result` is None after an exception."""


def named_callback(spec: str, named: Any) -> Callback:
    """The callback that was imported as `module:name`; of a class, an object is made.

    Raises:
        UserError: it is none, or its class cannot be called without arguments.
    """
    if isinstance(named, type) and issubclass(named, Callback):
        try:
            named = named()
        except Exception as error:
            problem = f"calling it without arguments fails: {error!r}"
            raise UserError(f"callback {spec!r}: {problem}") from error
    if not isinstance(named, Callback):
        raise UserError(f"callback {spec!r}: a subclass of `Callback`, or an object of one, is needed")
    return named
