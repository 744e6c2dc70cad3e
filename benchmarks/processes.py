"""How much faster two processes train than one, and whether they do the same.

    python benchmarks/processes.py             # conv and rnn at the reference sizes, a few minutes
    python benchmarks/processes.py --small     # in seconds, to see that it runs

Two gloo processes with one thread each take half of every batch. Rounds of both, and of process 0 alone with
the whole batch, follow each other in the same two processes, so that what else the machine does meets all of
them. It needs two idle cores. Seconds are those of a clock; CPU seconds of process 0 show what waiting adds.
"""

import os
import sys
import time
from collections.abc import Callable
from statistics import median

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
    "rnn": {"generator": "rnn"},
    "rnn, draws": {"generator": "rnn", "credit": "sequence", "draws": 20},
}
POSITIONS, VOCABULARY = 32, 192
ROUNDS, WARM = 7, 2
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


def compare(name: str, settings: dict[str, object], group: Group) -> None:
    """Time steps of all processes beside steps of process 0 alone."""
    config = Config.given({**settings, "precision": "float32", "steps": 10**6})
    shared, alone = Steps(config, group), Steps(config, ALONE) if group.rank == 0 else None
    apart = 0.0
    for _ in range(WARM):
        numbers = shared.one()
        if alone is not None:
            expected = alone.one()
            apart = max(abs(numbers[key] - expected[key]) / max(1e-2, abs(expected[key])) for key in expected)
    taken = seconds(alone.one)[0] if alone is not None else 0.0
    count = max(1, round(SECONDS / max(1e-9, group.decided(taken))))
    rows = []
    for _ in range(ROUNDS):
        one = seconds(lambda: alone.several(count)) if alone is not None else (0.0, 0.0)
        group.decided(0.0)  # the others wait here
        both = seconds(lambda: shared.several(count))
        rows.append((*one, *both))
    if group.rank == 0:
        of_one, cpu_of_one, of_both, cpu_of_both = (median(column) for column in zip(*rows, strict=True))
        ratios = sorted(one / both for one, _, both, _ in rows)
        print(
            f"{name:11s} {config.batch * count / of_one:9.1f} {config.batch * count / of_both:9.1f} "
            f"{median(ratios):6.2f} {ratios[0]:5.2f}..{ratios[-1]:.2f} {cpu_of_one / cpu_of_both:8.2f} "
            f"{apart:10.1e}",
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
            print("samples a second, one thread each; difference: of all numbers after two steps")
            print("                  one       two  ratio     rounds      CPU difference")
        for name, kind in KINDS.items():
            compare(name, {**sizes, **kind}, group)


if __name__ == "__main__":
    main()
