"""What `score` and `sample` take as their numbers grow, and what a vocabulary of 32,000 tokens takes.

    OMP_NUM_THREADS=1 python benchmarks/scale.py score [--largest 1000000] [--tokenize char]
    OMP_NUM_THREADS=1 python benchmarks/scale.py sample [--largest 100000] [--processes 2]
    OMP_NUM_THREADS=1 python benchmarks/scale.py vocabulary

`score`: sentences of the built-in grammar against as many others, from 1,000 on, each in a command of its
own. `sample`: a command for each number of samples, from the nets of the library's defaults after one step;
then the share of the processor's time that is not spent in the net. `vocabulary`: the peak memory of training
on a vocabulary of 32,000 tokens. All times are of the processor, summed over processes and threads, beside
those of the clock, which other programs make longer. "Growth" is by what a row exceeds the one before, less
what starting the command takes.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import bgan_text as bt
from bgan_text import sampling_blocks
from bgan_text.corpora.grammar import sentences
from bgan_text.sampling_options import SamplingOptions

NETS: dict[str, dict[str, Any]] = {
    "rnn": {},
    "transformer": {"generator": "transformer"},
    "conv": {"preset": "bgan"},
}
VOCABULARY, LENGTH = 32_000, 32
LARGE: dict[str, dict[str, Any]] = {
    "conv, 100 draws": {"preset": "bgan", "draws": 100},
    "rnn, token credit": {},
}
COMMAND = [sys.executable, "-m", "bgan_text.cli"]
ROUNDS = 5
SEEN = 0.2
"""Seconds beyond what starting takes that are told from its noise."""


@dataclass(frozen=True)
class Taken:
    """Seconds of the processor and of the clock, and GiB at the peak of the largest process."""

    cpu: float
    clock: float
    memory: float


def taken(command: list[str]) -> Taken:
    """What a command takes. It has to succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(said.decode())
    return Taken(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 2**20)


def sizes(smallest: int, largest: int) -> Iterator[int]:
    """Powers of ten from the smallest on, and the largest."""
    size = smallest
    while size < largest:
        yield size
        size *= 10
    yield largest


def table(rows: dict[int, Taken], idle: float) -> None:
    """A row for each number; `idle` is what the command takes for nothing."""
    print(f"{'number':>12} {'cpu s':>8} {'clock s':>8} {'GiB':>6} {'per million':>12} {'growth':>7}")
    own = {size: max(0.0, row.cpu - idle) for size, row in rows.items()}
    growth = {size: own[size] / own[less] for less, size in pairwise(rows) if own[less] > SEEN}
    for size, row in rows.items():
        each = own[size] / size * 1e6
        grown = f"{growth[size]:6.1f}x" if size in growth else ""
        print(f"{size:12,} {row.cpu:8.2f} {row.clock:8.2f} {row.memory:6.2f} {each:10.2f} s {grown:>7}")


def score(folder: Path, largest: int, units: str) -> None:
    """Time `score` of more and more sentences."""
    paths = [folder / name for name in ("samples.txt", "real.txt")]
    rows = {}
    one = write(folder, 100)
    idle = median(taken([*COMMAND, "score", str(one[0]), "--reference", str(one[1])]).cpu for _ in range(3))
    for size in sizes(1000, largest):
        write(folder, size)
        rows[size] = taken(
            [*COMMAND, "score", str(paths[0]), "--reference", str(paths[1]), "--tokenize", units]
        )
    print(f"score, {units}; starting it takes {idle:.2f} s of the processor")
    table(rows, idle)


def write(folder: Path, size: int) -> list[Path]:
    """Two files of so many sentences."""
    paths = [folder / name for name in ("samples.txt", "real.txt")]
    for seed, path in enumerate(paths):
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text in sentences(seed, size))
    return paths


def sample(folder: Path, largest: int, processes: int | None) -> None:
    """Time `sample` of more and more samples, and its share outside the net."""
    data = bt.prepare("grammar", out=folder / "data", limit=5000)
    for name, settings in NETS.items():
        run = bt.train(data, out=folder / name, steps=1, device="cpu", precision="float32", **settings)
        base = [*COMMAND, "sample", str(run.folder), "--device", "cpu", "--out", str(folder / "out.txt")]
        if processes is not None:
            base += ["--processes", str(processes)]
        idle = taken([*base, "--n", "1"]).cpu
        rows = {size: taken([*base, "--n", str(size)]) for size in sizes(1000, largest)}
        print(f"sample, {name}; starting it takes {idle:.2f} s of the processor")
        table(rows, idle)
        print(f"  {median(outside(run) for _ in range(ROUNDS)):.1%} of the time is outside the net")


def outside(run: Any, count: int = 2048) -> float:
    """The share of the processor's time of sampling to a file that is not spent in the net and its draws."""
    inside, drawn = [0.0], sampling_blocks.drawn_rows
    sampling_blocks.drawn_rows = lambda net, *others: drawn(Timed(net, inside), *others)
    try:
        start = time.process_time()
        with Path(os.devnull).open("w", encoding="utf-8") as file:
            file.writelines(f"{text}\n" for text, _ in run.stream(SamplingOptions(count=count, processes=1)))
        return 1.0 - inside[0] / (time.process_time() - start - loading(run))
    finally:
        sampling_blocks.drawn_rows = drawn


def loading(run: Any) -> float:
    """Seconds until the first sample, less a block of samples."""
    start = time.process_time()
    sampling_blocks.BlockSampler(run._run, SamplingOptions(processes=1), torch.device("cpu"))
    return time.process_time() - start


class Timed:
    """A generator whose time is added up, and so is that of the draws."""

    def __init__(self, net: Any, inside: list[float]) -> None:
        self.net, self.inside = net, inside
        self.noise, self.space = net.noise, net.space

    def __call__(self, noise: torch.Tensor) -> "Timed":
        self.conditional = self._timed(self.net, noise)
        return self

    def sample(self, *given: Any) -> torch.Tensor:
        """As of the distribution."""
        rows: torch.Tensor = self._timed(self.conditional.sample, *given)
        return rows

    def _timed(self, call: Callable[..., Any], *given: Any) -> Any:
        start = time.process_time()
        found = call(*given)
        self.inside[0] += time.process_time() - start
        return found


def vocabulary(folder: Path) -> None:
    """The peak memory of a few steps with a large vocabulary."""
    rng = np.random.default_rng(0)
    rows = rng.integers(1, VOCABULARY, (2000, LENGTH))
    data = bt.prepare(rows, vocabulary=VOCABULARY, out=folder / "large")
    print(f"training with {VOCABULARY:,} tokens, {LENGTH} positions")
    for number, (name, settings) in enumerate(LARGE.items()):
        given = {"steps": 3, "device": "cpu", "precision": "float32", "evaluate_every": 1000, **settings}
        out = str(folder / str(number))
        code = f"import bgan_text as bt; bt.train({str(data.folder)!r}, out={out!r}, **{given!r})"
        found = taken([sys.executable, "-c", code])
        print(f"  {name:20} {found.memory:5.2f} GiB at the peak, {found.cpu:.0f} s of the processor")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("score", "sample", "vocabulary"))
    parser.add_argument("--largest", type=int, default=100_000)
    parser.add_argument("--tokenize", default="whitespace")
    parser.add_argument("--processes", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        if given.what == "score":
            score(Path(name), given.largest, given.tokenize)
        elif given.what == "sample":
            sample(Path(name), given.largest, given.processes)
        else:
            vocabulary(Path(name))


if __name__ == "__main__":
    main()
