"""Speed and memory of a training step and its parts, compared with simpler implementations.

    python benchmarks/training.py

The implementations are timed alternately in one process, so that drift of the machine's speed does not bias
the ratios.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor, nn

from bgan_text.config import Config
from bgan_text.models.discriminators import ConvolutionalDiscriminator
from bgan_text.models.distributions import FactorisedDistribution
from bgan_text.models.sampling import log_prob
from bgan_text.space import TokenSpace
from bgan_text.training.samples import sample_rows
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

DRAWS, BATCH, POSITIONS, VOCABULARY, WIDTH = 20, 64, 32, 100, 64
ROUNDS = 7


def seconds(*ways: Callable[[], object]) -> list[float]:
    """Median time of each function. The functions are called alternately."""
    for way in ways:
        way()
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, taken in zip(ways, times, strict=True):
            start = time.perf_counter()
            way()
            taken.append(time.perf_counter() - start)
    return [median(taken) for taken in times]


class PlainDiscriminator(nn.Module):
    """The same network with one-dimensional convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.first = nn.Conv1d(WIDTH, WIDTH, 5, padding=2)
        self.convolutions = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 5, padding=2) for _ in range(4))
        self.dense = nn.Linear(POSITIONS * WIDTH, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.first(self.embedding(tokens).transpose(1, 2))
        for one, two in (self.convolutions[:2], self.convolutions[2:]):
            activation = nn.functional.leaky_relu
            x = x + 0.3 * two(activation(one(activation(x, 0.2)), 0.2))
        scores: Tensor = self.dense(nn.functional.leaky_relu(x, 0.2).flatten(1)).squeeze(1)
        return scores


@torch.no_grad()
def scoring() -> None:
    tokens = torch.randint(VOCABULARY, (DRAWS * BATCH, POSITIONS))
    plain = PlainDiscriminator()
    ours = ConvolutionalDiscriminator(
        TokenSpace(POSITIONS, VOCABULARY), width=WIDTH, blocks=2, spectral=True
    ).eval()

    def low_precision() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            ours(tokens)

    one, two, three = seconds(lambda: plain(tokens), lambda: ours(tokens), low_precision)
    print(f"scoring {DRAWS} x {BATCH} draws: 1-D convolutions, float32 {one * 1e3:.1f} ms; ", end="")
    print(f"channels-last {one / two:.2f} times as fast, bfloat16 {one / three:.2f} times as fast")


def losses() -> None:
    tokens = torch.randint(8000, (DRAWS, BATCH, POSITIONS))
    weights = torch.rand(DRAWS, BATCH).softmax(0)
    logits = torch.randn(BATCH, POSITIONS, 8000, requires_grad=True)

    def histogram() -> None:
        (-FactorisedDistribution(logits).weighted_log_prob(tokens, weights)).backward()

    def gathered() -> None:
        (-(weights * log_prob(logits, tokens)).sum() / BATCH).backward()

    one, two = seconds(gathered, histogram)
    print(
        f"importance loss, vocabulary of 8,000: gather {one * 1e3:.1f} ms, "
        f"histogram {one / two:.2f} times as fast"
    )


def step_rate(generator: str, objective: str) -> None:
    config = Config.given({"generator": generator, "objective": objective, "steps": 1000})
    state = State.fresh(config, TokenSpace(POSITIONS, VOCABULARY, end=0), torch.device("cpu"))
    trainer = Trainer(state, config)
    real = [torch.randint(VOCABULARY, (BATCH, POSITIONS))]
    (one,) = seconds(lambda: trainer.step(real, 0.0))
    print(f"training, {generator} {config.title}, vocabulary of {VOCABULARY}: {1 / one:.1f} steps per second")


def memory(generator: str) -> None:
    """Print the peak memory of training with a vocabulary of 8,000, measured in a separate process."""
    code = f"import training; training.train_pieces({generator!r})"
    made = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sys.path[0]
    )
    print(f"training, {generator}, vocabulary of 8,000: {made.stdout.strip()}")


def train_pieces(generator: str) -> None:
    config = Config.given({"generator": generator, "steps": 1000})
    state = State.fresh(config, TokenSpace(POSITIONS, 8000, end=0), torch.device("cpu"))
    trainer = Trainer(state, config)
    start = time.perf_counter()
    for _ in range(3):
        trainer.step([torch.randint(8000, (BATCH, POSITIONS))], 0.0)
    rate = (time.perf_counter() - start) / 3
    for _ in sample_rows(state.sampler(), 1000, 0, state.device):  # as in an evaluation
        pass
    print(
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.2f} GiB peak memory, "
        f"{rate:.2f} s per step"
    )


if __name__ == "__main__":
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    scoring()
    losses()
    for kind in (("conv", "importance"), ("rnn", "importance"), ("rnn", "mle")):
        step_rate(*kind)
    for name in ("conv", "rnn"):
        memory(name)
