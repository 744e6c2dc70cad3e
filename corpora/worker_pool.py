"""Blocks of a corpus are worked on side by side, in processes of their own, and come back in their order."""

import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from bgan_text.corpora.worker_process import START
from bgan_text.errors import UserError
from bgan_text.processors import available_processors

Result = TypeVar("Result")
FEW = 8
"""Work of fewer blocks is done before further processes have begun."""
AHEAD = 2
"""Tasks for each process that are handed out before the first result is waited for."""

LAST_WORDS = 10
"""Seconds that a process may take to end after its last answer."""


class EndedError(UserError):
    """A worker process ended before its work did."""


class Workers:
    """Processes that do tasks. They are started when there is enough to do, and ended with the `with` block.

    They are no copies of this process, so threads and accelerators that it uses are no danger to them, and
    a script that calls the library needs no guard around its main part.

    Args:
        processes: how many; None for one for each processor that may be used, and none for `FEW` tasks.

    Example:
        >>> with Workers(1) as workers:
        ...     list(workers.map(divmod, [(7, 2), (9, 4)]))
        [(3, 1), (2, 1)]
    """

    def __init__(self, processes: int | None = None) -> None:
        self._few = 0 if processes is not None else FEW
        self._count = available_processors() if processes is None else processes
        self._started: list[subprocess.Popen[bytes]] = []
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._started:
            process.kill()  # what it still does is not wanted, or it waits
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for process in self._started:
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not sent is not wanted
                    if pipe is not None:
                        pipe.close()
            process.wait()
        self._started.clear()

    def map(self, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Result]:
        """The results of a function of the module level for tasks, its arguments, in their order.

        Raises:
            EndedError: a worker was ended, as the system does where memory is short.
            Exception: what the function raised first.
        """
        left = iter(tasks)
        first = [] if self._started else list(islice(left, self._few))
        if self._count == 1 or not sys.executable or (not self._started and len(first) < self._few):
            for task in chain(first, left):
                yield function(*task)
            return
        yield from self._side_by_side(function, chain(first, left))

    def _side_by_side(
        self, function: Callable[..., Result], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Result]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count)
            for _ in range(self._count):
                self._start()
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(self._threads.submit(self._done, function, task))
            if len(waiting) > AHEAD * self._count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _start(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for this process, which ends the others
        )
        self._started.append(process)
        self._idle.put(process)
        assert process.stdin is not None
        process.stdin.write(pickle.dumps(sys.path))

    def _done(self, function: Callable[..., Result], task: tuple[Any, ...]) -> Result:
        """The result of one task, from whichever process is free."""
        process = self._idle.get()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(pickle.dumps((function, task)))
            process.stdin.flush()
            failed, answer = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise EndedError(
                f"a worker process ended ({_end_of(process)}): if memory is short, lower `processes`"
            ) from error
        finally:
            self._idle.put(process)
        if failed:
            raise answer
        result: Result = answer
        return result


def _end_of(process: "subprocess.Popen[bytes]") -> str:
    try:
        code = process.wait(timeout=LAST_WORDS)
    except subprocess.TimeoutExpired:
        return "it answered what no worker answers"
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
