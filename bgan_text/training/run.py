"""The run folder: a trained model and all that belongs to it, as plain data.

    RUN/run.json                            settings, sample space, signature of the data, versions
    RUN/tokenizer.json | tokenizer.model    text
    RUN/palette.json, RUN/grids/*.png       images: the palette, and grids of samples
    RUN/checkpoint-000001000.safetensors    the last `keep`, and the best by `best_by`
    RUN/metrics.jsonl                       one JSON object per line

Nothing in a run folder is unpickled or executed, so a run folder from a stranger is safe to open.
"""

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import torch
from msgspec.structs import asdict
from torch import nn

from bgan_text import __version__, remedies
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.files import write_atomically, write_sealed
from bgan_text.group import ALONE, Group
from bgan_text.interval import interval
from bgan_text.records import values_of
from bgan_text.reporter import SILENT, Reporter
from bgan_text.sampling_options import BEST
from bgan_text.setting import is_custom
from bgan_text.space import Space, is_image, space_from_json, space_to_json
from bgan_text.training.checkpoint import (
    load_checkpoint,
    load_discriminator,
    load_generator,
    read_header,
    refuse_misfit,
    save_checkpoint,
)
from bgan_text.training.checkpoint_check import DamagedCheckpointError
from bgan_text.training.evaluations import FROZEN, INTERRUPTED, Evaluations, is_evaluation
from bgan_text.training.folders import checkpoints_in, locked, untrained
from bgan_text.training.metrics_log import MetricsLog, Row
from bgan_text.training.run_records import FORMAT, read_run
from bgan_text.training.state import CustomParts, State, refuse_other_parts
from bgan_text.validation_scores import deciding_score, oracle_scores_of

Loaded = TypeVar("Loaded")

GRIDS = "grids"
"""The folder of image grids: one for each validation, always of the same noise."""


class RunFolder:
    """An existing run folder.

    Args:
        folder: its path. parts: the user's own, those that the settings name. Nothing is imported because a
        run folder names it.

    Attributes:
        config: the settings of the run.
        space: the sample space.
        data: what the run was trained on; the entry `folder` is relative to the run folder.
        started_from: the folder, relative to this one, and the step of the run whose nets it started from;
            None for a run from scratch.

    Raises:
        UserError: the folder holds no run, a damaged one, or one of another format.
    """

    def __init__(self, folder: Path, parts: CustomParts | None = None) -> None:
        self.folder, self.parts = folder, parts or CustomParts()
        if not (folder / "run.json").exists():
            raise UserError(remedies.not_a_run(folder))
        record = read_run(path := folder / "run.json")
        try:
            self.config = Config(**values_of(record.settings))
        except UserError as error:  # values that do not fit together
            raise UserError(f"{path}: {error}") from error
        self.space = space_from_json(record.space, path)
        self.data: dict[str, str] = asdict(record.data)
        self.started_from = None if record.started_from is None else asdict(record.started_from)
        self.saved, self.last_line = record.saved, record.last_line
        refuse_other_parts(folder, self.config, self.parts)

    @classmethod
    def create(
        cls,
        folder: Path,
        config: Config,
        space: Space,
        data: Mapping[str, str],
        files: Mapping[str, bytes],
        parts: CustomParts | None = None,
        start_from: "RunFolder | None" = None,
    ) -> "RunFolder":
        """Make a run folder.

        Args:
            folder: its path; it is created where it is missing.
            config: the settings of the run.
            space: the sample space.
            data: what the run is trained on, see `run_records.TrainedOn`.
            files: further files by name, such as the tokenizer, stored as they are.
            parts: the user's own, those that `config` names.
            start_from: the run whose nets it starts from, for the record.

        Raises:
            UserError: the folder holds a run already, or another process is making one.
        """
        run = cls.__new__(cls)
        run.folder, run.config, run.space, run.data = folder, config, space, dict(data)
        run.parts, run.saved, run.last_line = parts or CustomParts(), False, None
        run.started_from = None if start_from is None else start_from.as_origin(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            if (folder / "run.json").exists():
                raise UserError(remedies.taken(folder))
            for name, content in files.items():
                write_atomically(folder / name, content)
            run.write_settings()
        return run

    def as_origin(self, folder: Path) -> dict[str, Any]:
        """What a run in a folder that starts from this one records of it."""
        return {"folder": os.path.relpath(self.folder, folder), "step": max(self.checkpoints())}

    @property
    def images(self) -> bool:
        """Whether the samples are images."""
        return is_image(self.space)

    @property
    def custom_nets(self) -> bool:
        """Whether a net is one of the user's own."""
        return is_custom(self.config.generator) or is_custom(self.config.discriminator or "")

    def data_folder(self) -> Path:
        """The path of the dataset directory, as long as it and the run folder moved together."""
        return Path(os.path.relpath(self.folder / self.data["folder"]))

    def write_settings(self) -> None:
        """Write run.json."""
        content = {
            "format": FORMAT,
            "version": __version__,
            "settings": self.config.to_json(),
            "space": space_to_json(self.space),
            "data": self.data,
            "started_from": self.started_from,
            "saved": self.saved,
            "last_line": self.last_line,
        }
        write_sealed(self.folder / "run.json", content)

    def recorded_setting(self, name: str) -> Any:
        """A setting as run.json has it, which a resumed run may be about to change."""
        return values_of(read_run(self.folder / "run.json").settings).get(name)

    def checkpoints(self) -> dict[int, Path]:
        """The checkpoints by step, ascending."""
        return checkpoints_in(self.folder)

    def save(self, state: State) -> Path:
        """Write a checkpoint, remove what `prune` removes, and return the new path."""
        self._refuse_removed()
        saved = self.folder / f"checkpoint-{state.step:09d}.safetensors"
        save_checkpoint(saved, state, self._log().last_check())
        if not self.saved:
            self.saved = True
            self.write_settings()
        self.prune()
        return saved

    def prune(self) -> None:
        """Remove all checkpoints but the last `keep` and the best.

        The best is the best of those that are there, so a process that is killed at any moment leaves it.
        """
        checkpoints, evaluations = self.checkpoints(), self.evaluations()
        best = {evaluations.best(checkpoints), evaluations.best(checkpoints, interrupted=False)}
        for step, path in list(checkpoints.items())[: -self.config.keep]:
            if step not in best:
                path.unlink()

    def evaluations(self, rows: list[Row] | None = None) -> Evaluations:
        """The validations among `rows` or all metrics, by the score that decides which checkpoint is best."""
        by_oracle = oracle_scores_of(self.data["corpus"], self.config.generator)
        score = deciding_score(self.config.best_by, self.space, by_oracle)
        every = interval("evaluate_every", self.config.evaluate_every)
        return Evaluations(self.metrics() if rows is None else rows, score, every)

    def best(self) -> int | None:
        """The step of the best checkpoint by `best_by`, among those that were validated; None if none was."""
        return self.evaluations().best(self.checkpoints())

    def state(self, device: torch.device, group: Group = ALONE) -> tuple[State, str]:
        """The training state of the last checkpoint, or an untrained one without, for a group of processes.

        Returns: the state, and the type of device that wrote the checkpoint.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            self.refuse_lost_checkpoints()
            return State.fresh(self.config, self.space, device, self.parts, group), device.type
        return self._load(max(checkpoints), lambda path: self._restored(path, device, group))

    def refuse_lost_checkpoints(self) -> None:
        """Refuse to begin again where a checkpoint was: an evaluation saves one before the next row."""
        *rows, _ = self.metrics() or [{}]
        if self.saved or any(is_evaluation(row) and not row.get(FROZEN) for row in rows):
            raise UserError(
                f"{self.folder} has no checkpoint, but it had one: bring it back, or remove the folder"
            )

    def _restored(self, path: Path, device: torch.device, group: Group) -> tuple[State, str]:
        state = State.fresh(self.config, self.space, device, self.parts, group)
        return state, load_checkpoint(path, state)

    def generator(
        self, device: torch.device, *, step: int | str | None = None, average: bool = True
    ) -> nn.Module:
        """The generator to sample from, in evaluation mode.

        Args:
            device: where to put it.
            step: the step of a checkpoint, or "best"; None for the last one.
            average: the weight average rather than the weights of that step.

        Raises:
            UserError: there is no such checkpoint, or it is damaged.
        """
        return self._load(
            self.pinned(step),
            lambda path: load_generator(
                path, self.config, self.space, device, average=average, custom=self.parts.generator
            ),
        )

    def discriminator(self, device: torch.device, *, step: int | str | None = None) -> nn.Module:
        """The discriminator of a checkpoint, in evaluation mode; the arguments are as of `generator`."""
        return self._load(
            self.pinned(step),
            lambda path: load_discriminator(path, self.config, self.space, device, self.parts.discriminator),
        )

    def pinned(self, step: int | str | None) -> int:
        """The step of a checkpoint that is there: the one asked for, the best, or the last."""
        if not (checkpoints := self.checkpoints()):
            self.refuse_lost_checkpoints()
            raise UserError(untrained(self.folder, self.config.save_every))
        if step == BEST:
            best = self.best()
            if best is None:
                frozen = " while its generator learnt" if self.config.freeze_generator else ""
                raise UserError(f"{self.folder} has no best checkpoint: none of them was evaluated{frozen}")
            return best
        if step is not None and step not in checkpoints:
            known = ", ".join(map(str, checkpoints))
            raise UserError(f"{self.folder} has no checkpoint of step {step}: it has {known}")
        return max(checkpoints) if step is None else int(step)

    def _load(self, step: int, load: Callable[[Path], Loaded]) -> Loaded:
        checkpoints = self.checkpoints()
        try:
            if not self.custom_nets:
                refuse_misfit(checkpoints[step], self.config, self.space)  # before nets of its size are built
            return load(checkpoints[step])
        except DamagedCheckpointError as error:
            others = [str(other) for other in checkpoints if other != step]
            if not others or self.parts != CustomParts():  # the parts may be what does not fit
                raise
            raise UserError(
                f"{error}; the checkpoint of step {' and '.join(others)} is still there: "
                f"remove the damaged file to go back to it"
            ) from error

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        self._refuse_removed()
        self._log().append(row)

    def metrics(self) -> list[Row]:
        """The lines of metrics.jsonl, without a last one that is not whole, as a kill may leave it.

        Raises:
            UserError: another line is damaged or missing.
        """
        return self._log().rows(self.logged())

    def grids(self) -> Path:
        """The folder of the grids of images.

        Raises:
            UserError: it is a link, as a stranger may make: what lies elsewhere is not ours to change.
        """
        if (folder := self.folder / GRIDS).is_symlink():
            raise UserError(f"{folder} is a link to another folder: put a folder in its place")
        return folder

    def rewind(self, step: int, logged: Collection[str] = (), reporter: Reporter = SILENT) -> list[Row]:
        """Remove the metrics and grids after `step`: a resumed run makes them again.

        Metrics that are damaged are kept aside under another name, and the reporter is told so.

        Args:
            step: the last one to keep.
            logged: what `logged` returned before `begin`.
            reporter: receives the warning.

        Returns:
            The rows of metrics that were removed.
        """
        for grid in self.grids().glob("*.png"):
            if grid.stem.isdecimal() and int(grid.stem) > step:
                grid.unlink()
        return self._log().cut(step, logged, reporter)

    def forget_interruption(self) -> None:
        """Remove the validation of an interruption, which a run that goes on without one does not have."""
        self._log().remove(INTERRUPTED)

    def begin(self) -> None:
        """Record the settings of a training that begins, or goes on. The metrics will have other lines."""
        self.last_line = None
        self.write_settings()

    def end(self) -> None:
        """Record the last line of the metrics of a training that has ended."""
        self.last_line = self._log().last_check()
        self.write_settings()

    def logged(self) -> list[str]:
        """The checks of lines that the metrics must have: of the last checkpoint, and of the end."""
        checkpoints = self.checkpoints()
        last, found = max(checkpoints, default=0), [self.last_line] if self.last_line else []
        if last > max(0, self._log().mended_up_to()):
            with suppress(UserError):  # it is damaged, told where it is used, or a training removed it
                found.append(read_header(checkpoints[last]).log)
        return found

    def _log(self) -> MetricsLog:
        return MetricsLog(self.folder / "metrics.jsonl")

    def _refuse_removed(self) -> None:
        if not (self.folder / "run.json").exists():
            raise UserError(f"{self.folder} was removed, or emptied, while it was trained")
