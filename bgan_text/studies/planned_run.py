"""One run of several: whether it fits what was asked, how far it came, training the rest of it."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from bgan_text.cli.console import say
from bgan_text.cli.progress import RichReporter
from bgan_text.cli.signals import stopping_on_signals
from bgan_text.cli.training_display import TrainingDisplay
from bgan_text.config import Config
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.files import read_json, write_json
from bgan_text.start import new_training, resume_training
from bgan_text.training.loop import NonFiniteLossError
from bgan_text.training.run import RunFolder, is_free

FAILED = "failed.json"
BUDGET = ("steps", "minutes")


class PlannedRun:
    """One run that was asked for, in its folder. What is trained already is not trained again.

    `pixels`: what those of the data are, if it is images; they decide some defaults.
    """

    def __init__(
        self, name: str, options: Mapping[str, Any], folder: Path, pixels: str | None = None
    ) -> None:
        self.name, self.options, self.folder = name, options, folder
        self.config = Config.given(options, pixels)

    def refuse_other(self, prepared: DatasetDirectory, device: str) -> None:
        """Raise a `UserError` if the folder holds something else than the run that was asked for.

        `device`: the kind that it would be trained on now; minutes on another are no equal time.
        """
        if not self._started():
            if not is_free(self.folder):
                raise UserError(f"{self.folder} is not a run folder: remove it or name another --out")
            return
        run = RunFolder(self.folder)
        if run.data["signature"] != prepared.signature:
            raise UserError(
                f"{prepared.folder} is not what {self.folder} was trained on: name that with --data, or "
                "another --out"
            )
        _refuse_other_settings(self.folder, self.config, run.config)
        if (before := self._header().get("device", device)) != device:
            raise UserError(
                f"the run in {self.folder} was trained on {before}, and {device} was chosen now: "
                f"--device {before}, or name another --out"
            )

    def _started(self) -> bool:
        return (self.folder / "run.json").exists()

    def settings(self) -> dict[str, Any]:
        """The settings of `train`, as they turned out where the run is there."""
        config = RunFolder(self.folder).config if self._started() else self.config
        return config.to_json()

    def reached(self) -> tuple[int, float]:
        """Steps and seconds of training up to the last checkpoint."""
        header = self._header()
        return (int(header["step"]), float(header["elapsed"])) if header else (0, 0.0)

    def _header(self) -> dict[str, str]:
        """What the last checkpoint says of itself; nothing if there is none."""
        if not self._started() or not (checkpoints := RunFolder(self.folder).checkpoints()):
            return {}
        path = checkpoints[max(checkpoints)]
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
            return {name: header[name] for name in ("step", "elapsed", "device")}
        except (SafetensorError, KeyError) as error:
            raise UserError(f"checkpoint {path} is damaged or cut short: {error}") from error

    def finished(self) -> bool:
        """Whether it was saved after all of its steps or minutes."""
        if not self._header():
            return False
        step, seconds = self.reached()
        if self.config.steps is not None:
            return step >= self.config.steps
        assert self.config.minutes is not None
        return seconds >= 60.0 * self.config.minutes

    def train(self, data: Path, device: str) -> int | None:
        """Start or go on; returns the signal that interrupted it, if one did."""
        callbacks, reporter = [TrainingDisplay(advises=False)], RichReporter()
        if self._started():
            training = resume_training(
                self.folder,
                _changeable(self.config),
                data=data,
                device=device,
                callbacks=callbacks,
                reporter=reporter,
            )
        else:
            training = new_training(
                data, self.options, out=self.folder, device=device, callbacks=callbacks, reporter=reporter
            )
        try:
            with stopping_on_signals(training.stop) as interruption:
                training.go()
        except NonFiniteLossError as error:
            say(f"{self.name} failed: {error}")
            step, seconds = training.state.step, round(training.state.elapsed, 3)
            write_json(self.folder / FAILED, {"reason": str(error), "step": step, "seconds": seconds})
        return interruption.signal

    def failure(self) -> dict[str, Any] | None:
        """Why it failed, after how many steps and seconds; None if it did not."""
        path = self.folder / FAILED
        return read_json(path) if self._started() and path.exists() else None

    def outcome(self) -> dict[str, Any]:
        """How far it came in steps and seconds, and why it failed; None if it did not."""
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
    """A run is as long as it was planned to be: its learning rates fell in that time."""
    unlike, advice = f"the run in {folder} was made with", "repeat that, or name another --out"
    for option in fields(asked):
        name = option.name
        new, old = getattr(asked, name), getattr(found, name)
        # 'auto' became the precision of the device when the run was made.
        if new == old or (name == "precision" and new == "auto"):
            continue
        if not option.metadata["changeable"] or name in BUDGET:
            raise UserError(f"{_said(name, new)}, but {unlike} {_said(name, old)}: {advice}")


def _said(name: str, value: Any) -> str:
    return f"no `{name}`" if value is None else f"`{name}` {value}"
