"""Where the program `bgan-text` begins: it answers signals and the state of its streams before all else."""

import os
import sys

try:
    import signal
    from contextlib import suppress
    from types import FrameType
except KeyboardInterrupt:  # no handler of ours is there yet
    os.write(2, b"Interrupted.\n")
    os._exit(130)

SHOW_CURSOR = b"\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM: the number of the signal, and whether the command has told of it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.told = number, False


def exit_code(error: BaseException) -> int:
    """The exit code of a command that was interrupted, and has told so."""
    if not isinstance(error, Interrupted):
        return 128 + int(signal.SIGINT)
    error.told = True
    return 128 + error.number


class _Guard:
    """Ends the process on a signal, with one line.

    A command is interrupted by an exception, so that it removes what is half written. While modules are
    imported, which may take an exception for an error of theirs, and after a first signal, it ends at once.
    """

    def __init__(self) -> None:
        self.at_once = True
        self.raised: Interrupted | None = None

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as of a shell's background jobs
                signal.signal(number, self)
        sys.unraisablehook = self._unraisable

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.at_once or self.raised is not None or _importing(frame):
            self.end(number)
        self.raised = Interrupted(number)
        raise self.raised

    def end(self, number: int) -> None:
        with suppress(OSError):
            os.write(2, (SHOW_CURSOR if os.isatty(2) else b"") + b"Interrupted.\n")
        os._exit(128 + number)

    def end_untold(self) -> None:
        """End where the exception was swallowed, or became another one."""
        if self.raised is not None and not self.raised.told:
            self.end(self.raised.number)

    def _unraisable(self, problem: "sys.UnraisableHookArgs") -> None:
        self.end_untold()
        sys.__unraisablehook__(problem)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def main() -> None:
    """Run the command line as a process of its own."""
    guard = _Guard()
    guard.install()
    from bgan_text.allocator import keep_freed_memory
    from bgan_text.processors import wait_briefly
    from bgan_text.standard_streams import open_streams

    open_streams()
    keep_freed_memory()
    wait_briefly()
    from bgan_text.cli.main import main as run

    guard.at_once = False
    try:
        run()
    finally:
        guard.at_once = True
        guard.end_untold()
