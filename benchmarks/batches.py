"""What training batches of a large dataset directory cost beside a training step, from cold and warm caches.

    OMP_NUM_THREADS=1 python benchmarks/batches.py [DATA] [--batch N]

DATA is a dataset directory, such as `benchmarks/lm1b.py --keep` leaves; without it one of 30 million short
rows is made as in `benchmarks/opening.py`. Cold means that no page of its files is in memory when it is
opened, so the disk is read; warm, that the same batches were read before. The step is one of the default conv
nets with one update of the discriminator, timed in the same process. Processor time is shown beside the time
of the clock, which other programs make longer: the share of a step is the time of the clock that a batch
takes, over the processor time of a step.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from opening import made

import bgan_text as bt
from bgan_text.config import Config
from bgan_text.training.state import State
from bgan_text.training.trainer import train

BATCHES, STEPS = 60, 6
CPU = torch.device("cpu")
Times = tuple[float, float]
"""Seconds of the clock and of the processor."""


def timed(action: Callable[[], object]) -> Times:
    begun, used = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - begun, time.process_time() - used


def middle(times: list[Times]) -> Times:
    return median(clock for clock, _ in times), median(used for _, used in times)


def forget(folder: Path) -> None:
    """Write what is not on disk yet, and let the system drop all pages of the files."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def opened(folder: Path, batch: int) -> Callable[[int, int], torch.Tensor]:
    data = bt.DatasetDirectory(folder)
    data.codec()
    batches = data.batches(batch, 0, CPU)
    batches(BATCHES, 0)
    return batches


def step_times(folder: Path, batch: int) -> Times:
    """The time of a training step."""
    data = bt.DatasetDirectory(folder)
    config = Config.given({"generator": "conv", "batch": batch, "steps": STEPS})
    state, times = State.fresh(config, data.space, CPU), []
    real = data.batches(batch, 0, CPU)(0, 0)
    reports = train(state, config, lambda step, index: real, lambda state: state.step / STEPS)
    for _ in range(STEPS):
        times.append(timed(lambda: next(reports)))
    return middle(times[1:])


def measure(folder: Path, batch: int) -> None:
    forget(folder)
    found: dict[str, Times] = {}
    batches: list[Callable[[int, int], torch.Tensor]] = []
    found["opening, cold"] = timed(lambda: batches.append(opened(folder, batch)))
    found["a batch, cold"] = middle([timed(lambda at=at: batches[0](at, 0)) for at in range(BATCHES)])
    found["a batch, warm"] = middle([timed(lambda at=at: batches[0](at, 0)) for at in range(BATCHES)])
    found["opening, warm"] = timed(lambda: opened(folder, batch))
    found["a step"] = step_times(folder, batch)
    data, step = bt.DatasetDirectory(folder), found["a step"][1]
    print(f"{data.counts['train']:,} training rows of {data.space.positions}, batch {batch}")
    for name, (seconds, used) in found.items():
        share = f"{seconds / step:8.2%} of a step" if "batch" in name else ""
        print(f"{name:14} {seconds * 1e3:10.2f} ms, processor {used * 1e3:10.2f} ms {share}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--batch", type=int, default=128)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        measure(given.data or made(Path(place) / "data"), given.batch)


if __name__ == "__main__":
    main()
