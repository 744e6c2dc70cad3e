"""A divergence of your own: half of Pearson's chi-squared divergence, f(u) = (u - 1)^2 / 2.

    python examples/own_divergence.py
    bgan-text train --divergence own_divergence:HALF_PEARSON      # in the folder of this file

A divergence is two functions of the score F = log p/q: the real term f'(e^F), and the fake term
e^F f'(e^F) - f(e^F).
"""

import sys
from pathlib import Path

import bgan_text as bt
from bgan_text.objectives.divergences import bounded_exp

HALF_PEARSON = bt.Divergence(
    "half-pearson",
    "half of Pearson's chi-squared divergence",
    real=lambda score: bounded_exp(score) - 1.0,
    fake=lambda score: 0.5 * (bounded_exp(2.0 * score) - 1.0),
)

if __name__ == "__main__":
    home = Path(sys.argv[1] if len(sys.argv) > 1 else "own-divergence")
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    data = bt.prepare("grammar", limit=5000, out=home / "data")
    run = bt.train(data, out=home / "run", divergence=HALF_PEARSON, steps=steps, discriminator_lr=2e-4)
    print(*run.sample(3), sep="\n")
