"""Random numbers for the rows of a batch that a process holds.

K processes that train together have the same random stream. Each draws the numbers of the whole batch and
takes those of its rows, so that K processes see what one process would see, and their streams stay equal.
Numbers are cheap beside the nets.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bgan_text.group import ALONE, Group


class SharedGenerator(torch.Generator):
    """The random stream of all processes of a group.

    Args:
        device: of the numbers.
        group: the processes; each has a stream of its own, and all are equal.
    """

    def __new__(cls, device: torch.device, group: Group) -> "SharedGenerator":
        return super().__new__(cls, device)  # type: ignore[call-arg]

    def __init__(self, device: torch.device, group: Group) -> None:
        self.group = group


def group_of(rng: torch.Generator) -> Group:
    """The processes that share a random stream."""
    return rng.group if isinstance(rng, SharedGenerator) else ALONE


def own_rows(
    draw: Callable[[tuple[int, ...]], Tensor], shape: tuple[int, ...], rng: torch.Generator, dim: int = 0
) -> Tensor:
    """The numbers of this process's rows.

    Args:
        draw: shape -> numbers from `rng`.
        shape: of the numbers of this process.
        rng: the stream.
        dim: which dimension counts the rows of the batch.
    """
    group = group_of(rng)
    if group.size == 1:
        return draw(shape)
    whole = (*shape[:dim], shape[dim] * group.size, *shape[dim + 1 :])
    return draw(whole).narrow(dim, group.rank * shape[dim], shape[dim])


def normal(rows: int, width: int, rng: torch.Generator) -> Tensor:
    """Standard normal numbers, (rows, width)."""
    return own_rows(lambda shape: torch.randn(shape, device=rng.device, generator=rng), (rows, width), rng)


def uniform(
    shape: tuple[int, ...], rng: torch.Generator, dim: int = 0, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Uniform numbers in 0 .. 1; `dim` counts the rows of the batch."""

    def draw(whole: tuple[int, ...]) -> Tensor:
        return torch.rand(whole, device=rng.device, generator=rng, dtype=dtype)

    return own_rows(draw, shape, rng, dim)


def exponential_like(tensor: Tensor, rng: torch.Generator) -> Tensor:
    """Standard exponential numbers for the rows of a batch, of the shape and type of (rows, ...) `tensor`."""

    def draw(shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, dtype=tensor.dtype, device=tensor.device).exponential_(generator=rng)

    return own_rows(draw, tuple(tensor.shape), rng)


def multinomial(probabilities: Tensor, draws: int, rng: torch.Generator) -> Tensor:
    """Several draws from each row: (rows, V), float -> (rows, draws) int64."""
    group = group_of(rng)
    if group.size == 1:
        return torch.multinomial(probabilities, draws, replacement=True, generator=rng)
    rows = len(probabilities)
    if rng.device.type != "cpu":
        # What a GPU draws depends on the shape of all that is drawn at once, so it is told the numbers.
        places = uniform((rows, draws), rng)
        ends = probabilities.double().cumsum(dim=1)
        found = torch.searchsorted(ends, places.double() * ends[:, -1:], right=True)
        return found.clamp_(max=probabilities.shape[1] - 1)

    def skip(count: int) -> None:
        """Pass over the numbers that `torch.multinomial` would take for rows of others: one double a draw."""
        torch.empty(count * draws, dtype=torch.float64).uniform_(generator=rng)

    skip(group.rank * rows)
    drawn = torch.multinomial(probabilities, draws, replacement=True, generator=rng)
    skip((group.size - 1 - group.rank) * rows)
    return drawn
