"""Start a command again as several processes on this machine, and end them together.

torchrun does the same on one machine or several. It stops its processes within 30 seconds of a signal, which
may cut off the validation and the checkpoint at the end of a training. Here process 0 gets the signal, ends
the training in order, and tells the others.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import torch.distributed as dist

from bgan_text.errors import UserError
from bgan_text.processors import available_processors

POLL = 0.1
"""Seconds between two looks at the processes."""
GRACE = 10.0
"""Seconds in which process 0 may say that another one has ended, and the others may end after it."""
Process = subprocess.Popen[bytes]
ADDRESS = "127.0.0.1"
KEPT = "the last checkpoint is kept, `resume` goes on from it"
LAUNCHED = "BGAN_TEXT_LAUNCHED"
"""Set in processes that `launch` has started: their standard input ends with it."""


def environments(count: int, port: int) -> list[dict[str, str]]:
    """The environment variables of each of so many processes, as torchrun sets them.

    Args:
        count: how many.
        port: of the store where they meet, which this process holds.
    """
    threads = max(1, available_processors() // count)
    shared = {
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": ADDRESS,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
    }
    if sys.platform == "linux":  # a machine may not know its own name
        shared["GLOO_SOCKET_IFNAME"] = os.environ.get("GLOO_SOCKET_IFNAME", "lo")
    return [dict(os.environ) | shared | {"RANK": str(n), "LOCAL_RANK": str(n)} for n in range(count)]


def meeting_place() -> Any:
    """A store on a free port, where processes find each other."""
    store: Any = dist.TCPStore(ADDRESS, 0, None, True, wait_for_workers=False)  # type: ignore[attr-defined]
    return store


def launch(command: Sequence[str], count: int) -> int:
    """Run a command as several processes until all have ended.

    Signals go to process 0. If one process ends with an error the others are ended too.

    Args:
        command: the words of the command.
        count: how many processes.

    Returns:
        The exit code of process 0, which has said why if it failed.

    Raises:
        UserError: a process has ended, and process 0 could not say so.
    """
    store = meeting_place()
    started: list[subprocess.Popen[bytes]] = []

    def forward(number: int, frame: FrameType | None) -> None:
        for process in started[:1]:
            with suppress(ProcessLookupError):
                process.send_signal(number)

    handlers = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        for variables in environments(count, store.port):
            # A session of its own: Ctrl-C in a terminal reaches this process alone, which passes it on.
            started.append(
                subprocess.Popen(
                    command,
                    env=variables | {LAUNCHED: "1"},
                    stdin=subprocess.PIPE,
                    start_new_session=True,
                )
            )
        return _outcome(started)
    finally:
        for process in started:
            process.kill()
            process.wait()
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _outcome(started: Sequence[Process]) -> int:
    """Wait for the processes: for all of them, or for a few seconds from the first that fails."""
    first, failed = started[0], None
    while any(process.poll() is None for process in started):
        failed = failed or next((one for one in started if one.returncode), None)
        if failed is not None:
            return _ended(started, failed)
        if first.returncode == 0:
            _wait(started, GRACE)
            break
        time.sleep(POLL)
    failed = next((one for one in started if one.returncode), first)
    return _ended(started, failed)


def _ended(started: Sequence[Process], failed: Process) -> int:
    """Wait a little for process 0 after a process has failed: it says so if it can, and others do not."""
    first = started[0]
    _wait([first], GRACE)
    if first.returncode is not None and first.returncode >= 0:
        return first.returncode
    number = started.index(failed)
    how = f"was ended by signal {-failed.returncode}" if failed.returncode < 0 else "has ended"
    raise UserError(f"process {number} of {len(started)} {how}; {KEPT}")


def _wait(processes: Sequence[Process], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(process.poll() is None for process in processes):
        time.sleep(POLL)


def end_with_launcher() -> None:
    """End this process as soon as the one that launched it has gone, even if that was killed."""
    from threading import Thread

    def watch() -> None:
        with suppress(OSError):
            while os.read(0, 1):
                pass
        os._exit(1)

    if os.environ.get(LAUNCHED):
        Thread(target=watch, daemon=True).start()
