"""One table of ratios: how fast this package is beside a reference that is measured in the same run.

    make bench
    python benchmarks/table.py [--threads N] [--small]

Speeds of machines differ and drift, so each row is a ratio. Both sides are timed alternately, in CPU seconds
summed over threads. `--small` takes small nets, to try the script.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from bgan_text.allocator import keep_freed_memory
from bgan_text.config import Config
from bgan_text.corpora.grammar import sentences
from bgan_text.corpora.sentencepiece_tokenizer import SentencePieceTokenizer
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer
from bgan_text.training.update import resolve_precision

ROUNDS = 5
SPACE = TokenSpace(positions=32, vocabulary=192, end=0)
REFERENCE = {"width": 256, "blocks": 3, "discriminator_width": 256, "discriminator_blocks": 3, "batch": 64}
SMALL = {"width": 16, "blocks": 1, "discriminator_width": 16, "discriminator_blocks": 1, "batch": 8}
COMMON: dict[str, Any] = {"generator": "conv", "steps": 1000, "precision": "float32"}
IMPORTANCE: dict[str, Any] = {"objective": "importance", "credit": "sequence", "draws": 20}


@dataclass(frozen=True)
class Row:
    """A line of the table: what was measured, beside what, and the ratio that is to be large (or small)."""

    name: str
    ours: str
    reference: str
    ratio: str


def cpu_seconds(*ways: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """The median CPU time of each function. They are called alternately, once before it counts."""
    taken: list[list[float]] = [[] for _ in ways]
    for turn in range(rounds + 1):
        for way, times in zip(ways, taken, strict=True):
            start = time.process_time()
            way()
            if turn:
                times.append(time.process_time() - start)
    return [median(times) for times in taken]


def stepper(settings: dict[str, Any], *, literal: bool = False) -> Callable[[], object]:
    """A function that makes one training step of a new run on random tokens."""
    config = Config.given(COMMON | settings)
    state = State.fresh(config, SPACE, torch.device("cpu"))
    trainer = Trainer(state, config)
    if literal:
        from literal import LiteralUpdate

        trainer.update = LiteralUpdate(state, config)
    rng = torch.Generator().manual_seed(1)
    size = config.batch, SPACE.positions
    real = [
        torch.randint(1, SPACE.vocabulary, size, generator=rng) for _ in range(config.discriminator_steps)
    ]
    return lambda: trainer.step(real, 0.0)


def flops(way: Callable[[], object]) -> int:
    """The floating-point operations of matrix products and convolutions in one call."""
    with FlopCounterMode(display=False) as counter:
        way()
    return counter.get_total_flops()


def peak() -> tuple[Callable[[], object], Callable[[], object], int]:
    """A large float32 matrix product by BLAS and by oneDNN, and its floating-point operations.

    Some processors run one of the two at half the speed of the other; the faster one is the peak.
    """
    side = 2048
    one, two = torch.randn(side, side), torch.randn(side, side)
    onednn = torch.ops.mkldnn._linear_pointwise
    return lambda: one @ two, lambda: onednn(one, two, None, "none", [], ""), 2 * side**3


def step_rows(sizes: dict[str, Any]) -> Iterator[Row]:
    """Steps of the conv nets beside the matrix product, the literal step and wgan-gp."""
    ours, literal = stepper(sizes | IMPORTANCE), stepper(sizes | IMPORTANCE, literal=True)
    paper = stepper(sizes | IMPORTANCE | {"discriminator_draws": IMPORTANCE["draws"]}, literal=True)
    gulrajani = stepper(sizes | {"objective": "wgan-gp"})
    blas, onednn, operations = peak()
    counted = flops(ours)
    one, two, all_draws, three, *products = cpu_seconds(ours, literal, paper, gulrajani, blas, onednn)
    best = operations / min(products)
    yield Row(
        "conv step, float32, share of the matrix product's rate",
        f"{counted / one / 1e9:.0f} GFLOP/s",
        f"{best / 1e9:.0f} GFLOP/s",
        f"{counted / one / best:.2f}",
    )
    yield Row(
        "literal one-hot step / conv step", f"{one * 1e3:.0f} ms", f"{two * 1e3:.0f} ms", f"{two / one:.2f}"
    )
    yield Row(
        "the same, its discriminator learning from all draws",
        f"{one * 1e3:.0f} ms",
        f"{all_draws * 1e3:.0f} ms",
        f"{all_draws / one:.2f}",
    )
    yield Row(
        "wgan-gp step on the same nets / conv step",
        f"{one * 1e3:.0f} ms",
        f"{three * 1e3:.0f} ms",
        f"{three / one:.2f}",
    )


def precision_row(sizes: dict[str, Any]) -> Iterator[Row]:
    """The step in bfloat16, where the processor multiplies it natively."""
    if resolve_precision("auto", torch.device("cpu")) is not torch.bfloat16:
        yield Row("conv step in float32 / in bfloat16", "-", "-", "no bfloat16 here")
        return
    sizes = sizes | IMPORTANCE
    one, two = cpu_seconds(stepper(sizes | {"precision": "bfloat16"}), stepper(sizes))
    yield Row(
        "conv step in float32 / in bfloat16", f"{one * 1e3:.0f} ms", f"{two * 1e3:.0f} ms", f"{two / one:.2f}"
    )


def memory_row(sizes: dict[str, Any]) -> Iterator[Row]:
    """The memory that 20 draws take beside two, in processes of their own."""
    extra = []
    for way in ("ours", "literal"):
        command = [sys.executable, __file__, "--extra-memory", way, "--sizes", json.dumps(sizes)]
        made = subprocess.run(command, capture_output=True, text=True, check=True)
        extra.append(max(int(made.stdout), resource.getpagesize()))  # small nets may fit what is there
    yield Row(
        "memory of 20 draws beside 2, conv step / literal, all draws",
        f"{extra[0] / 2**20:.0f} MiB",
        f"{extra[1] / 2**20:.0f} MiB",
        f"{extra[0] / extra[1]:.2f}",
    )


def extra_memory(way: str, sizes: dict[str, Any]) -> int:
    """Bytes by which steps of 20 draws raise the peak of this process above that of steps of two."""
    peaks = []
    for draws in (2, IMPORTANCE["draws"]):
        settings = (
            IMPORTANCE | {"draws": draws} | ({"discriminator_draws": draws} if way == "literal" else {})
        )
        step = stepper(sizes | settings, literal=way == "literal")
        for _ in range(3):
            step()
        peaks.append(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peaks[1] - peaks[0]


def sampling_rows(count: int) -> Iterator[Row]:
    """Tokens a second of the samplers beside their nets alone."""
    from sampling import SAMPLERS, ways

    for sampler in SAMPLERS[:count]:
        draw, alone, tokens = ways(sampler)
        one, two = cpu_seconds(draw, alone)
        yield Row(
            f"sampling, {sampler.name} / the net alone",
            f"{tokens / one / 1e3:.0f} k/s",
            f"{tokens / two / 1e3:.0f} k/s",
            f"{two / one:.2f}",
        )


def tokenizer_rows(count: int) -> Iterator[Row]:
    """Preparing text by SentencePiece beside the library alone: training a model, and encoding every line."""
    import io

    import sentencepiece

    import bgan_text

    lines = list(islice(sentences(0, sys.maxsize), count))
    model = io.BytesIO()

    def raw() -> None:
        model.seek(0)
        model.truncate()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines),
            model_writer=model,
            vocab_size=8000,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).encode(lines)

    with TemporaryDirectory() as folder:
        made = (Path(folder) / str(number) for number in range(100))

        def ours() -> None:
            bgan_text.prepare(lines, tokenizer="sentencepiece", out=next(made))

        one, two = cpu_seconds(ours, raw, rounds=3)
    yield Row(
        f"`prepare` of {count:,} lines / SentencePiece alone",
        f"{one:.1f} s",
        f"{two:.1f} s",
        f"{one / two:.2f}",
    )
    tokenizer = SentencePieceTokenizer(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    encoded, alone = cpu_seconds(
        lambda: tokenizer.encode_many(lines), lambda: processor.encode(lines, num_threads=1), rounds=9
    )
    yield Row(
        "encoding alone, share of SentencePiece's rate",
        f"{count / encoded / 1e3:.0f} k/s",
        f"{count / alone / 1e3:.0f} k/s",
        f"{alone / encoded:.2f}",
    )


def score_row(samples: int, references: int) -> Iterator[Row]:
    """BLEU-5 of every sample beside nltk."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

    from bgan_text.scores import bleu

    texts = [line.split() for line in islice(sentences(0, sys.maxsize), samples + references)]
    drawn, real = texts[:samples], texts[samples:]
    smooth = SmoothingFunction().method1

    def theirs() -> None:
        for text in drawn:
            sentence_bleu(real, text, (0.2,) * 5, smooth)

    one, two = cpu_seconds(lambda: bleu(drawn, real), theirs, rounds=1)
    yield Row(
        f"nltk / BLEU-5 of {samples:,} samples, {references:,} references",
        f"{one:.2f} s",
        f"{two:.2f} s",
        f"{two / one:.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--extra-memory", choices=("ours", "literal"), help=argparse.SUPPRESS)
    parser.add_argument("--sizes", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    if given.extra_memory:
        print(extra_memory(given.extra_memory, given.sizes))
        return
    sizes = SMALL if given.small else REFERENCE
    print(f"torch {torch.__version__}, {given.threads} threads, {torch.backends.cpu.get_cpu_capability()}")
    print(f"{'':62s} {'ours':>12s} {'reference':>12s} {'ratio':>8s}")
    for rows in (
        memory_row(sizes),  # first: a process starts with the peak of its parent
        step_rows(sizes),
        precision_row(sizes),
        sampling_rows(1 if given.small else 3),
        tokenizer_rows(2_000 if given.small else 50_000),
        score_row(*((20, 100) if given.small else (100, 2_000))),
    ):
        for row in rows:
            print(f"{row.name:62s} {row.ours:>12s} {row.reference:>12s} {row.ratio:>8s}", flush=True)


if __name__ == "__main__":
    main()
