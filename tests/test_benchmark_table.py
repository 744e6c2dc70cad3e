"""The benchmarks of a step compare ways that have the same effect, and their table can be made."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bgan_text.config import Config
from bgan_text.space import TokenSpace
from bgan_text.training.state import State
from bgan_text.training.trainer import Trainer

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_the_literal_step_has_the_same_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from literal import LiteralUpdate

    sizes = {"batch": 4, "width": 8, "blocks": 1, "discriminator_width": 8, "discriminator_blocks": 1}
    config = Config.given(
        {"generator": "conv", "objective": "importance", "credit": "sequence", "draws": 5}
        | {"steps": 10, "precision": "float32"}
        | sizes
    )
    space, device = TokenSpace(positions=6, vocabulary=9, end=0), torch.device("cpu")
    real = [torch.randint(1, 9, (4, 6), generator=torch.Generator().manual_seed(3))]
    states = [State.fresh(config, space, device) for _ in range(2)]
    trainers = [Trainer(state, config) for state in states]
    trainers[1].update = LiteralUpdate(states[1], config)
    before = [parameter.clone() for parameter in states[0].generator.parameters()]
    reports = [[trainer.step(real, 0.0).read() for _ in range(3)] for trainer in trainers]
    for one, two in zip(*reports, strict=True):
        assert one == pytest.approx(two, rel=1e-4, abs=1e-5)
    # Not the weights: the gradient of a bias before batch normalisation is rounding, which Adam enlarges.
    noise = torch.randn(4, config.noise, generator=torch.Generator().manual_seed(4))
    for state in states:
        state.generator.eval()
        state.discriminator.eval()
    torch.testing.assert_close(*(state.generator(noise).logits for state in states), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(*(state.discriminator(real[0]) for state in states), rtol=1e-3, atol=1e-4)
    moved = zip(before, states[0].generator.parameters(), strict=True)
    assert any((one - two).abs().max() > 1e-3 for one, two in moved)


def test_the_table_has_every_row() -> None:
    pytest.importorskip("nltk")
    command = [sys.executable, str(BENCHMARKS / "table.py"), "--small"]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = made.stdout.splitlines()[2:]
    assert len(rows) == 10
    for start in (
        "conv step, float32",
        "literal one-hot",
        "the same",
        "wgan-gp",
        "memory of 20",
        "sampling, rnn",
        "`prepare`",
        "encoding alone",
        "nltk",
    ):
        assert sum(row.startswith(start) for row in rows) == 1, made.stdout
