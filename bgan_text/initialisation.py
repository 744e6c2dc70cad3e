"""Initial weights that follow from a seed, and nets without any."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

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


@contextmanager
def without_memory() -> Iterator[None]:
    """Let nets that are made in the block have shapes and types alone, on torch's meta device.

    Example:
        >>> with without_memory():
        ...     net = torch.nn.Linear(10**9, 10**9)
        >>> net.weight.shape
        torch.Size([1000000000, 1000000000])
    """
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    """Draws no normal numbers: on the meta device torch loads its compiler for them, for most of a second."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if function in (Tensor.normal_, nn.init.normal_):
            return args[0] if args else named["tensor"]
        return function(*args, **named)
