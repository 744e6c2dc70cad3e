"""Speed and memory of the exact n-gram scores, compared with fast-bleu and on a million sentences.

    pip install fast-bleu==0.0.90                     # C++; without it the comparison is skipped
    python benchmarks/scores.py SENTENCES.txt         # one sentence per line, tokens separated by spaces
    python benchmarks/scores.py SENTENCES.txt --million

All implementations are timed in one process, in CPU seconds, and build a new index for every call.
`--million` generates 1,000,000 sentences of 25 tokens from the built-in grammar (one minute, not counted),
scores them in a separate process and prints its peak memory.
"""

import importlib.util
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path
from statistics import median

import numpy as np
import torch

from bgan_text.allocator import keep_freed_memory
from bgan_text.corpora.grammar import sentences
from bgan_text.corpora.sources import file_samples
from bgan_text.evaluation.coded_units import batches, coded, coded_all, coder_of
from bgan_text.scores import bleu, js, self_bleu
from bgan_text.scores.bleu import bleu_of, self_bleu_of
from bgan_text.scores.ngrams import Index, fold

ROUNDS = 5
SENTENCES, LENGTH = 1_000_000, 25
ORDERS = {order: [1 / order] * order for order in range(2, 6)}  # fast-bleu has no BLEU-1


def cpu(way: Callable[[], object]) -> float:
    """CPU seconds of one call, summed over threads."""
    start = time.process_time()
    way()
    return time.process_time() - start


def compare(texts: list[list[str]]) -> None:
    """Time the scores with the sentences as their own references, which takes as long as other references."""
    ways: dict[str, Callable[[], object]] = {
        "bleu-1..5": lambda: bleu(texts, texts),
        "self-bleu-1..5": lambda: self_bleu(texts),
        "js-1..6": lambda: js(texts, texts, window=max(map(len, texts))),
    }
    if importlib.util.find_spec("fast_bleu") is not None:
        from fast_bleu import BLEU, SelfBLEU

        ways["fast-bleu bleu-2..5"] = lambda: BLEU(texts, ORDERS).get_score(texts)
        ways["fast-bleu self-bleu-2..5"] = lambda: SelfBLEU(texts, ORDERS).get_score()
        theirs = np.array(SelfBLEU(texts, ORDERS).get_score()[5])
        apart = np.abs(theirs - self_bleu(texts)[5].each)
        print(f"difference of self-bleu-5 from fast-bleu: mean {apart.mean():.1e}, maximum {apart.max():.1e}")
    taken = {name: median(cpu(way) for _ in range(ROUNDS)) for name, way in ways.items()}
    print(f"{len(texts):,} sentences, {sum(map(len, texts)):,} tokens; CPU seconds, including the index:")
    for name, seconds in taken.items():
        print(f"  {name:26s} {seconds:6.2f}")
    for name in ("bleu", "self-bleu"):
        if f"fast-bleu {name}-2..5" in taken:
            print(
                f"  fast-bleu / ours, {name}: {taken[f'fast-bleu {name}-2..5'] / taken[f'{name}-1..5']:.1f}"
            )


def make_million(path: Path) -> None:
    """Write `SENTENCES` lines of `LENGTH` words each from the concatenated sentences of the grammar."""
    words = chain.from_iterable(map(str.split, sentences(0, sys.maxsize)))
    with path.open("w", encoding="utf-8") as file:
        for _ in range(SENTENCES):
            file.write(" ".join(islice(words, LENGTH)) + "\n")


def score_million(path: Path) -> None:
    """Compute Self-BLEU of a file, and BLEU against the same file as a stream of references."""
    start, started = time.perf_counter(), time.process_time()
    coder = coder_of(str.split)  # as `score` does, without lists of words
    (samples,) = coded_all(coder, [file_samples(str(path))])
    index = Index(samples, 5)
    itself = self_bleu_of(index)[5].value
    print(f"  self-bleu-1..5 after {time.perf_counter() - start:.0f} s: self-bleu-5 {itself:.4f}")
    folded = fold(index, (coded(coder, batch) for batch in batches(file_samples(str(path)))))
    print(f"  bleu-5 {bleu_of(index, folded)[5].value:.4f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"  both, including reading: {time.perf_counter() - start:.0f} s, "
        f"{time.process_time() - started:.0f} s of CPU time, {peak:.1f} GiB peak memory"
    )


def million() -> None:
    """Score a million sentences in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.txt"
        make_million(path)
        print(f"{SENTENCES:,} sentences of {LENGTH} tokens:", flush=True)
        subprocess.run([sys.executable, __file__, "--score-million", str(path)], check=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    keep_freed_memory()
    if sys.argv[1] == "--score-million":
        score_million(Path(sys.argv[2]))
    else:
        compare([line.split() for line in file_samples(sys.argv[1])])
        if "--million" in sys.argv[2:]:
            million()
