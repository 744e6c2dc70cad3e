"""What is said to a program and what it says, in bounded memory: `communicate` keeps whatever is printed."""

import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO

PIECE = 1 << 16
POLL = 0.05
"""Seconds after which it is looked whether the program has printed too much."""
REMEMBERED = 1 << 16
"""The last bytes of standard error that are kept."""


class Talk:
    """Writes to a running program and reads what it prints, until it ends or prints too much.

    Args:
        process: with pipes for standard input, output and error.
        lines: what it reads.
        most: bytes that it may print; where it prints more, `endless` is true and it is not read any further.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", lines: bytes, most: int) -> None:
        self._process, self._most = process, most
        self._out, self._err = bytearray(), bytearray()
        self.endless = False
        self._enough = threading.Event()
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._threads = [
            threading.Thread(target=_write, args=(process.stdin, lines), daemon=True),
            threading.Thread(target=self._read, args=(process.stdout, self._keep), daemon=True),
            threading.Thread(target=self._read, args=(process.stderr, self._remember), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait(self, timeout: float) -> bool:
        """Whether the program has ended within `timeout` seconds, and all that it printed is read."""
        end = time.monotonic() + timeout
        for thread in self._threads[1:]:
            while thread.is_alive() and not self._enough.is_set() and time.monotonic() < end:
                thread.join(min(POLL, max(0.0, end - time.monotonic())))
        if self._enough.is_set() or any(thread.is_alive() for thread in self._threads[1:]):
            return False
        try:
            self._process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def printed(self) -> bytes:
        """What the program wrote to standard output."""
        return bytes(self._out)

    def last_words(self) -> bytes:
        """The end of what it wrote to standard error."""
        return bytes(self._err)

    def _read(self, pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
        with suppress(OSError, ValueError):  # the pipe is closed when the program is killed
            while not self._enough.is_set() and (piece := pipe.read1(PIECE)):  # type: ignore[attr-defined]
                take(piece)

    def _keep(self, piece: bytes) -> None:
        self._out += piece
        if len(self._out) > self._most:
            self.endless = True
            self._enough.set()

    def _remember(self, piece: bytes) -> None:
        self._err += piece
        del self._err[:-REMEMBERED]


def _write(pipe: IO[bytes], lines: bytes) -> None:
    with suppress(OSError, ValueError), pipe:  # a program need not read all
        pipe.write(lines)
