"""One run of several: whether its folder fits, how far it has come, and its training."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from msgspec import UNSET, UnsetType

from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.files import read_sealed, write_sealed
from bgan_text.records import Count, Digest, Record, Seconds, Text
from bgan_text.reporter import SILENT, Reporter
from bgan_text.studies.steps import TrainingEnd, train_run
from bgan_text.training.callbacks import Callback
from bgan_text.training.checkpoint import read_header
from bgan_text.training.folders import is_free
from bgan_text.training.run import RunFolder

FAILED = "failed.json"
BUDGET = ("steps", "minutes")


class Failure(Record):
    """failed.json."""

    reason: Text
    step: Count
    seconds: Seconds
    sha256: Digest | UnsetType = UNSET  # that of an earlier version has none


class PlannedRun:
    """A run with its settings and its folder. Nothing is trained before `train`.

    Args:
        name: what messages and tables call it.
        options: fields of `Config`; the others get the defaults that suit the data.
        folder: its run folder.
        images: `space.QUANTISED_IMAGES` or `space.CONTINUOUS_IMAGES`; None for text.

    Raises:
        UserError: the options are not accepted.
    """

    def __init__(
        self, name: str, options: Mapping[str, Any], folder: Path, images: str | None = None
    ) -> None:
        self.name, self.options, self.folder = name, options, folder
        self.config = Config.given(options, images)

    def refuse_other(self, dataset: DatasetDirectory, device: str) -> None:
        """Check that the folder is free or holds this run.

        Args:
            dataset: the data to train on.
            device: the type of device to train on. Equal minutes on another device are not equal training.

        Raises:
            UserError: the folder holds something else, or a run with other data, settings or device.
        """
        if not self.started():
            if not is_free(self.folder):
                raise UserError(f"{self.folder} is not a run folder: remove it or choose another `out`")
            return
        run = RunFolder(self.folder)
        if run.data["signature"] != dataset.signature:
            raise UserError(
                f"{dataset.folder} is not what {self.folder} was trained on: give that as `data`, or choose "
                "another `out`"
            )
        _refuse_other_settings(self.folder, self.config, run.config)
        if (before := self._header().get("device", device)) != device:
            raise UserError(
                f"the run in {self.folder} was trained on {before}, but this call chose {device}: give "
                f"`device` {before}, or choose another `out`"
            )

    def started(self) -> bool:
        """Whether the run folder has been made."""
        return (self.folder / "run.json").exists()

    def settings(self) -> dict[str, Any]:
        """All settings: those of the run folder once it is there."""
        config = RunFolder(self.folder).config if self.started() else self.config
        return config.to_json()

    def reached(self) -> tuple[int, float]:
        """Steps and seconds of training up to the last checkpoint."""
        header = self._header()
        return (int(header["step"]), float(header["elapsed"])) if header else (0, 0.0)

    def _header(self) -> dict[str, str]:
        """Step, seconds and device of the last checkpoint; empty without one."""
        if not self.started() or not (checkpoints := RunFolder(self.folder).checkpoints()):
            return {}
        path = checkpoints[max(checkpoints)]
        return read_header(path).counters()

    def finished(self) -> bool:
        """Whether the last checkpoint has all steps or minutes of the run."""
        if not self._header():
            return False
        step, seconds = self.reached()
        if self.config.steps is not None:
            return step >= self.config.steps
        assert self.config.minutes is not None
        return seconds >= 60.0 * self.config.minutes

    def over(self) -> bool:
        """Whether there is nothing left to train: the run has finished or failed."""
        return self.failure() is not None or self.finished()

    def train(
        self,
        dataset: DatasetDirectory,
        *,
        device: str = "auto",
        callbacks: Sequence[Callback] = (),
        reporter: Reporter = SILENT,
    ) -> TrainingEnd:
        """Train from the last checkpoint, or from the start. A failure is kept in the folder."""
        end = train_run(
            self.folder,
            self.options,
            _changeable(self.config),
            dataset=dataset,
            device=device,
            callbacks=callbacks,
            reporter=reporter,
        )
        if end.failed is not None:
            reporter.message(f"{self.name} failed: {end.failed}")
            failure = {"reason": end.failed, "step": end.steps, "seconds": end.seconds}
            write_sealed(self.folder / FAILED, failure)
        return end

    def failure(self) -> dict[str, Any] | None:
        """The `reason` of a failure, its `step` and `seconds`; None if the run has not failed."""
        path = self.folder / FAILED
        if not self.started() or not path.exists():
            return None
        told = read_sealed(path, Failure)
        return {"reason": told.reason, "step": told.step, "seconds": told.seconds}

    def outcome(self) -> dict[str, Any]:
        """Steps and seconds of training, and the reason of a failure or None."""
        if (failure := self.failure()) is not None:
            return {"steps": failure["step"], "seconds": failure["seconds"], "failed": failure["reason"]}
        steps, seconds = self.reached()
        return {"steps": steps, "seconds": seconds, "failed": None}


def _changeable(config: Config) -> dict[str, Any]:
    return {
        option.name: getattr(config, option.name)
        for option in fields(config)
        if option.metadata["changeable"]
    }


def _refuse_other_settings(folder: Path, asked: Config, found: Config) -> None:
    """A run keeps its length: its learning rates decayed over that time."""
    unlike, advice = f"the run in {folder} was made with", "repeat that, or choose another `out`"
    for option in fields(asked):
        name = option.name
        new, old = getattr(asked, name), getattr(found, name)
        # `auto` became the precision of the device when the run was made.
        if new == old or (name == "precision" and new == "auto"):
            continue
        if not option.metadata["changeable"] or name in BUDGET:
            raise UserError(f"{_said(name, new)}, but {unlike} {_said(name, old)}: {advice}")


def _said(name: str, value: Any) -> str:
    return f"no `{name}`" if value is None else f"`{name}` {value}"
