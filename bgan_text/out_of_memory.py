"""What fails for want of memory, told by its cause."""

from collections.abc import Iterator
from contextlib import contextmanager

from bgan_text.errors import UserError

TOLD = ("out of memory", "not enough memory", "allocate memory", "malloc of size", "alloc_failed")
"""How torch, the libraries of a GPU and pyarrow tell it in errors of their own."""


class OutOfMemoryError(UserError):
    """There is not enough memory for what was asked for."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left; torch raises a RuntimeError whose text tells."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in text for words in TOLD)
    )


@contextmanager
def out_of_memory(doing: str, remedy: str) -> Iterator[None]:
    """Tell what needed too much memory, and what makes it less.

    Args:
        doing: what fails, such as "in a training step".
        remedy: what helps, such as "lower `batch`".

    Raises:
        OutOfMemoryError: there was not enough memory within.

    Example:
        >>> with out_of_memory("in a training step", "lower `batch`"):
        ...     raise MemoryError
        Traceback (most recent call last):
        bgan_text.out_of_memory.OutOfMemoryError: out of memory in a training step: lower `batch`
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(f"out of memory {doing}: {remedy}") from error
