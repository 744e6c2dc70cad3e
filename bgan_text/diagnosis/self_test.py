"""A short training in memory, with the settings of the demo: whether it works, and how fast."""

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from bgan_text.batch import Batch
from bgan_text.config import Config
from bgan_text.corpora.grammar import sentences
from bgan_text.corpora.tokenizer import END, UNKNOWN, train_tokenizer
from bgan_text.errors import UserError
from bgan_text.reporter import SILENT, Reporter
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer
from bgan_text.training.update import resolve_precision

SETTINGS = {"divergence": "js", "minutes": 4.8}
"""Of `make demo`."""
DEMO_STEPS = 4_915
"""That the demo of the README made, in float32."""
REFERENCE_RATE, REFERENCE = 17.0, "two cores of an AMD EPYC, float32"
"""Steps a second of two further runs of the demo with nothing else to do there, see the README."""
SENTENCES, POSITIONS = 5_000, 24
FIRST_SECONDS = 1.0
"""Steps that are not timed: they load kernels and allocate memory."""
SECONDS = 10.0


@dataclass(frozen=True)
class Speed:
    """What a short training has shown.

    Attributes:
        device: on which it ran.
        precision: of its products, "float32" or "bfloat16".
        steps: how many were timed.
        rate: steps a second.
        bound: the last value of what the discriminator ascends.
        demo_minutes: how long the demo's steps would take at this rate.
    """

    device: str
    precision: str
    steps: int
    rate: float
    bound: float
    demo_minutes: float


def self_test(device: torch.device, seconds: float = SECONDS, reporter: Reporter = SILENT) -> Speed:
    """Train on sentences of the built-in grammar for a few seconds. Nothing is written.

    Args:
        device: where.
        seconds: how long the steps are timed, above 0.
        reporter: receives progress.

    Raises:
        UserError: a loss is not finite.

    Example:
        >>> self_test(torch.device("cpu"), seconds=0.1).steps > 0
        True
    """
    rows, space = _rows(device)
    config = Config.given(SETTINGS)
    trainer = Trainer(State.fresh(config, space, device), config)
    rng = torch.Generator().manual_seed(0)

    def step() -> float:
        real: list[Batch] = [_batch(rows, config.batch, rng) for _ in range(config.discriminator_steps)]
        numbers = trainer.step(real, 0.0).read()  # which waits for the device
        if wrong := [name for name, value in numbers.items() if not math.isfinite(value)]:
            raise UserError(f"{', '.join(wrong)} of a training step is not finite")
        return numbers["bound"]

    with reporter.task("training on the built-in grammar", "seconds") as progress:
        begin = time.perf_counter()
        step()
        while time.perf_counter() - begin < min(FIRST_SECONDS, seconds):
            step()
        begin, steps, elapsed = time.perf_counter(), 0, 0.0
        while elapsed < seconds:
            bound = step()
            steps += 1
            elapsed = time.perf_counter() - begin
            progress(min(int(elapsed), int(seconds)), int(seconds))
    precision = str(resolve_precision(config.precision, device)).removeprefix("torch.")
    rate = steps / elapsed
    return Speed(str(device), precision, steps, rate, bound, DEMO_STEPS / rate / 60.0)


def _rows(device: torch.device) -> tuple[Tensor, TokenSpace]:
    """Sentences of the grammar as rows, with the vocabulary and length of the demo."""
    texts = list(sentences(0, SENTENCES))
    tokenizer = train_tokenizer("word", texts, None)
    space = TokenSpace(POSITIONS, tokenizer.vocabulary, end=END, absent=UNKNOWN)
    rows = torch.full((SENTENCES, POSITIONS), END)
    for row, text in zip(rows, texts, strict=True):
        tokens = torch.tensor(tokenizer.encode(text)[:POSITIONS])
        row[: len(tokens)] = tokens
    return rows.to(device), space


def _batch(rows: Tensor, count: int, rng: torch.Generator) -> Tensor:
    return rows[torch.randint(len(rows), (count,), generator=rng).to(rows.device)]
