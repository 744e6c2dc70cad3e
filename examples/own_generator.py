"""A generator of your own: each position is drawn from logits that are linear in the noise.

    python examples/own_generator.py
    bgan-text train --generator own_generator:LinearGenerator      # in the folder of this file

`forward` returns a distribution over samples. `FactorisedDistribution` draws all positions independently
given the noise, and works with every objective but `mle`.
"""

import sys
from pathlib import Path

import torch

import bgan_text as bt
from bgan_text.models.distributions import FactorisedDistribution


class LinearGenerator(torch.nn.Module):
    """Noise (N, Z) -> logits (N, L, V) of all positions."""

    def __init__(self, space: bt.TokenSpace, config: bt.Config) -> None:
        super().__init__()
        self.space, self.noise = space, config.noise
        self.logits = torch.nn.Linear(config.noise, space.positions * space.vocabulary)

    def forward(self, noise: torch.Tensor) -> FactorisedDistribution:
        logits = self.logits(noise).unflatten(1, (self.space.positions, self.space.vocabulary))
        return FactorisedDistribution(logits)


if __name__ == "__main__":
    home = Path(sys.argv[1] if len(sys.argv) > 1 else "own-generator")
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    data = bt.prepare("grammar", limit=5000, out=home / "data")
    run = bt.train(data, out=home / "run", generator=LinearGenerator, steps=steps)
    print(*run.sample(3), sep="\n")
