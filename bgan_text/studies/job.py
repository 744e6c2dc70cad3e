"""A process that trains one run of a study: `python -m bgan_text.studies.job`.

It is told which run on its standard input, and tells how far it is on its standard output, as one JSON object
on each line. SIGTERM ends the training after the step in progress, which is saved, or the process at once
where training has not begun. The end of the process that started it ends it at once.
"""

import json
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from bgan_text.allocator import keep_freed_memory
from bgan_text.corpora.dataset_directory import DatasetDirectory
from bgan_text.errors import UserError
from bgan_text.launch import end_with_launcher
from bgan_text.reporter import Reporter
from bgan_text.studies.planned_run import PlannedRun
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training
from bgan_text.training.trainer import StepReport

MESSAGE, WARNING, SHARE, ERROR = "message", "warning", "share", "error"
"""What a line tells: a text for the reporter, the share that is done, or why the run cannot be trained."""
INTERVAL = 1.0
"""Seconds between two shares."""


def tell(kind: str, value: Any) -> None:
    """Write a line."""
    sys.stdout.write(json.dumps({kind: value}) + "\n")
    sys.stdout.flush()


class Telling(Reporter):
    """Passes on what it hears."""

    def message(self, text: str) -> None:
        tell(MESSAGE, text)

    def warning(self, text: str) -> None:
        tell(WARNING, text)


class Watching(Callback):
    """Tells how far a training is, and stops it on SIGTERM."""

    def __init__(self) -> None:
        self._told = 0.0

    def on_train_start(self, training: Training) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            training.stop()

        signal.signal(signal.SIGTERM, stop)

    def on_step_end(self, training: Training, report: StepReport) -> None:
        if time.monotonic() - self._told >= INTERVAL:
            self._told = time.monotonic()
            tell(SHARE, training.share_done())


def main() -> None:
    """Train the run that is described on the first line of standard input."""
    told = json.loads(sys.stdin.buffer.readline())
    end_with_launcher()
    keep_freed_memory()
    run = PlannedRun(told["name"], told["options"], Path(told["folder"]), told["images"])
    try:
        dataset = DatasetDirectory(Path(told["data"]))
        run.train(dataset, device=told["device"], callbacks=[Watching()], reporter=Telling())
    except UserError as error:
        tell(ERROR, str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
