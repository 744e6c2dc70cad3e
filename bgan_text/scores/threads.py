"""Number of threads for small computations."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to a single CPU thread within the context.

    With several threads, an operation of a few milliseconds waits for the slowest thread. On a busy machine
    this takes up to thirty times as long as a single thread.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
