"""The processes that train one run together, and what they tell each other.

Each of K processes holds N / K rows of every batch of N, and all of them hold the same nets. What is a mean
over the rows of a batch is the mean over the processes of the means of their rows; what is not, such as a
weight that is normalised over the batch, is computed from what the processes tell each other.
"""

from typing import Any

from torch import Tensor


class Group:
    """A process that trains alone: it knows already what the others would tell it.

    Every method must be called by all processes of a group, in the same order.

    Attributes:
        rank: the number of this process, from 0. Process 0 writes files, validates and decides.
        size: K, the number of processes.

    Example:
        >>> ALONE.size, ALONE.rows(64)
        (1, slice(0, 64, None))
    """

    rank = 0
    size = 1

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over the processes, elementwise."""
        return tensor

    def mean(self, tensor: Tensor) -> Tensor:
        """The mean over the processes, elementwise."""
        return tensor

    def average(self, tensor: Tensor) -> None:
        """Replace the elements of a contiguous tensor by their means over the processes."""

    def gathered(self, tensor: Tensor) -> Tensor:
        """The tensors of all processes by rank: (...) -> (K, ...)."""
        return tensor.unsqueeze(0)

    def copied(self, tensor: Tensor) -> Tensor:
        """The tensor of process 0."""
        return tensor

    def decided(self, number: float) -> float:
        """The number of process 0. A GPU is not waited for."""
        return number

    def told(self, value: Any) -> Any:
        """The value of process 0, anything that can be pickled."""
        return value

    def rows(self, count: int) -> slice:
        """Which rows of a batch this process holds: `count` / K of them. K divides `count`."""
        own = count // self.size
        return slice(self.rank * own, (self.rank + 1) * own)


ALONE = Group()
