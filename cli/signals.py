"""Ctrl-C and SIGTERM end a training after the step in progress."""

import os
import shlex
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from types import FrameType

from bgan_text.cli.console import say, talk
from bgan_text.training.callbacks import Callback
from bgan_text.training.loop import Training

STOPPING = "Stopping after this step, which is saved and evaluated. Once more: stop at once."
GRACE = 1.0
"""Seconds after which a second signal ends a process whose main thread is busy outside Python."""


@dataclass
class Interruption:
    """The signal that arrived; None if there was none. And whether it was answered."""

    signal: int | None = None
    answered: bool = False


@contextmanager
def stopping_on_signals(stop: Callable[[], None], interruption: Interruption) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM while the block runs; the previous handlers come back after it.

    It says so at once. A second signal interrupts the block, or ends the process if the block is in the
    middle of a long computation, in which Python calls no handlers.

    Args:
        stop: ends the work in order.
        interruption: keeps the signal that arrived.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if interruption.signal is not None:
            raise KeyboardInterrupt
        interruption.signal = number
        stop()

    with _answering(interruption):
        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def _answering(interruption: Interruption) -> Iterator[None]:
    """Answer signals from another thread: the main one may be busy, or in the middle of a write."""
    receiving, sending = socket.socketpair()
    sending.setblocking(False)
    ended = Event()

    def answer() -> None:
        while received := receiving.recv(1):
            if not interruption.answered:
                interruption.answered = True
                say(STOPPING)
            elif not ended.wait(GRACE):
                talk().show_cursor()
                say("Interrupted.")
                os._exit(128 + received[0])

    thread = Thread(target=answer, daemon=True)
    before = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        ended.set()
        sending.close()
        thread.join()
        receiving.close()


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
