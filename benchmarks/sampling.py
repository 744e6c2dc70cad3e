"""Tokens a second that the nets draw, beside what the nets alone would allow, for `benchmarks/table.py`.

The sizes of the rnn are those of TextGAN-PyTorch for COCO captions: 37 tokens of 4,661, 32 units. The net
alone is given tokens, so it chooses none.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from bgan_text.config import Config
from bgan_text.space import TokenSpace
from bgan_text.training.samples import SAMPLING_BATCH, drawn_rows
from bgan_text.training.state import State


class Sampler(NamedTuple):
    """A net and its sizes."""

    name: str
    settings: dict[str, Any]
    space: TokenSpace


SAMPLERS = (
    Sampler("rnn, width 32, V 4,661", {"generator": "rnn", "width": 32}, TokenSpace(37, 4661, end=0)),
    Sampler(
        "conv, width 64, V 192", {"generator": "conv", "width": 64, "blocks": 3}, TokenSpace(32, 192, end=0)
    ),
    Sampler(
        "conv, width 64, 1 block", {"generator": "conv", "width": 64, "blocks": 1}, TokenSpace(32, 192, end=0)
    ),
)


def ways(sampler: Sampler) -> tuple[Callable[[], object], Callable[[], object], int]:
    """Draw a block of samples; the net alone on as many; and the tokens of either."""
    config = Config.given({"precision": "float32", "steps": 1, "credit": "sequence"} | sampler.settings)
    space, device = sampler.space, torch.device("cpu")
    generator: Any = State.fresh(config, space, device).generator.eval()
    rng = torch.Generator().manual_seed(1)
    noise = torch.randn(SAMPLING_BATCH, generator.noise, generator=rng)
    tokens = torch.randint(space.vocabulary, (SAMPLING_BATCH, space.positions), generator=rng)

    @torch.no_grad()
    def alone() -> None:
        if not hasattr(generator, "step"):
            generator(noise)
            return
        state = generator.initial(noise)
        for position in range(space.positions):
            hidden, state = generator.step(tokens[:, position : position + 1], noise, state)
            generator.logits(hidden)

    return lambda: list(drawn_rows(generator, SAMPLING_BATCH, rng)), alone, tokens.numel()
