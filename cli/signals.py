"""Ctrl-C and a polite kill end a training in order."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Interruption:
    """The signal that arrived, if any."""

    signal: int | None = None


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Call `stop` on SIGINT and SIGTERM while the block runs; the previous handlers come back after it.

    Yields:
        What tells whether a signal arrived.
    """
    interruption = Interruption()

    def handle(number: int, frame: FrameType | None) -> None:
        interruption.signal = number
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
