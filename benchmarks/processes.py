"""How much faster two processes train than one, and whether they do the same.

    python benchmarks/processes.py             # conv and rnn at the reference sizes, a few minutes
    python benchmarks/processes.py --double    # also with twice the batch: each has as many rows as one
    python benchmarks/processes.py --small     # in seconds, to see that it runs

Two gloo processes with one thread each share every batch. Rounds of both, and of process 0 alone with the
same batch, follow each other in the same two processes, so that what else the machine does meets all of them.
It needs two idle cores. The ratio is that of samples a second by a clock; that by CPU seconds of process 0
leaves out what it waits for.
"""

import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import torch

from bgan_text.allocator import keep_freed_memory
from bgan_text.config import Config
from bgan_text.group import ALONE, Group
from bgan_text.launch import launch
from bgan_text.processes import joined
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

CPU = torch.device("cpu")
PROCESSES = 2
REFERENCE = {"width": 256, "discriminator_width": 256, "blocks": 3, "discriminator_blocks": 3, "batch": 64}
SMALL = {"width": 32, "discriminator_width": 32, "blocks": 1, "discriminator_blocks": 1, "batch": 16}
KINDS = {
    "conv": {"generator": "conv", "draws": 20},
    "rnn": {"generator": "rnn", "credit": "sequence", "draws": 20},
    "rnn, token": {"generator": "rnn"},
}
"""The last is the default for text. It draws nothing, and its steps are an eighth as long."""
POSITIONS, VOCABULARY = 32, 192
ROUNDS, WARM = 5, 2
COMPARED = {"bound", "generator_gradient", "discriminator_gradient"}
"""The numbers of a step that are compared; others may be near 0."""
SECONDS = 2.0
"""What a round of one process takes at least."""


class Steps:
    """Makes steps of a training on random rows; each process of the group takes its own."""

    def __init__(self, config: Config, group: Group) -> None:
        self.config, self.group = config, group
        state = State.fresh(config, TokenSpace(POSITIONS, VOCABULARY, end=None), CPU, group=group)
        self.trainer = Trainer(state, config)

    def one(self) -> dict[str, float]:
        rng = torch.Generator().manual_seed(self.trainer.state.step)
        rows = torch.randint(VOCABULARY, (self.config.batch, POSITIONS), generator=rng)
        return self.trainer.step([rows[self.group.rows(self.config.batch)]], 0.1).read()

    def several(self, count: int) -> None:
        for _ in range(count):
            self.one()


def seconds(way: Callable[[], object]) -> tuple[float, float]:
    """Seconds of a clock and of the processor that a call takes."""
    clock, processor = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - clock, time.process_time() - processor


def difference(shared: Steps, alone: Steps | None) -> float:
    """How far, relatively, numbers of the first steps of all processes are from those of one.

    A draw that rounding tips the other way adds about one part in the number of draws.
    """
    apart = 0.0
    for _ in range(WARM):
        numbers = shared.one()
        expected = {} if alone is None else alone.one()
        for key in COMPARED & expected.keys():
            apart = max(apart, abs(numbers[key] - expected[key]) / max(1e-3, abs(expected[key])))
    return apart


def compare(name: str, settings: dict[str, Any], group: Group, times: int) -> None:
    """Time steps of all processes, with so many times the batch, beside steps of process 0 alone."""
    config, larger = (
        Config.given(
            {**settings, "batch": settings["batch"] * factor, "precision": "float32", "steps": 10**6}
        )
        for factor in (1, times)
    )
    first, shared = group.rank == 0, Steps(larger, group)
    apart = difference(shared, Steps(larger, ALONE) if first else None)
    alone = Steps(config, ALONE) if first else None
    taken = seconds(lambda: alone.several(WARM))[0] / WARM if alone is not None else 0.0
    count = max(1, round(SECONDS / max(1e-9, group.decided(taken))))
    rows = []
    for _ in range(ROUNDS):
        one = seconds(lambda: alone.several(count)) if alone is not None else (0.0, 0.0)
        group.decided(0.0)  # the others wait here
        both = seconds(lambda: shared.several(count))
        rows.append((*one, *both))
    if first:
        of_one, cpu_of_one, of_both, cpu_of_both = (median(column) for column in zip(*rows, strict=True))
        ratios = sorted(times * one / both for one, _, both, _ in rows)
        print(
            f"{name:11s} {larger.batch:5d} {config.batch * count / of_one:8.1f} "
            f"{larger.batch * count / of_both:8.1f} {median(ratios):6.2f} {ratios[0]:5.2f}..{ratios[-1]:.2f} "
            f"{times * cpu_of_one / cpu_of_both:6.2f} {apart:10.1e}",
            flush=True,
        )


def main() -> None:
    if "RANK" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = "1"
        sys.exit(launch([sys.executable, *sys.argv], PROCESSES))
    torch.set_num_threads(1)
    keep_freed_memory()
    sizes = SMALL if "--small" in sys.argv else REFERENCE
    with joined("cpu") as (group, _):
        if group.rank == 0:
            print("samples a second, one thread each; difference: of the bound and both gradient norms")
            print("            batch      one      two  ratio     rounds    CPU difference")
        for name, kind in KINDS.items():
            for times in (1, PROCESSES) if "--double" in sys.argv else (1,):
                compare(name, {**sizes, **kind}, group, times)


if __name__ == "__main__":
    main()
