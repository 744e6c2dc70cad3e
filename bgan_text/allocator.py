"""Memory that was freed is kept for the next tensor, instead of being returned and asked for again.

By default glibc returns a large tensor to the system when it is freed, and the kernel clears every page of
the next one: a quarter of the time of a training step on a CPU. The setting is that of the process, so the
library leaves it alone. A program that owns its process, such as `bgan-text`, calls `keep_freed_memory`.
"""

import ctypes
import os
from collections.abc import Mapping

# Numbers of parameters of mallopt(3), from malloc.h.
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
LARGEST_KEPT = 2**28
"""Bytes of an allocation that comes from the heap. Larger ones are returned, so that few gaps stay."""
MOST_FREE = 2**30
"""Bytes that are free at the end of the heap before some are returned."""


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Let the allocator of this process keep up to 1 GiB that was freed, for what is allocated next.

    It is for programs that train or score on a CPU, and cannot be undone. Call it before the first tensor is
    made.

    Args:
        environment: where `MALLOC_...` or `GLIBC_TUNABLES` is set, the user's own settings stay.

    Returns:
        Whether the allocator was set. False with another C library than glibc, too.

    Example:
        >>> keep_freed_memory({"MALLOC_ARENA_MAX": "1"})
        False
    """
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in environment):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return False
    settings = {MMAP_THRESHOLD: LARGEST_KEPT, TRIM_THRESHOLD: MOST_FREE}
    return bool(min(mallopt(parameter, value) for parameter, value in settings.items()))
