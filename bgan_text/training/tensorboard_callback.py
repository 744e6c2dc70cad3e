"""The curves of a run in TensorBoard."""

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgan_text.training.tracking import (
    SAMPLES,
    VALIDATION,
    Tracker,
    own_folder,
    refuse_without,
    settings_of,
)

if TYPE_CHECKING:
    from bgan_text.training.loop import Training

FOLDER = "tensorboard"
EVENTS = re.compile(r"events\.out\.tfevents\.(\d+)\..*")
"""The files of a folder, with the second that each was begun in."""
LONGEST_WAIT = 2.0


class TensorBoard(Tracker):
    """Writes events for TensorBoard: numbers, samples of text, grids of images, and the settings.

    A run that is resumed goes on with its curves: what it had logged after its last checkpoint is replaced.

    Args:
        folder: where; None for `tensorboard` in the run folder.

    Raises:
        UserError: TensorBoard is not installed.

    Example:
        >>> run = train("data/poems", steps=3, out="runs/watched", callbacks=[TensorBoard()])
        >>> [path.name[:19] for path in Path("runs/watched/tensorboard").iterdir()]
        ['events.out.tfevents']
    """

    title = "TensorBoard"

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        refuse_without("tensorboard", self.title, "tensorboard")
        self.folder = None if folder is None else Path(folder)
        self._writer: Any = None

    def open(self, training: "Training") -> bool:
        from torch.utils.tensorboard import SummaryWriter

        folder = own_folder(training, FOLDER) if self.folder is None else self.folder
        begun = _seconds(folder)
        if begun:
            _wait_after(max(begun))
        purged = training.first_step + 1 if begun else None
        self._writer = SummaryWriter(str(folder), purge_step=purged)
        if not begun:
            self._settings(training)
        return not begun

    def _settings(self, training: "Training") -> None:
        """Settings for the tab of hyperparameters, beside the score that decides which checkpoint is best."""
        from torch.utils.tensorboard.summary import hparams

        settings = {
            name: value if isinstance(value, bool | int | float | str) else str(value)
            for name, value in settings_of(training).items()
        }
        for summary in hparams(settings, {f"{VALIDATION}/{training.evaluations.score}": 0.0}):
            self._writer.file_writer.add_summary(summary)

    def numbers(self, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()  # so that a run that is killed has lost no more than its metrics

    def texts(self, step: int, samples: Iterable[str]) -> None:
        # Four spaces make Markdown show a line as it is.
        self._writer.add_text(SAMPLES, "\n".join(f"    {sample}" for sample in samples), step)
        self._writer.flush()

    def image(self, step: int, path: Path) -> None:
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        self._writer.add_image(SAMPLES, pixels, step, dataformats="HWC")
        self._writer.flush()

    def close(self, training: "Training") -> None:
        if self._writer is not None:
            self._writer.close()


def _seconds(folder: Path) -> list[int]:
    """When the files of events in a folder were begun."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(found[1]) for found in map(EVENTS.fullmatch, names) if found]


def _wait_after(second: int) -> None:
    """TensorBoard reads files in the order of their names, which begin with the second."""
    end = time.monotonic() + LONGEST_WAIT
    while int(time.time()) <= second and time.monotonic() < end:
        time.sleep(0.05)
