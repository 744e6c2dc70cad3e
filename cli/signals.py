"""Ctrl-C and SIGTERM end a training after the step in progress."""

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType

from bgan_text.cli.console import say
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training


@dataclass
class Interruption:
    """The signal that arrived; None if there was none."""

    signal: int | None = None


@contextmanager
def stopping_on_signals(stop: Callable[[], None], interruption: Interruption) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM while the block runs; the previous handlers come back after it.

    Args:
        stop: ends the work in order.
        interruption: keeps the signal that arrived.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        interruption.signal = number
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopOnSignal(Callback):
    """Stops each training of a study that a signal arrives in.

    Between two trainings the previous handlers are in force.
    """

    def __init__(self) -> None:
        self.interruption = Interruption()
        self._handlers = ExitStack()

    @property
    def signal(self) -> int | None:
        """The number of the signal that arrived; None if there was none."""
        return self.interruption.signal

    def on_train_start(self, training: Training) -> None:
        self._handlers.enter_context(stopping_on_signals(training.stop, self.interruption))

    def on_train_end(self, training: Training) -> None:
        self._handlers.close()


def say_interrupted() -> None:
    """Say how to continue."""
    say(f"Interrupted. Go on with: {shlex.join(['bgan-text', *sys.argv[1:]])}")
