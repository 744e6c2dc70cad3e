"""Samples drawn by several processes, each of which draws blocks of them."""

import pickle
from collections.abc import Iterator
from functools import lru_cache

import torch

from bgan_text.corpora.worker_pool import EndedError, Workers
from bgan_text.errors import UserError
from bgan_text.sampling_blocks import Block, BlockSampler, blocks_of
from bgan_text.sampling_options import SamplingOptions
from bgan_text.training.exported import open_run
from bgan_text.training.run import RunFolder


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
    opened = pickle.dumps((run.folder.absolute(), run.parts, options, device))
    with Workers(options.processes) as workers:
        try:
            yield from workers.map(_draw, ((opened, *block) for block in blocks_of(count, size)))
        except EndedError as error:
            raise UserError(
                f"one of {options.processes} `processes` that draw samples has ended before its work: it was "
                "killed, or there is not enough memory for so many"
            ) from error


def refuse_unsendable(run: RunFolder) -> None:
    """Raise a `UserError` if parts of the user's cannot be sent to another process."""
    wanted = "`processes` needs parts of your own that another process can import, from a module"
    try:
        sent = pickle.dumps(run.parts)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise UserError(f"{wanted}: {error}") from error
    if b"__main__" in sent:
        raise UserError(f"{wanted}: they are from the script that is running or from a notebook")


def _draw(opened: bytes, block: int, samples: int) -> Block:
    return _sampler(opened).draw(block, samples)


@lru_cache(maxsize=1)
def _sampler(opened: bytes) -> BlockSampler:
    folder, parts, options, device = pickle.loads(opened)
    return BlockSampler(open_run(folder, parts), options, device)
