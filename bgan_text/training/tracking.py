"""Callbacks that pass the metrics of a run on to a tracker: TensorBoard, or Weights & Biases.

A run is not damaged by its tracker: one that fails is left out from then on, with a warning.
"""

from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgan_text.errors import UserError, needs_extra, reason_of
from bgan_text.training.callbacks import Callback
from bgan_text.training.evaluations import INTERRUPTED, is_evaluation
from bgan_text.training.metrics_log import numbers_of

if TYPE_CHECKING:
    from bgan_text.training.loop import Training
    from bgan_text.training.trainer import StepReport
    from bgan_text.training.validation import Validation

TRAIN, VALIDATION = "train", "validation"
"""What the names of numbers begin with: `train/bound`, `validation/js-4`."""
SAMPLES = "samples"


class Tracker(Callback):
    """Passes on the numbers of every row of metrics.jsonl, and samples of every validation.

    The validation that an interruption makes is left out, as a run that goes on forgets it. A class below
    says where things go: `open`, `numbers`, `texts`, `image` and `close`.

    Attributes:
        title: what it is called in messages.
    """

    title: str

    def __init__(self) -> None:
        self._failed = False

    def open(self, training: "Training") -> bool:
        """Begin. Returns whether nothing of this run was passed on before."""
        raise NotImplementedError

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        """Pass on numbers by name."""
        raise NotImplementedError

    def texts(self, step: int, samples: Iterable[str]) -> None:
        """Pass on samples of text."""
        raise NotImplementedError

    def image(self, step: int, path: Path) -> None:
        """Pass on a grid of images."""
        raise NotImplementedError

    def close(self, training: "Training") -> None:
        """End."""
        raise NotImplementedError

    def on_train_start(self, training: "Training") -> None:
        self._failed = False
        self._tried(training, lambda: self._begin(training))

    def on_step_end(self, training: "Training", report: "StepReport") -> None:
        if report.step % training.config.log_every == 0:  # then the loop has read them for metrics.jsonl
            values = {name: training.metrics[name] for name in report.numbers}
            values["seconds"] = round(training.state.elapsed, 3)
            self._tried(training, lambda: self.numbers(report.step, _named(TRAIN, values)))

    def on_evaluation_end(self, training: "Training", evaluation: "Validation") -> None:
        step = training.state.step
        if step not in training.evaluations.interrupted:
            row = evaluation.values | evaluation.record
            self._tried(training, lambda: self._validation(training, step, row))

    def on_train_end(self, training: "Training") -> None:
        self._tried(training, lambda: self.close(training))

    def _begin(self, training: "Training") -> None:
        if self.open(training):  # the run may have begun without a tracker
            for row in training.run.metrics():
                if INTERRUPTED in row:
                    continue
                if is_evaluation(row):
                    self._validation(training, row["step"], row)
                else:
                    self.numbers(row["step"], _named(TRAIN, row))

    def _validation(self, training: "Training", step: int, row: Mapping[str, Any]) -> None:
        values = {name: value for name, value in row.items() if name != "seconds"}
        self.numbers(step, _named(VALIDATION, values))
        if row.get("samples"):
            self.texts(step, row["samples"])
        if row.get("grid"):
            grids = training.run.grids()
            if (path := grids / Path(row["grid"]).name).is_file():
                self.image(step, path)

    def _tried(self, training: "Training", action: Callable[[], None]) -> None:
        """Do something, or never again if it fails: a run does not end with its tracker."""
        if self._failed:
            return
        try:
            action()
        except Exception as error:
            self._failed = True
            training.reporter.warning(
                f"{self.title} is left out from here on, the run goes on: {reason_of(error)}"
            )


def _named(kind: str, row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row by their full names, without the step."""
    return {f"{kind}/{name}": float(value) for name, value in numbers_of(row).items() if name != "step"}


def settings_of(training: "Training") -> dict[str, Any]:
    """The settings of a run and what it is trained on, as a tracker shows them; nothing of the machine."""
    settings = {name: value for name, value in training.config.to_json().items() if value is not None}
    return settings | {"corpus": training.run.data["corpus"], "data": training.run.data["signature"]}


def own_folder(training: "Training", name: str) -> Path:
    """A folder in the run folder.

    Raises:
        UserError: it is a link, as a stranger may make: what lies elsewhere is not ours to change.
    """
    if (folder := training.run.folder / name).is_symlink():
        raise UserError(f"{folder} is a link to another folder: put a folder in its place")
    return folder


def refuse_without(module: str, title: str, extra: str) -> None:
    """Raise a `UserError` that names the extra unless a module is installed."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:  # a folder of that name, as in the working folder, is no package
        raise UserError(needs_extra(f"{title} needs", extra))
