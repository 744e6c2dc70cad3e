"""Initial weights that follow from a seed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_ONE_AT_A_TIME = threading.Lock()


@contextmanager
def seeded_initialisation(seed: int) -> Iterator[None]:
    """Let the layers that are made in the block draw their weights from a seed.

    Layers initialise from torch's global random stream. It is set here and put back, so that the caller's
    stream stays as it was. One thread at a time may do this, because all threads share the stream.

    Example:
        >>> with seeded_initialisation(1):
        ...     one = torch.nn.Linear(2, 2)
        >>> with seeded_initialisation(1):
        ...     other = torch.nn.Linear(2, 2)
        >>> torch.equal(one.weight, other.weight)
        True
    """
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
