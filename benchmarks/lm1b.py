"""Time, memory and rates of every stage from a corpus as large as the One Billion Word benchmark to batches.

    OMP_NUM_THREADS=1 python benchmarks/lm1b.py [LINES] [FOLDER] [--processes K ...] [--options=...]

The corpus is made in the layout of the benchmark's archive: 100 shards for training and 50 that are held out.
Half of its lines are the beginning of one sentence and the end of another, out of the files (one sentence a
line) that the environment variable LM1B_SENTENCES names, separated by `:`, or else of the grammar; the others
are two sentences of the grammar. A line is about as long as those of the benchmark, but there are far fewer
different words. LINES is 300,000 unless it is given. The benchmark has 30,300,000, for which FOLDER needs
25 GB.

Each preparation runs in a process of its own. The peak of its memory is the largest resident set of that
process and, where /proc tells it, of its largest worker. Nothing is extrapolated.
"""

import argparse
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import bgan_text as bt
from bgan_text.corpora.grammar import sentences
from bgan_text.reporter import Progress, Reporter

TRAINING, HELD_OUT = 100, 50
HELD_OUT_SHARE = 100
"""One line in so many is held out, as in the benchmark."""
POOL = 100_000
BLOCK = 100_000
RECIPES = {
    "char": {"tokenizer": "char", "length": 128, "overlong": "cut"},
    "word": {"tokenizer": "word", "vocabulary": 20_000, "length": 32, "overlong": "cut"},
    "sentencepiece": {"tokenizer": "sentencepiece", "vocabulary": 8000, "length": 32, "overlong": "cut"},
}


def lines(count: int, real: list[str], seed: int = 0) -> Iterator[str]:
    """Sentences, nearly all of them different."""
    rng, made = random.Random(seed), list(sentences(seed, POOL))
    halves = [text.split(" ") for text in real or made]
    heads = [" ".join(words[: len(words) // 2]) for words in halves]
    tails = [" ".join(words[len(words) // 2 :]) for words in halves]
    choose = rng.choices
    for start in range(0, count, BLOCK):
        number = min(BLOCK, count - start)
        spliced = zip(choose(heads, k=number), choose(tails, k=number), strict=True)
        joined = zip(choose(made, k=number), choose(made, k=number), strict=True)
        for two in islice((pair for both in zip(spliced, joined, strict=True) for pair in both), number):
            yield " ".join(two)


def make_corpus(folder: Path, count: int) -> Path:
    """Write the shards of a corpus."""
    files = filter(None, os.environ.get("LM1B_SENTENCES", "").split(":"))
    real = [line for file in files for line in Path(file).read_text("utf-8").splitlines() if line.strip()]
    held = count // HELD_OUT_SHARE
    texts = lines(count, real)
    for name, shards, number in (
        ("heldout-monolingual.tokenized.shuffled/news.en.heldout-{:05}-of-00050", HELD_OUT, held),
        ("training-monolingual.tokenized.shuffled/news.en-{:05}-of-00100", TRAINING, count - held),
    ):
        for shard in range(shards):
            path = folder / name.format(shard)
            path.parent.mkdir(parents=True, exist_ok=True)
            share = number // shards + (shard < number % shards)
            with path.open("w", encoding="utf-8") as file:
                file.writelines(text + "\n" for text in islice(texts, share))
    return folder


class Stages(Reporter):
    """Notes the time of each stage, and the largest memory until its end."""

    def __init__(self) -> None:
        self.found: list[dict[str, float | str]] = []
        self.worker = 0.0

    @contextmanager
    def task(self, title: str, unit: str = "") -> Iterator[Progress]:
        begun, done = time.perf_counter(), 0

        def progress(reached: int, total: int | None) -> None:
            nonlocal done
            done = reached

        yield progress
        self.worker = max([self.worker, *map(peak, children())])
        self.found.append({"stage": title, "seconds": time.perf_counter() - begun, "done": done})


def children() -> list[str]:
    """The processes that this one has started, where the system tells them."""
    return [pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]


def peak(pid: str) -> float:
    """The largest resident set of a process so far, in MiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


def prepared(corpus: str, out: str, options: str) -> None:
    """Prepare a corpus in this process, and print what each stage took."""
    stages, begun = Stages(), time.perf_counter()
    data = bt.prepare("lm1b", path=corpus, out=out, reporter=stages, **json.loads(options))
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        json.dumps(
            {
                "stages": stages.found,
                "seconds": time.perf_counter() - begun,
                "processor": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
                "memory": own.ru_maxrss / 1024,
                "worker": stages.worker,
                "counts": data.counts,
                "signature": data.signature,
                "bytes": sum(file.stat().st_size for file in Path(out).rglob("*") if file.is_file()),
            }
        )
    )


def report(name: str, processes: int, lines: int, told: dict) -> None:
    """Print a table of one preparation."""
    print(
        f"\n{name}, {processes} processes: {told['seconds']:.0f} s, {told['processor']:.0f} s of processors"
    )
    print(
        f"{lines / told['seconds']:,.0f} lines/s; at most {told['memory']:.0f} MB in the main process, "
        f"{told['worker']:.0f} MB in a worker; {told['bytes'] / 1e9:.2f} GB written; {told['signature']}"
    )
    for stage in told["stages"]:
        rate = stage["done"] / max(1e-9, stage["seconds"])
        print(f"    {stage['stage']:10} {stage['seconds']:8.1f} s {rate:12,.0f} lines/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("lines", type=int, nargs="?", default=300_000)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=list(RECIPES))
    parser.add_argument("--keep", action="store_true", help="leave the corpus and the data in FOLDER")
    given = parser.parse_args()
    place = tempfile.mkdtemp(dir=given.folder)
    try:
        begun = time.perf_counter()
        corpus = make_corpus(Path(place) / "corpus", given.lines)
        size = sum(file.stat().st_size for file in corpus.rglob("news*"))
        took = time.perf_counter() - begun
        print(f"{given.lines:,} lines, {size / 1e9:.2f} GB, made in {took:.0f} s: {corpus}", flush=True)
        for name in given.recipes:
            for processes in given.processes:
                options = json.dumps(RECIPES[name] | {"processes": processes, "overwrite": True})
                command = [sys.executable, __file__, "--prepare", str(corpus), f"{place}/{name}", options]
                out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                report(name, processes, given.lines, json.loads(out))
    finally:
        if not given.keep:
            shutil.rmtree(place)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--prepare"]:
        prepared(*sys.argv[2:])
    else:
        main()
