"""Ctrl-C and a polite kill end the training in progress, and the command after it."""

import shlex
import signal
import sys
from types import FrameType
from typing import Any

from bgan_text.cli.console import say


class StopOnSignal:
    """A training callback: SIGINT and SIGTERM stop the training after the step in progress.

    `signal`: the number of the signal that arrived; None if there was none. Outside of trainings the
    handlers are those that were there before.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, training: Any) -> None:
        """Take over the signals."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.signal = number
            training.stop()

        self._before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def on_train_end(self, training: Any) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}


def say_interrupted() -> None:
    """Say how to go on."""
    say(f"Interrupted. Go on with: {shlex.join(['bgan-text', *sys.argv[1:]])}")
