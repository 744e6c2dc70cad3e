"""One run of a comparison: whether it fits what was asked, how far it came, its scores."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from bgan_text import __version__
from bgan_text.config import Config
from bgan_text.corpora.prepared import Prepared
from bgan_text.errors import UserError
from bgan_text.files import read_json, write_json
from bgan_text.run import Run
from bgan_text.setting import flag

from .compare_methods import Method
from .console import finite, say
from .opening import go_on, is_free, start
from .scoring import score_models
from .texts import REAL, Request
from .training import BrokenRunError

SCORES, FAILED = "scores.json", "failed.json"
BUDGET = ("steps", "minutes")


@dataclass(frozen=True)
class Outcome:
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


class Attempt:
    """One run that was asked for: a method with a seed, in its folder."""

    def __init__(self, method: Method, seed: int, options: Mapping[str, Any], home: Path) -> None:
        self.method, self.seed, self.options = method, seed, options
        self.config = Config.given(options)
        self.folder = home / method.folder(seed)

    def refuse_other(self, prepared: Prepared, device: str) -> None:
        """Raise a `UserError` if the folder holds something else than the run that was asked for.

        `device`: the kind that it would be trained on now; minutes on another are no equal time.
        """
        if not self._started():
            if not is_free(self.folder):
                raise UserError(f"{self.folder} is not a run folder: remove it or name another --out")
            return
        run = Run(self.folder)
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
        config = Run(self.folder).config if self._started() else self.config
        return config.to_json()

    def reached(self) -> tuple[int, float]:
        """Steps and seconds of training up to the last checkpoint."""
        header = self._header()
        return (int(header["step"]), float(header["elapsed"])) if header else (0, 0.0)

    def _header(self) -> dict[str, str]:
        """What the last checkpoint says of itself; nothing if there is none."""
        if not self._started() or not (checkpoints := Run(self.folder).checkpoints()):
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
        if self._started():
            training = go_on(data, self.folder, device, _changeable(self.config))
        else:
            training = start(data, self.folder, device, self.options)
        training.advises = False
        try:
            training.go()
        except BrokenRunError as error:
            say(f"{self.method.name}, seed {self.seed} failed: {error}")
            step, seconds = training.state.step, round(training.state.elapsed, 3)
            write_json(self.folder / FAILED, {"reason": str(error), "step": step, "seconds": seconds})
        return training.signal

    def known(self, request: Request, prepared: Prepared) -> Outcome | None:
        """What is on disk of a run that is over, if it was scored as is asked now."""
        if self._started() and (self.folder / FAILED).exists():
            record = read_json(self.folder / FAILED)
            return self._outcome(record["step"], record["seconds"], {}, record["reason"])
        if not self.finished() or not (self.folder / SCORES).exists():
            return None
        record = read_json(self.folder / SCORES)
        if record.get("scored") != self._scored(request, prepared):
            return None
        return self._outcome(*self.reached(), record)

    def score(self, request: Request, prepared: Prepared) -> Outcome:
        """Score the last checkpoint and keep that in the run's folder."""
        say(f"Scoring {self.folder}")
        report = score_models(request)
        columns = {
            "real" if column.name == REAL else "scores": {
                name: cell.value for name, cell in column.cells.items()
            }
            for column in report.columns
        }
        settings = {name: value for name, value in report.settings.items() if name != "samples"}
        record = {"scored": self._scored(request, prepared), **columns, "settings": settings}
        write_json(self.folder / SCORES, finite(record))
        return self._outcome(*self.reached(), record)

    def _scored(self, request: Request, prepared: Prepared) -> dict[str, Any]:
        """What scores depend on: those under anything else are made again."""
        return {
            "version": __version__,
            "data": prepared.signature,
            "step": self.reached()[0],
            "reference": _stamp(request.reference),
            "samples": request.count,
            "seed": request.seed,
        }

    def _outcome(
        self, steps: int, seconds: float, record: Mapping[str, Any], failed: str | None = None
    ) -> Outcome:
        scores, real = (
            {name: math.nan if value is None else value for name, value in record.get(side, {}).items()}
            for side in ("scores", "real")
        )
        return Outcome(
            self.seed, self.folder, steps, seconds, scores, real, record.get("settings", {}), failed
        )


def _stamp(reference: Path | None) -> list[Any] | None:
    """A file as it is now: when it changes, scores against it are made again."""
    if reference is None:
        return None
    found = reference.stat()
    return [str(reference.resolve()), found.st_size, found.st_mtime_ns]


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
    return f"no {flag(name)}" if value is None else f"{flag(name)} {value}"
