"""A run folder: everything a trained model is, safe to receive from a stranger.

    RUN/run.json                         settings, space, data signature, versions
    RUN/tokenizer.json | tokenizer.model
    RUN/checkpoint-000001000.safetensors the last two are kept
    RUN/metrics.jsonl                    one JSON object per line
    RUN/palette.json, RUN/grids/*.png    of images: the colours in place of a tokenizer, and samples

Nothing in it is ever unpickled.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import filelock
import torch
from torch import Tensor, nn

from bgan_text import __version__
from bgan_text.config import Config
from bgan_text.errors import UserError
from bgan_text.files import read_json, write_atomically, write_json
from bgan_text.models.sampling import counted
from bgan_text.space import Space, TokenSpace, is_image, space_from_json, space_to_json
from bgan_text.training.checkpoint import load_checkpoint, load_generator, save_checkpoint
from bgan_text.training.state import State

Loaded = TypeVar("Loaded")

FORMAT = 4
DATA_KEYS = ("folder", "corpus", "signature", "tokenizer")
"""What a run says of the data it was trained on."""
KEPT = 2
"""How many checkpoints stay in a run folder."""
SAMPLING_BATCH = 256
GRIDS = "grids"
"""The folder of images of samples, one for each look, always of the same noise."""


class RunFolder:
    """An existing run folder. `data` says what it was trained on; its `folder` is relative to the run's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not (folder / "run.json").exists():
            raise UserError(f"{folder} is not a run folder: it has no run.json")
        card = read_json(folder / "run.json")
        try:
            if card["format"] > FORMAT:
                raise UserError(
                    f"{folder} was written by bgan-text {card['version']} in format {card['format']}: "
                    f"this version {__version__} reads up to {FORMAT}; upgrade it"
                )
            self.config = Config.from_json(_settings_of(card["format"], card["settings"]))
            self.space = space_from_json(card["space"])
            self.data: dict[str, str] = {key: str(card["data"][key]) for key in DATA_KEYS}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{folder / 'run.json'} is damaged: {error}") from error

    @classmethod
    def create(
        cls,
        folder: Path,
        config: Config,
        space: Space,
        data: Mapping[str, str],
        files: Mapping[str, bytes],
    ) -> "RunFolder":
        """Start a run folder; `files` (the tokenizer) are stored as they are.

        Raises:
            UserError: there is a run in the folder, or another process is making one.
        """
        run = cls.__new__(cls)
        run.folder, run.config, run.space, run.data = folder, config, space, dict(data)
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            if (folder / "run.json").exists():
                raise UserError(
                    f"{folder} holds a run already: --resume goes on with it, or name another --run"
                )
            for name, content in files.items():
                write_atomically(folder / name, content)
            run.write_card()
        return run

    @property
    def images(self) -> bool:
        """Whether the samples are images, not text."""
        return is_image(self.space)

    def data_folder(self) -> Path:
        """Where the dataset directory was, seen from the working folder: both may have moved together."""
        return Path(os.path.relpath(self.folder / self.data["folder"]))

    def write_card(self) -> None:
        """Write run.json anew."""
        write_json(
            self.folder / "run.json",
            {
                "format": FORMAT,
                "version": __version__,
                "settings": self.config.to_json(),
                "space": space_to_json(self.space),
                "data": self.data,
            },
        )

    def checkpoints(self) -> dict[int, Path]:
        """The steps that can be loaded, ascending."""
        found = {}
        for path in sorted(self.folder.glob("checkpoint-*.safetensors")):
            digits = path.stem.removeprefix("checkpoint-")
            if digits.isdecimal():
                found[int(digits)] = path
        return found

    def save(self, state: State) -> None:
        """Write a checkpoint, then remove all but the last `KEPT`."""
        save_checkpoint(self.folder / f"checkpoint-{state.step:09d}.safetensors", state)
        for path in list(self.checkpoints().values())[:-KEPT]:
            path.unlink()

    def state(self, device: torch.device) -> tuple[State, str]:
        """The training state of the last checkpoint, or a fresh one where there is none yet.

        Returns:
            The state, and the kind of device that it was trained on before.
        """
        state = State.fresh(self.config, self.space, device)
        checkpoints = self.checkpoints()
        if not checkpoints:
            return state, device.type
        return state, self._load(max(checkpoints), lambda path: load_checkpoint(path, state))

    def generator(self, device: torch.device, *, step: int | None = None, average: bool = True) -> nn.Module:
        """The generator to sample from, in evaluation mode.

        Args:
            device: where to put it.
            step: which checkpoint; the last one unless given.
            average: the weight average, or the weights of that very step.
        """
        checkpoints = self.checkpoints()
        if not checkpoints:
            raise UserError(f"{self.folder} has no checkpoint yet: nothing was trained or saved")
        if step is not None and step not in checkpoints:
            raise UserError(
                f"{self.folder} has no checkpoint of step {step}: it has {', '.join(map(str, checkpoints))}"
            )
        return self._load(
            max(checkpoints) if step is None else step,
            lambda path: load_generator(path, self.config, self.space, device, average=average),
        )

    def _load(self, step: int, load: Callable[[Path], Loaded]) -> Loaded:
        checkpoints = self.checkpoints()
        try:
            return load(checkpoints[step])
        except UserError as error:
            others = [str(other) for other in checkpoints if other != step]
            if not others:
                raise
            raise UserError(
                f"{error}; the checkpoint of step {' and '.join(others)} is still there: "
                f"remove the damaged file to go back to it"
            ) from error

    def append_metrics(self, row: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        with (self.folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, up to the first that is not whole, as a kill may leave it."""
        path = self.folder / "metrics.jsonl"
        rows: list[dict[str, Any]] = []
        if path.exists():
            for line in path.read_bytes().split(b"\n"):
                try:
                    row = json.loads(line)
                except ValueError:  # bytes that are no UTF-8 and text that is no JSON alike
                    break
                if not isinstance(row, dict) or not isinstance(row.get("step"), int):
                    break
                rows.append(row)
        return rows

    def rewind(self, step: int) -> None:
        """Forget the lines of metrics.jsonl and the grids after `step`, which a resumed run makes again."""
        for grid in (self.folder / GRIDS).glob("*.png"):
            if grid.stem.isdecimal() and int(grid.stem) > step:
                grid.unlink()
        rows = [row for row in self.metrics() if row["step"] <= step]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_atomically(self.folder / "metrics.jsonl", text.encode())


def _settings_of(form: int, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Settings with those that runs of an earlier format were made with before there was an option."""
    if form >= 2:
        return settings
    return {"baseline": "mean" if settings["objective"] == "reinforce" else "none", **settings}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder against a second training; the system frees it if this process dies.

    Raises:
        UserError: another process holds it.
    """
    lock = filelock.FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError(
            f"{folder} is in use by another training: wait for it, or name another folder"
        ) from error
    try:
        for unfinished in folder.glob(".*.tmp"):  # of a process that was killed while it wrote
            unfinished.unlink()
        yield
    finally:
        lock.release()


@torch.no_grad()
def sample_rows(
    generator: Any, count: int, seed: int, device: torch.device, temperature: float = 1.0
) -> Iterator[Tensor]:
    """Independent samples, one draw per noise vector, in batches of (<= 256, L) int64 rows.

    Or of (<= 256, channels, height, width) float32 images.

    What a generator drew behind the end of a sequence is replaced by the end.

    Sample i follows from the seed and i alone: asking for more gives the same ones first.
    """
    rng = torch.Generator(device).manual_seed(seed)
    for start in range(0, count, SAMPLING_BATCH):
        noise = torch.randn(SAMPLING_BATCH, generator.noise, device=device, generator=rng)
        rows: Tensor = generator(noise).sample(1, rng, temperature)[0]
        if isinstance(generator.space, TokenSpace) and generator.space.end is not None:
            rows = rows.masked_fill(~counted(rows, generator.space.end), generator.space.end)
        yield rows[: count - start].cpu()
