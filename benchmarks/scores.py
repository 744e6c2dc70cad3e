"""Speed and memory of the exact n-gram scores, beside fast-bleu and on a million sentences.

    pip install fast-bleu==0.0.90                     # C++; the comparison is left out without it
    python benchmarks/scores.py SENTENCES.txt         # a sentence a line, tokens between spaces
    python benchmarks/scores.py SENTENCES.txt --million

CPU seconds are taken in one process, the ways taking turns; every index is made anew. `--million` makes
1,000,000 sentences of 25 tokens with the built-in grammar (a minute, not counted) and scores them in a
process of its own, whose peak memory it prints.
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

from bgan_text.corpora.grammar import sentences
from bgan_text.corpora.sources import text_lines
from bgan_text.scores import bleu, js, self_bleu
from bgan_text.scores.bleu import bleu_of, self_bleu_of
from bgan_text.scores.ngrams import Index, fold
from bgan_text.scores.sequences import Numbering, chunks

ROUNDS = 5
SENTENCES, LENGTH = 1_000_000, 25
ORDERS = {order: [1 / order] * order for order in range(2, 6)}  # fast-bleu has no BLEU-1


def cpu(way: Callable[[], object]) -> float:
    """CPU seconds of one call, all threads together."""
    start = time.process_time()
    way()
    return time.process_time() - start


def compare(texts: list[list[str]]) -> None:
    """BLEU and Self-BLEU of the sentences, against themselves: the time is that of other references."""
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
        print(f"self-bleu-5 apart from fast-bleu's: mean {apart.mean():.1e}, at most {apart.max():.1e}")
    taken = {name: median(cpu(way) for _ in range(ROUNDS)) for name, way in ways.items()}
    print(f"{len(texts):,} sentences, {sum(map(len, texts)):,} tokens; CPU seconds, index included:")
    for name, seconds in taken.items():
        print(f"  {name:26s} {seconds:6.2f}")
    for name in ("bleu", "self-bleu"):
        if f"fast-bleu {name}-2..5" in taken:
            print(
                f"  fast-bleu / ours, {name}: {taken[f'fast-bleu {name}-2..5'] / taken[f'{name}-1..5']:.1f}"
            )


def make_million(path: Path) -> None:
    """A line per 25 words of the grammar's endless text."""
    words = chain.from_iterable(map(str.split, sentences(0, sys.maxsize)))
    with path.open("w", encoding="utf-8") as file:
        for _ in range(SENTENCES):
            file.write(" ".join(islice(words, LENGTH)) + "\n")


def score_million(path: Path) -> None:
    """Self-BLEU of a file, and BLEU against the same file as it streams past."""
    start, started = time.perf_counter(), time.process_time()
    numbering = Numbering()
    index = Index(numbering.add(line.split() for line in text_lines(path)), 5)
    itself = self_bleu_of(index)[5].value
    print(f"  self-bleu-1..5 after {time.perf_counter() - start:.0f} s: self-bleu-5 {itself:.4f}")
    folded = fold(index, map(numbering.look_up, chunks(line.split() for line in text_lines(path))))
    print(f"  bleu-5 {bleu_of(index, folded)[5].value:.4f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"  both, reading included: {time.perf_counter() - start:.0f} s, "
        f"{time.process_time() - started:.0f} s of CPU, {peak:.1f} GiB at most"
    )


def million() -> None:
    """Score a million sentences in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "million.txt"
        make_million(path)
        print(f"{SENTENCES:,} sentences of {LENGTH} tokens:", flush=True)
        subprocess.run([sys.executable, __file__, "--score-million", str(path)], check=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "--score-million":
        score_million(Path(sys.argv[2]))
    else:
        compare([line.split() for line in text_lines(Path(sys.argv[1]))])
        if "--million" in sys.argv[2:]:
            million()
