"""Number of threads for small computations."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_LOCK = threading.Lock()
_users, _threads = 0, 1  # torch counts threads per process, so overlapping contexts must be counted


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to a single CPU thread within the context.

    With several threads, an operation of a few milliseconds waits for the slowest thread. On a busy machine
    this takes up to thirty times as long as a single thread.
    """
    global _users, _threads
    with _LOCK:
        if _users == 0:
            _threads = torch.get_num_threads()
            torch.set_num_threads(1)
        _users += 1
    try:
        yield
    finally:
        with _LOCK:
            _users -= 1
            if _users == 0:
                torch.set_num_threads(_threads)
