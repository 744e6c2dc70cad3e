"""The processes of a job that torchrun or `bgan-text train --processes` has started, by torch.distributed.

gloo carries what is on CPUs, NCCL what is on GPUs.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from bgan_text.device import choose_device
from bgan_text.errors import UserError
from bgan_text.group import ALONE, Group
from bgan_text.launch import KEPT, end_with_launcher, launch

Result = TypeVar("Result")

LONGEST_WAIT = timedelta(days=7)
"""How long a process waits for another, which may validate or save. One that has ended is noticed at once."""


class LostProcessError(UserError):
    """Another process of the job has ended, so this one cannot go on."""


class Processes(Group):
    """The processes of this job. `joined` makes one.

    Args:
        rank: the number of this process.
        size: how many there are.
        device: where its nets are.
    """

    def __init__(self, rank: int, size: int, device: torch.device) -> None:
        self.rank, self.size, self.device = rank, size, device

    def sum(self, tensor: Tensor) -> Tensor:
        result = tensor.detach().clone(memory_format=torch.contiguous_format)
        _heard(lambda: dist.all_reduce(result))
        return result

    def mean(self, tensor: Tensor) -> Tensor:
        result = tensor.detach().clone(memory_format=torch.contiguous_format)
        self.average(result)
        return result

    def average(self, tensor: Tensor) -> None:
        if tensor.is_cuda:
            _heard(lambda: dist.all_reduce(tensor, dist.ReduceOp.AVG))
        else:  # gloo has no mean
            _heard(lambda: dist.all_reduce(tensor))
            tensor.div_(self.size)

    def gathered(self, tensor: Tensor) -> Tensor:
        own = tensor.detach().contiguous()
        found = [torch.empty_like(own) for _ in range(self.size)]
        _heard(lambda: dist.all_gather(found, own))
        return torch.stack(found)

    def copied(self, tensor: Tensor) -> Tensor:
        result = tensor.detach().clone(memory_format=torch.contiguous_format)
        _heard(lambda: dist.broadcast(result, 0))
        return result

    def decided(self, number: float) -> float:
        told = torch.tensor([number], dtype=torch.float64)
        _heard(lambda: dist.broadcast(told, 0))
        return float(told)

    def told(self, value: Any) -> Any:
        values = [value]
        _heard(lambda: dist.broadcast_object_list(values, 0, device=torch.device("cpu")))
        return values[0]


def _heard(collective: Callable[[], Result]) -> Result:
    try:
        return collective()
    except RuntimeError as error:
        raise LostProcessError(f"another process of the training has ended; {KEPT}") from error


def is_started() -> bool:
    """Whether this process is one of several that torchrun, or `bgan_text.launch`, has started."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


def launched(count: int) -> int | None:
    """Run this command again as several processes, unless it is one of them.

    Returns:
        The exit code; None if this process shall do the work, alone or as one of several.

    Raises:
        UserError: a process has ended that could not say why, or torchrun has started another number.
    """
    if not is_started():
        return None if count == 1 else launch([sys.executable, "-m", "bgan_text.cli", *sys.argv[1:]], count)
    if count not in (1, size := int(os.environ["WORLD_SIZE"])):
        raise UserError(f"`processes` {count}: torchrun has started {size}, so leave the option out")
    return None


@contextmanager
def joined(device: str) -> Iterator[tuple[Group, torch.device]]:
    """The processes of this job, and the device of this one; a process that was started alone stays alone.

    Args:
        device: auto, cpu, cuda or cuda:N. With several processes each has a GPU of its own, by its number.

    Raises:
        UserError: there is no such device.
    """
    if not is_started():
        yield ALONE, choose_device(device)
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    end_with_launcher()
    if rank:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # process 0 says when training ends
    with _silent_unless(rank == 0, UserError):
        chosen = _own_device(device)
    with _silent_unless(rank == 0, LostProcessError):
        backend = "gloo" if chosen.type == "cpu" else "cpu:gloo,cuda:nccl"
        _heard(lambda: dist.init_process_group(backend, timeout=LONGEST_WAIT))
        yield Processes(rank, size, chosen), chosen
    dist.destroy_process_group()  # not after an exception: the others may be gone


@contextmanager
def _silent_unless(speaks: bool, error: type[UserError]) -> Iterator[None]:
    """End this process without a word where process 0 tells the same, or why it has ended.

    At once, since threads of gloo that wait for a process which is gone would complain on standard error.
    """
    try:
        yield
    except error:
        if speaks:
            raise
        os._exit(1)


def _own_device(name: str) -> torch.device:
    if name.startswith("cuda:"):
        raise UserError(f"`device` {name}: each of several processes has a GPU of its own, so say cuda")
    chosen = choose_device(name)
    if chosen.type == "cpu":
        return chosen
    here, count = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
    if here > count:
        raise UserError(f"`processes` {here}: each needs a GPU of its own, and this machine has {count}")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device
