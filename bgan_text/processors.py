"""How many processors there are to use, and how threads share them with other programs."""

import os
from collections.abc import MutableMapping

SPINS = "30000"
"""How often a thread that waits looks again before it sleeps: a tenth of OpenMP's own number. Fewer slow down
the small steps of an idle machine."""


def available_processors() -> int:
    """How many processors this process may use: fewer than the machine has where it is bound to some.

    Example:
        >>> available_processors() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def wait_briefly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait for each other sleep soon, and leave their processors to what runs beside them.

    By default GNU's OpenMP, which torch has on Linux, keeps a waiting thread busy for milliseconds. On an
    idle machine that gains nothing here; where another program uses a processor, a step of two threads takes
    many times as long. It is for programs that own their process, and works before torch is imported.

    Args:
        environment: where it is set, unless the user has set how threads wait.

    Example:
        >>> variables = {}
        >>> wait_briefly(variables)
        >>> variables
        {'GOMP_SPINCOUNT': '30000'}
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", SPINS)
