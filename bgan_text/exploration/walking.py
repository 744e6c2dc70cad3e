"""From the noise of one seed to that of another, with the same random numbers of the draws at every place.

Shapes: W samples that walk, Z noise size, B noise vectors that go through the generator together.
"""

from typing import Any

import torch
from torch import Tensor

from bgan_text.errors import UserError
from bgan_text.exploration.options import SPHERICAL, WalkOptions
from bgan_text.out_of_memory import out_of_memory
from bgan_text.training.samples import block_stream, ended, rows_at_a_time

NEARLY_PARALLEL = 1e-4
"""The sine of an angle below which an arc is a straight line, up to rounding."""


def between(first: Tensor, second: Tensor, share: float, way: str) -> Tensor:
    """Noise on the way from one to the other.

    A straight line between two normal vectors passes through vectors that are too short to be normal, and
    the generator has hardly seen such. The spherical way keeps their length: with the angle a between the
    two, it is sin((1 - t) a) / sin(a) of the first and sin(t a) / sin(a) of the second (White, "Sampling
    generative networks", 2016).

    Args:
        first: (B, Z), where the way begins.
        second: (B, Z), where it ends.
        share: t, 0 at the beginning and 1 at the end. There the noise is exactly that of the end.
        way: "spherical" or "linear".

    Returns:
        (B, Z).

    Example:
        >>> first, second = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> between(first, second, 0.5, "spherical")
        tensor([[0.7071, 0.7071]])
        >>> between(first, second, 0.5, "linear")
        tensor([[0.5000, 0.5000]])
    """
    if share in (0.0, 1.0):
        return second if share else first
    straight = torch.lerp(first, second, share)
    if way != SPHERICAL:
        return straight
    a, b = first.double(), second.double()
    cosine = (a * b).sum(dim=1, keepdim=True) / (a.norm(dim=1, keepdim=True) * b.norm(dim=1, keepdim=True))
    angle = cosine.clamp(-1.0, 1.0).arccos()
    sine = angle.sin()
    arc = ((1.0 - share) * angle).sin() / sine * a + (share * angle).sin() / sine * b
    return torch.where(sine.abs() > NEARLY_PARALLEL, arc.to(first.dtype), straight)


@torch.no_grad()
def walk(generator: Any, options: WalkOptions, device: torch.device) -> list[Tensor]:
    """The samples at each place of a walk.

    Sample i walks from the noise of sample i of the first seed to that of sample i of the second one, as
    `bgan-text sample` draws them. At each place the draws take the same random numbers, those of
    `draw_seed`. So the first place has the samples of the first seed if that is the seed of the draws, and
    the last place those of the second seed if it is that one.

    Args:
        generator: in evaluation mode.
        options: the walk.
        device: where the generator is.

    Returns:
        One tensor a place, on the CPU: (W, L) int64 tokens, or (W, channels, height, width) float32 pixels.

    Raises:
        UserError: so many samples of this generator do not go through it together.
    """
    batch = rows_at_a_time(generator)
    if options.count > batch:
        raise UserError(f"`count` {options.count}: of this generator at most {batch} samples walk together")
    draw_seed = options.first if options.draw_seed is None else options.draw_seed

    def noise_of(rng: torch.Generator) -> Tensor:
        return torch.randn(batch, generator.noise, device=rng.device, generator=rng)

    first, second = (noise_of(block_stream(seed, 0, device)) for seed in (options.first, options.second))
    found = []
    for place in range(options.places):
        noise = between(first, second, place / (options.places - 1), options.way)
        rng = block_stream(draw_seed, 0, device)
        noise_of(rng)  # the draws of a sample come after its noise
        with out_of_memory("on a walk", "this generator needs a machine with more of it"):
            rows: Tensor = generator(noise).sample(1, rng, options.temperature)[0]
        found.append(ended(rows[: options.count].cpu(), generator.space))
    return found


def shares(places: int) -> list[float]:
    """How far along the way each place is.

    Example:
        >>> shares(3)
        [0.0, 0.5, 1.0]
    """
    return [place / (places - 1) for place in range(places)]
