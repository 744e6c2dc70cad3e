"""How many processors there are to use."""

import os


def available_processors() -> int:
    """How many processors this process may use: fewer than the machine has where it is bound to some.

    Example:
        >>> available_processors() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
