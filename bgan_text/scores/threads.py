"""How many threads the small computations of scores use."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use a single thread of the CPU inside.

    With more, an operation of a few milliseconds waits for the last of them: on a machine that does
    something else as well, thirty times as long as it takes one thread.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
