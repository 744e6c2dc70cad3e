"""Samples of a generator as tensors."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from bgan_text.models.sampling import counted
from bgan_text.out_of_memory import out_of_memory
from bgan_text.space import Space, TokenSpace

SAMPLING_BATCH = 256


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
    for rows in drawn_rows(generator, count, seed, device, temperature):
        yield ended(rows, generator.space)


@torch.no_grad()
def drawn_rows(
    generator: Any, count: int, seed: int, device: torch.device, temperature: float = 1.0
) -> Iterator[Tensor]:
    """What `sample_rows` yields, with the tokens behind an end token as they were drawn.

    A discriminator of whole samples has seen such samples in training, so it scores them.
    """
    rng = torch.Generator(device).manual_seed(seed)
    for start in range(0, count, SAMPLING_BATCH):
        with out_of_memory("while samples are drawn", "this generator needs a machine with more of it"):
            noise = torch.randn(SAMPLING_BATCH, generator.noise, device=device, generator=rng)
            rows: Tensor = generator(noise).sample(1, rng, temperature)[0]
        yield rows[: count - start].cpu()


def ended(rows: Tensor, space: Space) -> Tensor:
    """Samples whose tokens behind the end token are the end token too; other samples as they are."""
    if not isinstance(space, TokenSpace) or space.end is None:
        return rows
    return rows.masked_fill(~counted(rows, space.end), space.end)
