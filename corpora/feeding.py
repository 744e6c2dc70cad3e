"""Batches on the device that trains: made there from data that it holds, or sent ahead.

A batch is made in two parts. The host chooses it, and gives tensors of a narrow type; the device makes of
them what a step reads. A GPU holds the whole training split where it fits into `SHARE` of its free memory.
The host then sends the places of the rows alone. Else a thread reads the batch of the next step, in pinned
memory, while the device is busy with this one. In both cases the copy waits for nothing.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bgan_text.corpora.token_array import TokenArray
from bgan_text.out_of_memory import is_out_of_memory

SHARE = 0.25
"""The share of a GPU's free memory that the training split may take."""

Made = TypeVar("Made")
Parts = tuple[Tensor, ...]
"""What the host gives for a batch."""
Chosen = Callable[[int, int], Parts]
"""(step, index of the discriminator step) -> what the host gives."""


def fits(size: int, device: torch.device) -> bool:
    """Whether a device has so many bytes to spare; a CPU maps files into memory, and is not asked."""
    if device.type != "cuda":
        return False
    # What torch keeps for new tensors is free to it, too.
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return size <= SHARE * (torch.cuda.mem_get_info(device)[0] + kept)


def held(fill: Callable[[], Tensor], size: int, device: torch.device) -> Tensor | None:
    """What `fill` puts on the device if its `size` in bytes fits; else None."""
    if not fits(size, device):
        return None
    try:
        return fill()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None


def sent(parts: Parts, device: torch.device) -> Parts:
    """The parts on a device; those that are in pinned memory without a wait."""
    return tuple(part.to(device, non_blocking=True) for part in parts)


def pinned(parts: Parts, device: torch.device) -> Parts:
    """The parts where a GPU can read them by itself."""
    return tuple(part.pin_memory() for part in parts) if device.type == "cuda" else parts


class Ahead(Generic[Made]):
    """Batches whose part of the host is made by a thread while the batch before is in use.

    Args:
        choose: makes the part of the host; a pure function.
        make: makes the batch of it on the device.
        device: where.
        each_step: discriminator steps of a step, which say which batch is the next.
    """

    def __init__(
        self, choose: Chosen, make: Callable[[Parts], Made], device: torch.device, each_step: int
    ) -> None:
        self._choose, self._make, self._device, self._each_step = choose, make, device, each_step
        self._thread = ThreadPoolExecutor(1, "batches")
        self._next: tuple[tuple[int, int], Future[Parts]] | None = None

    def _pinned(self, step: int, index: int) -> Parts:
        return pinned(self._choose(step, index), self._device)

    def __call__(self, step: int, index: int) -> Made:
        """The batch of a step and an index; any may be asked for, and the one after it comes at once."""
        before, self._next = self._next, None
        if before is None or before[0] != (step, index):
            before = (step, index), self._thread.submit(self._pinned, step, index)
        parts = before[1].result()
        after = (step, index + 1) if index + 1 < self._each_step else (step + 1, 0)
        self._next = after, self._thread.submit(self._pinned, *after)
        return self._make(sent(parts, self._device))


def on_host(device: torch.device) -> bool:
    """Whether the device reads the memory of the host, so that nothing is sent."""
    return device.type == "cpu"


def fed(
    data: TokenArray,
    choose: Callable[[int, int], tuple[NDArray[np.int64], *Parts]],
    make: Callable[..., Made],
    device: torch.device,
    each_step: int,
) -> Callable[[int, int], Made]:
    """Batches of rows: (step, index) -> a batch.

    Args:
        data: all rows.
        choose: (step, index) -> the places of the rows and further tensors; a pure function.
        make: called with the rows, as they are stored, and these tensors, all on the device.
        device: where the batches are made.
        each_step: how many indices a step has.
    """
    table = held(partial(data.tensor, device), data.tensor_bytes, device)

    def parts(step: int, index: int) -> Parts:
        places, *more = choose(step, index)
        return torch.from_numpy(places if table is not None else data[places]), *more

    def made(given: Parts) -> Made:
        rows, *more = given
        return make(rows if table is None else table.index_select(0, rows), *more)

    def on_this_host(step: int, index: int) -> Made:
        batch = made(parts(step, index))
        if data.is_large:
            data.expect(choose(step + 1, index)[0])
        return batch

    if on_host(device):
        return on_this_host
    if table is not None:
        return lambda step, index: made(sent(pinned(parts(step, index), device), device))
    return Ahead(parts, made, device, each_step)
