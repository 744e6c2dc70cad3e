"""Samples of a generator as tensors.

Samples are drawn in blocks of `SAMPLING_BATCH`, and the random numbers of a block follow from the seed and
the number of the block alone. Blocks always go through the net in the same way, since products of matrices of
other sizes may be rounded in other ways. So sample i depends only on the seed and on i, and blocks can be
drawn in any order, by any number of processes.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bgan_text.models.sampling import counted
from bgan_text.out_of_memory import out_of_memory
from bgan_text.space import Space, TokenSpace

SAMPLING_BATCH = 256
MOST_LOGITS = 2**26
"""Logits of samples that are drawn together: 256 MiB in float32, of which drawing holds about four."""
SEEDS = 2**32
"""The random numbers of torch on a CPU depend on the lowest 32 bits of a seed only."""
STRIDE = 0x9E3779B9
"""The distance between the seeds of two blocks, an odd number, so that all blocks have different ones."""
CHOICE = 2**31
"""Added to the number of a block for the choice among candidates, which has random numbers of its own."""


def block_seed(seed: int, block: int) -> int:
    """The seed of a block; that of block 0 is the seed itself.

    Example:
        >>> block_seed(5, 0), len({block_seed(5, block) for block in range(1000)})
        (5, 1000)
    """
    return seed // SEEDS * SEEDS + (seed + STRIDE * block) % SEEDS


def block_stream(seed: int, block: int, device: torch.device) -> torch.Generator:
    """The random numbers of a block."""
    return torch.Generator(device).manual_seed(block_seed(seed, block))


def rows_at_a_time(generator: Any) -> int:
    """How many samples go through a generator together: a block, or fewer if their logits are too many.

    A net that draws token by token holds the logits of one position only.
    """
    space = generator.space
    if not isinstance(space, TokenSpace) or hasattr(generator, "step"):
        return SAMPLING_BATCH
    return max(1, min(SAMPLING_BATCH, MOST_LOGITS // (space.positions * space.vocabulary)))


@torch.no_grad()
def sample_rows(
    generator: Any, count: int, seed: int, device: torch.device, temperature: float = 1.0
) -> Iterator[Tensor]:
    """Independent samples, one draw per noise vector.

    Sample i depends only on the seed and on i: a larger `count` starts with the same samples.

    Args:
        generator: a generator in evaluation mode.
        count: the number of samples.
        seed: seed of noise and draws.
        device: where the generator is.
        temperature: divides the logits; below 1 samples are more probable, above 1 more diverse.

    Yields:
        Batches of at most 256 samples on the CPU: (n, L) int64 tokens, where every token after the end token
        is the end token too, or (n, channels, height, width) float32 pixels in -1 .. 1.
    """
    for block, start in enumerate(range(0, count, SAMPLING_BATCH)):
        rng = block_stream(seed, block, device)
        for rows in drawn_rows(generator, min(SAMPLING_BATCH, count - start), rng, temperature):
            yield ended(rows, generator.space)


@torch.no_grad()
def drawn_rows(
    generator: Any, count: int, rng: torch.Generator, temperature: float = 1.0
) -> Iterator[Tensor]:
    """Samples by the random numbers of one stream, with the tokens behind an end token as they were drawn.

    A discriminator of whole samples has seen such samples in training, so it scores them.
    """
    batch = rows_at_a_time(generator)
    for start in range(0, count, batch):
        with out_of_memory("while samples are drawn", "this generator needs a machine with more of it"):
            noise = torch.randn(batch, generator.noise, device=rng.device, generator=rng)
            rows: Tensor = generator(noise).sample(1, rng, temperature)[0]
        yield rows[: count - start].cpu()


def ended(rows: Tensor, space: Space) -> Tensor:
    """Samples whose tokens behind the end token are the end token too; other samples as they are."""
    if not isinstance(space, TokenSpace) or space.end is None:
        return rows
    return rows.masked_fill(~counted(rows, space.end), space.end)
