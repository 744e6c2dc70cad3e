"""Samples drawn by several processes, each of which draws blocks of them."""

import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any

import torch

from bgan_text.errors import UserError
from bgan_text.sampling_blocks import Block, BlockSampler, blocks_of
from bgan_text.sampling_options import SamplingOptions
from bgan_text.training.run import RunFolder

AHEAD = 4
"""Blocks that are drawn or wait for their turn, for each process: what memory depends on, not the count."""

_opened: tuple[Any, ...] = ()
"""What a process that draws was begun with."""


def blocks_by_processes(
    run: RunFolder, options: SamplingOptions, device: torch.device, count: int, size: int
) -> Iterator[Block]:
    """Blocks of `count` samples in their order, drawn by `options.processes` processes.

    Each process opens the run by itself. They end with the iterator.

    Args:
        run: the run folder.
        options: which samples, and how many processes.
        device: where the nets of each process run.
        count: the number of samples.
        size: samples of a whole block.

    Raises:
        UserError: a process has ended before its work.
    """
    assert options.processes is not None
    pool = ProcessPoolExecutor(
        options.processes, get_context("spawn"), _begin, (run.folder, run.parts, options, device)
    )
    waiting: deque[Future[Block]] = deque()
    try:
        for block, samples in blocks_of(count, size):
            waiting.append(pool.submit(_draw, block, samples))
            if len(waiting) == AHEAD * options.processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            f"one of {options.processes} `processes` that draw samples has ended before its work: it was "
            "killed, or there is not enough memory for so many; in a script of yours the call has to stand "
            'under `if __name__ == "__main__"`'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def refuse_unsendable(run: RunFolder) -> None:
    """Raise a `UserError` if parts of the user's cannot be sent to another process."""
    try:
        pickle.dumps(run.parts)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UserError(
            f"`processes` needs parts of your own that another process can import, from a module: {error}"
        ) from error


def _begin(*opened: Any) -> None:
    """Begin a process that draws. What the sampler may refuse is told by the first block."""
    global _opened
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that writes ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _opened = opened


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)  # it was killed, and nobody takes the blocks


@cache
def _sampler() -> BlockSampler:
    folder, parts, options, device = _opened
    return BlockSampler(RunFolder(folder, parts), options, device)


def _draw(block: int, samples: int) -> Block:
    return _sampler().draw(block, samples)
